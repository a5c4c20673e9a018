"""The options of ``poc message edit``: those of ``draft``, none required, and what each one changes."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poc.cli import compose, words
from poc.cli.message_ids import find_message
from poc.core.clearance import Addressed
from poc.core.draft import Draft
from poc.core.form import form_of, form_value
from poc.core.message import MessageBody
from poc.core.template import fill, rendered
from poc.errors import UsageError

if TYPE_CHECKING:
    from poc.client.sdk import Desk

_AS_GIVEN: Final = ("kind", "precedence", "tlp", "status", "exercise")
_LINES: Final = ("subject", "handling", "our_reference", "your_reference")
_DROPPED: Final[dict[str, dict[str, Any]]] = {
    "attachments": {"attachments": ()},
    "handling": {"handling": None},
    "our-reference": {"our_reference": None},
    "your-reference": {"your_reference": None},
    "respond-by": {"respond_by": None},
    "respond-within": {"respond_within_s": None},
}
_OF_BODY: Final = ("courtesy", "fields")


def add_options(edit: argparse.ArgumentParser) -> None:
    """Add the options of a message, none required and none with a default: what is not given stays."""
    compose.add_message(edit)
    for action in edit._actions:  # noqa: SLF001 (argparse has no other way to take a default away)
        if action.option_strings and action.dest != "help":
            action.default, action.required = argparse.SUPPRESS, False
    edit.add_argument(
        "--drop", metavar="WHAT", action="append", default=[], choices=(*_DROPPED, *_OF_BODY),
        help=f"take out: {', '.join((*_DROPPED, *_OF_BODY))}",
    )  # fmt: skip


def edited(
    desk: Desk, before: Addressed, arguments: argparse.Namespace, now: datetime, told: list[str]
) -> Addressed:
    """What a draft becomes; ``told`` takes what the author should know. Raises as drawing one up does."""
    from poc.client.preview import find_addressee, preview

    given = vars(arguments)
    to, information = before.to, before.information
    if "to" in given:
        to = tuple(find_addressee(desk.known, wanted) for wanted in given["to"])
    if "information" in given:
        information = tuple(find_addressee(desk.known, w) for group in given["information"] for w in group)
    draft = _with_lines(before.draft, given)
    draft = _with_times(draft, given, now)
    draft = _with_form(desk, replace(draft, body=_body(draft.body, arguments, told)), given)
    if "attach" in given:
        draft = replace(draft, attachments=compose.read_attachments(given["attach"]))
    for name in arguments.drop:
        draft = replace(draft, **_DROPPED.get(name, {}))
    if "reply_to" in given:
        answered = desk.show(find_message(desk, given["reply_to"])).message
        draft = replace(draft, in_reply_to=answered.id, thread=answered.thread or answered.id)
    if draft.status != "exercise":
        draft = replace(draft, exercise=None)
    elif draft.exercise is None:
        draft = replace(draft, exercise=desk.default_exercise([*to, *information]))
    escalate = given.get("escalate", before.escalate)
    told += preview(desk.known, draft, to, information, escalate=escalate).warnings()
    return Addressed(draft, to, information, escalate)


def _with_lines(draft: Draft, given: dict[str, Any]) -> Draft:
    same = {name: given[name] for name in _AS_GIVEN if name in given}
    lines: dict[str, Any] = {name: words.plain_text(given[name]) for name in _LINES if name in given}
    if same.get("status", "exercise") != "exercise" and "exercise" in same:
        raise UsageError("usage", "--exercise goes with --status exercise")
    return replace(draft, **same, **lines)


def _with_form(desk: Desk, draft: Draft, given: dict[str, Any]) -> Draft:
    """The draft with the fields of its template as they travel. Raises ``bad-field``, ``usage``."""
    if "template" in given or "style" in given:
        raise UsageError("usage", "a draft keeps its template: discard it, and draw up another")
    named = draft.body.template
    template = None if named is None else desk.templates().of(named)
    if named is not None and template is None and "field" in given:
        raise UsageError("usage", f"the template {named.id} is not at this desk: `poc template add` it first")
    if template is None:
        return draft
    filled = fill(template, draft.body.fields)
    body = form_of(MessageBody, {**form_value(draft.body), "fields": filled})
    return replace(draft, body=body, rendered=rendered(template, filled))


def _with_times(draft: Draft, given: dict[str, Any], now: datetime) -> Draft:
    changes: dict[str, Any] = {"not_before": given.get("not_before", draft.not_before)}
    if "expires_in" in given:
        begins_at = max(now, changes["not_before"] or now)
        changes["expires_at"] = begins_at + timedelta(seconds=given["expires_in"])
    if "respond_by" in given:
        changes |= {"respond_by": given["respond_by"], "respond_within_s": None}
    if "respond_within" in given:
        changes |= {"respond_within_s": given["respond_within"], "respond_by": None}
    return replace(draft, **changes)


def _body(body: MessageBody, arguments: argparse.Namespace, told: list[str]) -> MessageBody:
    """The body with the texts and fields given; a translation of a text that changed does not stay."""
    given, value = vars(arguments), form_value(body)
    texts = {text["language"]: text for text in value["texts"]}
    original = next((text for text in texts.values() if text["role"] == "original"), None)
    new = given.get("text")
    if "text_file" in given:
        new = words.read_text(given["text_file"])
    if new is not None or "courtesy" in arguments.drop:
        if new is not None and len(texts) > 1:
            told.append("the courtesy translations were of the text before and are out: give --courtesy anew")
        texts = {} if original is None else {original["language"]: original}
    if new is not None:
        language = given.get("language") or (original or {"language": "en"})["language"]
        compose.check_filled(new, "the text")
        texts = {language: {"language": language, "text": words.plain_text(new), "role": "original"}}
    for language, name in given.get("courtesy", ()):
        texts[language] = {"language": language, "text": words.read_text(Path(name)), "role": "courtesy"}
    fields = {} if "fields" in arguments.drop else value["fields"]
    fields |= words.pairs(given.get("field", ()), "field")
    return form_of(MessageBody, {**value, "texts": list(texts.values()), "fields": fields})
