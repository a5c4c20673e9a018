"""``poc message``: send, list, show, acknowledge, decline messages, and get their evidence.

How one message is laid out stands in ``message_text``, the options of ``send`` in ``compose``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poc.cli import (
    compose,
    message_attachments,
    message_carriage,
    message_clearance,
    message_conversation,
    message_held,
    message_keep,
    message_test,
    words,
)
from poc.cli.context import Context, write_file
from poc.cli.message_ids import ID_HELP, find_message
from poc.cli.message_text import gap_lines, message_lines, progress_rows, recipient_lines, spaced_code
from poc.cli.output import Progress, Result, Table, both_times, short_id, warn
from poc.core.evidence import RECEIPT_IS_NOT_AGREEMENT, NextStep
from poc.core.form import form_of
from poc.core.strictjson import format_time, parse_time
from poc.errors import CATALOGUE, PocError, RefusedError, UsageError

if TYPE_CHECKING:
    from poc.client.conversation import Conversations
    from poc.client.sdk import Desk
    from poc.client.sending import Sent
    from poc.core.envelope import Size

_NOT_DEALT_WITH: Final = frozenset({"new", "not-verified", "received", "retrieved"})
_ONLY_OPENED: Final = ("subject", "tlp", "deadline", "withdrawn", "warnings")
_STUCK: Final = frozenset({"waiting", "rejected"})


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    compose.add_send(verbs).set_defaults(run=_send)
    message_clearance.add(verbs)
    inbox = verbs.add_parser("inbox", help="list the messages received; no network")
    inbox.add_argument("--new", action="store_true", help="only what was neither acknowledged nor declined")
    inbox.set_defaults(run=_inbox)
    outbox = verbs.add_parser("outbox", help="list the messages sent, with what came back; no network")
    outbox.set_defaults(run=_outbox)
    show = verbs.add_parser("show", help="open a message received or sent and show it")
    show.add_argument("id", metavar="ID", help=ID_HELP)
    show.add_argument("--language", metavar="L", help="show a form in this language (default: the home's)")
    show.add_argument(
        "--save",
        metavar="DIR",
        type=Path,
        help="save its attachments there, as opaque files; fetches what is not here yet",
    )
    show.set_defaults(run=_show)
    message_attachments.add(verbs)
    _add_answers(verbs)
    message_conversation.add(verbs, _send, find_message)
    message_test.add(verbs)
    message_keep.add(verbs)
    evidence = verbs.add_parser("evidence", help="write the evidence file of a message")
    evidence.add_argument("id", metavar="ID", help=ID_HELP)
    evidence.add_argument(
        "--out", metavar="FILE", type=Path, help="the new file to write (default: ID.evidence.json)"
    )
    evidence.add_argument(
        "--disclose",
        action="store_true",
        help="disclose the content to whoever has the file; proves the author",
    )
    evidence.set_defaults(run=_evidence)
    message_held.add(verbs)
    message_carriage.add(verbs)


def _add_answers(verbs: Any) -> None:
    acknowledge = verbs.add_parser("acknowledge", help="acknowledge receipt; that is not agreement")
    acknowledge.add_argument("id", metavar="ID", help=ID_HELP)
    acknowledge.add_argument("--officer", metavar="C", help="the code of the officer who acknowledges")
    acknowledge.add_argument(
        "--word", metavar="W", help="the word in a ping, typed; without it a ping counts not"
    )
    acknowledge.add_argument(
        "--next", metavar="STEP", dest="next_step", type=_next_step, default=None,
        help="none-stated (default), reply-by=TIME, no-reply or passed-to=CONTACT",
    )  # fmt: skip
    acknowledge.set_defaults(run=_acknowledge)
    decline = verbs.add_parser("decline", help="decline a message; final for this contact")
    decline.add_argument("id", metavar="ID", help=ID_HELP)
    decline.add_argument(
        "--reason",
        metavar="CODE",
        default="none-stated",
        help="a code such as not-competent, no-capacity or not-now (default: none-stated)",
    )
    decline.add_argument("--officer", metavar="C", help="the code of the officer who declines")
    decline.set_defaults(run=_decline)


# --- sending -----------------------------------------------------------------------------------


async def _send(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.preview import each_alone, preview

    compose.check_status(arguments)
    needs_keys = not arguments.dry_run or arguments.reply_to is not None
    async with context.desk(unlock=needs_keys) as desk:
        draft, to, information = compose.read_message(desk, arguments, context.now())
        compose.refuse_actual(desk, draft)
        how = {"separately": arguments.separately, "escalate": arguments.escalate}
        seen = preview(desk.known, draft, to, information, **how)
        for line in recipient_lines(seen):
            warn(line)
        if compose.is_bare(draft):
            warn(
                "warning: the body is empty: nothing but the subject is sent; --text or --text-file gives one"
            )
        if arguments.dry_run:
            value = {**compose.draft_value(seen.draft), **seen.to_json(), "state": "not-sent"}
            lines = [*compose.draft_lines(seen.draft), *_size_lines(seen.size, seen.body_bytes_max)]
            return Result(value, lines, warnings=seen.warnings())
        for told in seen.warnings():
            warn(f"warning: {told}")
        desk.hub.progress = Progress()
        groups = [(to, information)]
        if arguments.separately:
            groups = each_alone(to, information)
        sent = [await desk.send_message(draft, *group, escalate=arguments.escalate) for group in groups]
    values = [_sent_value(one, seen) for one in sent]
    value = {"messages": values} if arguments.separately else values[0]
    return sent_result(value, sent)


def _sent_value(sent: Sent, seen: Any) -> dict[str, Any]:
    return {**sent.to_json(), **seen.to_json()}


def sent_result(value: Any, sent: list[Sent]) -> Result:
    """How sending ended. Raises what the hub rejected a single message for."""
    lines = []
    for one in sent:
        lines += [
            f"message     {one.id}",
            f"say         {', '.join(one.spoken)}",
            f"voice code  {spaced_code(one.voice_code)}   (both sides see it; read it aloud to compare)",
            f"state       {one.state}",
        ]
    rejected = [one for one in sent if one.state == "rejected"]
    if len(sent) == 1 and rejected:
        code, detail = reason_of(rejected[0].reason)
        raise RefusedError(code, detail, id=rejected[0].id, state="rejected")
    waiting = sum(one.state == "waiting" for one in sent)
    warnings = [f"the hub rejected {one.id}: {one.reason}" for one in rejected]
    if waiting:
        warnings.append(
            f"{waiting} not with the hub yet: kept in the outbox, `poc sync` sends it; "
            "`poc message export ID --eml FILE` carries it meanwhile"
        )
    attachments = sum(one.attachments_waiting for one in sent if one.state != "rejected")
    if attachments:
        warnings.append(f"{attachments} attachments not with the hub yet: kept sealed, `poc sync` goes on")
    return Result(value, lines, warnings=warnings, exit_code=1 if rejected else 0)


def reason_of(reason: str | None) -> tuple[str, str]:
    """Code and detail of an outbox reason; a code not known here is the hub's own."""
    code, _, detail = (reason or "hub-refused").partition(": ")
    return (code, detail) if code in CATALOGUE else ("hub-refused", reason or "")


def _size_lines(size: Size, body_bytes_max: int) -> list[str]:
    apart = [f"attachment {n} travels apart: {sealed} bytes" for n, sealed in enumerate(size.blob_bytes, 1)]
    return [
        f"at most {size.body_bytes} bytes when sealed; {body_bytes_max} is the limit",
        *apart,
        "nothing was sealed and nothing was sent (--dry-run)",
    ]


# --- reading -----------------------------------------------------------------------------------


def _view(desk: Desk, message: str, conversations: Conversations | None = None) -> dict[str, Any]:
    from poc.client.view import message_view

    return message_view(desk.known, desk.show(message), conversations)


async def _inbox(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.conversation_view import missing_numbers

    async with context.desk(unlock=True) as desk:
        conversations = desk.conversations()
        rows = [_inbox_row(desk, row, conversations) for row in desk.inbox()]
        desk.looked([row["message"] for row in rows])
        warnings, missing = desk.warnings(), missing_numbers(desk.known)
    if arguments.new:
        rows = [row for row in rows if row["state"] in _NOT_DEALT_WITH]
    cells = [_inbox_cells(row) for row in rows]
    headings = (
        *("message", "number", "from", "sent", "precedence", "kind", "status", "state", "subject"),
        "answer by",
    )
    lines = [] if rows else ["no messages"]
    value = {"messages": rows, "missing": missing}
    return Result(value, lines, [Table(headings, cells)], warnings, notes=gap_lines(missing))


def _inbox_cells(row: dict[str, Any]) -> tuple[str, ...]:
    from poc.client.conversation_view import DOUBTS

    subject = row["subject"] or f"not opened: {row['reason'] or 'unknown'}"
    named = [row[name] for name in ("precedence", "kind", "status", "state")]
    named[-1] += ", WITHDRAWN" if row["withdrawn"] is not None else ""
    doubts = (warning["code"] for warning in row["warnings"] or () if warning["code"] in DOUBTS)
    named[-1] += "".join(f", {code.upper()}" for code in doubts)
    return (
        short_id(row["message"]),
        row["short_number"],
        row["from"],
        _day(row["sent_at"]),
        *named,
        subject,
        _day(row["deadline"]),
    )


def _inbox_row(desk: Desk, row: dict[str, Any], conversations: Conversations) -> dict[str, Any]:
    """A row of the inbox with what only the opened message tells; one that is refused says why."""
    try:
        view = _view(desk, row["message"], conversations)
    except PocError as error:
        return {**row, **dict.fromkeys(_ONLY_OPENED), "reason": row["reason"] or error.code}
    return {**row, **{name: view[name] for name in _ONLY_OPENED}}


def _day(text: str | None) -> str:
    return "" if text is None else f"{parse_time(text):%Y-%m-%d %H:%M} UTC"


async def _outbox(context: Context, _arguments: argparse.Namespace) -> Result:
    from poc.client.cancels import held_warnings
    from poc.client.progress import message_progress, missed_deadlines

    async with context.desk(unlock=True) as desk:
        known, conversations, party = desk.known, desk.conversations(), desk.party or ""
        sent = [
            {**message_progress(known, row.ref), "withdrawn": conversations.withdrawn(row.ref, party)}
            for row in known.trust.outbox(kind="message")
        ]
        others = [row for row in desk.outbox() if row["kind"] != "message" and row["state"] in _STUCK]
        warnings = [*missed_deadlines(known), *held_warnings(known, known.now()), *desk.warnings()]
    headings = ("message", "state", "say", "as", "retrieved", "answer", "answered", "answer by")
    rows = [row for message in sent for row in progress_rows(message)]
    notes = list(RECEIPT_IS_NOT_AGREEMENT.values()) if rows else ["nothing was sent from here"]
    stuck = [(row["kind"], row["state"], str(row["tries"]), row["reason"] or "") for row in others]
    tables = [
        Table(headings, rows),
        Table(("what", "state", "tries", "reason"), stuck, "beside messages, not taken by the hub:"),
    ]
    return Result({"messages": sent, "others": others}, [], tables, warnings, notes=notes)


async def _show(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.conversation_view import missing_numbers
    from poc.client.view import message_view

    saved: list[str] = []
    told: list[str] = []
    exit_code = 0
    async with context.desk(unlock=True) as desk:
        message = find_message(desk, arguments.id)
        if arguments.save is not None:
            saved, told, exit_code = await message_attachments.save(desk, message, arguments.save)
        opened = desk.show(message)
        desk.looked([message])
        view = message_view(desk.known, opened)
        view["missing"] = missing_numbers(desk.known, opened.message)
        language = arguments.language or desk.settings.language
    if arguments.save is not None:
        view["saved"] = saved
    warnings = [" ".join((*_sentences(warning), f"[{warning['code']}]")) for warning in view["warnings"]]
    notes = [*gap_lines(view["missing"]), *(f"saved, not opened: {path}" for path in saved)]
    lines = message_lines(view, language)
    return Result(view, lines, warnings=[*warnings, *told], exit_code=exit_code, notes=notes)


def _sentences(warning: dict[str, str]) -> list[str]:
    """A warning in English and Arabic, once where both are the same."""
    return list(dict.fromkeys((warning["en"], warning["ar"])))


# --- answering ---------------------------------------------------------------------------------


def _next_step(text: str) -> NextStep:
    kind, equals, value = text.partition("=")
    members: dict[str, Any] = {"kind": kind, "at": None, "contact": None}
    if kind == "reply-by" and equals:
        members["at"] = format_time(words.moment(value))
    elif kind == "passed-to" and equals:
        members["contact"] = value
    elif equals or kind not in ("none-stated", "no-reply"):
        raise argparse.ArgumentTypeError(
            f"{text[:60]!r} is not none-stated, reply-by=TIME, no-reply or passed-to=CONTACT"
        )
    try:
        return form_of(NextStep, members)
    except RefusedError as error:
        raise argparse.ArgumentTypeError(error.detail) from None


async def _acknowledge(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        view = _answerable(desk, arguments.id, "acknowledged")
        if view["kind"] == "ping" and arguments.word is None:
            raise UsageError("usage", "a ping is answered with its word: `poc message show`, then --word W")
        state = await desk.acknowledge(
            view["id"], officer=arguments.officer, word=arguments.word, next_step=arguments.next_step
        )
    return _answered(view, "acknowledged", state)


async def _decline(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        view = _answerable(desk, arguments.id, "declined")
        state = await desk.decline(view["id"], arguments.reason, officer=arguments.officer)
    return _answered(view, "declined", state)


def _answerable(desk: Desk, part: str, outcome: str) -> dict[str, Any]:
    """The message to answer. Raises ``answer-used``: the first stands, so another is not dropped silently."""
    view = _view(desk, find_message(desk, part))
    if view["state"] == outcome:
        raise RefusedError("answer-used", f"{outcome} before")
    return view


def _answered(view: dict[str, Any], outcome: str, state: str) -> Result:
    value = {"message": view["id"], "outcome": outcome, "state": state, "concurrence": "none"}
    value["receipt_sentence"] = view["receipt_sentence"]
    lines = [f"{outcome}: {view['subject']} ({', '.join(view['spoken'])})", f"state: {state}"]
    kept = (
        "not with the hub yet: kept in the outbox, `poc sync` sends it; "
        "`poc message export --answers ID --eml FILE` carries it meanwhile"
    )
    warnings = [kept] if state == "waiting" else []
    return Result(value, lines, warnings=warnings, notes=view["receipt_sentence"].values())


async def _evidence(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        message = find_message(desk, arguments.id)
        out = arguments.out or Path(f"{message}.evidence.json")
        if out.exists():
            raise RefusedError("file-exists", str(out))
        data = await desk.evidence(message, disclose=arguments.disclose)
        fingerprint, as_of, told = desk.directory.fingerprint, desk.as_of, desk.hub.take_warnings()
    write_file(out, data, private=True)
    value = {
        "file": str(out), "message": message, "bytes": len(data), "disclosed": arguments.disclose,
        "fingerprint": fingerprint,
    }  # fmt: skip
    lines = [
        f"wrote {out} ({len(data)} bytes), with the log as of {both_times(as_of)}",
        f"verify it anywhere: poc evidence verify {out} --fingerprint {fingerprint}",
    ]
    warnings = ["the file discloses the content to whoever has it"] if arguments.disclose else []
    return Result(value, lines, warnings=[*told, *warnings])
