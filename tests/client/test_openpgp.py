"""OpenPGP keys of cards: only one armoured public key passes, and a real gpg imports what is written."""

from __future__ import annotations

import pytest

from poc.client.openpgp import read_armour, write_armour
from poc.errors import RefusedError
from tests.gnupg import gpg, needs_gpg, public_key

PACKETS = b"\xc6\x03abc" + bytes(range(90))
BEGIN, END = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"


def code(text):
    with pytest.raises(RefusedError) as caught:
        read_armour(text)
    return caught.value.code


def test_what_is_written_is_read_again():
    assert read_armour(write_armour(PACKETS)) == PACKETS


@pytest.mark.parametrize("change", [
    lambda text: text.replace("\n\n", "\nVersion: x\nComment: y\n\n", 1),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: "\n\n" + text + "\n\n",
    lambda text: "\n".join(line for line in text.splitlines() if not line.startswith("=")),
    lambda text: text.replace("\n\n", "\n", 1),
])  # fmt: skip
def test_the_usual_spellings_of_an_armour_are_read(change):
    assert read_armour(change(write_armour(PACKETS))) == PACKETS


@pytest.mark.parametrize("text", [
    "", "x", BEGIN, f"{BEGIN}\n{END}", f"{BEGIN}\n\n{END}", f"{BEGIN}\n\n!!!!\n{END}",
    write_armour(PACKETS).replace("PUBLIC", "PRIVATE"),
    write_armour(PACKETS) + write_armour(PACKETS),
    write_armour(PACKETS) + "-----BEGIN PGP MESSAGE-----",
    "a line before\n" + write_armour(PACKETS),
    write_armour(PACKETS).replace("\n\n", "\nno header\n\n", 1),
    write_armour(PACKETS).replace("\n=", "\n=A"),
    write_armour(PACKETS)[:-40],
    write_armour(b"\xc5" + PACKETS[1:]),  # a private key in the armour of a public one
    write_armour(b"\x94" + PACKETS[1:]),
    write_armour(b"\x00" + PACKETS[1:]),
    write_armour(b"\xcb" + PACKETS[1:]),  # a literal text
])  # fmt: skip
def test_anything_else_is_refused(text):
    assert code(text) == "bad-openpgp"


def test_a_changed_byte_fails_the_checksum():
    armour = write_armour(PACKETS)
    at = armour.index("\n\n") + 10
    changed = armour[:at] + ("A" if armour[at] != "A" else "B") + armour[at + 1 :]
    assert code(changed) == "bad-openpgp"


@needs_gpg
def test_gpg_imports_what_is_written_from_what_gpg_wrote(tmp_path):
    armour = public_key(tmp_path / "theirs", "Desk <desk@jo.technical.example>")
    written = b"# a line for people\n" + write_armour(read_armour(armour)).encode()
    gpg(tmp_path / "ours", "--import", given=written)
    assert "desk@jo.technical.example" in gpg(tmp_path / "ours", "--list-keys", "--with-colons")
