"""What is held of an envelope and until when, written from docs/spec/envelope.md and evidence.md."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.independent.basics import moment, refuse_if
from tests.independent.directory import Directory

HELD_AT_MOST = dt.timedelta(days=90)


def begins_at(header: dict[str, Any]) -> dt.datetime:
    """When the message is to reach its first addressees."""
    return max(moment(header["sent_at"]), moment(header["not_before"] or header["sent_at"]))


def goes_out_at(header: dict[str, Any], slot: dict[str, Any]) -> dt.datetime | None:
    """The time a slot is held until; None where it is not held."""
    text = slot["release_at"] or header["not_before"]
    return None if text is None else moment(text)


def check_alike(slots: list[dict[str, Any]]) -> None:
    """All devices of a contact get the message in one way."""
    ways: dict[str, tuple[Any, Any]] = {}
    for slot in slots:
        way = (slot["release_at"], slot["in_place_of"])
        refuse_if(ways.setdefault(slot["contact"], way) != way, "bad-held-slot")


def _check_alternate(directory: Directory, contact: str, addressee: str) -> None:
    parties = [directory.parties.get(name) for name in (contact, addressee)]
    refuse_if(any(p is None or p.kind != "contact" or p.withdrawn for p in parties), "unknown-contact")
    body = directory.parties[contact].body
    same_state = contact.split(".", maxsplit=1)[0] == addressee.split(".", maxsplit=1)[0]
    duty = body["role"] == "duty" and same_state
    refuse_if(body["alternate_of"] != addressee and not duty, "not-alternate")


def check_held(
    header: dict[str, Any], slots: list[dict[str, Any]], directory: Directory, now: dt.datetime
) -> None:
    """Refuse what is held where it does not fit the message, the directory or the limit."""
    sender = header["from"]["contact"]
    check_alike(slots)
    first = {s["contact"] for s in slots if s["in_place_of"] is None and s["contact"] != sender}
    for slot in slots:
        refuse_if((slot["release_at"] is None) != (slot["in_place_of"] is None), "bad-held-slot")
        if slot["release_at"] is None:
            continue
        refuse_if(slot["contact"] == sender or slot["in_place_of"] not in first, "bad-held-slot")
        at = moment(slot["release_at"])
        refuse_if(not begins_at(header) < at < moment(header["expires_at"]), "bad-held-slot")
        _check_alternate(directory, slot["contact"], slot["in_place_of"])
    times = [goes_out_at(header, slot) for slot in slots]
    refuse_if(any(at is not None and at - now > HELD_AT_MOST for at in times), "held-too-long")


def check_numbers(header: dict[str, Any], slots: list[dict[str, Any]]) -> None:
    """A number where a slot is neither the sender's own nor held, one for all devices of a contact."""
    numbers: dict[str, Any] = {}
    for slot in slots:
        own = slot["contact"] == header["from"]["contact"]
        unnumbered = own or goes_out_at(header, slot) is not None
        refuse_if((slot["sequence"] is None) != unnumbered, "bad-sequence")
        refuse_if(numbers.setdefault(slot["contact"], slot["sequence"]) != slot["sequence"], "bad-sequence")


def deadline(header: dict[str, Any], out_at: dt.datetime) -> dt.datetime:
    """Until when a contact that got it at ``out_at`` answers in time."""
    expires = moment(header["expires_at"])
    if header["respond_within_s"] is not None:
        return min(out_at + dt.timedelta(seconds=header["respond_within_s"]), expires)
    if header["respond_by"] is not None and out_at < moment(header["respond_by"]):
        return moment(header["respond_by"])
    return expires
