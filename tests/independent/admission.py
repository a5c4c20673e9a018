"""What a hub refuses of an envelope for its times and slots, written from docs/spec/envelope.md."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.independent.basics import RefusedError, moment, refuse_if
from tests.independent.directory import Directory
from tests.independent.holding import begins_at, check_held, check_numbers


def check_times(header: dict[str, Any], now: dt.datetime) -> None:
    """Sent at most five minutes ahead; it begins, is to be answered and expires, in this order."""
    refuse_if(moment(header["sent_at"]) - now > dt.timedelta(minutes=5), "sent-in-future")
    begins, expires = begins_at(header), moment(header["expires_at"])
    answer = moment(header["respond_by"] or header["expires_at"])
    refuse_if(not begins < answer <= expires, "bad-times")
    refuse_if(expires <= now, "expired")


def check_contacts(slots: list[dict[str, Any]], directory: Directory) -> None:
    """Every slot is for the newest key of a device of a contact in office."""
    for slot in slots:
        directory.state(slot["contact"].split(".")[0])
        party = directory.parties.get(slot["contact"])
        if party is None or party.withdrawn:
            raise RefusedError("unknown-contact")
        refuse_if(party.freeze() is not None, "contact-frozen")
        current = {device["sealing"]["kid"] for device in party.devices.values()}
        refuse_if(slot["kid"] not in current, "stale-slot-key")


def admit(
    header: dict[str, Any], slots: list[dict[str, Any]], directory: Directory, now: dt.datetime
) -> None:
    """Refuse an envelope whose times or slots a hub does not take."""
    check_times(header, now)
    refuse_if(all(slot["contact"] == header["from"]["contact"] for slot in slots), "no-addressee")
    check_numbers(header, slots)
    check_contacts(slots, directory)
    check_held(header, slots, directory, now)
