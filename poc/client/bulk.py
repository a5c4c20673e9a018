"""Many contacts from one table: every row checked before anything is kept or sent.

A row ends as ``ready``, ``unchanged`` (the log has it so), ``waits`` (a proposal that says the same is
open already) or ``bad``. Reading rows stands in ``rows``; signing and sending in ``proposing``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from poc.client.columns import Columns
from poc.client.filing import PublicKeys, card_value, numbered_devices
from poc.client.known import open_card
from poc.client.rotation import ROTATE_DAYS
from poc.client.rows import Draft, Fault, draft_row
from poc.client.sheets import Row, Sheet
from poc.client.statements import Filed
from poc.core import rules
from poc.core.card import PARTS, Opening
from poc.core.directory import Contact
from poc.core.form import form_bytes, form_value, read_form
from poc.core.proposal import Proposal
from poc.core.statement import Statement, read_signed_statement, read_statement
from poc.core.strictjson import parse
from poc.errors import PocError, RefusedError, UnreachableError

if TYPE_CHECKING:
    from poc.client.sdk import Desk

Standing = Literal["ready", "unchanged", "waits", "bad"]
# Which field a member of a card belongs to, where a card is refused as a whole.
_FIELD_OF = {
    "office.names": "name.en",
    "office.department": "department.en",
    "office.openpgp": "openpgp",
    "reach.zone": "zone",
    "reach.hours": "hours",
    "reach.languages": "languages",
    "person.names": "person.en",
    "person.title": "title.en",
}


@dataclass(slots=True)
class Checked:
    """A row after every check. ``filed`` is the signed statement of one that is ready."""

    row: Row
    contact: str
    kind: str
    standing: Standing
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    filed: Filed | None = None
    missing: tuple[str, ...] = ()
    proposal: str | None = None


async def check_rows(
    desk: Desk,
    sheet: Sheet,
    columns: Columns,
    *,
    listing: bool,
    device_of: Callable[[str], tuple[PublicKeys, list[str]]],
    files: Sequence[Proposal] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Checked]:
    """Check every row against its form, the registry's rules and what is under way; nothing is kept or sent.

    ``listing``: all are recorded without keys; otherwise nominated, and recorded where a row has no keys.
    ``files`` are proposal files written before. Call it after ``refresh``; a hub that cannot be reached
    leaves what this home knows itself.
    """
    under_way = await _under_way(desk, files)
    openings = {o.commitment(): form_bytes(o) for file in files for o in file.openings}
    openings |= desk.openings_here()
    checked: list[Checked] = []
    seen: dict[str, int] = {}
    for row in sheet.rows:
        draft = draft_row(row, columns, desk.directory, device_of)
        found = _check(desk, draft, under_way, openings, listing=listing)
        if draft.contact in seen:
            reason = f"row {seen[draft.contact]} is of the same contact"
            found.faults.append(Fault(draft.columns["contact"], "bad-form", reason))
            found.standing, found.filed = "bad", None
        if draft.contact:
            seen.setdefault(draft.contact, row.number)
        checked.append(found)
        progress(f"{row.number} of {len(sheet.rows)} rows checked")
    return checked


def _check(
    desk: Desk,
    draft: Draft,
    under_way: dict[str, list[Statement]],
    openings: dict[str, bytes],
    *,
    listing: bool,
) -> Checked:
    kind = "contact.record" if listing or not draft.devices else "contact.nominate"
    found = Checked(draft.row, draft.contact, kind, "bad", draft.faults, draft.notes)
    if listing and draft.devices:
        draft.faults.append(
            Fault(draft.columns["devices"], "bad-form", "a contact that is listed has no keys")
        )
    if not listing and not draft.devices and desk.directory.body_of(desk.party or "") is None:
        reason = "no key file is named, and only registrars list a contact without keys"
        draft.faults.append(Fault(draft.columns["devices"], "no-key", reason))
    elif kind == "contact.record" and not draft.source:
        draft.faults.append(
            Fault("source", "bad-form", "where is this known from? give --source or a column")
        )
    if not draft.faults:
        try:
            _file(desk, draft, found, under_way.get(draft.contact, []), openings)
        except PocError as error:
            draft.blame(_column_of(draft, error), error)
    return found


def _file(
    desk: Desk, draft: Draft, found: Checked, under_way: list[Statement], openings: dict[str, bytes]
) -> None:
    """Compose, compare, sign and judge one row's statement. Raises what it is refused for."""
    before = desk.directory.contacts.get(draft.contact)
    open_ones = [statement for statement in under_way if statement.type == found.kind]
    candidates = [_card_of(statement) for statement in open_ones]
    if before is not None and not before.withdrawn:
        candidates.insert(0, form_value(before.card))
        if not _is_open(candidates[0], openings):
            raise RefusedError("card-not-open", before.id)
        _keep_what_is_not_given(
            draft, before, card_value(open_card(desk.directory, before.id, openings), before)
        )
    filed = desk.file_card(draft.contact, draft.card)
    commitments = _kept(filed.commitments, filed.openings, candidates, openings)
    body = _body(desk, draft, found.kind, before, commitments)
    if before is not None and _says(before, body):
        found.standing = "unchanged"
        return
    same = next((s for s in open_ones if _as_compared(form_value(s.body)) == _as_compared(body)), None)
    hidden = next((s for s in open_ones if not _is_open(_card_of(s), openings)), None)
    waiting = same or hidden
    if waiting is not None:
        found.standing, found.proposal = "waits", waiting.sha256
        if same is None:
            found.notes.append(
                "a proposal is open whose card this home cannot compare: sign it or let it expire"
            )
        return
    signed = desk.sign(desk.compose(found.kind, draft.contact, body))
    found.missing = rules.check_proposal(desk.directory, signed, desk.known.now()).missing
    new = tuple(o for o in filed.openings if o.commitment() == (body["card"][o.part] or {}).get("commitment"))
    sealing = tuple(key for keys, _ in draft.devices for key in keys.sealing)
    found.filed, found.standing = Filed(signed, new, sealing), "ready"


def _keep_what_is_not_given(draft: Draft, before: Contact, old: dict[str, Any]) -> None:
    """Leave as it is whatever of a contact the table has no column for: no list erases what it lacks."""
    office = draft.card["office"]
    names = old["office"]["names"].items()
    office["names"] |= {lang: text for lang, text in names if f"name.{lang}" not in draft.given}
    if not any(name.startswith("department.") for name in draft.given):
        office["department"] = old["office"]["department"]
    for part, name in (("office", "openpgp"), ("reach", "zone"), ("reach", "hours"), ("reach", "languages")):
        if name not in draft.given:
            draft.card[part][name] = old[part][name]
    if "visibility" not in draft.given:
        for part in draft.card.keys() & old.keys():
            draft.card[part]["visibility"] = old[part]["visibility"]
    if "alternate-of" not in draft.given:
        draft.alternate_of = before.alternate_of
    if before.level == "verified" and "custody" not in draft.given:
        draft.custody = before.custody
    if before.level == "verified" and "machine-receipts" not in draft.given:
        draft.machine_receipts = before.machine_receipts


def _body(
    desk: Desk, draft: Draft, kind: str, before: Contact | None, commitments: dict[str, Any]
) -> dict[str, Any]:
    office = {"role": draft.role, "alternate_of": draft.alternate_of, "card": commitments}
    if kind == "contact.record":
        return {**office, "source": draft.source}
    strangers = sorted({keys.party for keys, _ in draft.devices} - {draft.contact})
    if strangers:
        raise RefusedError("bad-key-file", f"the keys are of {strangers[0]}")
    rotate_by = desk.known.now() + timedelta(days=ROTATE_DAYS)
    return {
        **office,
        "machine_receipts": draft.machine_receipts,
        "custody": draft.custody,
        "devices": numbered_devices(before, draft.devices, rotate_by),
    }


# --- what is there already ---------------------------------------------------------------------


async def _under_way(desk: Desk, files: Sequence[Proposal]) -> dict[str, list[Statement]]:
    """The statements about each contact that wait: in the outbox, at the hub as proposals, in files."""
    waiting = desk.known.trust.unsettled("statement")
    values: list[Any] = [parse(row.body) for row in waiting if row.state == "waiting"]
    try:
        values += await desk.proposals()
    except UnreachableError as error:
        if error.code != "hub-unreachable":
            raise
        values += [parse(row.body) for row in waiting if row.state == "proposed"]
    every = [read_signed_statement({n: value[n] for n in ("payload", "signatures")}) for value in values]
    found: dict[str, list[Statement]] = {}
    for signed in (*every, *(file.signed for file in files)):
        statement = read_statement(signed.payload)
        found.setdefault(statement.subject, []).append(statement)
    return found


def _card_of(statement: Statement) -> dict[str, Any]:
    card: dict[str, Any] = form_value(statement.body)["card"]
    return card


def _is_open(card: dict[str, Any], openings: dict[str, bytes]) -> bool:
    """Whether every part of a card can be read here; where not, nobody guesses whether it says the same."""
    return all(card[part] is None or card[part]["commitment"] in openings for part in PARTS)


def _kept(
    commitments: dict[str, Any],
    new: Sequence[Opening],
    candidates: Sequence[dict[str, Any]],
    openings: dict[str, bytes],
) -> dict[str, Any]:
    """The commitments, with those of a candidate in place of new ones over the same bytes."""
    content = {opening.part: opening.bytes for opening in new}
    result = dict(commitments)
    for part, text in content.items():
        for card in candidates:
            named = card.get(part)
            data = openings.get((named or {}).get("commitment", ""))
            if named is not None and data is not None and read_form(Opening, data).bytes == text:
                result[part] = {**result[part], "commitment": named["commitment"]}
                break
    return result


def _says(before: Contact, body: dict[str, Any]) -> bool:
    """Whether the log's contact is what the body would make it."""
    if before.withdrawn or (before.level == "listed") != ("devices" not in body):
        return False
    said: dict[str, Any] = {
        "role": before.role,
        "alternate_of": before.alternate_of,
        "card": form_value(before.card),
    }
    if before.level == "verified":
        said |= {"machine_receipts": before.machine_receipts, "custody": before.custody}
        said["devices"] = [[d.number, d.sealing_kid, sorted(d.may)] for d in before.devices]
    return said == {name: value for name, value in _as_compared(body).items() if name != "source"}


def _as_compared(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what a second run would make anew: the date that a sealing key is to be replaced by."""
    if "devices" not in body:
        return body
    devices = [[d["number"], d["sealing"]["kid"], sorted(d["may"])] for d in body["devices"]]
    return {**body, "devices": devices}


def _column_of(draft: Draft, error: PocError) -> str:
    """The column a refusal of the whole row points to: by its code, or the card's member it names."""
    by_code = {
        "bad-key-file": "devices",
        "key-in-use": "devices",
        "key-was-revoked": "devices",
        "bad-alternate": "alternate-of",
        "unknown-state": "state",
        "bad-state-id": "state",
    }
    named = by_code.get(error.code)
    if error.code == "bad-form":  # of the statement's body
        named = error.detail.partition(":")[0].replace("_", "-")
    if named is None and error.code == "bad-card":
        fields = (f for member, f in _FIELD_OF.items() if error.detail.startswith(member))
        named = "visibility" if "visibility" in error.detail else next(fields, None)
    named = named or ("contact" if draft.columns.get("contact") != "contact" else "state")
    return draft.columns.get(named, named)


def key_files_beside(table: Path, text: str) -> str:
    """The key file that a row names, read beside the table where its path is not whole."""
    path, equals, rights = text.partition("=")
    return f"{table.parent / path}{equals}{rights}"
