"""``poc message reply|update|correct|withdraw|clarify|close|thread``: what is said about an earlier message.

Each is one command: addressees, marking, texts and form come from the message it is about, and every one of
them may be given otherwise. Who may say what is decided in core. A withdrawal is a message of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from poc.cli import compose
from poc.cli.context import Context
from poc.cli.message_text import form_lines, marking_line, text_lines
from poc.cli.output import Result, both_times, short_id
from poc.client.sayings import SAYINGS, Saying, addressees_of, subject_of
from poc.core.message import Message
from poc.core.strictjson import parse_time
from poc.errors import UsageError

if TYPE_CHECKING:
    from poc.client.sdk import Desk

_ID: Final = "the message it is about, by its id or enough of it"


Send = Callable[[Context, argparse.Namespace], Awaitable[Result]]
Find = Callable[["Desk", str], str]


def add(verbs: Any, send: Send, find: Find) -> None:
    """Add the verbs; ``send`` seals what their options make, ``find`` gives a message's whole id."""
    for name, saying in SAYINGS.items():
        parser = verbs.add_parser(name, help=saying.help)
        parser.add_argument("reply_to", metavar="ID", help=_ID)
        _add_own(parser, name)
        parser.add_argument(
            "--template",
            metavar="T",
            default=saying.template,
            help=f"another template (default: {saying.template})",
        )
        compose.add_options(parser)
        parser.set_defaults(run=send, prepare=_prepare(saying), kind=saying.kind, precedence=None, tlp=None)
        if saying.kind in ("withdrawal", "closure"):
            parser.set_defaults(escalate=False)  # nobody is told to disregard what only others got
    thread = verbs.add_parser("thread", help="show a whole conversation in order; no network")
    thread.add_argument("id", metavar="ID", help="any message of it, by its id or enough of it")
    thread.add_argument("--language", metavar="L", help="show forms in this language (default: the home's)")
    thread.set_defaults(run=_thread, find=find)


def _add_own(parser: argparse.ArgumentParser, name: str) -> None:
    if name in ("reply", "clarify"):
        parser.add_argument("--all", action="store_true", help="also to everybody who got the message")
    if name == "correct":
        parser.add_argument(
            "--what", metavar="TEXT", required=True, help="what is corrected: what the message said"
        )
        parser.add_argument("--right", metavar="TEXT", help="what is right")
    if name == "withdraw":
        parser.add_argument(
            "--reason", metavar="CODE", default="none-stated",
            help="a code or label of the template, such as sent-in-error (default: none-stated)",
        )  # fmt: skip


# --- what the original gives -------------------------------------------------------------------


def _prepare(saying: Saying) -> Callable[[Desk, argparse.Namespace, str], str]:
    def prepare(desk: Desk, arguments: argparse.Namespace, about: str) -> str:
        """Fill in from the message it is about what was not given; gives the id that is answered."""
        from poc.client.conversation import check_about

        message = desk.show(about).message
        if saying.kind == "closure" and message.thread is not None:
            about = message.thread
            message = desk.show(about).message
        check_about(desk.known, saying.kind, message.thread or message.id, about)
        given = vars(arguments)
        language = given["language"] or _language(desk, arguments, message)
        defaults = {
            "language": language, "precedence": message.precedence, "tlp": message.tlp,
            "status": message.status, "exercise": message.exercise,
            "subject": subject_of(saying, message, language),
        }  # fmt: skip
        given.update({name: value for name, value in defaults.items() if given[name] is None})
        arguments.field = [*arguments.field, *_said(arguments)]
        if not arguments.to and not arguments.information:
            everybody = getattr(arguments, "all", False)
            to, information = addressees_of(saying, message, desk.party or "", everybody=everybody)
            waiting = _still_held(desk, about)
            to, information = ([one for one in named if one not in waiting] for named in (to, information))
            if not to and not information:
                raise UsageError("usage", "nobody has got it yet: `poc message cancel` takes it back")
            arguments.to, arguments.information = to, [information] if information else []
        compose.check_status(arguments)
        return about

    return prepare


def _still_held(desk: Desk, message: str) -> set[str]:
    """Who has not got a message of this desk yet, because the hub holds it: they are told nothing of it."""
    if desk.known.trust.outbox_row("message", message) is None:
        return set()
    return {held.contact for held in desk.held(message)}


def _language(desk: Desk, arguments: argparse.Namespace, message: Message) -> str:
    """Of prepared texts that of the message they are about; of a text given, the home's."""
    if arguments.text is not None or arguments.text_file is not None:
        return desk.settings.language
    originals = (text.language for text in message.body.texts if text.role == "original")
    return next(originals, desk.settings.language)


def _said(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The fields that a verb's own options fill in."""
    given = vars(arguments)
    if "what" in given:
        yield from (("nature", "correction"), ("corrects", arguments.what))
        yield from () if arguments.right is None else (("correct_is", arguments.right),)
    if "reason" in given:
        yield "reason", arguments.reason


# --- threads -----------------------------------------------------------------------------------


async def _thread(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.threads import thread_view

    async with context.desk(unlock=True) as desk:
        view = thread_view(desk.known, desk.show(arguments.find(desk, arguments.id)).message)
        language = arguments.language or desk.settings.language
        warnings = desk.warnings()
    lines = [line for number, one in enumerate(view["messages"], 1) for line in _lines(number, one, language)]
    return Result(view, lines, warnings=warnings, notes=view["receipt_sentence"].values())


def _lines(number: int, view: dict[str, Any], language: str) -> Iterator[str]:
    at = parse_time(view["accepted_at"] or view["sent_at"])
    yield from marking_line(view)
    yield f"{number}  {view['kind']} from {view['from']['contact']} to {', '.join(_recipients(view))}"
    yield f"   {both_times(at)}   {short_id(view['id'])}   {view['precedence']}, {view['tlp']}"
    yield f"   {view['subject']}"
    for warning in view["warnings"]:
        yield f"   {warning['en']} {warning['ar']} [{warning['code']}]"
    for line in (*text_lines(view), *form_lines(view["form"], language)):
        yield f"   | {line}"
    for answer in view["answers"]:
        officer = "" if answer["officer"] is None else f", officer {answer['officer']}"
        when = both_times(parse_time(answer["at"]))
        yield f"   {answer['outcome']} by {answer['contact']} at {when}{officer}"
    yield ""


def _recipients(view: dict[str, Any]) -> list[str]:
    return [*view["to"], *(f"{contact} (for information)" for contact in view["information"])]
