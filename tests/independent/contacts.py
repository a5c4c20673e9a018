"""Contacts beside their devices: listed, updated, frozen, withdrawn; from docs/spec/statement.md."""

from __future__ import annotations

from tests.independent.basics import RefusedError, refuse_if, thumbprint
from tests.independent.directory import Directory, Party, Span, check_state_id
from tests.independent.entries import Entry


def known(directory: Directory, subject: str) -> Party:
    """A verified contact."""
    party = directory.parties.get(subject)
    if party is None or party.kind != "contact" or party.withdrawn:
        raise RefusedError("unknown-contact")
    refuse_if(party.level != "verified", "not-verified")
    return party


def record(directory: Directory, entry: Entry) -> None:
    """Registrars list what no authority has nominated."""
    body, subject = entry.statement["body"], entry.statement["subject"]
    directory.free_id(subject, "contact")
    check_state_id(subject.split(".")[0], None)
    held = directory.parties.get(subject)
    refuse_if(held is not None and held.withdrawn, "contact-withdrawn")
    refuse_if(held is not None and held.level == "verified", "already-verified")
    directory.alternate(subject, body["alternate_of"])
    party = Party("contact", body, "listed", entry.statement["version"], entry.name, entry.logged_at)
    party.nomination = entry.name
    directory.parties[subject] = party


def update(directory: Directory, entry: Entry) -> None:
    """The contact's newest particulars."""
    body, subject = entry.statement["body"], entry.statement["subject"]
    party = known(directory, subject)
    if body["alternate_of"] != party.body["alternate_of"]:
        directory.alternate(subject, body["alternate_of"])
    party.body, party.version, party.newest = body, entry.statement["version"], entry.name
    if all(directory.keys[kid].role != "device" for kid in directory.signers):
        party.confirmed_at = entry.logged_at


def confirm(directory: Directory, entry: Entry) -> None:
    """Still right."""
    party = known(directory, entry.statement["subject"])
    refuse_if(entry.statement["body"]["entry"] != party.newest, "superseded")
    party.confirmed_at = entry.logged_at


def tested(directory: Directory, entry: Entry) -> None:
    """It answered a ping."""
    known(directory, entry.statement["subject"]).tested_at = entry.logged_at


def freeze(directory: Directory, entry: Entry) -> None:
    """From here on it signs nothing but brakes."""
    party = known(directory, entry.statement["subject"])
    refuse_if(party.freeze() is not None, "contact-frozen")
    refuse_if(entry.statement["body"]["entry"] != party.freezable, "superseded")
    by = {directory.keys[k].holder for k in directory.signers}
    party.freezes.append(Span(directory.size, entry.name, by=tuple(sorted(by))))


def thaw(directory: Directory, entry: Entry) -> None:
    """The authority ends a freeze."""
    party = known(directory, entry.statement["subject"])
    held = party.freeze()
    if held is None or held.leaf != entry.statement["body"]["entry"]:
        raise RefusedError("superseded")
    held.until, party.freezable = directory.size, entry.name


def _leave(directory: Directory, party: Party) -> None:
    for device in party.devices.values():
        directory.end(thumbprint(device["key"]), directory.size, "withdrawn")
        directory.end(device["sealing"]["kid"], directory.size, "withdrawn")
    party.devices, party.withdrawn = {}, True


def withdraw(directory: Directory, entry: Entry) -> None:
    """A contact leaves with its keys."""
    party = directory.parties.get(entry.statement["subject"])
    if party is None or party.kind != "contact" or party.withdrawn:
        raise RefusedError("unknown-contact")
    refuse_if(entry.statement["body"]["entry"] != party.nomination, "superseded")
    _leave(directory, party)


def dismiss(directory: Directory, entry: Entry) -> None:
    """A controller leaves with its keys."""
    party = directory.parties.get(entry.statement["subject"])
    if party is None or party.kind != "controller" or party.withdrawn:
        raise RefusedError("unknown-contact")
    refuse_if(entry.statement["body"]["entry"] != party.nomination, "superseded")
    _leave(directory, party)
