"""Any order of calls: a store and a plain model give the same answers."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from poc.errors import RefusedError
from poc.store.base import Accepted, Existing
from poc.store.memory import MemoryStore
from poc.store.sqlite import SqliteStore
from tests.store.builders import NOW, answer, head, leaf, message, rejection, slot

SMALL = st.integers(1, 3)
KIDS = st.sampled_from(["k1", "k2"])


class Sides(RuleBasedStateMachine):
    """A store and dicts; every rule calls both and compares."""

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = self.runner.run(self.open())
        self.answered: dict[int, tuple[str, Existing]] = {}
        self.sequences: set[tuple[str, int]] = set()
        self.inbox: list[tuple[str, str]] = []
        self.events: list[tuple[str, str]] = []
        self.answers: dict[tuple[int, str], str] = {}
        self.nonces: set[tuple[str, int]] = set()
        self.openings: list[int] = []
        self.size = 0

    async def open(self):
        return MemoryStore()

    def call(self, awaitable):
        """Give the value, or the code it was refused with."""

        async def wait():
            try:
                return await awaitable
            except RefusedError as error:
                return error.code

        return self.runner.run(wait())

    @rule(n=SMALL, body=st.sampled_from("ab"), kid=KIDS, sequence=st.none() | SMALL)
    def accept(self, n, body, kid, sequence):
        got = self.call(
            self.store.accept_message(message(n, body_sha256=body), [slot(kid, sequence=sequence)])
        )
        if n in self.answered:
            known, existing = self.answered[n]
            assert got == (existing if known == body else "id-used")
        elif ("sd.duty", sequence) in self.sequences:
            assert got == "sequence-used"
        else:
            assert got == Accepted(f"receipt-{n}")
            self.answered[n] = (body, Existing(f"receipt-{n}"))
            if sequence is not None:
                self.sequences.add(("sd.duty", sequence))
            self.inbox.append((kid, f"m{n}"))
            self.events.append((f"m{n}", "accepted"))

    @rule(n=SMALL, body=st.sampled_from("ab"))
    def reject(self, n, body):
        got = self.call(self.store.reject_message(rejection(n, body_sha256=body)))
        if n in self.answered:
            known, existing = self.answered[n]
            assert got == (existing if known == body else "id-used")
        else:
            assert got == Accepted(f"rejected-{n}")
            self.answered[n] = (body, Existing(f"rejected-{n}", "stale-slot-key"))
            self.events.append((f"m{n}", "rejected"))

    @rule(n=SMALL, outcome=st.sampled_from(["retrieved", "declined"]), sha256=st.sampled_from("ab"))
    def answer(self, n, outcome, sha256):
        got = self.call(self.store.record_answer(answer(n, outcome=outcome, sha256=sha256)))
        if n not in self.answered or self.answered[n][1].reason:
            assert got == "unknown-message"
        elif (n, outcome) in self.answers:
            same = self.answers[n, outcome] == sha256
            assert got == (Existing(f"recorded-{n}") if same else "answer-used")
        else:
            assert got == Accepted(f"recorded-{n}")
            self.answers[n, outcome] = sha256
            self.events += [(f"m{n}", outcome), (f"m{n}", "recorded")]

    @rule(kid=KIDS, n=SMALL)
    def nonce(self, kid, n):
        assert self.call(self.store.use_nonce(kid, str(n), NOW)) is ((kid, n) not in self.nonces)
        self.nonces.add((kid, n))

    @rule(n=SMALL)
    def open_card(self, n):
        created = self.call(self.store.put_opening(f"c{n}", "jo.technical", "person", b"x"))
        assert created is (n not in self.openings)
        if created:
            self.openings.append(n)

    @rule(n=SMALL)
    def erase_card(self, n):
        assert self.call(self.store.delete_openings([f"c{n}"])) == self.openings.count(n)
        self.openings = [kept for kept in self.openings if kept != n]

    @rule(believed=st.integers(0, 4))
    def append(self, believed):
        expected = head(believed).checkpoint if believed else None
        call = self.store.append_entries(expected, head(believed + 1), [leaf(believed)], [])
        assert self.call(call) == (None if believed == self.size else "head-moved")
        self.size += believed == self.size

    @invariant()
    def both_show_the_same(self):
        for kid in ("k1", "k2"):
            items = self.call(self.store.read_inbox([kid], 0, 100))
            assert [item.message.id for item in items] == [m for k, m in self.inbox if k == kid]
        feed = self.call(self.store.read_evidence_feed("jo.technical", 0, 100))
        assert [(record.message, record.event) for record in feed] == self.events
        assert [record.number for record in feed] == list(range(1, len(feed) + 1))
        openings = self.call(self.store.read_openings(0, 100))
        assert [opening.commitment for opening in openings] == [f"c{n}" for n in self.openings]
        assert self.call(self.store.read_head()) == (head(self.size) if self.size else None)
        assert len(self.call(self.store.read_leaves(0, 100))) == self.size

    def teardown(self):
        self.runner.run(self.store.close())
        self.runner.close()


class SqliteSides(Sides):
    """The same with SQLite, on a home of its own."""

    async def open(self):
        self.home = Path(tempfile.mkdtemp())
        return await SqliteStore.open(self.home)

    def teardown(self):
        super().teardown()
        shutil.rmtree(self.home)


TestMemory = Sides.TestCase
TestMemory.settings = settings(stateful_step_count=30)
TestSqlite = SqliteSides.TestCase
TestSqlite.settings = settings(stateful_step_count=20)
