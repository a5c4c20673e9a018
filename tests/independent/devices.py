"""Devices of contacts and controllers, written from docs/spec/statement.md."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.independent.basics import RefusedError, moment, refuse_if, thumbprint
from tests.independent.directory import Directory, Key, Party
from tests.independent.entries import Entry


def _rotate_by(entry: Entry, sealing: dict[str, Any]) -> None:
    issued, until = moment(entry.statement["issued_at"]), moment(sealing["rotate_by"])
    refuse_if(not issued < until <= issued + dt.timedelta(days=90), "bad-rotate-by")


def _take(directory: Directory, subject: str, device: dict[str, Any]) -> None:
    may = tuple(device["may"])
    directory.take(
        thumbprint(device["key"]), Key("device", subject, directory.size, jwk=device["key"], may=may)
    )
    directory.take(device["sealing"]["kid"], Key("sealing", subject, directory.size))


def _end(directory: Directory, party: Party, number: int, reason: str) -> None:
    device = party.devices.pop(number)
    directory.end(thumbprint(device["key"]), directory.size, reason)
    directory.end(device["sealing"]["kid"], directory.size, reason)


def nominate(directory: Directory, entry: Entry) -> None:
    """A nomination or an appointment replaces the list of devices."""
    statement = entry.statement
    subject, body = statement["subject"], statement["body"]
    kind = "contact" if statement["type"] == "contact.nominate" else "controller"
    directory.free_id(subject, kind)
    if kind == "contact":
        directory.alternate(subject, body["alternate_of"])
    held = directory.parties.get(subject)
    party = held or Party(kind, body, "verified", 0, "", "")
    standing = {thumbprint(d["key"]): d for d in party.devices.values()}
    listed = {thumbprint(d["key"]) for d in body["devices"]}
    new = [d for d in body["devices"] if thumbprint(d["key"]) not in standing]
    for device in body["devices"]:
        old = standing.get(thumbprint(device["key"]))
        refuse_if(old is not None and old != device, "device-changed")
    for position, device in enumerate(new):
        refuse_if(device["number"] != party.highest + 1 + position, "bad-device-number")
        _rotate_by(entry, device["sealing"])
        _take(directory, subject, device)
    for kid, device in standing.items():
        if kid not in listed:
            _end(directory, party, device["number"], "routine")
    party.devices |= {d["number"]: d for d in new}
    party.highest += len(new)
    party.body, party.level, party.version = body, "verified", statement["version"]
    party.newest = party.nomination = party.freezable = entry.name
    party.confirmed_at = entry.logged_at
    if party.withdrawn:
        party.withdrawn, party.tested_at = False, None
    directory.parties[subject] = party


def _party(directory: Directory, subject: str) -> Party:
    party = directory.parties.get(subject)
    if party is None or party.withdrawn:
        raise RefusedError("superseded")
    return party


def add(directory: Directory, entry: Entry) -> None:
    """One device more."""
    subject, body = entry.statement["subject"], entry.statement["body"]
    party, device = _party(directory, subject), body["device"]
    refuse_if(body["entry"] != party.nomination, "superseded")
    by = [directory.keys[k] for k in directory.signers]
    if by and all(k.role == "device" for k in by):
        wide = any(r == "change" or any(r not in k.may for k in by) for r in device["may"])
        refuse_if(wide, "rights-too-wide")
    refuse_if(len(party.devices) >= 8, "too-many-devices")
    refuse_if(device["number"] != party.highest + 1, "bad-device-number")
    _rotate_by(entry, device["sealing"])
    _take(directory, subject, device)
    party.devices[device["number"]] = device
    party.highest += 1


def _numbered(party: Party, kid: str) -> int:
    for number, device in party.devices.items():
        if thumbprint(device["key"]) == kid:
            return number
    raise RefusedError("superseded")


def revoke(directory: Directory, entry: Entry) -> None:
    """Both keys of one device end."""
    party, body = _party(directory, entry.statement["subject"]), entry.statement["body"]
    _end(directory, party, _numbered(party, body["kid"]), body["reason"])


def rotate(directory: Directory, entry: Entry) -> None:
    """One of the two keys of a device is another from here on."""
    subject, body = entry.statement["subject"], entry.statement["body"]
    refuse_if((body["signing"] is None) == (body["sealing"] is None), "bad-rotation")
    party = _party(directory, subject)
    number = _numbered(party, body["kid"])
    device, index = dict(party.devices[number]), directory.size
    if body["sealing"] is not None:
        _rotate_by(entry, body["sealing"])
        directory.take(body["sealing"]["kid"], Key("sealing", subject, index))
        directory.end(device["sealing"]["kid"], index, "replaced")
        device["sealing"] = body["sealing"]
    else:
        key = body["signing"]
        may = tuple(device["may"])
        directory.take(thumbprint(key), Key("device", subject, index, jwk=key, may=may))
        directory.end(body["kid"], index, "replaced")
        device["key"] = key
    party.devices[number] = device
