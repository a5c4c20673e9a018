"""Every command says what it is for, and so does every option of it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from poc.cli.main import NOUNS
from tests.cli_world import poc_process
from tools.docs_tables import commands_of, help_of

ROOT = Path(__file__).resolve().parent.parent.parent
BUILT = [noun for noun in NOUNS if importlib.util.find_spec(f"poc.cli.{noun}") is not None]
COMMANDS = [(command, parser) for noun in BUILT for command, parser in commands_of(noun)]


@pytest.mark.parametrize(("command", "parser"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_every_option_has_a_text_that_says_what_it_does(command, parser):
    silent = [action.dest for action in parser._actions if not action.help]
    assert silent == []


@pytest.mark.parametrize(("command", "parser"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_every_command_runs_something_and_shows_its_help(command, parser, capsys):
    assert parser.get_default("run") is not None
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--help"])
    assert ended.value.code == 0
    assert f"poc {command}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("noun", BUILT)
def test_every_verb_has_a_line_in_the_help_of_its_noun(noun):
    from poc.cli.main import build_parser
    from tools.docs_tables import children_of

    root = dict(children_of(build_parser(noun)))[noun]
    assert [verb for verb, _ in children_of(root) if not help_of(root, verb)] == []


async def test_help_needs_no_home(tmp_path):
    for words in (("--help",), ("message", "send", "--help"), ("sync", "--help")):
        outcome = await poc_process(*words, home=tmp_path / "none")
        assert (outcome.code, outcome.err) == (0, "")


def test_commands_that_the_readme_shows_exist():
    known = {" ".join(command.split()[:2]) for command, _ in COMMANDS}
    shown = re.findall(r"\bpoc ([a-z]+)(?: ([a-z-]+))?", (ROOT / "README.md").read_text(encoding="utf-8"))
    named = [(noun, verb) for noun, verb in shown if noun in BUILT]
    unknown = [(noun, verb) for noun, verb in named if noun not in known and f"{noun} {verb}" not in known]
    assert unknown == []
