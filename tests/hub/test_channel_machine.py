"""The channel against a plain model: send, answer, cancel, time passing, failing storage, restarts, repeats.

Whatever the order, and wherever the storage fails, what the hub has signed and delivered is what the model
says: each message once, each step once, one outcome for what is repeated (R3, R13, R14, R15, R24).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from poc.core.draft import Addressee
from poc.core.envelope import Sealed
from poc.errors import RefusedError, UnreachableError
from poc.hub.caller import caller_of
from poc.hub.hub import Hub
from poc.hub.log import found
from poc.store.memory import MemoryStore
from tests.conftest import LONG
from tests.hub_messages import answer, cancel, seal
from tests.registry import Registry, log_signer, sealing_key, signing_key

SENDER = "jo.technical"
FIRST, SECOND, OTHER = "sd.technical", "sd.diplomatic", "eg.technical"
RELEASE, DEADLINE, END = timedelta(minutes=10), timedelta(minutes=12), timedelta(minutes=40)
WRITES = ("accept_message", "record_answer", "take_release", "take_skip", "take_expiry", "cancel_steps")


def registry() -> Registry:
    made = Registry()
    made.enrol("jo", "sd", "eg")
    made.nominate(SENDER, FIRST, OTHER)
    made.nominate(SECOND, alternate_of=FIRST)
    return made


@contextmanager
def storage_may_fail() -> Iterator[None]:
    """Whoever meets a failing storage does not know what was stored, and asks again."""
    try:
        yield
    except UnreachableError as error:
        if error.code != "storage-failed":
            raise


@dataclass
class Modelled:
    """One message as the model has it. ``due`` are the steps to come; ``events`` what was signed."""

    sealed: Sealed
    due: dict[tuple[str, str], datetime]
    out: set[str]
    events: list[tuple[str, str | None]] = field(default_factory=lambda: [("accepted", None)])
    answered: dict[tuple[str, str], Any] = field(default_factory=dict)
    cancels: dict[str, str] = field(default_factory=dict)

    def said(self, outcome: str) -> set[str]:
        return {contact for contact, kind in self.answered if kind == outcome}


class Channel(RuleBasedStateMachine):
    """The hub on a store that survives it, and the model beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.registry = registry()
        self.now = self.registry.now + timedelta(seconds=1)
        self.store = MemoryStore()
        self.messages: list[Modelled] = []
        self.numbers = 0
        first = self.registry.entries[0]
        self.runner.run(found(self.store, first.signed, log_signer(), first.logged_at))
        self.start()
        for entry in self.registry.entries[1:]:
            self.runner.run(self.hub.registry.submit(entry.signed))

    def start(self) -> None:
        self.hub = Hub(self.store, log_signer=log_signer(), hub_key=signing_key("hub"), now=lambda: self.now)
        self.runner.run(self.hub.load())
        self.runner.run(self.begin())

    async def begin(self) -> None:
        self.writing = asyncio.create_task(self.hub.log.run())

    def teardown(self) -> None:
        self.writing.cancel()
        self.runner.close()

    def call(self, who: str, verb: Any, *arguments: Any) -> Any:
        """What the hub answers, asked again as long as its storage fails: nobody knows what was stored."""
        caller, _ = caller_of(self.hub.log.view.directory, signing_key(f"{who} 1").kid)
        while True:
            with storage_may_fail():
                return self.runner.run(verb(caller, *arguments))

    def do_due(self) -> None:
        """Do what is due, again after each failure of the storage; the model does the same."""
        while True:
            with storage_may_fail():
                self.runner.run(self.hub.timers.do_due())
                break
        for message in self.messages:
            self.fire(message)

    def fire(self, message: Modelled) -> None:
        while steps := sorted((at, *key) for key, at in message.due.items() if at <= self.now):
            _, contact, kind = steps[0]
            del message.due[contact, kind]
            if kind == "expire":
                message.events.append(("expired", contact))
            elif message.said("acknowledged") & {FIRST, SECOND}:
                message.events.append(("not-needed", contact))
            else:
                message.events.append(("released", contact))
                message.out.add(contact)
                made = message.sealed.message
                assert made.respond_by is not None
                in_time = self.now < made.respond_by
                message.due[contact, "expire"] = made.respond_by if in_time else made.expires_at

    # --- what happens --------------------------------------------------------------------------

    @rule(held=st.booleans(), also=st.booleans())
    def send(self, *, held: bool, also: bool) -> None:
        self.numbers += 1
        number = self.numbers
        to = [Addressee(FIRST, sealing_key(f"{FIRST} 1").public, "action", number)]
        due = {(FIRST, "expire"): self.now + DEADLINE}
        if held:
            key = sealing_key(f"{SECOND} 1").public
            to.append(Addressee(SECOND, key, "action", None, self.now + RELEASE, FIRST))
            due[SECOND, "release"] = self.now + RELEASE
        if also:
            to.append(Addressee(OTHER, sealing_key(f"{OTHER} 1").public, "action", number))
            due[OTHER, "expire"] = self.now + DEADLINE
        sealed = seal(
            self.hub.log.view.head,
            self.now,
            number=number,
            addressees=tuple(to),
            respond_by=self.now + DEADLINE,
            expires_at=self.now + END,
        )
        message = Modelled(sealed, due, {FIRST} | ({OTHER} if also else set()))
        self.messages.append(message)
        message.answered[SENDER, "receipt"] = self.submit(message)

    def submit(self, message: Modelled) -> str:
        name, body = message.sealed.message.id, message.sealed.envelope_bytes
        receipt: str = self.call(SENDER, self.hub.relay.accept, name, body)[1]
        return receipt

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def repeat(self, data: Any) -> None:
        message = data.draw(st.sampled_from(self.messages))
        assert self.submit(message) == message.answered[SENDER, "receipt"]

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), who=st.sampled_from([FIRST, SECOND, OTHER]), outcome=st.sampled_from(
        ["retrieved", "acknowledged", "declined"]))  # fmt: skip
    def respond(self, data: Any, who: str, outcome: str) -> None:
        message = data.draw(st.sampled_from(self.messages))
        kind = "retrieval" if outcome == "retrieved" else "acknowledgement"
        how = {"declined": "not-for-us"} if outcome == "declined" else {}
        again = message.answered.get((who, outcome))
        text = again[0] if again else answer(
            message.sealed, kind, f"{who} 1", self.hub.log.view.head, self.now, **how
        )  # fmt: skip
        asked = (self.hub.relay.record, message.sealed.message.id, kind, text)
        if who not in message.out:
            with pytest.raises(RefusedError, match="not-found"):
                self.call(who, *asked)
            return
        receipt = self.call(who, *asked)[1]
        if again:
            assert receipt == again[1]
            return
        message.answered[who, outcome] = text, receipt
        message.events += [(outcome, who), ("recorded", who)]
        if outcome != "retrieved":
            message.due.pop((who, "expire"), None)
        if outcome == "acknowledged" and who in {FIRST, SECOND} and (SECOND, "release") in message.due:
            message.due[SECOND, "release"] = min(message.due[SECOND, "release"], self.now)

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), again=st.booleans())
    def take_back(self, data: Any, *, again: bool) -> None:
        message = data.draw(st.sampled_from(self.messages))
        text = next(iter(message.cancels), "") if again else ""
        text = text or cancel(message.sealed, f"{SENDER} 1", self.hub.log.view.head, self.now)
        asked = (self.hub.relay.cancel, message.sealed.message.id, text)
        if text in message.cancels:
            assert self.call(SENDER, *asked)[1] == message.cancels[text]
        elif (SECOND, "release") in message.due:
            message.cancels[text] = self.call(SENDER, *asked)[1]
            del message.due[SECOND, "release"]
            message.events += [("cancelled", SENDER), ("not-needed", None)]
        else:
            with pytest.raises(RefusedError, match="already-released"):
                self.call(SENDER, *asked)

    @rule(minutes=st.sampled_from([1, 9, 10, 12, 30]))
    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.do_due()

    @rule()
    def do_what_is_due(self) -> None:
        self.do_due()

    @rule(name=st.sampled_from(WRITES), took_effect=st.booleans(), n=st.integers(1, 2))
    def storage_fails(self, name: str, n: int, *, took_effect: bool) -> None:
        (self.store.fail_but_persist if took_effect else self.store.fail_before)(name, n)

    @rule()
    def restart(self) -> None:
        self.writing.cancel()
        self.start()

    # --- what always holds ---------------------------------------------------------------------

    @invariant()
    def what_was_signed_is_what_the_model_says(self) -> None:
        for message in self.messages:
            rows = self.runner.run(self.store.read_evidence(message.sealed.message.id))
            assert sorted((row.event, row.contact or "") for row in rows) == sorted(
                (event, contact or "") for event, contact in message.events
            )

    @invariant()
    def every_inbox_holds_what_went_out_to_it_once(self) -> None:
        for contact in (FIRST, SECOND, OTHER):
            kid = sealing_key(f"{contact} 1").kid
            items = self.runner.run(self.store.read_inbox([kid], 0, 10_000))
            ids = [item.message.id for item in items]
            assert sorted(ids) == sorted(m.sealed.message.id for m in self.messages if contact in m.out)

    @invariant()
    def what_is_due_is_what_the_model_says(self) -> None:
        for message in self.messages:
            steps = self.runner.run(self.store.read_steps(message.sealed.message.id))
            assert {(step.contact, step.kind): step.at for step in steps} == message.due


TestChannel = Channel.TestCase
TestChannel.settings = settings(max_examples=1000 if LONG else 12, stateful_step_count=30, deadline=None)


def test_a_model_that_forgets_a_receipt_is_caught() -> None:
    machine = Channel()
    try:
        machine.send(held=True, also=False)
        machine.what_was_signed_is_what_the_model_says()
        machine.messages[0].events.pop()
        with pytest.raises(AssertionError):
            machine.what_was_signed_is_what_the_model_says()
    finally:
        machine.teardown()
