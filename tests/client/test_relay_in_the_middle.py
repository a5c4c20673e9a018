"""R24: a relay that drops, reorders, doubles and delays, by seed.

The recipient names what is missing at the next message, the sender notices by its own deadline, and what
comes twice counts once.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
from datetime import timedelta
from typing import Any

import pytest

from poc.client.inbox import fetch_inbox, is_verified
from poc.client.known import Known
from poc.client.progress import missed_deadlines, receipts_of
from poc.client.sequences import sequences
from poc.client.sync import SyncReport, sync_evidence
from poc.client.trust import Trust
from poc.core.receipts import artefact_sha256
from poc.hub.restored import NEVER
from tests.desk_world import draft

MESSAGES, READINGS = 6, 3
OVER_HTTP = 1  # so many of the seeds; the others are read without a line between
INBOX, EVIDENCE = "/v1/inbox", "/v1/evidence"


class Relay:
    """A hub in the middle, as a desk reads a feed from it: what it shows in each of its readings.

    Every number that it is asked to go on from is one that it gave.
    """

    def __init__(self, *readings: list[Any]) -> None:
        self.readings = readings
        self._number = 0
        self._shown: list[Any] = []

    @classmethod
    def meddling(cls, rng: random.Random, items: list[Any]) -> Relay:
        """One that drops some, shows some late and some again, in any order."""
        readings: list[list[Any]] = [[] for _ in range(READINGS)]
        for place, item in enumerate(items):
            if rng.random() < 0.25:
                continue
            first = min(READINGS - 1, place * READINGS // len(items) + rng.choice([0, 0, 1, 2]))
            again = rng.choices(range(first, READINGS), k=rng.choice([0, 0, 1, 2]))
            for at in (first, *again):
                readings[at].append(item)
        for reading in readings:
            rng.shuffle(reading)
        return cls(*readings)

    def begin(self, reading: int) -> list[Any]:
        self._shown = self.readings[reading]
        return self._shown

    def page(self) -> dict[str, Any]:
        """The next page: all of the reading, then nothing."""
        items, self._shown = self._shown, []
        numbered = [{**item, "number": self._number + place} for place, item in enumerate(items, 1)]
        self._number += len(items)
        return {"items": numbered, "next": self._number, "epoch": NEVER}

    async def get_json(self, _path: str) -> Any:
        """What a desk asks of a hub, answered without a line between them."""
        return self.page()


@pytest.fixture
async def sent(desks, world):
    """Messages to one office, of which it acknowledged some; both homes as they were before that."""
    jo, sd, _ = desks
    ids = []
    for _ in range(MESSAGES):
        made = draft(jo, respond_by=world.now + timedelta(hours=1))
        ids.append((await jo.send_message(made, ["sd.technical"])).id)
    before = {desk.party: copy_of(desk) for desk in (jo, sd)}
    await sd.sync()
    for message in ids[::2]:
        await sd.acknowledge(message)
    yield ids, before
    for kept in before.values():
        kept.close()


def copy_of(desk):
    kept = sqlite3.connect(":memory:")
    desk.known.trust._db.backup(kept)
    return kept


def opened(before, desk, path, now):
    """What a desk knew when it was copied, at a time of its own."""
    path.unlink(missing_ok=True)
    Trust(path, create=True).close()
    trust = Trust(path)
    before[desk.party].backup(trust._db)
    trust._db.execute("PRAGMA synchronous=OFF")  # nobody cuts the power here
    known = Known(trust, desk.party, lambda: now)
    known.keyring = desk.keys
    return known


async def nothing_newer():
    """The log has nothing more."""


async def shown_by(between, path, ask):
    """The items that the honest hub shows."""
    found = []
    between.alter = lambda _method, asked, body: found.append(body) if asked == path else None
    await ask()
    between.honest()
    return json.loads(found[0])["items"]


def over_http(between, desk, path, relay):
    """The relay as a real server before the real hub."""
    between.alter = lambda _method, asked, _body: (
        (json.dumps(relay.page()).encode(), 200) if asked == path else None
    )
    return desk.hub


async def test_what_a_relay_drops_is_named_and_what_it_doubles_counts_once(
    desks, world, between, sent, tmp_path, rounds
):
    jo, sd, _ = desks
    ids, before = sent
    items = await shown_by(between, INBOX, lambda: sd.hub.get_json(f"{INBOX}?after=0"))
    pieces = await shown_by(between, EVIDENCE, lambda: jo.hub.get_json(f"{EVIDENCE}?after=0"))
    gaps = missed = 0
    for seed in range(rounds(8, long=1000, of="relays in the middle")):
        rng = random.Random(seed)
        relay, known = Relay.meddling(rng, items), opened(before, sd, tmp_path / "sd.db", world.now)
        hub = over_http(between, sd, INBOX, relay) if seed < OVER_HTTP else relay
        gaps += await received(hub, known, relay, items)
        known.trust.close()
        after = world.now + timedelta(hours=2)
        relay, known = Relay.meddling(rng, pieces), opened(before, jo, tmp_path / "jo.db", after)
        hub = over_http(between, jo, EVIDENCE, relay) if seed < OVER_HTTP else relay
        missed += await noticed(hub, known, relay, ids)
        known.trust.close()
    assert gaps > 0
    assert missed > 0


def number_of(item):
    return item["envelope"]["recipients"][0]["header"]["sequence"]


async def received(hub, known, relay, items):
    """Read a meddled inbox: how many gaps were named, each missing number in them and no other."""
    seen: set[int] = set()
    named = 0
    for reading in range(READINGS):
        fresh = {number_of(item) for item in relay.begin(reading)} - seen
        seen |= fresh
        fetched = await fetch_inbox(known, hub, known.now, nothing_newer)
        rows = known.trust.inbox()
        assert (fetched.new, len(rows)) == (len(fresh), len(seen))
        assert all(is_verified(row) for row in rows)
        assert len(known.trust.outbox(kind="answer")) == len(seen)
        missing = set(range(min(seen), max(seen))) - seen if seen else set()
        found = sequences(rows).gaps
        assert {n for gap in found for n in range(gap.first, gap.last + 1)} == missing
        assert not fresh or {gap.told() for gap in found} == set(fetched.warnings)
        named += len(found)
    known.trust.set_cursor("inbox", 0)
    honest: Any = Relay(items)
    honest.begin(0)
    fetched = await fetch_inbox(known, honest, known.now, nothing_newer)
    assert (fetched.new, len(known.trust.inbox())) == (MESSAGES - len(seen), MESSAGES)
    assert sequences(known.trust.inbox()).gaps == ()
    return named


async def noticed(hub, known, relay, ids):
    """Read meddled evidence; past its own deadline the sender names whoever it has no answer of."""
    for reading in range(READINGS):
        relay.begin(reading)
        await sync_evidence(known, hub, SyncReport())
    shown = {piece["jws"] for reading in relay.readings for piece in reading}
    answered = {n for n, message in enumerate(ids, 1) if answer_came(known, message, shown)}
    told = [re.search(r" (\d+), priority\)", line) for line in missed_deadlines(known)]
    assert {int(found[1]) for found in told if found} == set(range(1, MESSAGES + 1)) - answered
    return len(told)


def answer_came(known, message, shown):
    """Whether an acknowledgement and the hub's record of it were both shown."""
    recorded = {one.artefact_sha256 for one in receipts_of(known, message) if one.event == "recorded"}
    texts = [text for kind, text in known.trust.evidence(message) if kind == "acknowledgement"]
    return any(text in shown and artefact_sha256(text) in recorded for text in texts)
