"""Write docs/errors.md, docs/limits.md and docs/settings.md from the code: `make docs-tables`.

The code is the one place where an error, a limit or a setting is described; a test fails when a page has
drifted from it. Not here: JSON Schemas and openapi.json (`make schemas`), and pages written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pydantic.fields import FieldInfo

from poc import limits
from poc.config import CONFIG_NAME, ENV_ELSEWHERE, ENV_PREFIX, DeskSettings, HubSettings
from poc.errors import CATALOGUE, FaultError, RefusedError, UnreachableError, UsageError

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
        "errors.md": errors_page(),
        "limits.md": limits_page(limits_source),
        "settings.md": settings_page(),
    }


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
    """One heading for each setting of the hub and of a desk, and the variables that are no settings."""
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
    for title, settings in (("Hub", HubSettings), ("Desk", DeskSettings)):
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
