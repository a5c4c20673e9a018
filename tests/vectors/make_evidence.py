"""Freezes one message's evidence file, whole, and what must be refused when a part of it is changed.

    python -m tests.vectors.make_evidence

The world is that of ``tests/evidence_world.py``: a log of seven entries, a message of jo.technical to
sd.duty, its receipts, retrieval and acknowledgement, the content key disclosed. HPKE draws its own
randomness, so the file already in ``evidence/evidence.json`` is kept as long as it is there; everything
else follows from it. A private key's seed is SHA-256 of the text that names it in ``seeds``.
"""

# ruff: noqa: E501 (a case is one line)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poc.core import jws
from poc.core.proof import verify_evidence
from poc.core.receipts import acknowledgement, sign_form
from poc.core.rules import apply_all
from poc.core.strictjson import canonical
from tests import evidence_world as world
from tests.message_world import signing_key

PATH = Path(__file__).parent / "evidence" / "evidence.json"
SEEDS = {
    "the hub": "hub",
    "the log": "log",
    "sealing, device 1 of sd.duty": "seal/sd.duty/1",
    "sealing, device 2 of sd.duty": "seal/sd.duty/2",
    "signing, device 1 of jo.technical": "sign/jo.technical/1",
    "signing, device 1 of sd.duty": "sign/sd.duty/1",
    "signing, device 2 of sd.duty": "sign/sd.duty/2",
}


def changed(text: str, *path: str | int, to: Any) -> str:
    """The file with the member at ``path`` replaced."""
    value: Any = json.loads(text)
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = to
    return canonical(value).decode()


def variants(text: str) -> list[dict[str, Any]]:
    """Changes by path, and the code each is refused with."""
    file = json.loads(text)
    entries, receipts, slots = file["log"]["entries"], file["receipts"], file["envelope"]["recipients"]
    header = slots[0]["header"]
    rows: list[tuple[str, str, list[str | int], Any]] = [
        ("a newer file", "newer-form", ["v"], 2),
        ("another kind of file", "bad-form", ["form"], "poc-proposal"),
        ("another origin", "wrong-origin", ["origin"], "example.org/other"),
        ("the log without its genesis", "wrong-fingerprint", ["log", "entries"], entries[1:]),
        ("no log", "wrong-fingerprint", ["log", "entries"], []),
        ("an entry left out", "unknown-contact", ["log", "entries"], [*entries[:3], *entries[4:]]),
        ("the newest entry left out", "head-inconsistent", ["log", "entries"], entries[:-1]),
        ("an entry twice", "already-logged", ["log", "entries"], [*entries[:2], *entries[1:]]),
        ("a checkpoint of fewer entries", "head-inconsistent", ["log", "checkpoint"], world.checkpoint(6)),
        ("a light file", "light-evidence", ["log"], {"size": 7, "root": "A" * 43}),
        ("another IV", "receipt-mismatch", ["envelope", "iv"], "A" * 16),
        ("another tag", "receipt-mismatch", ["envelope", "tag"], "A" * 22),
        ("another number in a slot", "receipt-mismatch", ["envelope", "recipients", 0, "header"], {**header, "sequence": 9}),
        ("another content key", "wrong-commitment", ["opening", "cek"], "A" * 43),
        ("a content key of another size", "bad-base64", ["opening", "cek"], "AAAA"),
        ("the key of another message", "member-mismatch", ["opening", "message"], "01936f00-0000-7000-8000-000000000001"),
        ("a retrieval among the receipts", "wrong-type", ["receipts"], [*receipts, file["retrievals"][0]]),
        ("a receipt among the retrievals", "wrong-type", ["retrievals"], receipts[:1]),
        ("a retrieval as acknowledgement", "wrong-type", ["acknowledgements"], file["retrievals"]),
        ("a receipt with another's signature", "bad-signature", ["receipts", 0], ".".join((*receipts[0].split(".")[:2], receipts[1].split(".")[2]))),
        ("an acknowledgement by the sender's own office", "own-cannot-answer", ["acknowledgements"], [_by_sender()]),
    ]  # fmt: skip
    made = [{"name": n, "path": path, "to": to, "expect": expect} for n, expect, path, to in rows]
    return [*made, {"name": "a space more", "append": " ", "expect": "not-canonical"}]


def _by_sender() -> str:
    key = signing_key("jo.technical")
    return sign_form(acknowledgement(world.answering(key, "jo.technical")), jws.ACKNOWLEDGEMENT, key)


def build() -> str:
    """The text the file must hold."""
    if PATH.exists():
        text = json.loads(PATH.read_bytes())["file"]
    else:
        text = world.evidence(apply_all(None, world.entries())).decode()
    report = verify_evidence(text.encode(), world.fingerprint())
    document = {
        "about": "A whole evidence file, and changes that are refused: `to` at `path`, or `append`",
        "seeds": {who: f"SHA-256 of {label}" for who, label in SEEDS.items()},
        "fingerprint": world.fingerprint(),
        "file": text,
        "digest": report.digest,
        "voice_code": report.voice_code,
        "timeline": [[event.event, event.who, event.kid] for event in report.timeline],
        "variants": variants(text),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(build(), "utf-8")
