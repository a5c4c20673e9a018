"""OpenPGP keys as cards hold them: one armour, checked and written anew. No packet is believed or verified.

That the key belongs to the office is said by the State's signature over the card, not by anything in it.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from poc.errors import RefusedError

_BEGIN: Final = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_END: Final = "-----END PGP PUBLIC KEY BLOCK-----"
_HEADER: Final = re.compile(r"[A-Za-z-]+: .*|\s*")
_PUBLIC_KEY: Final = 6
_LINE_CHARS: Final = 64


def read_armour(text: str) -> bytes:
    """The packets of an armoured public key (RFC 9580 6.2).

    Raises ``bad-openpgp`` for anything before, behind or between that is not of the armour, a wrong
    checksum, and for packets that do not begin with a public key: a private one above all.
    """
    lines = [line.strip() for line in text.strip().splitlines()]
    if len(lines) < 3 or (lines[0], lines[-1]) != (_BEGIN, _END):
        raise RefusedError("bad-openpgp", "it is not one armoured public key")
    body = lines[1:-1]
    if "" in body:
        first = body.index("")
        if not all(_HEADER.fullmatch(line) for line in body[:first]):
            raise RefusedError("bad-openpgp", "a header of the armour")
        body = body[first + 1 :]
    checksum = body.pop()[1:] if body and body[-1].startswith("=") and len(body[-1]) == 5 else None
    data = _decoded("".join(body))
    if checksum is not None and _decoded(checksum) != _crc24(data):
        raise RefusedError("bad-openpgp", "its checksum is of other bytes")
    if _first_tag(data) != _PUBLIC_KEY:
        raise RefusedError("bad-openpgp", "it does not begin with a public key")
    return data


def write_armour(data: bytes) -> str:
    """Packets as one armoured public key, without headers; no line of it comes from a card."""
    text = base64.b64encode(data).decode()
    rows = [text[at : at + _LINE_CHARS] for at in range(0, len(text), _LINE_CHARS)]
    return "\n".join((_BEGIN, "", *rows, f"={base64.b64encode(_crc24(data)).decode()}", _END)) + "\n"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise RefusedError("bad-openpgp", "it is not base64") from None


def _first_tag(data: bytes) -> int | None:
    """The tag of the first packet (RFC 9580 4.2): the new form has bit 6 set."""
    if not data or not data[0] & 0x80:
        return None
    return data[0] & 0x3F if data[0] & 0x40 else (data[0] & 0x3C) >> 2


def _crc24(data: bytes) -> bytes:
    """RFC 9580 6.1."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return (crc & 0xFFFFFF).to_bytes(3, "big")
