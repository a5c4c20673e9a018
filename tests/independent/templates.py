"""Forms with coded fields, written from docs/spec/template.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.independent.basics import b64u, canonical, parse, refuse_if, sha256
from tests.independent.texts import fold

ID = r"((?:[a-z]{2}|x-[a-z0-9]{2,16})\.)?[a-z](-?[a-z0-9]){0,39}"
PARTS_CHOICES = re.compile("[,;\u060c\u061b]")


def _labels(form: dict[str, Any]) -> Iterator[dict[str, str]]:
    yield from (form["title"], form["about"], *form["openings"].values())
    for field in form["fields"]:
        yield field["label"]
        if field["help"] is not None:
            yield field["help"]
        yield from (code["label"] for code in field["codes"])


def _told_apart(named: list[tuple[str, dict[str, str]]]) -> None:
    """No two of them have a name or a label in common as a search compares them."""
    refuse_if(len({name for name, _ in named}) != len(named), "bad-form")
    owner: dict[str, str] = {}
    for name, label in named:
        for word in (name, *label.values()):
            refuse_if(owner.setdefault(fold(word), name) != name, "bad-form")


def check_template(form: dict[str, Any]) -> None:
    """What the schema of a template cannot say."""
    refuse_if(not re.fullmatch(ID, form["id"]), "bad-form")
    languages = form["languages"]
    refuse_if(sorted(set(languages)) != languages, "bad-form")
    refuse_if(any(set(label) != set(languages) for label in _labels(form)), "bad-form")
    for opening in form["openings"].values():
        for text in opening.values():
            rest = text.replace("{sender}", "").replace("{sender_state}", "")
            refuse_if("{" in rest or "}" in rest, "bad-form")
    _told_apart([(field["name"], field["label"]) for field in form["fields"]])
    for field in form["fields"]:
        coded = field["type"] in ("choice", "choices")
        refuse_if(bool(field["codes"]) != coded, "bad-form")
        _told_apart([(code["code"], code["label"]) for code in field["codes"]])
        if field["type"] == "choices":
            labels = [text for code in field["codes"] for text in code["label"].values()]
            refuse_if(any(PARTS_CHOICES.search(text) for text in labels), "bad-form")


def reference(data: bytes) -> dict[str, Any]:
    """What a message names of a template."""
    refuse_if(len(data) > 256 * 1024, "too-large")
    value: dict[str, Any] = parse(data)
    return {"id": value["id"], "version": value["version"], "sha256": b64u(sha256(canonical(value)))}
