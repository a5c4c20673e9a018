# Two commands do everything, set-up included: `make demo` and `make test`. README.md says more.
# Nothing here reads standard input. Only `setup` (and `lock`) use the network.

PYTHON ?= python3
PY := .venv/bin/python
POC_LINT := poc tools tests $(wildcard server.py)
# Foreign test vectors lie outside the repository; this makes the tests go without them.
NO_VECTORS := POC_VECTORS=absent

# Tests and demo start programs by the dozen: each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test test-core test-all test-long bench check format schemas docs-tables lock clean

help: ## what can be made
	@sed -nE 's/^([a-z-]+):.*## /\1\t/p' Makefile | expand -t 14

setup: ## .venv with the locked packages and this project; quick when nothing changed
	@$(PYTHON) tools/set_up.py </dev/null

# make hands variables of its command line on by itself. One silent command: the demo's last line is the last line.
demo: setup ## the main job on real processes; DEMO_DIR= PORT= ONCE=1 ATTACH=
	@exec $(PY) -m poc.demo </dev/null

test: test-core test-all ## every test, and every branch of core, in under 6 minutes on 2 cores

test-core: setup # core alone reaches 100 % of its branches, without foreign vectors
	@$(NO_VECTORS) $(PY) -m pytest tests/core -q -n 2 -m "not long" \
		--cov --cov-report=term --cov-fail-under=100 </dev/null

# The rest, and again those of core that look at foreign vectors.
AFTER_CORE = $(filter-out tests/core/,$(wildcard tests/*/)) $(wildcard tests/test_*.py) \
	$(shell grep -l 'tests.foreign' tests/core/test_*.py)
test-all: setup
	@$(PY) -m pytest -q -n 2 --dist loadfile -m "not long" $(AFTER_CORE) </dev/null

test-long: setup ## full counts, each named
	@POC_LONG=1 $(PY) -m pytest -v -n 2 --dist loadfile -m long </dev/null

bench: setup ## what it costs as registry and messages grow, as ratios within the run
	@$(PY) -m tools.bench </dev/null

check: setup ## format, lint, strict types, test
	@$(PY) -m ruff format --check $(POC_LINT)
	@$(PY) -m ruff check $(POC_LINT)
	@$(PY) -m mypy
	@$(MAKE) test

format: setup ## what the formatter and the linter can mend by themselves
	@$(PY) -m ruff check --fix-only $(POC_LINT)
	@$(PY) -m ruff format $(POC_LINT)

schemas: setup ## schemas/ and openapi.json from the models
	@$(PY) -m poc.schemas </dev/null

docs-tables: setup ## docs/commands.md, errors.md, limits.md and settings.md from the code
	@$(PY) -m tools.docs_tables

# No pip configuration of this machine takes part, so that no index or folder of it reaches the lock.
LOCK := env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL -u PIP_CONSTRAINT PIP_CONFIG_FILE=/dev/null
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/pip-compile -q --no-config --upgrade \
	--generate-hashes --allow-unsafe --strip-extras \
	--no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links
lock: ## requirements.txt and requirements-dev.txt anew, at the newest versions
	@$(PYTHON) -m venv build/lock && $(LOCK) build/lock/bin/pip install -q 'pip-tools>=7.6'
	@$(LOCK) $(COMPILE) --extra paper -o requirements.txt pyproject.toml requirements-setup.in
	@$(LOCK) $(COMPILE) -o requirements-dev.txt requirements-dev.in
	@rm -rf build/lock

clean: ## what the tools left behind, and the demo; .venv stays
	@rm -rf .demo build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
	@find poc tools tests -name __pycache__ -type d -prune -exec rm -rf {} +
