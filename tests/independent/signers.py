"""Who must sign which statement, written from docs/spec/statement.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.independent.basics import RefusedError, refuse_if, thumbprint
from tests.independent.directory import Directory
from tests.independent.entries import Entry
from tests.independent.signatures import signing_key, verify_jws
from tests.independent.states import named, waits
from tests.independent.witnesses import witness_jwk

# An alternative: does this key count for it, and are these keys enough.
Alternative = tuple[Callable[[str], bool], Callable[[list[str]], bool]]
CUT = frozenset(["contact.nominate", "contact.update", "contact.device-add"])


def brought(statement: dict[str, Any]) -> list[dict[str, Any]]:
    """Every signing key that a body brings."""
    body, kind = statement["body"], statement["type"]
    if kind in ("registry.genesis", "registry.policy"):
        return [r["key"] for r in body["registrars"]] + list(body["hub_keys"])
    if kind in ("state.enrol", "state.rotate", "state.recover"):
        return [key for _, key in named(body)]
    if kind == "witness.appoint":
        return [witness_jwk(body["vkey"])]
    if kind in ("contact.nominate", "controller.appoint"):
        return [d["key"] for d in body["devices"]]
    if kind == "contact.device-add":
        return [body["device"]["key"]]
    if kind == "contact.rotate" and body["signing"]:
        return [body["signing"]]
    return []


def _bodies(directory: Directory, kids: list[str]) -> int:
    """How many bodies the registrars among these keys are of."""
    keys = [directory.active(k, "registrar") for k in kids]
    holders = {key.holder for key in keys if key is not None}
    return len({r["body"] for r in directory.settings["registrars"] if r["id"] in holders})


def _registrars(directory: Directory, count: int) -> Alternative:
    return (
        lambda kid: directory.active(kid, "registrar") is not None,
        lambda kids: _bodies(directory, kids) >= count,
    )


def _held(directory: Directory, role: str, holder: str) -> Alternative:
    """One key of this holder, or more."""
    return lambda kid: directory.active(kid, role, holder) is not None, lambda kids: len(kids) >= 1


def _devices(directory: Directory, counted: Callable[[str], bool], right: str, count: int) -> Alternative:
    """So many devices with a right, of the contacts that count."""

    def counts(kid: str) -> bool:
        key = directory.active(kid, "device")
        return key is not None and counted(key.holder) and right in key.may

    return counts, lambda kids: len(kids) >= count


def _signed(directory: Directory, name: str, kids: list[str]) -> bool:
    """Whether a State's authority has signed, by its threshold."""
    mine = [k for k in kids if directory.active(k, "authority", name) is not None]
    threshold: int = directory.states[name].body["authority"]["threshold"]
    return len(mine) >= threshold


def _authority(directory: Directory, subject: str, registrars: int = 0) -> Alternative:
    name = subject.split(".", maxsplit=1)[0]
    directory.state(name)

    def counts(kid: str) -> bool:
        registrar = registrars > 0 and directory.active(kid, "registrar") is not None
        return registrar or directory.active(kid, "authority", name) is not None

    return counts, lambda kids: _signed(directory, name, kids) and _bodies(directory, kids) >= registrars


def _members(directory: Directory, but: str = "") -> list[str]:
    states = directory.states.items()
    return [n for n, s in states if s.status == "enrolled" and s.body["kind"] == "member" and n != but]


def _of_members(
    directory: Directory, registrars: int, members: Callable[[int], bool], but: str = ""
) -> Alternative:
    """Registrars of so many bodies, and the authorities of so many members."""
    names = _members(directory, but)

    def counts(kid: str) -> bool:
        if registrars and directory.active(kid, "registrar") is not None:
            return True
        return any(directory.active(kid, "authority", name) is not None for name in names)

    def enough(kids: list[str]) -> bool:
        signed = sum(_signed(directory, name, kids) for name in names)
        return members(signed) and _bodies(directory, kids) >= registrars

    return counts, enough


def _objection(directory: Directory, statement: dict[str, Any]) -> list[Alternative]:
    subject = statement["subject"]
    state = waits(directory, subject, statement["body"]["entry"])
    if state.status == "pending":
        enrolled = [name for name, s in directory.states.items() if s.status == "enrolled"]
        return [_authority(directory, name) for name in enrolled]
    counts, _ = _devices(directory, lambda name: _of(directory, subject, name), "change", 2)
    two = counts, lambda kids: len({directory.keys[k].holder for k in kids}) >= 2
    return [_held(directory, "authority", subject), _held(directory, "recovery", subject), two]


def _of(directory: Directory, state: str, name: str) -> bool:
    """Whether this is a contact of that State."""
    return directory.parties[name].kind == "contact" and name.split(".", maxsplit=1)[0] == state


def _small_update(directory: Directory, subject: str, body: dict[str, Any]) -> bool:
    party = directory.parties.get(subject)
    if party is None:
        return False
    card = party.body["card"]
    same = all(body[m] == party.body.get(m) for m in ("role", "alternate_of", "custody"))
    return same and all(body["card"][part] == card[part] for part in ("office", "person"))


def _contact(directory: Directory, statement: dict[str, Any]) -> list[Alternative]:
    kind, subject, body = statement["type"], statement["subject"], statement["body"]
    party = directory.parties.get(subject)
    if kind == "contact.nominate":
        with_registrar = directory.settings["nomination"] == "authority+registrar"
        return [_authority(directory, subject, 1 if with_registrar else 0)]
    if kind == "contact.rotate":
        refuse_if(directory.active(body["kid"], "device") is None, "unknown-key")
        return [(lambda kid: kid == body["kid"], lambda kids: len(kids) == 1)]
    if kind == "contact.freeze":
        state = subject.split(".", maxsplit=1)[0]
        return [_devices(directory, lambda name: _of(directory, state, name), "change", 1)]
    refuse_if(party is not None and party.withdrawn, "unknown-contact")
    if party is not None and party.kind == "controller":
        refuse_if(kind not in ("contact.device-add", "contact.device-revoke"), "unknown-contact")
        first = _registrars(directory, 2)
    else:
        first = _authority(directory, subject)
    if kind in ("contact.thaw", "contact.withdraw"):
        return [first]
    count = 2 if kind == "contact.device-add" else 1
    change = _devices(directory, lambda name: name == subject, "change", count)
    if kind == "contact.update":
        return [first, change] if _small_update(directory, subject, body) else [first]
    if kind == "contact.device-revoke":
        itself = (
            lambda kid: kid == body["kid"] and change_of(directory, kid, subject),
            lambda kids: len(kids) >= 1,
        )
        return [first, itself, change]
    return [first, change]


def change_of(directory: Directory, kid: str, subject: str) -> bool:
    """Whether this is a device of that party."""
    return directory.active(kid, "device", subject) is not None


def _state(directory: Directory, statement: dict[str, Any]) -> list[Alternative]:
    kind, subject, body = statement["type"], statement["subject"], statement["body"]
    if kind == "state.enrol":
        return [_registrars(directory, 2)]
    if kind == "state.object":
        return _objection(directory, statement)
    state = directory.state(subject)
    if kind in ("state.suspend", "state.reinstate"):
        return [_registrars(directory, directory.settings["thresholds"]["suspend"])]
    if kind == "state.withdraw":
        return [_authority(directory, subject)]
    if kind == "state.recover":
        if body["overrules"] is None:
            return [_registrars(directory, 2)]
        return [_of_members(directory, 2, lambda signed: signed >= 3, but=subject)]
    recovery = _held(directory, "recovery", subject)
    plain = (statement["version"] - 1, statement["previous"]) == directory.chains["state", subject]
    same = body["recovery"] == state.body["recovery"] and plain
    return [_authority(directory, subject), recovery] if same else [recovery]


def alternatives(directory: Directory, statement: dict[str, Any]) -> list[Alternative]:
    """The alternatives of a type; a genesis is signed by what it brings alone."""
    kind, subject = statement["type"], statement["subject"]
    if kind == "registry.genesis":
        return [(lambda _kid: False, lambda _kids: True)]
    if kind == "registry.policy":
        half = len(_members(directory)) / 2
        threshold = directory.settings["thresholds"]["policy"]
        return [_registrars(directory, threshold), _of_members(directory, 0, lambda signed: signed > half)]
    if kind == "registry.attest":
        return [(lambda kid: directory.active(kid, "hub") is not None, lambda kids: len(kids) == 1)]
    if kind in ("contact.record", "controller.appoint", "controller.dismiss"):
        return [_registrars(directory, 2)]
    if kind == "witness.appoint":
        return [_authority(directory, subject)]
    if kind == "witness.dismiss":
        witness = directory.witnesses.get(subject)
        refuse_if(witness is None or witness.dismissed, "unknown-witness")
        itself = _held(directory, "witness", subject)
        state = directory.states.get(subject.split(".", maxsplit=1)[0])
        enrolled = state is not None and state.status == "enrolled"
        return [_authority(directory, subject), itself] if enrolled else [itself]
    if kind == "contact.tested":
        return [_devices(directory, lambda name: directory.parties[name].kind == "controller", "send", 1)]
    return _state(directory, statement) if kind.startswith("state.") else _contact(directory, statement)


def _frozen(directory: Directory, kid: str, statement: dict[str, Any]) -> bool:
    """Whether a frozen contact's device signed what is no brake left to it."""
    key = directory.keys[kid]
    freeze = directory.parties[key.holder].freeze() if key.role == "device" else None
    if freeze is None or statement["type"] == "contact.device-revoke":
        return False
    return statement["type"] != "contact.freeze" or statement["subject"] not in freeze.by


def _new(directory: Directory, statement: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The keys that the body brings and the directory does not hold yet, or holds of what was stopped."""
    found = {thumbprint(k): k for k in brought(statement)}
    again = statement["type"] in ("state.enrol", "state.recover")
    for kid in list(found):
        held = directory.keys.get(kid)
        if held is not None and not (again and held.again and held.holder == statement["subject"]):
            del found[kid]
        else:
            signing_key(found[kid])
    return found


def check(directory: Directory, entry: Entry) -> list[str]:
    """Verify every signature and that they are the ones called for; the kids that counted."""
    statement, kids = entry.statement, entry.kids
    choices = alternatives(directory, statement)
    new = _new(directory, statement)
    others = [k for k in kids if k not in new]
    choices = [(counts, enough) for counts, enough in choices if all(counts(k) for k in others)]
    refuse_if(not choices, "signature-not-called-for")
    for kid, signature in zip(kids, entry.signatures, strict=True):
        jwk = new[kid] if kid in new else directory.keys[kid].jwk
        if jwk is None:
            raise RefusedError("signature-not-called-for")
        header, text = signature["protected"], signature["signature"]
        verify_jws(jwk, "poc-statement+jws", header, entry.encoded_payload, text)
    met = any(enough(others) for _, enough in choices)
    refuse_if(not met or not new.keys() <= set(kids), "signatures-missing")
    refuse_if(any(_frozen(directory, k, statement) for k in others), "contact-frozen")
    state = directory.states.get(statement["subject"].split(".")[0])
    cut = statement["type"] in CUT and state is not None and state.suspended("nominate", directory.size + 1)
    refuse_if(cut, "state-suspended")
    return others
