"""What a desk says beside every answer: how old its knowledge is, and what its office owes."""

from __future__ import annotations

from datetime import timedelta

from tests.desk_world import SIDES


def told(desk, words):
    return [warning for warning in desk.warnings() if words in warning]


async def test_a_fresh_desk_says_only_that_there_are_no_witnesses(desks):
    assert desks[0].warnings() == ["no witnesses: the operator could show different logs"]


async def test_an_old_sync_is_told_in_hours_with_the_newest_entry(desks, world):
    world.now += timedelta(hours=49)
    (warning,) = told(desks[0], "not synced for")
    assert warning.startswith("not synced for 49 hours; the newest entry here is of 2026-11-24T")


async def test_a_desk_that_never_synced_says_so(desks):
    desks[0].known.trust.drop_value("synced-at")
    assert told(desks[0], "never synced")


async def test_a_clock_that_went_back_is_told_instead_of_a_wrong_age(desks, world):
    world.now += timedelta(days=30)
    await desks[0].sync()
    world.now -= timedelta(days=30)
    assert told(desks[0], "the clock of this computer went back")
    assert not told(desks[0], "not synced for")


async def test_a_clock_behind_the_newest_entry_is_told(desks, world):
    world.now -= timedelta(days=2)
    assert told(desks[0], "the clock of this computer is behind")


async def test_an_overdue_confirmation_and_key_of_the_own_office_are_told_and_block_nothing(desks, world):
    jo, _, control = desks
    world.now += timedelta(days=61)
    jo.known.keyring = None  # one that is unlocked replaces its key
    assert told(jo, "jo.technical: sealing key of device 1 overdue")
    world.now += timedelta(days=320)
    assert told(jo, "jo.technical: confirmation overdue since")
    assert not any("confirmation" in warning for warning in control.warnings())  # a controller is no contact


async def test_cards_that_an_exercise_makes_visible_come_although_they_were_numbered_before(desks, world):
    from tests import registry as made

    jo, _, control = desks
    trust = jo.known.trust
    await jo.sync()
    trust.set_cursor("cards", 5)
    await world.store.writer._connection.run(
        lambda db: db.execute("INSERT INTO sqlite_sequence VALUES ('openings', 5)").rowcount
    )
    await jo.sync()
    assert trust.cursor("cards") == 5
    await control.open_exercise(
        "ex-1", title={"en": "Drill"}, participants=SIDES, opens_at=world.now,
        closes_at=world.now + timedelta(hours=1),
    )  # fmt: skip
    office, _ = made.openings("sd.technical")
    body = {"part": office.part, "salt": office.salt, "bytes": office.bytes}
    await world.ask("PUT", f"/v1/cards/{office.commitment()}", body, who="sd authority")
    report = await jo.sync()
    assert report.cards == 1
    trust.set_cursor("cards", 5)
    assert (await jo.sync()).cards == 0
