"""Verifying a snapshot with its fingerprint alone, written from docs/spec/snapshot.md."""

from __future__ import annotations

from typing import Any

from tests.independent.basics import b64u, canonical, parse_canonical, refuse_if, tagged, unb64u
from tests.independent.cards import open_part
from tests.independent.directory import Directory
from tests.independent.forms import check_form
from tests.independent.sealed import sealing_kid
from tests.independent.whole import read_whole


def _beside(file: dict[str, Any], directory: Directory) -> tuple[list[str], list[str]]:
    opened = []
    for held in file["openings"] or ():
        contact, part = held["contact"], held["opening"]["part"]
        refuse_if(contact not in directory.parties, "unknown-contact")
        named = directory.parties[contact].body["card"][part]
        refuse_if(named is None, "commitment-mismatch")
        open_part(held["opening"], named["commitment"], contact, directory.origin)
        opened.append(contact)
    kids = [sealing_kid(jwk) for jwk in file["sealing_keys"]]
    refuse_if(not all(kid in directory.keys for kid in kids), "unknown-key")
    return sorted(set(opened)), sorted(kids)


def verify_snapshot(data: bytes, want: str) -> tuple[Directory, list[str], list[str]]:
    """The directory, the contacts whose cards are open and the sealing keys, or the refusal."""
    file: dict[str, Any] = parse_canonical(data)
    check_form("snapshot", file)
    rest = canonical({**file, "sha256": None})
    refuse_if(file["sha256"] != b64u(tagged("poc/1 snapshot", rest)), "snapshot-damaged")
    leaves = [unb64u(e) for e in file["entries"]]
    directory = read_whole(leaves, file["checkpoint"], file["origin"], want)
    return directory, *_beside(file, directory)
