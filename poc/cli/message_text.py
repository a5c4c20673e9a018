"""How a message and what came back are laid out for a terminal. Made of values only; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from poc.cli.lookup import custody, names_line, reachable
from poc.cli.output import both_times, short_id
from poc.core.strictjson import parse_time
from poc.core.template import in_language
from poc.errors import PocError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poc.client.preview import Preview
    from poc.core.escalation import Reached


def spaced_code(code: str) -> str:
    """A voice code or text code in two groups of four signs."""
    return f"{code[:4]} {code[4:]}"


def marking_line(view: dict[str, Any]) -> list[str]:
    """The marking in every language it has, as one line; nothing marks an actual message."""
    return [" / ".join(view["marking"].values())] if view["marking"] else []


def recipient_lines(seen: Preview) -> Iterator[str]:
    """Who will get it and when, by its zone too: names, who holds the keys, whether the office is open."""
    if len(seen.recipients) > 1:
        yield (
            "one message for each, sealed separately: none sees the others"
            if seen.separately
            else "one message to all: each recipient sees the others (--separately seals one for each)"
        )
    yield "this goes to:"
    for recipient in seen.recipients:
        shown, reached = recipient.shown, recipient.reached
        if shown is None:
            yield f"  {recipient.contact} for {reached.use}: a controller of exercises"
            continue
        names = ", ".join(filter(None, (names_line(shown.names), names_line(shown.state_names))))
        yield f"  {recipient.contact} for {reached.use}: {names}"
        yield f"    {_when(reached, shown.zone)}"
        yield f"    keys held by {custody(shown)}; office open? {reachable(shown)}"
    if seen.draft.respond_by is not None:
        yield f"answer asked for by {both_times(seen.draft.respond_by)}"


def _when(reached: Reached, zone: str | None) -> str:
    """When the message goes out to one contact, in UTC and in the office's zone."""
    at = both_times(reached.at, office_zone(zone))
    if reached.why == "duty":
        return f"at once, as the duty contact beside an office that is closed: {at}"
    if reached.is_held:
        return f"only if nobody before has acknowledged, in place of {reached.in_place_of}: {at}"
    if reached.opens_at is not None and reached.opens_at > reached.at:
        return f"goes out {at}; the office opens {both_times(reached.opens_at, office_zone(zone))}"
    return f"goes out {at}"


def office_zone(name: str | None) -> ZoneInfo | None:
    """The zone of an office; ``None``, this computer's, where it has none that is known here."""
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def message_lines(view: dict[str, Any], language: str = "en") -> list[str]:
    """A message with its marking first and last, every sentence that must stand beside it, and both times.

    The fields of a form are shown in the reader's ``language``.
    """
    lines = marking_line(view)
    lines += [
        f"subject     {view['subject']}",
        f"from        {_party(view['from'])}",
        f"to          {', '.join(view['to']) or 'nobody for action'}",
    ]
    if view["in_place_of"]:
        lines.append(f"to you      in place of {view['in_place_of']}, which had not acknowledged")
    if view["information"]:
        lines.append(f"for info    {', '.join(view['information'])}")
    lines += [
        view["addressed"]["en"],
        view["addressed"]["ar"],
        f"message     {view['id']}",
        f"say         {', '.join(view['spoken'])}",
        f"voice code  {spaced_code(view['voice_code'])}",
        f"text code   {_text_code(view)}",
        f"what        {view['kind']}, {view['precedence']}, {view['status']}, {view['tlp']}",
        *_optional(view),
        *_time_lines(view),
        f"state       {view['state'] or 'unknown'}",
        *_since_lines(view),
        "",
        *text_lines(view),
        *form_lines(view["form"], language),
        *(f"attachment  {_attachment(a)}" for a in view["attachments"]),
        *view["attribution"].values(),
        *view["receipt_sentence"].values(),
    ]
    return [*lines, *marking_line(view)]


def _text_code(view: dict[str, Any]) -> str:
    """The code of the sender's screen and paper, and whether a second device stands behind it."""
    shown, prepared = spaced_code(view["text_code"]), view["prepared_by"]
    return shown if prepared is None else f"{shown}   (prepared by key {prepared[:8]})"


def _party(party: dict[str, Any]) -> str:
    office, state = party["office_names"] or {}, party["state_names"] or {}
    names = ", ".join(filter(None, (names_line(office), names_line(state))))
    return f"{party['contact']}: {names}" if names else str(party["contact"])


def _optional(view: dict[str, Any]) -> Iterator[str]:
    if view["exercise"] is not None:
        yield f"exercise    {view['exercise']['id']}: {names_line(view['exercise']['title'] or {})}"
    for label, value in (
        ("handling", view["handling"]),
        ("officer", view["officer"]),
        ("thread", view["references"]["thread"]),
        ("answers", view["references"]["in_reply_to"]),
        ("our ref.", view["references"]["ours"]),
        ("your ref.", view["references"]["yours"]),
    ):
        if value is not None:
            yield f"{label:<12}{value}"


def _time_lines(view: dict[str, Any]) -> Iterator[str]:
    names = (
        ("sent", "sent_at"),
        ("accepted", "accepted_at"),
        ("answer by", "deadline"),
        ("expires", "expires_at"),
    )
    for label, name in names:
        if view[name] is not None:
            yield f"{label:<12}{both_times(parse_time(view[name]))}"


def _since_lines(view: dict[str, Any]) -> Iterator[str]:
    """What the originator said of it afterwards, at what time, and in which message."""
    if view["withdrawn"] is not None:
        yield f"WITHDRAWN   {_said_at(view['withdrawn'])}"
    yield from (f"updated     {_said_at(update)}" for update in view["updates"])


def _said_at(said: dict[str, Any]) -> str:
    return f"{both_times(parse_time(said['at']))} by {said['by']}, message {said['message']}"


def text_lines(view: dict[str, Any]) -> Iterator[str]:
    """The texts of a message, the original and its translations."""
    for text in view["texts"]:
        role = (
            "original" if text["role"] == "original" else "courtesy translation; the original is what counts"
        )
        yield f"[{text['language']}, {role}]"
        yield from text["text"].split("\n")
        yield ""


def form_lines(form: dict[str, Any] | None, language: str) -> Iterator[str]:
    """The fields of a form for a reader of a language; what is not known here as it was sent, and said so."""
    if form is None:
        return
    if form["title"] is not None:
        yield f"form        {in_language(form['title'], language)}"
    if form["sentence"] is not None:
        yield from form["sentence"].values()
    for field in form["fields"]:
        label = field["name"] if field["labels"] is None else in_language(field["labels"], language)
        first, *rest = _field_text(field, language).split("\n")
        yield f"{label}: {first}"
        yield from (f"  {line}" for line in rest)
        if field["sentence"] is not None:
            yield from (f"  {sentence}" for sentence in field["sentence"].values())


def _field_text(field: dict[str, Any], language: str) -> str:
    value = str(field["value"])
    if field["shown"] is not None:
        return in_language(field["shown"], language)
    if field["type"] != "time":
        return value
    try:
        return both_times(parse_time(value))
    except PocError:  # another program sent what is no time
        return value


def gap_lines(missing: list[dict[str, Any]]) -> Iterator[str]:
    """The numbers that did not come, each in English and Arabic."""
    for gap in missing:
        yield from (gap["en"], gap["ar"])


def _attachment(attachment: dict[str, Any]) -> str:
    name, size = attachment["name"], attachment["size_bytes"]
    missing = attachment["missing_bytes"]
    where = f"; not here yet: {missing} bytes, --save DIR fetches them" if missing else ""
    return f"{name} ({attachment['media_type']}, {size} bytes, SHA-256 {attachment['sha256']}{where})"


def progress_rows(message: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """One row for each addressee of a message sent."""
    for contact in message["contacts"]:
        answer = "" if message["state"] == "rejected" else contact["state"]
        answer += " (late)" if contact["late"] else ""
        if contact["overdue"]:
            answer += " (overdue)"
        if contact["recorded"] is False:
            answer += " (by file: time unproven)"
        if contact["reason"]:
            answer += f": {contact['reason']}"
        reason = f": {message['reason']}" if message["reason"] else ""
        reason += ", WITHDRAWN" if message["withdrawn"] else ""
        yield (
            short_id(message["id"]),
            f"{message['state']}{reason}",
            contact["spoken"],
            contact["as"] or "",
            _short(contact["retrieved_at"]),
            answer,
            _short(contact["answered_at"]),
            _short(contact["deadline"] or contact["release_at"]),
        )


def _short(text: str | None) -> str:
    return "" if text is None else f"{parse_time(text):%m-%d %H:%M:%S} UTC"
