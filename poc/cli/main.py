"""Entry point of ``poc NOUN VERB …``: global options, lazy loading of nouns, exit codes.

``--home`` and ``--json`` work before the noun and after the verb. Exit codes: 0 done, 1 refused or
not verified, 2 usage, 3 the hub could not be reached, 4 a fault of ours. The nouns' own options
stand in their modules.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from poc.cli.context import Context
from poc.cli.output import Result, show, show_error
from poc.errors import FaultError, PocError, UsageError

NOUNS: Final[dict[str, str]] = {
    "registry": "found a registry, join one, change its settings, show the one this home is pinned to",
    "hub": "back a hub up while it runs; check, restore and confirm its database",
    "ceremony": "sign a genesis or policy step by step, offline, with a transcript",
    "key": "make, list and export keys; print and restore the recovery key; change the passphrase",
    "proposal": "list, show, sign and submit statements that wait for signatures",
    "state": "enrol States, replace and recover their keys, object, suspend, list and show",
    "contact": "nominate, list, show and keep contacts and their devices",
    "controller": "appoint and list controllers of exercises",
    "sync": "verify what is new in the log, send what waits, receive",
    "lookup": "find contacts, offline",
    "monitor": "tell what changed in the log for a State's watch officer, also by mail",
    "verify": "verify everything this home holds of the log, offline",
    "message": "send, read and answer messages; whole conversations",
    "template": "list, show, add and export the forms that messages are written with",
    "inbox": "follow the messages as they come, for other programs",
    "responder": "receive around the clock and raise the alarm; the echo that answers tests",
    "api": "serve look-ups to programs on this machine, read only",
    "snapshot": "write all that this home has verified into one file; verify and show such a file, offline",
    "evidence": "verify an evidence file, offline",
    "fork": "list contradicting heads, prove a fork to others, check such a proof",
    "notice": "hold brakes that the log lacks, and hand them to the hub and the witnesses",
    "witness": "run a witness that cosigns checkpoints; appoint, dismiss and list those of the registry",
    "exercise": "open, end and show exercises; ping contacts and count their answers",
}


_HYPHENED_ID: Final = re.compile(r"-[A-Za-z0-9_-]{42}$")


class _Parser(argparse.ArgumentParser):
    """A parser whose usage errors are ours, so that ``--json`` holds for them too.

    Ids of keys and proposals are base64url, so one in 64 begins with a hyphen: such a word is no option.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._negative_number_matcher = (
            _HYPHENED_ID  # what argparse takes for a value although it has a hyphen
        )

    def error(self, message: str) -> NoReturn:
        raise UsageError("usage", f"{message}; see `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code."""
    sys.exit(run(list(sys.argv[1:] if argv is None else argv)))


def run(argv: list[str]) -> int:
    """Run one command and give its exit code; never raises but for ``SystemExit`` of ``--help``."""
    words, home, as_json = _global_options(argv)
    try:
        _check_words(argv)
        return show(_call(words, Context(_home(home), as_json)), as_json=as_json)
    except PocError as error:
        return show_error(error, as_json=as_json)
    except KeyboardInterrupt:
        return show_error(UsageError("interrupted"), as_json=as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 (the outermost line: a fault must still give code and next step)
        fault = FaultError("fault", f"{type(error).__name__} in {_where(error)}")
        return show_error(fault, as_json=as_json)


def _check_words(argv: list[str]) -> None:
    """Refuse words whose bytes are no UTF-8: nothing typed could be told, sealed or found again by them."""
    for number, word in enumerate(argv, 1):
        if any("\ud800" <= sign <= "\udfff" for sign in word):
            raise UsageError("usage", f"word {number} is not UTF-8 text; a text may come from a file instead")


def _where(error: BaseException) -> str:
    """The place a fault came from, without values that could be personal or secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "unknown" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _home(given: str | None) -> Path:
    if given == "":
        raise UsageError("usage", "--home needs a folder")
    return Path(given or os.environ.get("POC_HOME") or Path.home() / ".poc")


def _global_options(argv: list[str]) -> tuple[list[str], str | None, bool]:
    """Take ``--home`` and ``--json`` out of the words, wherever they stand before ``--``."""
    words: list[str] = []
    home: str | None = None
    as_json = False
    rest = iter(argv)
    for word in rest:
        if word == "--":
            words += [word, *rest]
        elif word == "--json":
            as_json = True
        elif word == "--home":
            home = next(rest, "")
        elif word.startswith("--home="):
            home = word.removeprefix("--home=")
        else:
            words.append(word)
    return words, home, as_json


def _call(words: list[str], context: Context) -> Result:
    parser = build_parser(words[0] if words and words[0] in NOUNS else None)
    arguments = parser.parse_args(words)
    if getattr(arguments, "run", None) is None:
        raise UsageError("usage", f"a command is missing; see `{' '.join([parser.prog, *words])} --help`")
    outcome = arguments.run(context, arguments)
    result = asyncio.run(outcome) if asyncio.iscoroutine(outcome) else outcome
    if not isinstance(result, Result):
        raise FaultError("fault", "a command gave no result")
    return result


def build_parser(noun: str | None) -> argparse.ArgumentParser:
    """The parser with one noun's verbs, or with all nouns by name only."""
    parser = _Parser(
        prog="poc",
        description="A verified registry of points of contact and a channel for sealed messages.",
        epilog="--home DIR (or POC_HOME, else ~/.poc) names the home; --json gives one JSON value. "
        "Both work anywhere.",
    )
    nouns = parser.add_subparsers(title="commands", metavar="COMMAND", dest="noun", parser_class=_Parser)
    for name, about in NOUNS.items():
        child = nouns.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        if name == noun:
            importlib.import_module(f"poc.cli.{name}").add(child)
    return parser


if __name__ == "__main__":
    main()
