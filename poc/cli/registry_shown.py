"""``poc registry show``: the pin, the settings, the witnesses' seats and what waits. Not a noun."""

from __future__ import annotations

import argparse
from typing import Any

from poc.cli.context import Context
from poc.cli.output import Result, Table, both_times
from poc.core.bodies import Settings
from poc.core.directory import Directory, Dismissal, Pending, Seat
from poc.core.form import form_value
from poc.core.statement import format_fingerprint
from poc.core.strictjson import b64u, format_time


def add(show: argparse.ArgumentParser) -> None:
    """This verb has no options."""
    show.set_defaults(run=_show)


def pending_value(pending: Pending) -> dict[str, Any]:
    """What waits for an attest, for programs."""
    change = pending.change
    value: dict[str, Any] = {
        "entry": pending.anchor.leaf_hash,
        "logged_at": format_time(pending.anchor.logged_at),
    }
    if isinstance(change, Settings):
        return {"what": "policy", **value, "settings": form_value(change)}
    if isinstance(change, Seat):
        return {"what": "seat", **value, "witness": change.witness, "vkey": change.vkey, "url": change.url}
    return {"what": "dismissal", **value, "witness": change.witness}


def pending_line(pending: Pending) -> str:
    """The same in words."""
    change, since = pending.change, both_times(pending.anchor.logged_at)
    what = "a policy"
    if isinstance(change, Seat):
        what = f"the seat of {change.witness} at {change.url}"
    elif isinstance(change, Dismissal):
        what = f"the dismissal of {change.witness}"
    return f"  {what}, logged at {since}"


def quorum_line(directory: Directory) -> str:
    """How many witnesses must cosign, in words."""
    seats, settings = len(directory.seats), directory.settings
    if settings.quorum == "none":
        return f"witnesses: {seats} seat(s); no quorum is asked for"
    if not seats:
        return f"witnesses: no seat yet, so the quorum ({settings.quorum}) asks for none"
    lies = max(0, 2 * directory.quorum - seats)
    return (
        f"witnesses: {directory.quorum} of {seats} must cosign ({settings.quorum}); "
        f"two different logs need {lies} that lie"
    )


async def _show(context: Context, _arguments: argparse.Namespace) -> Result:
    async with context.desk() as desk:
        directory = desk.directory
        settings = directory.settings
        value = {
            "origin": directory.origin,
            "fingerprint": directory.fingerprint,
            "hub_url": desk.settings.hub_url,
            "party": desk.party,
            "entries": directory.size,
            "root": b64u(directory.tree.root()),
            "newest_entry_at": format_time(directory.logged_at),
            "attested_at": format_time(directory.attested_at),
            "attest": None if directory.attest is None else directory.attest.leaf_hash,
            "seats": [seat.witness for seat in directory.seats],
            "quorum": directory.quorum,
            "pending": [pending_value(pending) for pending in directory.pending],
            "states": sum(state.status == "enrolled" for state in directory.states.values()),
            "contacts": sum(not contact.withdrawn for contact in directory.contacts.values()),
            "settings": settings.model_dump(mode="json", by_alias=True),
        }
        registrars = [[r.id, r.body, " / ".join(r.names.values())] for r in settings.registrars]
        lines = [f"{name}: {value[name]}" for name in ("origin", "hub_url", "party", "entries", "root")]
        lines.insert(1, f"fingerprint: {format_fingerprint(directory.fingerprint)}")
        lines += [
            f"statuses now: {', '.join(sorted(directory.admitted_statuses()))}",
            quorum_line(directory),
            f"attested time: {both_times(directory.attested_at)}; windows run on it",
            f"objection window: {settings.objection_seconds} s; stale heads: {settings.freshness_seconds} s",
            "states: {states}; contacts: {contacts}; as of {newest_entry_at}".format(**value),
        ]
        if directory.pending:
            lines += ["waits for an attest that covers it:", *map(pending_line, directory.pending)]
        table = Table(("registrar", "body", "names"), registrars)
        return Result(value, lines=lines, tables=[table], warnings=desk.warnings())
