"""Freezes ``tests/form_examples.py`` as ``tests/vectors/forms/*.json``.

Run ``python -m tests.vectors.make_forms`` after adding an example; a test fails on drift. A case is
``{"name", "value", "expect"}`` with ``expect`` either ``ok`` or the refusal's code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.form_examples import BAD, GOOD

FOLDER = Path(__file__).parent / "forms"


def vectors() -> dict[str, str]:
    """File name to text."""
    cases: dict[str, list[dict[str, Any]]] = {}
    for model, value in GOOD:
        cases[model.__name__] = [{"name": "good", "value": value, "expect": "ok"}]
    for model, value, change in BAD:
        name = "changed: " + ", ".join(sorted(change))
        cases[model.__name__].append({"name": name, "value": {**value, **change}, "expect": "bad-form"})
    return {
        f"{name}.json": json.dumps({"form": name, "cases": rows}, indent=1, ensure_ascii=False) + "\n"
        for name, rows in cases.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file_name, text in vectors().items():
        (FOLDER / file_name).write_text(text, "utf-8")
