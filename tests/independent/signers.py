"""Who must sign which statement, written from docs/spec/statement.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.independent.basics import RefusedError, refuse_if, thumbprint
from tests.independent.directory import Directory
from tests.independent.entries import Entry
from tests.independent.signatures import read_protected, signing_key, verify_jws

# An alternative: does this key count for it, and are these keys enough.
Alternative = tuple[Callable[[str], bool], Callable[[list[str]], bool]]


def brought(statement: dict[str, Any]) -> list[dict[str, Any]]:
    """Every signing key that a body brings."""
    body, kind = statement["body"], statement["type"]
    if kind in ("registry.genesis", "registry.policy"):
        return [r["key"] for r in body["registrars"]] + list(body["hub_keys"])
    if kind == "state.enrol":
        recovery = [body["recovery"]] if body["recovery"] else []
        return list(body["authority"]["keys"]) + recovery
    if kind in ("contact.nominate", "controller.appoint"):
        return [d["key"] for d in body["devices"]]
    if kind == "contact.device-add":
        return [body["device"]["key"]]
    if kind == "contact.rotate" and body["signing"]:
        return [body["signing"]]
    return []


def _registrars(directory: Directory, count: int) -> Alternative:
    def counts(kid: str) -> bool:
        key = directory.active(kid)
        return key is not None and key.role == "registrar"

    return counts, lambda kids: len(directory.bodies_of(kids)) >= count


def _device(
    directory: Directory, subject: str, right: str, count: int = 1, only: str | None = None
) -> Alternative:
    def counts(kid: str) -> bool:
        key = directory.active(kid)
        if key is None or key.role != "device" or key.holder != subject:
            return False
        return kid == only if only is not None else right in key.may

    return counts, lambda kids: len(kids) >= count


def _authority(directory: Directory, subject: str, registrars: int = 0) -> Alternative:
    name = subject.split(".", maxsplit=1)[0]
    state = directory.states.get(name)
    refuse_if(state is None or not state.in_force(directory.logged_at_now), "unknown-state")
    threshold = state.body["authority"]["threshold"] if state else 0

    def role(kid: str) -> str:
        key = directory.active(kid)
        if key is not None and key.role == "authority" and key.holder == name:
            return "authority"
        return "registrar" if key is not None and key.role == "registrar" and registrars else ""

    def enough(kids: list[str]) -> bool:
        signed = [k for k in kids if role(k) == "authority"]
        return len(signed) >= threshold and len(directory.bodies_of(kids)) >= registrars

    return lambda kid: bool(role(kid)), enough


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
        return [_device(directory, subject, "", only=body["kid"])]
    if party is not None and party.kind == "controller":
        refuse_if(kind not in ("contact.device-add", "contact.device-revoke"), "unknown-contact")
        first = _registrars(directory, 2)
    else:
        first = _authority(directory, subject)
    change = _device(directory, subject, "change", 2 if kind == "contact.device-add" else 1)
    if kind == "contact.update":
        return [first, change] if _small_update(directory, subject, body) else [first]
    if kind == "contact.device-revoke":
        return [first, _device(directory, subject, "", only=body["kid"]), change]
    return [first, change]


def alternatives(directory: Directory, statement: dict[str, Any]) -> list[Alternative]:
    """The alternatives of a type; a genesis is signed by what it brings alone."""
    kind = statement["type"]
    if kind == "registry.genesis":
        return [(lambda _kid: False, lambda _kids: True)]
    if kind == "registry.policy":
        return [_registrars(directory, directory.settings["thresholds"]["policy"])]
    if kind == "registry.attest":

        def hub(kid: str) -> bool:
            key = directory.active(kid)
            return key is not None and key.role == "hub"

        return [(hub, lambda kids: len(kids) == 1)]
    if kind in ("state.enrol", "contact.record", "controller.appoint"):
        return [_registrars(directory, 2)]
    if kind == "contact.tested":

        def controller(kid: str) -> bool:
            key = directory.active(kid)
            holder = directory.parties.get(key.holder) if key is not None and key.role == "device" else None
            return holder is not None and holder.kind == "controller" and "send" in key.may if key else False

        return [(controller, lambda kids: len(kids) >= 1)]
    return _contact(directory, statement)


def check(directory: Directory, entry: Entry) -> list[str]:
    """Verify every signature and that they are the ones called for; the kids that counted."""
    new = {thumbprint(k): k for k in brought(entry.statement)}
    must = {kid for kid in new if kid not in directory.keys}
    for kid in must:
        signing_key(new[kid])
    kids = [read_protected(s["protected"])["kid"] for s in entry.signatures]
    for kid, signature in zip(kids, entry.signatures, strict=True):
        held = directory.keys.get(kid)
        refuse_if(held is not None and (held.ended is not None or held.jwk is None), "unknown-key")
        jwk = held.jwk if held is not None else new.get(kid)
        if jwk is None:
            raise RefusedError("signature-not-called-for")
        verify_jws(
            jwk, "poc-statement+jws", signature["protected"], entry.encoded_payload, signature["signature"]
        )
    others = [k for k in kids if k not in must]
    for counts, enough in alternatives(directory, entry.statement):
        if all(counts(k) for k in others) and enough(others):
            refuse_if(not must <= set(kids), "signatures-missing")
            return others
    called = any(all(counts(k) for k in others) for counts, _ in alternatives(directory, entry.statement))
    raise RefusedError("signatures-missing" if called else "signature-not-called-for")
