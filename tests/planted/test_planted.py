"""Plants each bug in a copy of the tree and sees the test named for it go red: tests that test the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.planted.bugs import BUGS

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("poc", "tests", "schemas", "pyproject.toml", "server.py")
TESTS_FAILED = 1


def copy_of_tree(folder):
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def run_tests(tree, bug):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-m",
        "not long",
        bug.test,
    ]
    command += ["-k", bug.words] if bug.words else []
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("POC_", "PYTEST_"))
    }
    return subprocess.run(
        command, cwd=tree, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.claim)
def test_a_bug_can_still_be_planted(bug):
    assert (ROOT / bug.path).read_text("utf-8").count(bug.find) == 1
    assert bug.find != bug.replace
    assert (ROOT / bug.test).exists()


@pytest.mark.long
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.claim)
def test_a_planted_bug_is_found(bug, tmp_path, record_property):
    record_property("full count", "1 planted bug")
    tree = copy_of_tree(tmp_path)
    path = tree / bug.path
    path.write_text(path.read_text("utf-8").replace(bug.find, bug.replace), "utf-8")
    result = run_tests(tree, bug)
    assert result.returncode == TESTS_FAILED, result.stdout[-2000:]
