"""The second implementation is one: nothing of the first takes part in it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ALLOWED = {*sys.stdlib_module_names, "cryptography", "rfc8785"}
MODULES = sorted(FOLDER.glob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield str(node.module)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_imports_the_first_implementation(path):
    allowed = ALLOWED | ({"pytest"} if path.stem.startswith("test_") else set())
    ours = ("tests.independent", "tests.independent.")
    foreign = [n for n in imported(path) if n.split(".")[0] not in allowed and not n.startswith(ours)]
    assert foreign == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_module_is_short_and_says_what_it_was_written_from(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    if not path.stem.startswith("test_") and path.stem != "vectors":
        assert "docs/spec/" in str(ast.get_docstring(ast.parse(text)))
