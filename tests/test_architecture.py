from __future__ import annotations

from pathlib import Path

import pytest

from poc.errors import CATALOGUE
from tests.architecture import (
    STEPS,
    Module,
    impurities,
    too_long,
    undocumented,
    unfinished,
    unknown_codes,
    unused_codes,
    upward_imports,
)

ROOT = Path(__file__).resolve().parent.parent
SERVER_LINES_MAX = 40


def read_module(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return Module(".".join(parts).removesuffix(".__init__"), path.read_text(encoding="utf-8"))


PACKAGE = [read_module(path) for path in sorted((ROOT / "poc").rglob("*.py"))]
PROGRAM = [*PACKAGE, *map(read_module, ROOT.glob("server.py"))]
TOOLS = [read_module(path) for path in sorted((ROOT / "tools").rglob("*.py"))]


def breaches_of(rule, modules):
    return [breach for module in modules for breach in rule(module)]


def planted(name, source):
    return Module(name, source)


def test_imports_point_downward_only():
    assert breaches_of(upward_imports, PROGRAM) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("poc.core.x", "from poc.store import base"),
        ("poc.core.x", "import poc.config"),
        ("poc.core.x", "def f():\n    from poc.hub import log"),
        ("poc.errors", "from poc.core import keys"),
        ("poc.store.x", "from poc.hub import log"),
        ("poc.hub.x", "import poc.client.sync"),
        ("poc.client.x", "from poc.hub.log import Log"),
        ("poc.client.x", "from ..hub import log"),
        ("poc.client.x", "from poc import hub"),
        ("poc.web.x", "from poc.cli import main"),
        ("poc.cli.x", "import importlib\nimportlib.import_module('poc.web.app')"),
        ("poc.cli.x", "from poc.unheard import of"),
        ("poc.unheard", "import json"),
        ("poc", "from poc.core import keys"),
    ],
)
def test_an_import_that_points_upward_or_sideways_is_named(name, source):
    assert len(upward_imports(planted(name, source))) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("poc.core.x", "from poc.core.keys import VerifyKey\nfrom poc.errors import RefusedError"),
        ("poc.hub.x", "from poc.store.base import Store\nfrom . import log"),
        ("poc.cli.x", "import poc.client.sync\nimport poc.hub.founding"),
        ("server", "from poc.web.app import run"),
    ],
)
def test_an_import_that_points_downward_is_not_named(name, source):
    assert upward_imports(planted(name, source)) == []


def test_every_step_of_the_layers_is_named_once():
    names = [name for step in STEPS for name in step]
    assert sorted(names) == sorted(set(names))


def test_core_is_pure():
    assert breaches_of(impurities, [module for module in PACKAGE if module.package == "core"]) == []


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio",
        "import os.path",
        "import socket",
        "import random",
        "from secrets import token_bytes",
        "import time",
        "import sqlite3",
        "from pathlib import Path",
        "import zoneinfo",
        "import aiohttp",
        "async def f(): pass",
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "uuid.uuid4()",
        "print('here')",
        "open('file')",
        "Ed25519PrivateKey.generate()",
        "eval('1')",
    ],
)
def test_an_impurity_of_core_is_named(source):
    assert impurities(planted("poc.core.x", source)) != []


def test_core_may_use_its_libraries_and_compile_patterns():
    source = "import re\nfrom cryptography import hazmat\nfrom pydantic import BaseModel\nP = re.compile('a')"
    assert impurities(planted("poc.core.x", source)) == []


def test_every_module_class_and_function_of_ours_says_what_it_promises():
    assert breaches_of(undocumented, [*PROGRAM, *TOOLS]) == []


@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        '"""A module."""\ndef f(): pass',
        '"""A module."""\nasync def f(): pass',
        '"""A module."""\nclass C: pass',
        '"""A module."""\nclass C:\n    """A class."""\n    def method(self): pass',
    ],
)
def test_a_missing_docstring_is_named(source):
    assert len(undocumented(planted("poc.core.x", source))) == 1


def test_what_is_private_or_said_already_owes_no_docstring():
    source = (
        '"""A module."""\ndef _f(): pass\n@overload\ndef g(): pass\nclass _C:\n    def method(self): pass'
    )
    assert undocumented(planted("poc.core.x", source)) == []


def test_modules_and_functions_stay_short():
    assert breaches_of(too_long, [*PROGRAM, *TOOLS]) == []


def test_a_long_module_without_a_reason_is_named():
    assert len(too_long(planted("poc.core.x", '"""A module."""\n' + "x = 1\n" * 400))) == 1
    assert too_long(planted("poc.core.x", '"""A module."""\n' + "x = 1\n" * 399)) == []
    assert too_long(planted("poc.core.x", '"""Over 400 lines: a table."""\n' + "x = 1\n" * 400)) == []


def test_a_long_function_is_named_and_its_docstring_does_not_count():
    docstring = '    """One.\n\n' + "    More.\n" * 20 + '    """\n'
    body = "    x = 1\n"
    assert too_long(planted("poc.core.x", "def f():\n" + docstring + body * 60)) == []
    assert len(too_long(planted("poc.core.x", "def f():\n" + docstring + body * 61))) == 1


def test_nothing_is_left_unfinished():
    assert breaches_of(unfinished, [*PROGRAM, *TOOLS]) == []


@pytest.mark.parametrize("mark", ["TODO", "FIXME", "XXX", "NotImplementedError"])
def test_an_unfinished_mark_is_named(mark):
    assert len(unfinished(planted("poc.core.x", f"# {mark}: later"))) == 1


def test_every_code_raised_is_explained_in_the_catalogue():
    assert [b for module in PROGRAM for b in unknown_codes(module, set(CATALOGUE))] == []


def test_a_code_the_catalogue_lacks_is_named():
    source = 'raise RefusedError("no-such-code", "detail")\nraise errors.FaultError("bad-json")'
    assert len(unknown_codes(planted("poc.core.x", source), {"bad-json"})) == 1


def test_every_code_of_the_catalogue_is_used():
    assert unused_codes(PROGRAM, set(CATALOGUE)) == []


def test_a_code_nobody_uses_is_named():
    modules = [planted("poc.errors", 'ROW = "bad-json"'), planted("poc.core.x", 'x = "bad-key"')]
    assert len(unused_codes(modules, {"bad-json", "bad-key"})) == 1


def test_server_py_only_builds_the_hub_and_runs_it():
    for server in ROOT.glob("server.py"):
        assert len(server.read_text(encoding="utf-8").splitlines()) < SERVER_LINES_MAX
