"""What is to be said beside every answer of a desk: how far its knowledge can be trusted just now.

Warnings never block a reading command. What a single message is warned of stands in ``view``.
"""

from __future__ import annotations

import stat
from datetime import datetime, timedelta
from typing import Final

from poc.client.cautions import suspended
from poc.client.known import Known
from poc.client.log import QUORUM_MISSING
from poc.core.form import state_of
from poc.core.statement import read_signed_statement, read_statement
from poc.core.strictjson import format_time, parse
from poc.errors import RefusedError

NO_WITNESSES: Final = "no witnesses: the operator could show different logs"
CLOCK_SECONDS_MAX: Final = 300  # how far this clock may be behind what was noted before


def standing_warnings(known: Known, now: datetime) -> list[str]:
    """Contradictions first, then what is missing, old, overdue or open to others."""
    return [
        *contradictions(known),
        *withheld(known),
        *_windows(known),
        *_missing(known),
        *head_age(known, now),
        *_overdue(known, now),
        *_permissions(known),
    ]


def contradictions(known: Known) -> list[str]:
    """What is kept as proof against the hub or a sender."""
    kinds = [kind for kind, _, _ in known.trust.proofs()]
    heads = sum(kind in ("fork", "rollback", "head-inconsistent") for kind in kinds)
    told = []
    if heads:
        told.append(
            f"FORK OR ROLLBACK: {heads} pair(s) of contradicting signed heads are kept here. "
            "Trust nothing new from this hub; show them to the other parties"
        )
    if len(kinds) > heads:
        told.append(f"{len(kinds) - heads} pair(s) of contradicting messages are kept here as proof")
    refused = len(known.trust.refused_evidence())
    if refused:
        told.append(
            f"{refused} piece(s) of evidence do not verify; they are kept apart and count for nothing"
        )
    return told


def withheld(known: Known) -> list[str]:
    """The brakes held here that the log lacks, each with what the hub said to it."""
    told = []
    for notice in known.trust.notices():
        statement = read_statement(read_signed_statement(parse(notice.data)).payload)
        said = "" if notice.refusal is None else f" and refused it ({notice.refusal})"
        issued = format_time(statement.issued_at)
        told.append(
            f"THE HUB WITHHOLDS a {statement.type} of {statement.subject}, issued {issued}: its log "
            f"lacks it{said}. This desk acts as if it were logged"
        )
    return told


def _windows(known: Known) -> list[str]:
    """What waits for its window and this home may object to, the own State's recovery first."""
    party = known.party or ""
    state = known.effective.states.get(state_of(party))
    told = suspended(known.effective, state_of(party))
    if state is not None and state.recovering is not None:
        told.append(
            f"RECOVERY OF {state.id}: new keys take over at {format_time(state.recovering.effective_at)}. "
            f"If your authority did not ask for it, run `poc state object {state.id}` now"
        )
    if state is None or state.status != "enrolled" or state.id != party:
        return told
    pending = [s for _, s in sorted(known.effective.states.items()) if s.status == "pending"]
    return told + [
        f"{s.id}: its enrolment takes effect at {format_time(s.effective_at)}; see `poc state show {s.id}`"
        for s in pending
    ]


def _missing(known: Known) -> list[str]:
    told = [NO_WITNESSES] if known.directory.quorum == 0 else []
    if known.trust.value("update-needed"):
        told.append("update needed: the log holds a form this version does not know")
    lacks = known.trust.value(QUORUM_MISSING)
    if lacks:
        told.append(
            f"quorum-missing: the hub's newest checkpoint has {lacks.decode()}; it was not taken, and "
            f"what is known here ends at {format_time(known.directory.logged_at)}"
        )
    return told


def check_fresh(known: Known, now: datetime) -> None:
    """Return only if a quorum of witnesses cosigned the newest head here within the registry's bound.

    Raises:
        RefusedError: ``head-stale``, also where the hub's newest checkpoint lacked the quorum, where no
            witness is in force, and where this clock is too far behind to tell.
    """
    at = known.cosigned_at
    if at is None:
        raise RefusedError("head-stale", "no witness is in force")
    if known.trust.value(QUORUM_MISSING):
        raise RefusedError("head-stale", "the hub's newest checkpoint lacks the quorum")
    age = (now - at).total_seconds()
    if not -CLOCK_SECONDS_MAX <= age <= known.directory.settings.freshness_seconds:
        raise RefusedError(
            "head-stale", f"cosigned {format_time(at)}, the clock here says {format_time(now)}"
        )


def head_age(known: Known, now: datetime) -> list[str]:
    """How old what is known here is: by the witnesses' clocks, or by this one where there are none."""
    told = []
    if known.directory.logged_at > now + timedelta(seconds=CLOCK_SECONDS_MAX):
        newest = format_time(known.directory.logged_at)
        told.append(f"the clock of this computer is behind: the log has an entry of {newest}")
    at = known.cosigned_at
    return [*told, *(_synced(known, now) if at is None else _cosigned(known, at, now))]


def _cosigned(known: Known, at: datetime, now: datetime) -> list[str]:
    age = (now - at).total_seconds()
    if age < -CLOCK_SECONDS_MAX:
        return [f"the clock of this computer is behind: witnesses cosigned the log at {format_time(at)}"]
    if age <= known.directory.settings.freshness_seconds:
        return []
    told = (
        f"STALE: the witnesses last cosigned the log known here {int(age) // 3600} hours ago, at "
        f"{format_time(at)}; what was withdrawn or revoked since is not known here: sync"
    )
    return [told]


def _synced(known: Known, now: datetime) -> list[str]:
    """Without witnesses a head carries no time: the last sync by this clock is all there is to go by."""
    newest = format_time(known.directory.logged_at)
    told = []
    synced = known.trust.value("synced-at")
    if synced is None:
        return [f"never synced; the newest entry here is of {newest}: sync"]
    at = datetime.fromisoformat(synced.decode())
    age = now - at
    if age < -timedelta(seconds=CLOCK_SECONDS_MAX):
        told.append(
            f"the clock of this computer went back: the last sync was at {format_time(at)} by it, "
            "so nothing can be said about how old this is"
        )
    if age.total_seconds() > known.directory.settings.freshness_seconds:
        hours = int(age.total_seconds()) // 3600
        told.append(f"not synced for {hours} hours; the newest entry here is of {newest}: sync")
    return told


def _overdue(known: Known, now: datetime) -> list[str]:
    """What this desk's own office owes the others."""
    party = known.party or ""
    told = []
    contact = known.directory.contacts.get(party)
    if contact is not None and contact.withdrawn:
        told.append(f"{party}: withdrawn by its State; this desk signs nothing any more")
    if contact is not None and contact.frozen is not None:
        told.append(
            f"{party}: frozen since {format_time(contact.frozen.since.logged_at)} by "
            f"{', '.join(sorted(contact.frozen.by))}: its brakes alone count until its authority thaws it"
        )
    if contact is not None and not contact.withdrawn:
        due = contact.confirm_due_at(known.directory.settings)
        if due < now:
            told.append(f"{party}: confirmation overdue since {format_time(due)}: run `poc contact confirm`")
    try:
        devices = known.directory.devices_of(party)
    except RefusedError:
        return told
    told += [
        f"{party}: sealing key of device {device.number} overdue since {format_time(device.rotate_by)}: "
        "run `poc sync` there, or `poc key rotate`"
        for device in devices
        if device.rotate_by < now
    ]
    return told


def _permissions(known: Known) -> list[str]:
    home = known.trust.path.parent
    paths = (home, *(path for path in home.iterdir() if path.is_file()))
    open_to_others = sorted(path.name for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077)
    return [f"others can read {', '.join(open_to_others)}: run `chmod -R go= ` on the home"] * bool(
        open_to_others
    )
