"""Write our own vectors for templates: the file, what a message names of it, and files that are none.

    python -m tests.vectors.make_template

The templates of the program stand in it as they were released: one that changed would be another template
under the same version, which no desk that holds the first takes for it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poc.core.form import form_value
from poc.core.strictjson import canonical, parse
from poc.core.template import read_template, reference
from tests.form_examples import GOOD

PATH = Path(__file__).parent / "template" / "templates.json"
FOLDER = Path(__file__).resolve().parents[2] / "poc" / "templates"


def good(name: str, data: bytes) -> dict[str, Any]:
    """A file that is a template, and what a message written with it names."""
    named = form_value(reference(read_template(data)))
    return {"name": name, "file": canonical(parse(data)).decode(), "reference": named, "expect": "ok"}


def bad(name: str, edit: Callable[[Any], None]) -> dict[str, Any]:
    """A change of the small template that makes it none."""
    value = copy.deepcopy(GOOD["template"])
    edit(value)
    return {"name": name, "file": canonical(value).decode(), "expect": "bad-form"}


def cases() -> list[dict[str, Any]]:
    """Every case: its name, the file, the reference or the code it is refused with."""
    small = GOOD["template"]
    return [
        good("a small one", canonical(small)),
        good("the same with its members in another order", json.dumps(small).encode()),
        *(good(path.name, path.read_bytes()) for path in sorted(FOLDER.glob("*.json"))),
        bad("a label that lacks a language", lambda v: v["title"].pop("ar")),
        bad("a label in a language that is not listed", lambda v: v["title"].update(fr="Petit")),
        bad("a bidi control in a label", lambda v: v["title"].update(ar="\u202eنموذج")),
        bad("a place nobody fills", lambda v: v["openings"]["formal"].update(en="{recipient}")),
        bad("a brace that stays open", lambda v: v["openings"]["plain"].update(en="{sender")),
        bad("a field that is named twice", lambda v: v["fields"].append(v["fields"][0])),
        bad("a label that is another field's name", lambda v: v["fields"][5]["label"].update(en="SEEN")),
        bad(
            "a code that is named twice", lambda v: v["fields"][0]["codes"].append(v["fields"][0]["codes"][0])
        ),
        bad("two codes that look alike", lambda v: v["fields"][0]["codes"][1]["label"].update(ar="الطّاقه")),
        bad(
            "a label that is another code", lambda v: v["fields"][0]["codes"][1]["label"].update(en="energy")
        ),
        bad("a choice of nothing", lambda v: v["fields"][0].update(codes=[])),
        bad("codes of a text", lambda v: v["fields"][5].update(codes=v["fields"][0]["codes"])),
        bad("an id that leads elsewhere", lambda v: v.update(id="../small")),
    ]


def text() -> str:
    """The file's text."""
    about = (
        "Templates. `reference` is what a message names: id, version, and the SHA-256 of the file's RFC 8785 "
        "bytes, whatever the order of its members. The others are refused with `expect`."
    )
    return json.dumps({"about": about, "cases": cases()}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text(), "utf-8")
