"""Freezes ``tests/form_examples.py`` as ``tests/vectors/forms/*.json``, one file per schema.

Run ``python -m tests.vectors.make_forms`` after adding an example; a test fails on drift. A case is
the form's good ``value`` without the members ``without`` and with those of ``change``; ``expect`` is
``ok`` or the refusal's code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.form_examples import BAD, GOOD

FOLDER = Path(__file__).parent / "forms"


def case(name: str, expect: str, change: dict[str, Any] | None = None, *without: str) -> dict[str, Any]:
    """One line of a file."""
    return {"name": name, "without": list(without), "change": change or {}, "expect": expect}


def applied(value: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The value a case is about."""
    return {**{name: value[name] for name in value if name not in row["without"]}, **row["change"]}


def vectors() -> dict[str, str]:
    """File name to text."""
    cases: dict[str, list[dict[str, Any]]] = {}
    for form, value in GOOD.items():
        cases[form] = [
            case("good", "ok"),
            case("a member nobody knows", "bad-form", {"unheard_of": None}),
            *(case(f"without {member}", "bad-form", None, member) for member in value),
        ]
        if "v" in value:
            cases[form] += [
                case("a newer form", "newer-form", {"v": 2}),
                case("v is truth", "bad-form", {"v": True}),
            ]
    for form, change in BAD:
        cases[form].append(case("changed: " + ", ".join(sorted(change)), "bad-form", change))
    return {
        f"{form}.json": json.dumps(
            {"form": form, "value": GOOD[form], "cases": rows}, indent=1, ensure_ascii=False
        )
        + "\n"
        for form, rows in cases.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file_name, text in vectors().items():
        (FOLDER / file_name).write_text(text, "utf-8")
