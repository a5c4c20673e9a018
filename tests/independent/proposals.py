"""Proposal files as they are read, written from docs/spec/proposal.md."""

from __future__ import annotations

from typing import Any

from tests.independent.basics import RefusedError, parse, refuse_if, unb64u
from tests.independent.cards import open_part
from tests.independent.entries import read_payload
from tests.independent.forms import check_form
from tests.independent.sealed import sealing_kid


def _sealing_kids(body: dict[str, Any]) -> set[str]:
    devices = [*body.get("devices", ()), *([body["device"]] if "device" in body else ())]
    named = [d["sealing"] for d in devices] + ([body["sealing"]] if body.get("sealing") else [])
    return {s["kid"] for s in named}


def read_proposal(data: bytes) -> dict[str, Any]:
    """The statement of a proposal file whose openings and keys are those it names."""
    file = parse(data)
    check_form("proposal", file)
    statement = read_payload(unb64u(file["statement"]["payload"]))
    refuse_if(file["origin"] != statement["origin"], "proposal-mismatch")
    card = statement["body"].get("card") or {}
    for opening in file["openings"]:
        part = card.get(opening["part"])
        if part is None:
            raise RefusedError("proposal-mismatch")
        try:
            open_part(opening, part["commitment"], statement["subject"], statement["origin"])
        except RefusedError as error:
            raise RefusedError("proposal-mismatch") from error
    named = _sealing_kids(statement["body"])
    for jwk in file["sealing_keys"]:
        refuse_if(sealing_kid(jwk) not in named, "proposal-mismatch")
    return statement
