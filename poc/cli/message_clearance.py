"""``poc message draft … release``: a message drawn up, prepared by a second device, and released.

Two devices of one office stand behind it, at two homes on one machine or in two buildings, by file. What a
draft is and what may happen to it is decided in core; edits of single members stand in ``draft_edit``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poc.cli import compose, draft_edit, words
from poc.cli.context import Context, check_absent, read_file, write_file
from poc.cli.output import Result, Table, both_times, short_id, warn
from poc.core.clearance import ACTUAL_WORDS, short_name
from poc.core.strictjson import format_time, parse_time
from poc.errors import RefusedError, UsageError
from poc.limits import DRAFT_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.clearance import KeptDraft
    from poc.client.sdk import Desk
    from poc.client.sending import Sent
    from poc.report.message_sheet import MessageSheet

_SHEETS: Final = (".pdf", ".txt")
_ID: Final = "the draft's id, or enough of its beginning or end"
_ID_OR_FILE: Final = f"{_ID}; or its file"
_CODE_HELP: Final = "the text code, or its first 4 characters or more; without it, it is asked for"
_HOW: Final = (
    "A draft is kept sealed in this home. `submit` gives it into clearance, `prepare` at the home of another "
    "device of the same office stands behind it, `release` seals and sends it. Both show the whole text and "
    "its code; any edit makes another one and voids the preparation. An actual message goes no other way."
)


def add(verbs: Any) -> None:
    """Add the verbs of clearance."""
    draft = verbs.add_parser("draft", help="draw a message up, to be prepared and released", epilog=_HOW)
    compose.add_message(draft)
    draft.set_defaults(run=_draft)
    drafts = verbs.add_parser("drafts", help="list the drafts of this home with their state; no network")
    drafts.set_defaults(run=_drafts)
    edit = verbs.add_parser("edit", help="change a draft; what was prepared is void; no network")
    edit.add_argument("draft", metavar="ID", help=_ID)
    draft_edit.add_options(edit)
    edit.set_defaults(run=_edit)
    submit = verbs.add_parser("submit", help="give a draft into clearance; no network")
    submit.add_argument("draft", metavar="ID", help=_ID)
    submit.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="write it for another building, sealed to this office's devices",
    )
    submit.add_argument("--plain", action="store_true", help="write that file unsealed, for anyone to read")
    submit.set_defaults(run=_submit)
    _add_prepare_release(verbs)
    discard = verbs.add_parser("discard", help="forget a draft; no network")
    discard.add_argument("draft", metavar="ID", help=_ID)
    discard.set_defaults(run=_discard)
    sheet = verbs.add_parser("print", help="a numbered sheet in Arabic and English; no network")
    sheet.add_argument("draft", metavar="ID|FILE", help=_ID_OR_FILE)
    sheet.add_argument(
        "--out", metavar="FILE", type=Path, help="write FILE.pdf or FILE.txt (default: to standard output)"
    )
    sheet.set_defaults(run=_print)


def _add_prepare_release(verbs: Any) -> None:
    prepare = verbs.add_parser("prepare", help="stand behind a draft as the second device; no network")
    prepare.add_argument("draft", metavar="ID|FILE", help=_ID_OR_FILE)
    prepare.add_argument("--code", metavar="CODE", help=_CODE_HELP)
    prepare.add_argument("--officer", metavar="C", help="the code of the officer who clears it")
    prepare.add_argument("--out", metavar="FILE", type=Path, help="write the preparation, to be carried back")
    prepare.set_defaults(run=_prepare)
    release = verbs.add_parser("release", help="seal a prepared draft and send it", epilog=_HOW)
    release.add_argument("draft", metavar="ID|FILE", help=_ID_OR_FILE)
    release.add_argument(
        "--preparation", metavar="FILE", type=Path, help="the preparation that was carried back"
    )
    release.add_argument("--code", metavar="CODE", help=_CODE_HELP)
    release.add_argument("--officer", metavar="C", help="the code of the officer who releases it")
    release.add_argument(
        "--actual", action="store_true", help="for an actual message, whose two words are typed at a terminal"
    )
    release.add_argument(
        "--stale-reason",
        metavar="TEXT",
        help="with --actual: why it goes out on a log that is not fresh; kept here, never sent",
    )
    release.set_defaults(run=_release)


# --- drawing up --------------------------------------------------------------------------------


async def _draft(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.cli.message_text import recipient_lines
    from poc.client.preview import preview
    from poc.core.clearance import Addressed

    compose.check_status(arguments)
    async with context.desk(unlock=True) as desk:
        draft, to, information = compose.read_message(desk, arguments, context.now())
        seen = preview(desk.known, draft, to, information, escalate=arguments.escalate)
        for line in recipient_lines(seen):
            warn(line)
        kept = await desk.new_draft(
            Addressed(draft, tuple(to), tuple(information), arguments.escalate), officer=arguments.officer
        )
        warnings = [*seen.warnings(), *_nobody_else(desk)]
    return Result(
        _value(kept), [*_lines(kept), f"next        poc message submit {kept.id}"], warnings=warnings
    )


async def _drafts(context: Context, _arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        values = [_listed(found) for found in desk.drafts()]
        now = format_time(context.now())
    headings = ("draft", "state", "text code", "status", "precedence", "to", "subject", "expires")
    rows = []
    for v in values:
        expires = v["expires_at"]
        until = "" if expires is None else f"{parse_time(expires):%Y-%m-%d %H:%M} UTC"
        past = " (past)" if expires and expires <= now and v["state"] != "released" else ""
        shown = (v[name] or "" for name in ("text_code", "status", "precedence"))
        to = ", ".join((*v["to"], *v["information"]))
        rows.append((short_id(v["id"]), v["state"], *shown, to, v["subject"] or "", f"{until}{past}"))
    return Result({"drafts": values}, [] if rows else ["no drafts"], [Table(headings, rows)])


def _listed(found: Any) -> dict[str, Any]:
    from poc.client.trust_drafts import DraftRow

    if not isinstance(found, DraftRow):
        return _value(found)
    unknown = dict.fromkeys(("text_code", "status", "precedence", "subject", "expires_at", "prepared_by"))
    return {
        "id": found.id,
        "state": found.state,
        "edition": found.edition,
        **unknown,
        "to": [],
        "information": [],
    }


async def _edit(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.core.clearance import addressed_of

    async with context.desk(unlock=True) as desk:
        before = desk.draft(_find(desk, arguments.draft))
        told: list[str] = []
        after = draft_edit.edited(desk, addressed_of(before.form), arguments, context.now(), told)
        kept = await desk.edit_draft(before.id, after, officer=getattr(arguments, "officer", None))
    voided = ["the preparation is void: have this edition prepared anew"] if kept.voided else []
    lines = [*_lines(kept), f"next        poc message submit {kept.id}"]
    return Result({**_value(kept), "voided": kept.voided}, lines, warnings=[*told, *voided])


async def _submit(context: Context, arguments: argparse.Namespace) -> Result:
    if arguments.plain and arguments.out is None:
        raise UsageError("usage", "--plain goes with --out")
    async with context.desk(unlock=True) as desk:
        if arguments.out is not None:
            check_absent(arguments.out)
        kept = await desk.submit_draft(_find(desk, arguments.draft))
        data = None if arguments.out is None else desk.export_draft(kept, plain=arguments.plain)
        warnings = _nobody_else(desk)
    if data is not None:
        write_file(arguments.out, data, private=True)
    if arguments.plain:
        warnings.append(f"{arguments.out} is not sealed: whoever has the file reads the message")
    name = kept.id if data is None else arguments.out
    lines = [
        *_lines(kept),
        f"next        poc message prepare {name}   (at the home of another device of {_contact(kept)})",
    ]
    return Result(
        {**_value(kept), "file": None if data is None else str(arguments.out)}, lines, warnings=warnings
    )


async def _discard(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        name = _find(desk, arguments.draft)
        await desk.discard_draft(name)
    return Result({"id": name, "state": "discarded"}, [f"discarded: {name}"])


# --- preparing and releasing -------------------------------------------------------------------


async def _prepare(context: Context, arguments: argparse.Namespace) -> Result:
    if arguments.out is not None:
        check_absent(arguments.out)
    async with context.desk(unlock=True) as desk:
        kept = await _taken(desk, arguments.draft)
        desk.check_prepare(kept)
        _show(desk, kept, context)
        typed = arguments.code or _ask_code("To stand behind this text")
        kept = await desk.prepare_draft(kept.id, typed, officer=arguments.officer)
    lines = _lines(kept)
    follows = f"submit {kept.id} --out FILE   (for the device that releases it)"
    if arguments.out is not None:
        write_file(arguments.out, f"{kept.form.prepared}\n".encode())
        follows = f"release {kept.id} --preparation {arguments.out}"
    lines.append(f"next        poc message {follows}")
    return Result({**_value(kept), "file": None if arguments.out is None else str(arguments.out)}, lines)


async def _release(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.cli.message import sent_result

    if arguments.stale_reason is not None and not arguments.actual:
        raise UsageError("usage", "--stale-reason goes with --actual")
    async with context.desk(unlock=True) as desk:
        kept = await _taken(desk, arguments.draft)
        if arguments.preparation is not None:
            kept = await desk.add_preparation(kept.id, _read_preparation(arguments.preparation))
        desk.check_release(kept)
        _check_asked(kept, actual=arguments.actual)
        _show(desk, kept, context)
        _show_recipients(desk, kept)
        sent = await _confirmed(desk, kept, arguments)
    value = {**sent.to_json(), "text_code": kept.code}
    result = sent_result(value, [sent])
    return Result(value, [f"text code   {kept.code}", *result.lines], warnings=result.warnings)


def _read_preparation(path: Path) -> str:
    """What `prepare --out` wrote. Raises ``bad-form`` for another file, ``no-such-file``."""
    text = read_file(path, DRAFT_BYTES_MAX).decode("ascii", "replace").strip()
    if text.count(".") != 2:
        raise RefusedError("bad-form", f"{path} is not what `poc message prepare --out` wrote")
    return text


def _check_asked(kept: KeptDraft, *, actual: bool) -> None:
    """Refuse before anything is typed where the command is not the one of this draft's status."""
    if actual != (kept.form.content.status == "actual"):
        raise RefusedError("actual-not-confirmed", f"this draft is {kept.form.content.status}")


async def _confirmed(desk: Desk, kept: KeptDraft, arguments: argparse.Namespace) -> Sent:
    """Ask for the code, and for an actual message for its two words, then release."""
    typed = arguments.code or _ask_code("To release this text")
    actual = _ask_actual(kept.form.origin) if arguments.actual else None
    return await desk.release_draft(
        kept.id, typed, typed_actual=actual, officer=arguments.officer, stale_reason=arguments.stale_reason
    )


def _ask_code(why: str) -> str:
    """The text code as a person types it. Raises ``wrong-text-code`` where there is no terminal."""
    warn(f"{why}, type its text code, or its first 4 characters or more:")
    if not sys.stdin.isatty():
        raise RefusedError("wrong-text-code", "nobody is at a terminal to type it; --code gives it")
    return sys.stdin.readline().strip()


def _ask_actual(origin: str) -> str:
    """The two words for an actual message, which no option gives. Raises ``actual-not-confirmed``."""
    words_of = (f"{word} {short_name(origin)}" for word in ACTUAL_WORDS.values())
    warn(f"THIS IS AN ACTUAL MESSAGE. / هذه رسالة فعلية. Type one of: {', '.join(words_of)}")
    if not sys.stdin.isatty():
        raise RefusedError("actual-not-confirmed", "nobody is at a terminal to type them")
    return sys.stdin.readline().strip()


# --- on paper ----------------------------------------------------------------------------------


async def _print(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.report.message_sheet import message_page, sheet_lines

    out: Path | None = arguments.out
    if out is not None:
        if out.suffix not in _SHEETS:
            raise UsageError("usage", f"--out ends in {' or '.join(_SHEETS)}")
        check_absent(out)
    async with context.desk(unlock=True) as desk:
        kept = _looked_at(desk, arguments.draft)
        sheet = _sheet(desk, kept, context, desk.number_sheet(kept))
    value = {**_value(kept), "number": sheet.number, "file": None if out is None else str(out)}
    if out is None:
        return Result(value, sheet_lines(sheet))
    text = "\n".join(sheet_lines(sheet)) + "\n"
    write_file(out, message_page(sheet) if out.suffix == ".pdf" else text.encode(), private=True)
    lines = [f"sheet {sheet.number} is in {out}", f"text code   {kept.code}"]
    return Result(
        value, lines, warnings=[f"{out} holds the message in clear, for the printer: delete it afterwards"]
    )


# --- in common ---------------------------------------------------------------------------------


def _find(desk: Desk, part: str) -> str:
    """The id of a draft by enough of it. Raises ``unknown-draft``, ``ambiguous-id``."""
    try:
        return words.find_id(part, (row.id for row in desk.known.trust.drafts()))
    except RefusedError as error:
        if error.code != "unknown-message":
            raise
        raise RefusedError("unknown-draft", error.detail) from None


def _file(named: str) -> bytes | None:
    """The bytes of the file of that name, if there is one."""
    path = Path(named)
    return read_file(path, DRAFT_BYTES_MAX) if path.is_file() else None


async def _taken(desk: Desk, named: str) -> KeptDraft:
    """The draft of an id, or that of a file, which is kept here from then on."""
    data = _file(named)
    if data is None:
        return desk.draft(_find(desk, named))
    kept = await desk.take_draft(data)
    if kept.voided:
        warn("warning: this edition replaces the one that was here; its preparation is void")
    return kept


def _looked_at(desk: Desk, named: str) -> KeptDraft:
    """The draft of an id, or that of a file, which is not kept."""
    data = _file(named)
    return desk.draft(_find(desk, named)) if data is None else desk.read_draft_file(data)


def _show(desk: Desk, kept: KeptDraft, context: Context) -> None:
    """The whole text on the screen, with its code, before anything is typed."""
    from poc.report.message_sheet import sheet_lines

    for line in sheet_lines(_sheet(desk, kept, context)):
        warn(line)


def _show_recipients(desk: Desk, kept: KeptDraft) -> None:
    """Who would get it now, and what is to be known of them. Raises as ``preview``."""
    from poc.cli.message_text import recipient_lines
    from poc.client.preview import preview
    from poc.core.clearance import addressed_of

    addressed = addressed_of(kept.form)
    seen = preview(
        desk.known, addressed.draft, addressed.to, addressed.information, escalate=addressed.escalate
    )
    for line in (*recipient_lines(seen), *(f"warning: {told}" for told in seen.warnings())):
        warn(line)


def _sheet(desk: Desk, kept: KeptDraft, context: Context, number: int | None = None) -> MessageSheet:
    from poc.cli.clearance_sheet import sheet_of

    return sheet_of(desk, kept, context.now(), number)


def _nobody_else(desk: Desk) -> list[str]:
    """A warning where no second device could prepare what this one releases."""
    if desk.may_prepare():
        return []
    return [f"no other device of {desk.party} may send, so none can prepare this"]


def _contact(kept: KeptDraft) -> str:
    return kept.form.content.sender.contact


def _value(kept: KeptDraft) -> dict[str, Any]:
    content = kept.form.content
    cleared = kept.form.cleared
    by_use = {use: [r.contact for r in content.to if r.use == use] for use in ("action", "information")}
    return {
        "id": kept.id, "state": kept.state, "edition": kept.form.edition, "text_code": kept.code,
        "status": content.status, "precedence": content.precedence, "subject": content.subject,
        "expires_at": format_time(content.expires_at), "to": by_use["action"],
        "information": by_use["information"], "prepared_by": None if cleared is None else cleared.kid,
    }  # fmt: skip


def _lines(kept: KeptDraft) -> list[str]:
    respond_by = kept.form.content.respond_by
    asked = (
        []
        if respond_by is None
        else [f"answer by   {both_times(respond_by)}; released before that, or edited"]
    )
    return [
        f"draft       {kept.id}",
        f"text code   {kept.code}",
        f"state       {kept.state}, edition {kept.form.edition}",
        *asked,
        f"expires     {both_times(kept.form.content.expires_at)}",
    ]
