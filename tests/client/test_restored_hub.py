"""A hub restored from a backup: feeds are read anew, what it lost is offered again, once in effect."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from poc.client.progress import message_progress
from poc.client.sdk import Desk
from poc.core.strictjson import canonical
from poc.hub.backup import make_backup, restore_backup
from poc.hub.restored import confirm
from tests import registry as made
from tests.desk_world import CONTROLLER, SIDES, draft, keyring, registry
from tests.hub_world import World


def silent(_text):
    pass


class Day:
    """A hub, two desks and a controller; ``backup`` and ``lose`` stand for the night between."""

    def __init__(self, folder):
        self.folder = folder
        self.world = World(folder / "hub", registry())
        self.desks: list[Desk] = []
        self.night = self.stack = AsyncExitStack()
        self.first = ""

    async def open(self, stack, home):
        """Run the hub at a home; the desks reach it from now on."""
        (self.folder / home).mkdir(exist_ok=True)
        before, self.world = self.world, World(self.folder / home, self.world.registry)
        self.world.now = before.now
        await stack.enter_async_context(self.world.running())
        for desk in self.desks:
            desk.hub._base, desk.hub._http = self.world.origin, self.world.session

    async def join(self, stack):
        await self.world.fill()
        for party in (*SIDES, CONTROLLER):
            key, who = made.sealing_key(f"{party} 1").public, f"{party} 1"
            await self.world.ask("PUT", f"/v1/keys/{key.kid}", canonical(key.jwk()), who=who)
        for party in SIDES:
            home = self.folder / party
            desk = await Desk.join(
                home, self.world.origin, self.world.registry.directory.fingerprint, party=party,
                http=self.world.session, clock=lambda: self.world.now,
            )  # fmt: skip
            desk.use_keyring(keyring(home, party, self.world.now))
            stack.push_async_callback(desk.close)
            await desk.sync()
            self.desks.append(desk)

    async def send(self, subject, **changes):
        jo = self.desks[0]
        return (await jo.send_message(draft(jo, subject=subject, **changes), ["sd.technical"])).id

    def subjects(self):
        sd = self.desks[1]
        return [sd.show(row["message"]).message.subject for row in sd.inbox()]


@pytest.fixture
async def day(tmp_path):
    """Yesterday: one message sent, received and acknowledged, then a backup."""
    async with AsyncExitStack() as stack:
        days = Day(tmp_path)
        night = await stack.enter_async_context(AsyncExitStack())
        await days.open(night, "hub")
        await days.join(stack)
        days.night, days.stack = night, stack
        jo, sd = days.desks
        first = await days.send("first")
        await sd.sync()
        await sd.acknowledge(first)
        await jo.sync()
        days.first = first
        await make_backup(tmp_path / "hub", tmp_path / "backup", days.world.now, "test", silent)
        yield days


async def restored(day, *, confirmed=True):
    """The hub is lost and restored; the hub that ran till now is gone."""
    await day.night.aclose()
    home = day.folder / "new"
    done = await restore_backup(day.folder / "backup", home, day.world.now, silent)
    if confirmed:
        await confirm(home, done.entries, day.world.now)
    day.world.now += timedelta(minutes=1)
    await day.open(day.stack, "new")


async def test_what_was_accepted_after_the_backup_reaches_its_recipient_again_and_counts_once(day):
    jo, sd = day.desks
    second = await day.send("second")
    await sd.sync()
    await sd.acknowledge(second)
    third = await day.send("third")
    await jo.sync()
    assert day.subjects() == ["first", "second"]
    await restored(day)
    report = await jo.sync()
    assert any("restored from a backup" in line for line in report.warnings)
    assert {row["ref"]: row["state"] for row in jo.outbox() if row["kind"] == "message"} == {
        day.first: "accepted", second: "accepted", third: "accepted",
    }  # fmt: skip
    await sd.sync()
    assert day.subjects() == ["first", "second", "third"]
    evidence = await day.world.store.read_evidence(second)
    assert [e.event for e in evidence if e.kind == "acknowledgement"] == ["acknowledged"]
    await sd.acknowledge(third)
    again = await jo.sync()
    assert not [line for line in again.warnings if "restored" in line]
    for message in (second, third):
        assert message_progress(jo.known, message)["contacts"][0]["state"] == "acknowledged"


async def test_an_answer_waits_until_its_message_is_back(day):
    jo, sd = day.desks
    second = await day.send("second")
    await sd.sync()
    await sd.acknowledge(second)
    await restored(day)
    report = await sd.sync()
    assert any("offered again at each sync" in line for line in report.warnings)
    assert await day.world.store.read_evidence(second) == ()
    await jo.sync()
    await sd.sync()
    kinds = {e.kind for e in await day.world.store.read_evidence(second)}
    assert kinds == {"receipt", "retrieval", "acknowledgement"}
    assert [row["state"] for row in sd.outbox() if row["ref"].startswith(second)] == ["done", "done"]


async def test_numbers_used_anew_hide_no_message(day):
    """More comes after the restore than there was before: the old cursor stands in the middle of it."""
    jo, sd = day.desks
    for number in range(3):
        await day.send(f"lost {number}")
    await sd.sync()
    await restored(day)
    jo.known.trust.set_value("offer-again", b"[]")
    for number in range(4):
        await day.send(f"new {number}")
    await sd.sync()
    assert set(day.subjects()) >= {"first", "new 0", "new 1", "new 2", "new 3"}


async def test_a_database_put_back_without_a_word_is_noticed_by_a_cursor_beyond_it(day):
    jo, sd = day.desks
    await day.send("lost")
    await sd.sync()
    await restored(day)
    await day.world.store.writer._connection.run(lambda db: db.execute("DELETE FROM restores").rowcount)
    day.world.hub.restored.epoch = ""
    assert (await day.world.ask("GET", "/v1/inbox?after=99", who="sd.technical 1"))[1][
        "code"
    ] == "cursor-ahead"
    before = sd.known.trust.cursor("inbox")
    await sd.sync()
    assert sd.known.trust.cursor("inbox") < before
    await jo.sync()
    await sd.sync()
    assert day.subjects() == ["first", "lost"]


async def test_what_expired_meanwhile_is_not_offered_again(day):
    jo, _ = day.desks
    lost = await day.send("lost", expires_at=day.world.now + timedelta(seconds=30))
    await restored(day)
    report = await jo.sync()
    assert not [line for line in report.warnings if "offered again" in line]
    assert await day.world.store.read_message(lost) is None


async def test_a_hub_that_is_not_proved_signs_nothing_and_the_outbox_keeps_it(day):
    jo, sd = day.desks
    await restored(day, confirmed=False)
    await day.send("waits")
    status, said = await day.world.ask("GET", "/readyz")
    assert (status, said["reason"]) == (503, "restore-unproved")
    assert [row["state"] for row in jo.outbox() if row["kind"] == "message"] == ["accepted", "waiting"]
    day.world.hub.log.held = None
    await jo.sync()
    await sd.sync()
    assert day.subjects() == ["first", "waits"]


async def test_a_hub_that_changes_its_epoch_with_each_answer_holds_no_desk_for_ever(day, monkeypatch):
    _, sd = day.desks
    epochs = iter(range(10**6))
    check = day.world.hub.restored.check_feed

    async def other(*given):
        await check(*given)
        return str(next(epochs))

    monkeypatch.setattr(day.world.hub.restored, "check_feed", other)
    await sd.sync()
    assert next(epochs) < 100
    assert day.subjects() == ["first"]
