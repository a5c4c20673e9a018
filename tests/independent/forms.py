"""Forms: schemas/*.json and the rules docs/spec/form-rules.md and others give beside them.

The schemas are data here: a small reader of the words they use. What a schema cannot say (real
dates, ids, order, members that exclude each other) is written from form-rules.md, statement.md,
card.md, message.md, evidence.md and exercise.md; texts from text.md.
"""

from __future__ import annotations

import functools
import json
import pathlib
import re
import unicodedata
from typing import Any

from tests.independent.basics import RefusedError, moment, refuse_if, unb64u
from tests.independent.rules_of_forms import check_whole

SCHEMAS = pathlib.Path(__file__).parents[2] / "schemas"
STATE_ID = r"(?:[a-z]{2}|x-[a-z0-9]{2,16})"
PARTY_ID = STATE_ID + r"\.(?=.{1,24}$)[a-z](?:-?[a-z0-9])*"
EXERCISE = r"(?=.{3,64}$)[a-z0-9]+(?:-[a-z0-9]+)*"
ORIGIN = r"(?=.{1,100}$)[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[0-9]+)?(?:/[a-z0-9._~-]+)*"
UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
IDS = {
    "origin": ORIGIN,
    "contact": PARTY_ID,
    "alternate_of": PARTY_ID,
    "controller": PARTY_ID,
    "exercise": EXERCISE,
    "message": UUID7,
}
LINES = frozenset({"text", "fields", "notes", "openpgp", "head", "checkpoint", "shown", "cosigned"})
JOINED = "\u200c\u200d"
NOTHING = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\u2028\u2029"


@functools.cache
def _schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return found


def _is(kind: str, value: Any) -> bool:
    kinds: dict[str, Any] = {"object": dict, "array": list, "string": str, "null": type(None)}
    kinds["boolean"] = bool
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kinds[kind])


def _text(value: str, *, lines: bool) -> None:
    """text.md; joiners and variation selectors only roughly: after something, before something."""
    refuse_if(not value.strip() or unicodedata.normalize("NFC", value) != value, "bad-form")
    for i, c in enumerate(value):
        joins = c in JOINED and 0 < i < len(value) - 1
        if (c == "\n" and lines) or joins or ("\ufe0e" <= c <= "\ufe0f" and i):
            continue
        hidden = c in NOTHING or unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn")
        refuse_if(hidden or "\ufe00" <= c <= "\ufe0d", "bad-form")


def _fits(pattern: str, value: str) -> bool:
    """Every pattern of a schema stands between ^ and $: the whole text, not a line of it."""
    return re.fullmatch(pattern.removeprefix("^").removesuffix("$"), value, re.ASCII) is not None


def _string(rule: dict[str, Any], value: str, name: str) -> None:
    pattern = rule.get("pattern", "")
    refuse_if(not rule.get("minLength", 0) <= len(value) <= rule.get("maxLength", len(value)), "bad-form")
    refuse_if(pattern and not _fits(pattern, value), "bad-form")
    if pattern == "^[A-Za-z0-9_-]*$":
        unb64u(value)
        refuse_if(name == "salt" and len(value) not in (22, 43), "bad-form")
    elif pattern.endswith(r"\d{2}Z$") or name == "date":
        moment(value if name != "date" else f"{value}T00:00:00Z")
    elif name in IDS:
        refuse_if(not re.fullmatch(IDS[name], value), "bad-form")
    elif rule.get("minLength") == 1 and not pattern and "const" not in rule:
        _text(value, lines=name in LINES)


def _object(root: dict[str, Any], rule: dict[str, Any], value: dict[str, Any], name: str) -> None:
    known = rule.get("properties", {})
    refuse_if(any(member not in value for member in rule.get("required", ())), "bad-form")
    count = len(value)
    refuse_if(not rule.get("minProperties", 0) <= count <= rule.get("maxProperties", count), "bad-form")
    patterns = rule.get("patternProperties", {})
    for member, inside in value.items():
        if member in known:
            _check(root, known[member], inside, member)
            continue
        matching = [sub for pattern, sub in patterns.items() if _fits(pattern, member)]
        refuse_if(patterns and not matching, "bad-form")
        refuse_if(known and rule.get("additionalProperties") is False, "bad-form")
        for sub in matching:
            _check(root, sub, inside, name)


def _check(root: dict[str, Any], rule: dict[str, Any], value: Any, name: str) -> None:
    if "$ref" in rule:
        rule = root["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in rule:
        for alternative in rule["anyOf"]:
            try:
                _check(root, alternative, value, name)
            except RefusedError:
                continue
            return
        raise RefusedError("bad-form")
    refuse_if("type" in rule and not _is(rule["type"], value), "bad-form")
    refuse_if("const" in rule and value != rule["const"], "bad-form")
    refuse_if("enum" in rule and value not in rule["enum"], "bad-form")
    if isinstance(value, dict):
        _object(root, rule, value, name)
    elif isinstance(value, list):
        refuse_if(not rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", len(value)), "bad-form")
        for item in value:
            _check(root, rule.get("items", {}), item, name)
    elif isinstance(value, str):
        _string(rule, value, name)
    elif isinstance(value, int):
        refuse_if(not rule.get("minimum", value) <= value <= rule.get("maximum", value), "bad-form")


def check_form(name: str, value: Any) -> None:
    """Refuse what is not of the form ``name``."""
    refuse_if(not isinstance(value, dict), "bad-form")
    version = value.get("v")
    known = _schema(name)["properties"]
    refuse_if("v" in known and type(version) is int and version > 1, "newer-form")
    try:
        _check(_schema(name), _schema(name), value, name)
        check_whole(name, value)
    except RefusedError as error:
        raise RefusedError("newer-form" if error.code == "newer-form" else "bad-form") from error
