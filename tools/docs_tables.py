"""Write docs/claims.md, commands.md, errors.md, limits.md, retention.md and settings.md: `make docs-tables`.

The code is the one place where a command, an error, a limit or a setting is described; a test fails when
a page has drifted from it. Not here: JSON Schemas and openapi.json (`make schemas`), and pages written by
hand.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from pathlib import Path

from pydantic.fields import FieldInfo

from poc import limits
from poc.cli.main import NOUNS, build_parser
from poc.config import CONFIG_NAME, ENV_ELSEWHERE, ENV_PREFIX, DeskSettings, HubSettings, WitnessSettings
from poc.errors import CATALOGUE, FaultError, RefusedError, UnreachableError, UsageError
from poc.hub.retention import CLASSES
from tests.planted.bugs import BUGS

ROOT = Path(__file__).resolve().parent.parent
MADE_BY = "<!-- Made from {source} by `make docs-tables`; edit that file, not this page. -->"

LIMIT_LINE = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*): Final = [^#]+(?:  # (?P<meaning>.+))?")


def main() -> int:
    """Write every page. Returns 0."""
    for name, text in pages().items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")
    return 0


def pages() -> dict[str, str]:
    """Every page made here, by its name in docs/."""
    limits_source = Path(limits.__file__).read_text(encoding="utf-8")
    return {
        "claims.md": claims_page(),
        "commands.md": commands_page(),
        "errors.md": errors_page(),
        "limits.md": limits_page(limits_source),
        "retention.md": retention_page(),
        "settings.md": settings_page(),
    }


def retention_page() -> str:
    """What the hub keeps, for how long, why."""
    rows = [f"| {kept.name} | {kept.what} | {kept.how_long} | {kept.why} |" for kept in CLASSES]
    return page(
        [
            "# What the hub keeps, and for how long",
            MADE_BY.format(source="poc/hub/retention.py"),
            (
                "A job for each class that ends runs every minute; what a failing disk does not let go is "
                "tried again. A backup keeps what it has until it is deleted: see "
                "[operate](operate.md#backup)."
            ),
            "| class | what | kept | why |\n|---|---|---|---|\n" + "\n".join(rows),
        ]
    )


def claims_page() -> str:
    """Every security claim that has a bug planted against it, with the test that must then go red."""
    rows = [f"| {bug.claim} | `{bug.path}` | `{bug.test}` |" for bug in BUGS]
    return page(
        [
            "# Claims, and the bugs planted against them",
            MADE_BY.format(source="tests/planted/bugs.py"),
            (
                "A test that cannot fail shows nothing. For each claim a bug is planted in a copy of the "
                "tree, and the test named must go red: `make test-long`. R… are the project's requirements."
            ),
            "| the bug | planted in | found by |\n|---|---|---|\n" + "\n".join(rows),
        ]
    )


def commands_page() -> str:
    """Every command with its options, in the order of `poc --help`."""
    parts = [
        "# Commands",
        MADE_BY.format(source="poc/cli"),
        (
            "`--home DIR` (or `POC_HOME`) names the home, `--json` makes standard output exactly one JSON "
            "value; both work before the noun and after the verb. Progress and warnings go to standard "
            "error. "
            "Exit codes: 0 done, 1 refused or not verified, 2 usage, 3 the hub could not be reached, 4 a "
            "fault of this program; codes are explained in [errors.md](errors.md). A TIME bears its zone: "
            "`2026-11-24T09:00Z` or `2026-11-24T12:00+03:00`. A DURATION is `90s`, `10m`, `3h` or `2d`."
        ),
    ]
    for noun, about in NOUNS.items():
        if importlib.util.find_spec(f"poc.cli.{noun}") is None:
            continue
        parts.append(f"## poc {noun}\n\n{about[0].upper()}{about[1:]}.")
        parts += [command_section(command, parser) for command, parser in commands_of(noun)]
    return page(parts)


def commands_of(noun: str) -> list[tuple[str, argparse.ArgumentParser]]:
    """Every command of a noun with its parser: the noun itself where it has no verbs, and so on below."""
    return _commands_under(noun, dict(children_of(build_parser(noun)))[noun])


def _commands_under(
    command: str, parser: argparse.ArgumentParser
) -> list[tuple[str, argparse.ArgumentParser]]:
    verbs = children_of(parser)
    return [one for verb, below in verbs for one in _commands_under(f"{command} {verb}", below)] or [
        (command, parser)
    ]


def children_of(parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    """The parsers under one, by name."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]  # noqa: SLF001
    return [child for group in groups for child in group.choices.items()]


def help_of(parser: argparse.ArgumentParser, verb: str) -> str:
    """What the list of verbs says of one."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]  # noqa: SLF001
    said = {choice.dest: choice.help for group in groups for choice in group._choices_actions}  # noqa: SLF001
    return said.get(verb) or ""


def command_section(command: str, parser: argparse.ArgumentParser) -> str:
    """One command: what it does, a row for each option."""
    noun, *verbs = command.split()
    above = dict(children_of(build_parser(noun)))[noun]
    for verb in verbs[:-1]:
        above = dict(children_of(above))[verb]
    lines = [f"### poc {command}", ""] if verbs else []
    about = help_of(above, verbs[-1]) if verbs else ""
    if about:
        lines += [f"{about[0].upper()}{about[1:]}.", ""]
    rows = [option_row(action) for action in parser._actions if action.dest != "help"]  # noqa: SLF001
    if rows:
        lines += ["| option | meaning |", "|---|---|", *rows]
    if parser.epilog:
        lines += ["", parser.epilog]
    return "\n".join(lines).rstrip() or "It has no options."


def option_row(action: argparse.Action) -> str:
    """An option with its values and its meaning, as a row."""
    named = action.metavar or (action.choices and "|".join(str(c) for c in action.choices)) or ""
    value = named if isinstance(named, str) else " ".join(named)
    many = " …" if action.nargs in ("*", "+") else ""
    names = ", ".join(action.option_strings) or value + many
    shown = f"{names} {value}{many}" if action.option_strings and value else names
    required = " Required." if action.required and action.option_strings else ""
    cells = (f"`{shown}`", f"{action.help or '?'}.{required}")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def errors_page() -> str:
    """One heading for each code: its sentence, HTTP status and next step."""
    parts = [
        "# Errors",
        MADE_BY.format(source="poc/errors.py"),
        (
            "Every error has a code that does not change. Over HTTP it is the member `code` of an "
            "`application/problem+json` body; on the command line it stands first on standard error, or in "
            'the one JSON object `{"code", "message", "next"}` with `--json`.'
        ),
        (
            "The exit code tells what kind of trouble it is: 0 done, "
            f"{RefusedError.exit_code} refused or not verified, {UsageError.exit_code} not understood, "
            f"{UnreachableError.exit_code} the hub or a disk could not be reached (the same call may succeed "
            f"later), {FaultError.exit_code} a fault of this program."
        ),
    ]
    for code in sorted(CATALOGUE):
        row = CATALOGUE[code]
        parts.append(f"## {code}\n\n{row.sentence} HTTP status {row.status}.\n\nNext: {row.next_step}")
    return page(parts)


def limits_page(source: str) -> str:
    """Every bound in the text of poc/limits.py, in its order and under its headings.

    Raises ValueError for a limit without a comment that says what it bounds.
    """
    # The sizes above the first heading are units, not limits.
    parts = [
        "# Limits",
        MADE_BY.format(source="poc/limits.py"),
        (
            "Every input has a bound, and what exceeds it is refused with a code of [errors.md](errors.md). "
            "1 KiB is 1024 bytes."
        ),
    ]
    for line in source.splitlines():
        if line.startswith("# "):
            parts.append(f"## {line[2:]}\n\n| limit | value | bounds |\n|---|---|---|")
        elif len(parts) > 3 and (found := LIMIT_LINE.fullmatch(line)):
            name, meaning = found["name"], found["meaning"]
            if meaning is None:
                raise ValueError(f"poc/limits.py: {name} needs a comment that says what it bounds")
            parts[-1] += f"\n| `{name}` | {limit_value(name, getattr(limits, name))} | {meaning} |"
    return page(parts)


def limit_value(name: str, value: object) -> str:
    """The value as a person reads it: 1 MiB, 14 days, 250."""
    if not isinstance(value, int):
        return f"`{value}`"
    units: tuple[tuple[str, int], ...] = ()
    if "_BYTES" in name:
        units = (("MiB", 1024 * 1024), ("KiB", 1024), ("bytes", 1))
    elif "_SECONDS" in name:
        units = (("days", 24 * 3600), ("h", 3600), ("min", 60), ("s", 1))
    for unit, size in units:
        if value >= size and value % size == 0:
            return f"{value // size:,} {unit}"
    return f"{value:,}"


def settings_page() -> str:
    """One heading for each setting of hub, desk and witness, and the variables that are no settings."""
    parts = [
        "# Settings",
        MADE_BY.format(source="poc/config.py"),
        (
            f"A setting comes from the command line, else from its `{ENV_PREFIX}…` variable, else from "
            f"`{CONFIG_NAME}` in the home, else it has its default. An empty variable counts as unset. "
            "An unknown name in the file, or an unknown variable that begins with "
            f"`{ENV_PREFIX}`, stops the start with [unknown-setting](errors.md#unknown-setting); a value "
            "that cannot be used with [bad-setting](errors.md#bad-setting), which never repeats the value."
        ),
    ]
    for title, settings in (("Hub", HubSettings), ("Desk", DeskSettings), ("Witness", WitnessSettings)):
        parts.append(f"## {title}")
        for name, field in settings.model_fields.items():
            variable = (
                "" if name in settings.not_in_environment else f" Variable `{ENV_PREFIX}{name.upper()}`."
            )
            parts.append(f"### {name}\n\n{field.description}\n\n{default_of(field)}{variable}")
    parts.append("## Variables that are no settings")
    parts.append("\n".join(f"- `{name}`: {meaning}." for name, meaning in ENV_ELSEWHERE.items()))
    return page(parts)


def default_of(field: FieldInfo) -> str:
    """The default of a setting, as a sentence."""
    if field.is_required():
        return "Required."
    if field.default_factory is not None or field.default is None:
        return "Default: unset."
    return f"Default: `{str(field.default).lower()}`."


def page(parts: list[str]) -> str:
    """Paragraphs as one text that ends in a line break."""
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
