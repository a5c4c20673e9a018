"""Registries in which a step waits for its window, and the brakes that stop it: for tests of notices."""

from __future__ import annotations

from typing import Any

from poc.core.notices import notice_bytes
from poc.core.statement import SignedStatement
from tests.registry import REGISTRARS, Registry, enrolment, jwk, signed

WINDOW = 3600
MEMBERS = ("eg", "jo", "sd")
WITNESSES = ("eg", "jo", "sd")


def waiting_registry(*, witnessed: bool = False) -> Registry:
    """Three members, of which jo has a recovery key; windows of an hour."""
    registry = Registry(objection_seconds=WINDOW, quorum="majority" if witnessed else "none")
    for state in MEMBERS:
        recovery = jwk("jo recovery") if state == "jo" else None
        more = ["jo recovery"] if state == "jo" else []
        body = enrolment(state, recovery=recovery)
        registry.submit("state.enrol", state, body, *REGISTRARS, f"{state} authority", *more)
    registry.tick(WINDOW)
    registry.attest()
    if witnessed:
        registry.seat(*WITNESSES)
    return registry


def ask_to_enrol(registry: Registry, state: str = "bh") -> str:
    """An enrolment that waits; its leaf hash."""
    body = enrolment(state)
    return registry.submit("state.enrol", state, body, *REGISTRARS, f"{state} authority").leaf_hash


def ask_to_recover(registry: Registry, overrules: str | None = None, *more: str) -> str:
    """A recovery of jo that waits; its leaf hash."""
    body = enrolment("jo")
    recover: dict[str, Any] = {
        "authority": {"keys": [jwk("jo new")], "threshold": 1},
        "recovery": jwk("jo recovery 2"),
        "note_verbale": body["note_verbale"],
        "call_back": body["call_back"],
        "overrules": overrules,
    }
    by = (*REGISTRARS, "jo new", "jo recovery 2", *more)
    return registry.submit("state.recover", "jo", recover, *by).leaf_hash


def objection(registry: Registry, leaf: str, by: str, state: str = "jo") -> SignedStatement:
    """An objection that is not logged."""
    return signed(registry.payload("state.object", state, {"entry": leaf}), by)


def rotation(registry: Registry, by: str = "jo authority") -> SignedStatement:
    """A rotation of jo that is not logged; it objects to a recovery."""
    body = {"authority": {"keys": [jwk("jo next")], "threshold": 1}, "recovery": jwk("jo recovery")}
    return signed(registry.payload("state.rotate", "jo", body), by, "jo next")


def withdrawal(registry: Registry, state: str = "jo") -> SignedStatement:
    """A State's withdrawal that is not logged."""
    leaf = registry.directory.states[state].enrolled.leaf_hash
    return signed(registry.payload("state.withdraw", state, {"entry": leaf}), f"{state} authority")


def pass_window(registry: Registry) -> None:
    """Log the attest that makes effective what waits."""
    registry.tick(WINDOW)
    registry.attest(*registry.seated)


def held(*notices: SignedStatement) -> list[bytes]:
    """The notices as a witness holds them."""
    return [notice_bytes(notice) for notice in notices]
