"""Freezes the evidence of a message that was escalated, and what each change of it is named or refused for.

    python -m tests.vectors.make_escalated

The world is that of ``tests/escalated_world.py``. HPKE draws its own randomness, so the envelope already in
``evidence/escalated.json`` is kept as long as it is there; everything else follows from it.
"""

# ruff: noqa: E501 (a case is one line)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poc.core.proof import verify_evidence
from poc.core.strictjson import canonical
from tests import escalated_world as world
from tests.escalated_world import DEPUTY, DUTY, JO, LIAISON, ROTATED, TECH, Case
from tests.message_world import signing_key

PATH = Path(__file__).parent / "evidence" / "escalated.json"
RECEIPTS = ("accepted", "expired", "released", "retrieval", "taken back", "answer", "not needed")
"""What the receipts of the file say, in their order."""


def variants(case: Case, text: str) -> list[dict[str, Any]]:
    """Members set by path; the code that refuses the file, or ``ok`` and the problems that are named."""
    story = case.story()
    receipts = dict(zip(RECEIPTS, story["receipts"], strict=True))
    slots = json.loads(text)["envelope"]["recipients"]
    of_deputy = [slot for slot in slots if slot["header"]["contact"] == DEPUTY]
    other_digest = tuple(slot.model_copy(update={"sha256": "A" * 43}) for slot in case.of(DEPUTY))
    other_number = tuple(slot.model_copy(update={"sequence": 4}) for slot in case.of(DEPUTY))

    def with_receipts(**changes: Any) -> dict[str, Any]:
        """The receipts, some replaced by others, ``None`` by nothing, ``more`` added."""
        more = changes.pop("more", ())
        named = {name.replace(" ", "_"): text for name, text in receipts.items()} | changes
        return {"receipts": [text for text in named.values() if text is not None] + list(more)}

    def set_of(**members: Any) -> dict[str, Any]:
        return members

    early, late = case.released(DEPUTY, 29.99), case.released(DEPUTY, 30)
    unanswered: dict[str, Any] = {"acknowledgements": [], **with_receipts(answer=None)}
    elsewhere = {**of_deputy[0], "header": {**of_deputy[0]["header"], "release_at": "2026-11-24T08:31:00Z"}}
    rows: list[tuple[str, str, list[str], dict[str, Any]]] = [
        ("as it was", "ok", [], {}),
        ("without the content key", "ok", [], set_of(opening=None)),
        ("what the alternate holds of it", "ok", [], {"slots": of_deputy}),
        ("released before its time", "ok", ["released-early"], with_receipts(released=early)),
        ("released before its time, and again in time", "ok", ["released-early"], with_receipts(released=early, more=[late])),
        ("released in time, and once before", "ok", ["released-early"], with_receipts(more=[early])),
        ("released before its time, seen by the alternate", "ok", ["released-early"], {"slots": of_deputy, **with_receipts(released=early)}),
        ("released long after its time", "ok", [], with_receipts(released=case.released(DEPUTY, 32))),
        ("expired a second early", "ok", ["expired-early"], with_receipts(expired=case.expired(TECH, 29.99))),
        ("expired of whom nothing had reached", "ok", ["expired-early"], with_receipts(more=[case.expired(DUTY, 1440)])),
        ("expired of the alternate at the time that was the addressee's", "ok", ["expired-early", "not-recorded"], {"receipts": [*with_receipts(answer=None)["receipts"], case.expired(DEPUTY, 31)]}),
        ("expired of the alternate when the message does", "ok", [], {**unanswered, "receipts": [*unanswered["receipts"], case.expired(DEPUTY, 1440)]}),
        ("expired of the alternate after it acknowledged", "ok", ["expired-after-recorded"], with_receipts(more=[case.expired(DEPUTY, 1440)])),
        ("released after it was not needed", "ok", ["released-and-not-needed"], with_receipts(more=[case.released(DUTY, 90)])),
        ("released after it was taken back", "ok", ["released-and-not-needed"], with_receipts(more=[case.released(LIAISON, 60)])),
        ("all taken back, one released", "ok", ["released-and-not-needed"], with_receipts(taken_back=case.not_needed(None, case.of(DEPUTY, LIAISON), "withdrawn", 41))),
        ("one device left out of the release", "ok", [], with_receipts(released=case.released(DEPUTY, 30, slots=case.of(DEPUTY)[:1]))),
        ("released to one device, not needed for the other", "ok", [], with_receipts(released=case.released(DEPUTY, 30, slots=case.of(DEPUTY)[:1]), more=[case.not_needed(DEPUTY, case.of(DEPUTY)[1:], "stale-slot-key", 30)])),
        ("a cancel of everything", "ok", [], {"cancels": [case.cancel(None)]}),
        ("a cancel of a contact that has no slot", "ok", [], {"cancels": [case.cancel("eg.technical")]}),
        ("no cancel", "ok", [], {"cancels": []}),
        ("no receipt of acceptance, no content key", "ok", ["expired-early", "not-accepted"], {"opening": None, **with_receipts(accepted=None)}),
        ("no receipt of acceptance: the author's key had ended when it was released", "key-ended", [], with_receipts(accepted=None)),
        ("accepted after the author's key had ended", "key-ended", [], with_receipts(accepted=case.accepted(ROTATED))),
        ("an acceptance whose payload is not RFC 8785", "ok", [], with_receipts(accepted=case.spaced(receipts["accepted"]))),
        ("an acceptance without the held slots", "receipt-mismatch", [], with_receipts(accepted=case.accepted(slots=case.of(TECH, JO)))),
        ("a release of slots with other digests", "receipt-mismatch", [], with_receipts(released=case.released(DEPUTY, 30, slots=other_digest))),
        ("a release of slots with a number", "receipt-mismatch", [], with_receipts(released=case.released(DEPUTY, 30, slots=other_number))),
        ("a release of another's slots", "bad-form", [], with_receipts(released=case.released(DEPUTY, 30, slots=case.of(DUTY)))),
        ("a release that names nobody", "bad-form", [], with_receipts(released=case.released(DEPUTY, 30, contact=None))),
        ("a release that names no slots", "bad-form", [], with_receipts(released=case.released(DEPUTY, 30, slots=None))),
        ("a release with a reason", "bad-form", [], with_receipts(released=case.released(DEPUTY, 30, reason="withdrawn"))),
        ("a release to somebody else", "unknown-contact", [], with_receipts(more=[case.released("eg.technical", 30)])),
        ("not needed by somebody else", "unknown-contact", [], with_receipts(more=[case.not_needed("eg.technical", (), "withdrawn", 30)])),
        ("not needed, of slots with other digests", "receipt-mismatch", [], with_receipts(more=[case.not_needed(DEPUTY, other_digest, "withdrawn", 30)])),
        ("expired of somebody else", "unknown-contact", [], with_receipts(more=[case.expired("eg.technical", 1440)])),
        ("an acknowledgement recorded for another", "receipt-mismatch", [], with_receipts(answer=case.recorded(story["acknowledgements"][0], DUTY, 46))),
        ("an answer of the office that was taken back", "ok", ["not-recorded"], {"acknowledgements": [*story["acknowledgements"], case.answer("ack", LIAISON, 50)]}),
        ("a cancel by the alternate", "unknown-key", [], {"cancels": [case.cancel(key=signing_key(DEPUTY))]}),
        ("a cancel with the key that had been replaced", "key-ended", [], {"cancels": [case.cancel(key=signing_key(JO))]}),
        ("a cancel of another envelope", "receipt-mismatch", [], {"cancels": [case.cancel(envelope_sha256="A" * 43)]}),
        ("two devices of one office held until two times", "bad-held-slot", [], {"slots": [elsewhere, of_deputy[1]], "opening": None, "receipts": []}),
        ("another time in a slot", "receipt-mismatch", [], {"slots": [elsewhere, of_deputy[1]]}),
    ]  # fmt: skip
    kept = {"receipts": story["receipts"], "slots": slots}
    return [
        {"name": name, "expect": expect, "problems": problems, "set": _shortened(members, kept)}
        for name, expect, problems, members in rows
    ]


def _shortened(members: dict[str, Any], kept: dict[str, list[Any]]) -> dict[str, Any]:
    """The members with the number of each receipt and slot that the file has as well, in place of it."""
    return {
        name: [kept[name].index(v) if v in kept[name] else v for v in value] if name in kept else value
        for name, value in members.items()
    }


def changed(text: str, members: dict[str, Any]) -> bytes:
    """The file with members replaced; ``slots`` are those of its envelope, a number one of the file's own."""
    file = json.loads(text)
    slots = file["envelope"]["recipients"]
    kept = {"receipts": file["receipts"], "slots": slots}
    for name, value in members.items():
        own = kept.get(name, [])
        file[name] = [own[v] if isinstance(v, int) else v for v in value] if own else value
    file["envelope"]["recipients"] = file.pop("slots", slots)
    return canonical(file)


def build() -> str:
    """The text the file must hold."""
    if PATH.exists():
        envelope = canonical(json.loads(json.loads(PATH.read_bytes())["file"])["envelope"])
    else:
        envelope = world.seal()
    case = Case(envelope)
    text = case.file(case.story()).decode()
    report = verify_evidence(text.encode(), world.fingerprint())
    document = {
        "about": "The evidence of a message that was escalated; `set` replaces members of the file, `slots` those of its envelope; a number there is one of the file's own, from 0",
        "seeds": "SHA-256 of hub, log, sign/CONTACT/DEVICE, seal/CONTACT/DEVICE",
        "fingerprint": world.fingerprint(),
        "file": text,
        "voice_code": report.voice_code,
        "timeline": [[event.event, event.who, event.kid] for event in report.timeline],
        "variants": variants(case, text),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(build(), "utf-8")
