"""Signed notes, checkpoints and heads, written from docs/spec/log.md."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from tests.independent.basics import MAX_INT, RefusedError, refuse_if, sha256, unb64
from tests.independent.signatures import good_point, verify


@dataclass(frozen=True)
class NoteKey:
    """A verification key read."""

    name: str
    key_id: bytes
    raw: bytes
    text: str
    kind: int = 1


@dataclass
class Checkpoint:
    """A checkpoint whose signatures were looked at."""

    size: int
    root: bytes
    extensions: list[str]
    verified: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)


def _good_name(name: str) -> bool:
    return bool(name) and not any(c == "+" or c.isspace() or unicodedata.category(c) == "Cc" for c in name)


def read_vkey(text: str, kind: int = 1) -> NoteKey:
    """A verification key from its spelling: of a log, or of a witness (0x04)."""
    refuse_if(len(text) > 4096, "bad-vkey")
    parts = text.split("+", 2)
    refuse_if(len(parts) != 3, "bad-vkey")
    name, key_id, body = parts
    refuse_if(not _good_name(name) or not re.fullmatch("[0-9a-f]{8}", key_id), "bad-vkey")
    data = unb64(body, "bad-vkey")
    refuse_if(not data, "bad-vkey")
    refuse_if(sha256(name.encode() + b"\n" + data)[:4].hex() != key_id, "bad-vkey")
    refuse_if(data[0] != kind, "unknown-algorithm")
    refuse_if(len(data) != 33, "bad-vkey")
    refuse_if(not good_point(data[1:]), "bad-key")
    return NoteKey(name, bytes.fromhex(key_id), data[1:], text, kind)


def cosigned_at(key: NoteKey, signature: bytes, body: bytes) -> int:
    """The time of a cosignature that verifies, from docs/spec/witness.md."""
    time = int.from_bytes(signature[:8], "big")
    refuse_if(time >= 2**63, "bad-signature")
    verify(key.raw, signature[8:], b"cosignature/v1\ntime %d\n" % time + body)
    return time


def open_note(
    note: str | bytes, vkeys: list[NoteKey], times: dict[str, int] | None = None
) -> tuple[str, list[str], list[str]]:
    """Text, names of known keys that signed, names on lines of others; times by witness's key."""
    data = note.encode("utf-8", "surrogatepass") if isinstance(note, str) else note
    refuse_if(len(data) > 128 * 1024, "too-large")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("bad-note") from error
    refuse_if(any(unicodedata.category(c) == "Cc" and c != "\n" for c in text), "bad-note")
    refuse_if(not text.endswith("\n"), "bad-note")
    split = text.rfind("\n\n")
    refuse_if(split < 0, "bad-note")
    body, lines = text[: split + 1], text[split + 2 :].split("\n")[:-1]
    refuse_if(not lines, "bad-note")
    refuse_if(len(lines) > 64, "too-large")
    verified: list[str] = []
    unknown: list[str] = []
    counted = set()
    for line in lines:
        parts = line.split(" ")
        refuse_if(len(parts) != 3 or parts[0] != "\u2014" or not _good_name(parts[1]), "bad-note")
        blob = unb64(parts[2], "bad-note")
        refuse_if(len(blob) < 5, "bad-note")
        known = [k for k in vkeys if k.name == parts[1] and k.key_id == blob[:4]]
        if not known:
            unknown.append(parts[1])
            continue
        if known[0].kind == 4:
            time = cosigned_at(known[0], blob[4:], body.encode())
            (times if times is not None else {}).setdefault(known[0].text, time)
        else:
            verify(known[0].raw, blob[4:], body.encode())
        if known[0].text not in counted:
            counted.add(known[0].text)
            verified.append(parts[1])
    refuse_if(not verified, "unsigned-note")
    return body, verified, unknown


def read_body(origin: str, body: str) -> Checkpoint:
    """What a checkpoint's text says."""
    lines = body.split("\n")[:-1]
    refuse_if(len(lines) < 3 or not lines[0], "bad-checkpoint")
    refuse_if(lines[0] != origin, "wrong-origin")
    refuse_if(not re.fullmatch("0|[1-9][0-9]{0,15}", lines[1]) or int(lines[1]) > MAX_INT, "bad-checkpoint")
    root = unb64(lines[2], "bad-checkpoint")
    refuse_if(len(root) != 32 or not all(lines[3:]), "bad-checkpoint")
    refuse_if(lines[1] == "0" and root != sha256(b""), "bad-checkpoint")
    return Checkpoint(int(lines[1]), root, lines[3:])


def read_checkpoint(origin: str, note: str, vkeys: list[NoteKey]) -> Checkpoint:
    """A checkpoint that a log key has signed."""
    times: dict[str, int] = {}
    body, verified, unknown = open_note(note, vkeys, times)
    found = read_body(origin, body)
    found.times = times
    refuse_if(origin not in verified, "unsigned-note")
    found.verified, found.unknown = verified, unknown
    return found


def claimed_size(origin: str, note: str) -> int:
    """The size a checkpoint names, before any signature is looked at."""
    split = note.rfind("\n\n")
    refuse_if(split < 0, "bad-note")
    named = note.split("\n", 1)[0]
    return read_body(named or origin, note[: split + 1]).size


def read_head(origin: str, head: str, vkeys: list[NoteKey]) -> Checkpoint:
    """A head: a checkpoint with no line but those of the log's name."""
    refuse_if(len(head) > 4096, "bad-checkpoint")
    found = read_checkpoint(origin, head, vkeys)
    refuse_if(any(name != origin for name in found.verified + found.unknown), "bad-checkpoint")
    return found
