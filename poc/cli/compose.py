"""The options of ``poc message send``, and the draft they make. What may be sent is decided in core."""

from __future__ import annotations

import argparse
import mimetypes
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from poc.cli import words
from poc.cli.context import read_file
from poc.cli.message_ids import find_message
from poc.core.draft import AttachmentBytes, Draft
from poc.core.form import Status, form_of, form_value
from poc.core.message import Kind, MessageBody, Precedence, Tlp
from poc.core.strictjson import format_time
from poc.core.template import in_language
from poc.errors import RefusedError, UsageError
from poc.limits import BLOB_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.sdk import Desk
    from poc.client.templates import Held

EXPIRES_SECONDS: Final = 7 * 86_400
# Pings are sent by `poc exercise ping`, injects by a script.
KINDS: Final = tuple(kind for kind in get_args(Kind) if kind not in ("ping", "inject"))
_EPILOG: Final = (
    "Without --status the message belongs to the one open exercise that includes both sides. A hub that "
    "cannot be reached leaves the message in the outbox: its state is then `waiting`, the exit code 0, and "
    "`poc sync` sends it. A message that the hub rejects gives exit code 1."
)


def add_send(verbs: Any) -> argparse.ArgumentParser:
    """Add ``send`` with its options; ``run`` is set by the caller."""
    send: argparse.ArgumentParser = verbs.add_parser(
        "send", help="seal a message to contacts and send it", epilog=_EPILOG
    )
    add_message(send)
    _add_ways(send)
    return send


def add_message(parser: argparse.ArgumentParser) -> None:
    """Add every option that says what a message is and whom it is for."""
    parser.add_argument(
        "--reply-to", metavar="MESSAGE",
        help="the message this answers, by its id or enough of it; without --to it goes to its sender",
    )  # fmt: skip
    parser.add_argument("--kind", choices=KINDS, help="what it is (default: notification, or reply)")
    parser.add_argument(
        "--template", metavar="T", help="fill in this template; `poc template list` names all"
    )
    parser.set_defaults(prepare=None)
    _add_rest(parser)


def add_options(send: argparse.ArgumentParser) -> None:
    """Add what a command takes that says something about an earlier message, and seals it."""
    _add_rest(send)
    _add_ways(send)


def _add_rest(parser: argparse.ArgumentParser) -> None:
    _add_addressees(parser)
    _add_content(parser)
    _add_handling(parser)


def _add_ways(send: argparse.ArgumentParser) -> None:
    send.add_argument(
        "--separately", action="store_true", help="seal one message for each contact, so none sees the others"
    )
    send.add_argument(
        "--dry-run", action="store_true", help="show recipients, warnings and size; seal and send nothing"
    )


def _add_addressees(send: argparse.ArgumentParser) -> None:
    send.add_argument(
        "--to", metavar="CONTACT", action="append", default=[], help="who is to act; give it again for more"
    )
    send.add_argument(
        "--information", metavar="CONTACT", action="append", nargs="+", default=[],
        help="who is to know; has no deadline",
    )  # fmt: skip


def _add_content(send: argparse.ArgumentParser) -> None:
    send.add_argument(
        "--subject", metavar="S", help="one line, sealed like the rest (default: the template's title)"
    )
    _add_openings(send)
    text = send.add_mutually_exclusive_group()
    text.add_argument("--text", metavar="TEXT", help="the text in the language of --language")
    text.add_argument(
        "--text-file", metavar="F", type=Path, help="the text from a file; - reads standard input"
    )
    send.add_argument(
        "--language", metavar="L", help="language of the text (default: the home's, `en` if it sets none)"
    )
    send.add_argument(
        "--courtesy", metavar="LANG=FILE", action="append", type=words.pair, default=[],
        help="a courtesy translation from a file; the original is what counts",
    )  # fmt: skip
    send.add_argument(
        "--field", metavar="NAME=VALUE", action="append", type=words.assigned, default=[],
        help="a field of a form, such as sectors=energy; of a template also by its labels in any language",
    )  # fmt: skip
    send.add_argument(
        "--attach", metavar="FILE", action="append", type=Path, default=[], help="attach a file as it is"
    )
    send.add_argument("--our-reference", metavar="R", help="the sender's file number")
    send.add_argument("--your-reference", metavar="R", help="the recipient's file number")


def _add_openings(send: argparse.ArgumentParser) -> None:
    style = send.add_mutually_exclusive_group()
    style.add_argument(
        "--formal", action="store_const", dest="style", const="formal",
        help="begin as a note between ministries does; with a template",
    )  # fmt: skip
    style.add_argument(
        "--plain", action="store_const", dest="style", const="plain",
        help="begin as among colleagues; with a template (default)",
    )  # fmt: skip
    style.add_argument(
        "--no-opening", action="store_const", dest="style", const="none",
        help="begin with the text itself; with a template",
    )  # fmt: skip


def _add_handling(send: argparse.ArgumentParser) -> None:
    send.add_argument(
        "--precedence",
        choices=get_args(Precedence),
        default="routine",
        help="urgency (default: routine, or as the message it is about)",
    )
    send.add_argument(
        "--tlp",
        choices=get_args(Tlp),
        default="TLP:AMBER",
        help="who may see it (default: TLP:AMBER, or as the message it is about)",
    )
    send.add_argument("--handling", metavar="T", help="how else to handle it, in words")
    send.add_argument("--status", choices=("exercise", "test", "actual"), help="see below")
    send.add_argument("--exercise", metavar="ID", help="the exercise it belongs to")
    respond = send.add_mutually_exclusive_group()
    respond.add_argument("--respond-by", metavar="TIME", type=words.moment, help="answer wanted by this time")
    respond.add_argument(
        "--respond-within", metavar="DURATION", type=words.duration,
        help="answer wanted this long after the hub took it, such as 30m",
    )  # fmt: skip
    send.add_argument(
        "--expires-in", metavar="DURATION", type=words.duration, default=EXPIRES_SECONDS,
        help="how long it lives, 30d at most (default: 7d)",
    )  # fmt: skip
    send.add_argument(
        "--not-before", metavar="TIME", type=words.moment, help="held at the hub until then, at most 90 days"
    )
    escalate = send.add_mutually_exclusive_group()
    escalate.add_argument(
        "--escalate", action="store_const", const=True, dest="escalate",
        help="alternates get it if nobody answers, also with TLP:RED",
    )  # fmt: skip
    escalate.add_argument(
        "--no-escalation", action="store_const", const=False, dest="escalate",
        help="nobody but those named ever gets it (default for TLP:RED)",
    )  # fmt: skip
    send.add_argument("--officer", metavar="CODE", help="the code of the officer who sends it")


def check_status(arguments: argparse.Namespace) -> None:
    """Refuse options that contradict each other."""
    if arguments.status in ("test", "actual") and arguments.exercise is not None:
        raise UsageError("usage", "--exercise goes with --status exercise")


def refuse_actual(desk: Desk, draft: Draft) -> None:
    """Refuse an actual message that no second device has prepared.

    Raises ``status-not-admitted`` where the registry takes none at all, ``preparation-missing``.
    """
    if draft.status != "actual":
        return
    if "actual" not in desk.effective.admitted_statuses():
        raise RefusedError("status-not-admitted", "actual")
    raise RefusedError("preparation-missing", "`poc message draft --status actual` begins one")


def read_message(
    desk: Desk, arguments: argparse.Namespace, now: datetime
) -> tuple[Draft, list[str], list[str]]:
    """The draft of the options, and the ids of whom it is for: for action, for information.

    Raises as :func:`make_draft`; ``usage`` where it is for nobody.
    """
    from poc.client.preview import find_addressee

    reply_to = None if arguments.reply_to is None else find_message(desk, arguments.reply_to)
    if arguments.prepare is not None:
        reply_to = arguments.prepare(desk, arguments, reply_to)
    to = [find_addressee(desk.known, wanted) for wanted in arguments.to]
    information = [find_addressee(desk.known, w) for group in arguments.information for w in group]
    if not to and reply_to is not None:
        to = [desk.show(reply_to).message.sender.contact]
    if not to and not information:
        raise UsageError("usage", "name at least one contact with --to")
    return make_draft(desk, arguments, [*to, *information], reply_to, now), to, information


def read_body(
    desk: Desk, arguments: argparse.Namespace, held: Held | None
) -> tuple[MessageBody, tuple[str, ...]]:
    """The body from the options and files named, and what readers will see of coded fields.

    Raises as reading them does, ``bad-form``, and with a template ``bad-field``.
    """
    language = arguments.language or desk.settings.language
    text = words.read_text(arguments.text_file) if arguments.text_file is not None else arguments.text
    if text is not None:
        check_filled(text, "the text")
        text = words.plain_text(text)
    courtesy = [(name, words.read_text(Path(file))) for name, file in arguments.courtesy]
    fields = words.pairs(arguments.field, "field")
    if held is not None:
        from poc.client.prepared import templated_body

        style = {"none": None, None: "plain"}.get(arguments.style, arguments.style)
        return templated_body(
            desk.known, held, fields, language=language, style=style, text=text, courtesy=courtesy
        )
    if arguments.style is not None:
        raise UsageError("usage", "--formal, --plain and --no-opening go with --template")
    texts = [] if text is None else [{"language": language, "text": text, "role": "original"}]
    texts += [{"language": name, "text": given, "role": "courtesy"} for name, given in courtesy]
    words.check_names(fields)
    return form_of(MessageBody, {"template": None, "fields": fields, "texts": texts}), ()


def check_filled(text: str, what: str) -> None:
    """Refuse a text of nothing but spaces. Raises ``text-empty``."""
    if not text.strip():
        raise RefusedError("text-empty", what)


def read_attachments(paths: list[Path]) -> tuple[AttachmentBytes, ...]:
    """The files as attachments, their bytes untouched. Raises ``no-such-file``, ``too-large``."""
    found = []
    for path in paths:
        data = read_file(path, BLOB_BYTES_MAX)
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        found.append(AttachmentBytes(words.plain_text(path.name), media_type, data))
    return tuple(found)


def make_draft(
    desk: Desk, arguments: argparse.Namespace, contacts: list[str], reply_to: str | None, now: datetime
) -> Draft:
    """The draft of the options.

    Raises ``text-empty``, ``no-exercise``, ``several-exercises``, ``unknown-template``, ``bad-field``.
    """
    held = None if arguments.template is None else desk.templates().newest(arguments.template)
    body, rendered = read_body(desk, arguments, held)
    subject = _subject(desk, arguments, held)
    check_filled(subject, "the subject")
    status: Status = arguments.status or "exercise"
    exercise = arguments.exercise
    if status == "exercise" and exercise is None:
        exercise = desk.default_exercise(contacts)
    answered = None if reply_to is None else desk.show(reply_to).message
    your_reference = arguments.your_reference or (None if answered is None else answered.our_reference)
    return Draft(
        status=status,
        exercise=exercise,
        kind=arguments.kind or _kind(held, answers=answered is not None),
        precedence=arguments.precedence,
        tlp=arguments.tlp,
        subject=words.plain_text(subject),
        body=body,
        handling=None if arguments.handling is None else words.plain_text(arguments.handling),
        thread=None if answered is None else answered.thread or answered.id,
        in_reply_to=reply_to,
        our_reference=arguments.our_reference,
        your_reference=your_reference,
        attachments=read_attachments(arguments.attach),
        not_before=arguments.not_before,
        respond_by=arguments.respond_by,
        respond_within_s=arguments.respond_within,
        expires_at=max(now, arguments.not_before or now) + timedelta(seconds=arguments.expires_in),
        officer=arguments.officer,
        rendered=rendered,
    )


def _subject(desk: Desk, arguments: argparse.Namespace, held: Held | None) -> str:
    if arguments.subject is not None:
        return str(arguments.subject)
    if held is None:
        raise UsageError("usage", "name what it is about with --subject")
    return in_language(held.template.title, arguments.language or desk.settings.language)


def _kind(held: Held | None, *, answers: bool) -> Kind:
    if held is not None:
        return held.template.kind
    return "reply" if answers else "notification"


def is_bare(draft: Draft) -> bool:
    """Whether a message says nothing beyond its subject."""
    return not (draft.body.texts or draft.body.fields or draft.attachments)


def draft_lines(draft: Draft) -> list[str]:
    """What of a draft a dry run shows to people: what it is, and every text that its readers get."""
    lines = [f"subject     {draft.subject}", f"what        {draft.kind}, {draft.precedence}, {draft.tlp}", ""]
    for text in draft.body.texts:
        lines += [f"[{text.language}, {text.role}]", *text.text.split("\n"), ""]
    fields = draft.rendered or [f"{name}: {value}" for name, value in draft.body.fields.items()]
    return [*lines, *(line for field in fields for line in field.split("\n"))]


def draft_value(draft: Draft) -> dict[str, Any]:
    """What of a draft a dry run shows."""
    return {
        "status": draft.status,
        "exercise": draft.exercise,
        "kind": draft.kind,
        "precedence": draft.precedence,
        "tlp": draft.tlp,
        "expires_at": format_time(draft.expires_at),
        "subject": draft.subject,
        "body": form_value(draft.body),
    }
