"""Openings of card parts, written from docs/spec/card.md."""

from __future__ import annotations

from typing import Any

from tests.independent.basics import RefusedError, b64u, parse, refuse_if, tagged, unb64u
from tests.independent.forms import check_form


def card_commitment(part: str, salt: bytes, data: bytes) -> str:
    """What the log holds of one part."""
    return b64u(tagged("poc/1 card", part.encode() + b"\0" + salt + data))


def open_part(opening: Any, commitment: str, contact: str, origin: str) -> dict[str, Any]:
    """The part that an opening shows, where it fits."""
    check_form("opening", opening)
    part, salt, data = opening["part"], unb64u(opening["salt"], 32), unb64u(opening["bytes"])
    refuse_if(card_commitment(part, salt, data) != commitment, "commitment-mismatch")
    shown = parse(data)
    check_form(f"card.{part}", shown)
    if not isinstance(shown, dict):
        raise RefusedError("bad-form")
    refuse_if(shown["contact"] != contact or shown["origin"] != origin, "commitment-mismatch")
    return shown
