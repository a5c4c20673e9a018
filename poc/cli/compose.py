"""The options of ``poc message send``, and the draft they make. What may be sent is decided in core."""

from __future__ import annotations

import argparse
import mimetypes
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from poc.cli import words
from poc.cli.context import read_file
from poc.core.draft import AttachmentBytes, Draft
from poc.core.form import Status, form_of
from poc.core.message import Kind, MessageBody, Precedence, Tlp
from poc.core.strictjson import format_time
from poc.errors import RefusedError, UsageError
from poc.limits import BLOB_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.sdk import Desk

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
    _add_addressees(send)
    _add_content(send)
    _add_handling(send)
    send.add_argument(
        "--separately", action="store_true", help="seal one message for each contact, so none sees the others"
    )
    send.add_argument(
        "--dry-run", action="store_true", help="show recipients, warnings and size; seal and send nothing"
    )
    return send


def _add_addressees(send: argparse.ArgumentParser) -> None:
    send.add_argument(
        "--to", metavar="CONTACT", action="append", default=[], help="who is to act; give it again for more"
    )
    send.add_argument(
        "--information", metavar="CONTACT", action="append", nargs="+", default=[],
        help="who is to know; has no deadline",
    )  # fmt: skip
    send.add_argument(
        "--reply-to", metavar="MESSAGE",
        help="the message this answers, by its id or enough of it; without --to it goes to its sender",
    )  # fmt: skip


def _add_content(send: argparse.ArgumentParser) -> None:
    send.add_argument("--subject", metavar="S", required=True, help="one line, sealed like the rest")
    text = send.add_mutually_exclusive_group()
    text.add_argument("--text", metavar="TEXT", help="the text in the language of --language")
    text.add_argument(
        "--text-file", metavar="F", type=Path, help="the text from a file; - reads standard input"
    )
    send.add_argument("--language", metavar="L", default="en", help="language of the text (default: en)")
    send.add_argument(
        "--courtesy", metavar="LANG=FILE", action="append", type=words.pair, default=[],
        help="a courtesy translation from a file; the original is what counts",
    )  # fmt: skip
    send.add_argument(
        "--field", metavar="NAME=VALUE", action="append", type=words.field, default=[],
        help="a field of a form, such as sector=energy",
    )  # fmt: skip
    send.add_argument(
        "--attach", metavar="FILE", action="append", type=Path, default=[], help="attach a file as it is"
    )
    send.add_argument("--our-reference", metavar="R", help="the sender's file number")
    send.add_argument("--your-reference", metavar="R", help="the recipient's file number")


def _add_handling(send: argparse.ArgumentParser) -> None:
    send.add_argument("--kind", choices=KINDS, help="what it is (default: notification, or reply)")
    send.add_argument(
        "--precedence", choices=get_args(Precedence), default="routine", help="urgency (default: routine)"
    )
    send.add_argument(
        "--tlp", choices=get_args(Tlp), default="TLP:AMBER", help="who may see it (default: TLP:AMBER)"
    )
    send.add_argument("--handling", metavar="T", help="how else to handle it, in words")
    send.add_argument("--status", choices=("exercise", "test", "actual"), help="see below")
    send.add_argument(
        "--stale-reason", metavar="TEXT",
        help="with --status actual: why it goes out on a log that is not fresh; kept here, never sent",
    )  # fmt: skip
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
    """Refuse an actual message with the reason, and options that contradict each other."""
    if arguments.stale_reason is not None and arguments.status != "actual":
        raise UsageError("usage", "--stale-reason goes with --status actual")
    if arguments.status == "actual":
        raise RefusedError(
            "status-not-admitted",
            "actual needs a second device's preparation, which this version cannot make",
        )
    if arguments.status == "test" and arguments.exercise is not None:
        raise UsageError("usage", "--exercise goes with --status exercise")


def read_body(arguments: argparse.Namespace) -> MessageBody:
    """The body from the options and files named. Raises as reading them does, and ``bad-form``."""
    text = words.read_text(arguments.text_file) if arguments.text_file is not None else arguments.text
    texts = []
    if text is not None:
        _check_filled(text, "the text")
        texts.append({"language": arguments.language, "text": words.plain_text(text), "role": "original"})
    for language, name in arguments.courtesy:
        texts.append({"language": language, "text": words.read_text(Path(name)), "role": "courtesy"})
    fields = words.pairs(arguments.field, "field")
    return form_of(MessageBody, {"template": None, "fields": fields, "texts": texts})


def _check_filled(text: str, what: str) -> None:
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
    """The draft of the options. Raises ``text-empty``, ``no-exercise``, ``several-exercises``."""
    _check_filled(arguments.subject, "the subject")
    status: Status = arguments.status or "exercise"
    exercise = arguments.exercise
    if status == "exercise" and exercise is None:
        exercise = desk.default_exercise(contacts)
    answered = None if reply_to is None else desk.show(reply_to).message
    your_reference = arguments.your_reference or (None if answered is None else answered.our_reference)
    return Draft(
        status=status,
        exercise=exercise,
        kind=arguments.kind or ("notification" if answered is None else "reply"),
        precedence=arguments.precedence,
        tlp=arguments.tlp,
        subject=words.plain_text(arguments.subject),
        body=read_body(arguments),
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
    )


def is_bare(draft: Draft) -> bool:
    """Whether a message says nothing beyond its subject."""
    return not (draft.body.texts or draft.body.fields or draft.attachments)


def draft_value(draft: Draft) -> dict[str, Any]:
    """What of a draft a dry run shows."""
    return {
        "status": draft.status,
        "exercise": draft.exercise,
        "kind": draft.kind,
        "precedence": draft.precedence,
        "tlp": draft.tlp,
        "expires_at": format_time(draft.expires_at),
    }
