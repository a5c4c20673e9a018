"""What verifies and does not fit together in an evidence file, written from docs/spec/evidence.md."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from tests.independent.basics import moment
from tests.independent.holding import deadline, goes_out_at

# What was signed, and the name of its exact text.
Named = tuple[dict[str, Any], str]
Times = dict[Any, dt.datetime]


def first_times(rows: Iterator[tuple[Any, str]]) -> Times:
    """The earliest time beside each name."""
    found: Times = {}
    for name, at in rows:
        found[name] = min(moment(at), found.get(name, moment(at)))
    return found


def _of_hub(receipts: list[Named]) -> Iterator[str]:
    texts = {
        event: {name for value, name in receipts if value["event"] == event}
        for event in ("accepted", "rejected")
    }
    if not texts["accepted"]:
        yield "not-accepted"
    if len(texts["accepted"]) > 1:
        yield "two-receipts"
    if texts["accepted"] and texts["rejected"]:
        yield "accepted-and-rejected"


def _of_answers(receipts: list[Named], answers: list[Named]) -> Iterator[str]:
    records = [v for v, _ in receipts if v["event"] == "recorded"]
    recorded = first_times((v["artefact_sha256"], v["at"]) for v in records)
    shown = {name for _, name in answers}
    if shown - recorded.keys():
        yield "not-recorded"
    if recorded.keys() - shown:
        yield "artefact-missing"
    final = [(v, recorded.get(name)) for v, name in answers if v["outcome"] != "retrieved"]
    for expired in (v for v, _ in receipts if v["event"] == "expired"):
        of_contact = [at for v, at in final if v["contact"] == expired["contact"] and at is not None]
        if any(at <= moment(expired["at"]) for at in of_contact):
            yield "expired-after-recorded"
    said = {(v["contact"], v["outcome"]) for v, _ in final}
    if any((contact, "declined") in said for contact, outcome in said if outcome == "acknowledged"):
        yield "acknowledged-and-declined"


def _slots(receipts: list[Named], event: str) -> Iterator[tuple[str, str, str]]:
    for value, _ in receipts:
        if value["event"] == event:
            yield from ((s["contact"], s["sha256"], value["at"]) for s in value["slots"])


def _of_times(header: dict[str, Any], held: list[dict[str, Any]], receipts: list[Named]) -> Iterator[str]:
    until = {slot["contact"]: goes_out_at(header, slot) for slot in held}
    everyone = None if header["not_before"] is None else moment(header["not_before"])
    for contact, _, at in _slots(receipts, "released"):
        due = until.get(contact, everyone)
        if due is not None and moment(at) < due:
            yield "released-early"
    skipped = {name for _, name, _ in _slots(receipts, "not-needed")}
    if any(name in skipped for _, name, _ in _slots(receipts, "released")):
        yield "released-and-not-needed"
    released = first_times((contact, at) for contact, _, at in _slots(receipts, "released"))
    accepted = first_times(("", v["at"]) for v, _ in receipts if v["event"] == "accepted")
    for value in (v for v, _ in receipts if v["event"] == "expired"):
        contact = value["contact"]
        at_once = accepted.get("") if until.get(contact, everyone) is None else None
        out_at = released.get(contact, at_once)
        if out_at is None or moment(value["at"]) < deadline(header, out_at):
            yield "expired-early"


def problems_of(
    header: dict[str, Any], slots: list[dict[str, Any]], receipts: list[Named], answers: list[Named]
) -> list[str]:
    """The names of everything that does not fit, each once, sorted."""
    found = {*_of_hub(receipts), *_of_answers(receipts, answers), *_of_times(header, slots, receipts)}
    return sorted(found)
