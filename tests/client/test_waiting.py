"""What the hub asks to come again later with stays in the outbox, and is never given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc.cli.sync import again_note
from poc.client.trust import OutboxRow
from poc.client.waiting import Waiting, retry_seconds
from poc.core.strictjson import canonical, format_time
from poc.errors import RefusedError
from poc.limits import RETRY_AFTER_SECONDS_MAX, RETRY_TRIES_MAX
from tests import message_world
from tests.desk_world import draft

SEALED = message_world.seal()
NOW = message_world.NOW


def row(number=1, *, kind="message", body=SEALED.envelope_bytes, answer=None):
    return OutboxRow(number, kind, f"ref-{number}", body, "waiting", 1, None, answer, None)


def problem(code, seconds=None):
    value = {"code": code, "detail": "", "status": 429}
    return canonical(value if seconds is None else {**value, "retry_after_seconds": seconds}), 429


def refusing(between, *answers, path="/v1/messages/"):
    """The hub refuses the next messages so, then takes them."""
    left, asked = list(answers), []

    def instead(method, where):
        if method != "PUT" or not where.startswith(path):
            return None
        asked.append(where)
        return left.pop(0) if left else None

    between.instead = instead
    return asked


@pytest.fixture
def slept(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("poc.client.api.asyncio.sleep", sleep)
    return slept


async def queued(desk, between, count=1, **changes):
    """Seal messages while the hub is down."""
    between.fail = lambda _number: "before"
    ids = [(await desk.send_message(draft(desk, **changes), ["sd.technical"])).id for _ in range(count)]
    between.fail = lambda _number: None
    return ids


def states(desk, ids):
    return [
        next(row.state for row in desk.known.trust.outbox(kind="message") if row.ref == one) for one in ids
    ]


async def test_a_full_hour_keeps_the_message_says_until_when_and_it_goes_on_from_then(desks, world, between):
    jo = desks[0]
    ids = await queued(jo, between)
    refusing(between, problem("quota-reached", 600))
    report = await jo.sync()
    assert states(jo, ids) == ["waiting"]
    assert (report.rejected, report.sent) == ([], 0)
    assert report.again_at == format_time(world.now + timedelta(seconds=600))
    between.honest()
    world.now += timedelta(seconds=599)
    asked = refusing(between)
    assert (await jo.sync()).again_at == report.again_at
    assert (asked, states(jo, ids)) == ([], ["waiting"])
    world.now += timedelta(seconds=1)
    report = await jo.sync()
    assert (states(jo, ids), report.again_at) == (["accepted"], None)


async def test_a_hub_that_really_is_full_is_tried_once_for_all_that_waits(desks, world, between):
    jo = desks[0]
    ids = await queued(jo, between, 4)
    asked = refusing(between, *[problem("quota-reached", 60)] * 9)
    report = await jo.sync()
    assert (len(asked), len(report.warnings)) == (1, 2)  # the other: no witnesses
    world.now += timedelta(seconds=60)
    between.honest()
    await jo.sync()
    assert states(jo, ids) == ["accepted"] * 4


async def test_what_is_urgent_does_not_wait_with_the_rest(desks, world, between):
    jo = desks[0]
    ids = await queued(jo, between, 2)
    refusing(between, problem("quota-reached", 600))
    await jo.sync()
    between.honest()
    urgent = await queued(jo, between, precedence="flash")
    report = await jo.sync()
    assert states(jo, [*ids, *urgent]) == ["waiting", "waiting", "accepted"]
    assert report.again_at is not None


async def test_a_few_seconds_are_waited_for_within_the_command(desks, between, slept):
    jo = desks[0]
    ids = await queued(jo, between)
    refusing(between, problem("rate-limited", 2), problem("too-many-requests", 1))
    report = await jo.sync()
    assert (states(jo, ids), slept, report.again_at) == (["accepted"], [2, 1], None)


async def test_waiting_within_a_command_has_an_end(desks, between, slept):
    jo = desks[0]
    ids = await queued(jo, between)
    asked = refusing(between, *[problem("rate-limited", 5)] * 50)
    report = await jo.sync()
    assert (len(asked), len(slept)) == (RETRY_TRIES_MAX + 1, RETRY_TRIES_MAX)
    assert (states(jo, ids), report.rejected) == (["waiting"], [])
    assert report.again_at is not None


async def test_a_long_wait_is_not_slept_through(desks, between, slept):
    await queued(desks[0], between)
    refusing(between, problem("rate-limited", 6))
    await desks[0].sync()
    assert slept == []


@pytest.mark.parametrize("code", ["rate-limited", "too-many-requests", "quota-reached", "storage-quota"])
async def test_no_refusal_for_now_is_final_with_or_without_a_time(desks, between, slept, code):
    jo = desks[0]
    ids = await queued(jo, between)
    refusing(between, problem(code), problem(code, 0), problem(code, -5), problem(code, "soon"))
    for _ in range(4):
        report = await jo.sync()
        assert (states(jo, ids), report.rejected, report.again_at) == (["waiting"], [], None)
    await jo.sync()
    assert states(jo, ids) == ["accepted"]


async def test_a_hub_that_asks_to_wait_for_years_is_not_believed(desks, world, between):
    jo = desks[0]
    ids = await queued(jo, between)
    refusing(between, problem("quota-reached", 10**9))
    await jo.sync()
    world.now += timedelta(seconds=RETRY_AFTER_SECONDS_MAX)
    await jo.sync()
    assert states(jo, ids) == ["accepted"]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (1, 1),
        (3600, 3600),
        (3601, 3600),
        (0, None),
        (-1, None),
        (True, None),
        ("5", None),
        (1.5, None),
        (None, None),
    ],
)
def test_only_a_number_of_seconds_within_an_hour_is_taken(seconds, expected):
    assert retry_seconds(RefusedError("rate-limited", retry_after_seconds=seconds)) == expected


@pytest.mark.parametrize(
    "answer",
    [None, b"", b"[]", b"null", b"{}", b'{"again_at":7}', b'{"again_at":"soon"}',
     canonical({"again_at": format_time(NOW)}),
     canonical({"again_at": format_time(NOW + timedelta(days=9))})],
)  # fmt: skip
def test_nothing_else_that_is_kept_holds_a_message_back(answer):
    assert Waiting(NOW).until(row(answer=answer)) is None


def test_things_of_one_kind_wait_together_and_no_others():
    waiting = Waiting(NOW)
    waiting.note(row(kind="statement"), 30)
    assert waiting.until(row(2, kind="statement")) == NOW + timedelta(seconds=30)
    assert waiting.until(row(3, kind="opening")) is None
    waiting.note(row(4), 10)
    assert waiting.until(row(5)) == NOW + timedelta(seconds=10)
    assert waiting.again_at == NOW + timedelta(seconds=10)


async def test_sync_says_in_both_times_when_it_goes_on(desks, between):
    jo = desks[0]
    await queued(jo, between)
    refusing(between, problem("quota-reached", 600))
    report = await jo.sync()
    note = again_note(report.again_at)
    assert "UTC (" in note
    assert "poc sync" in note
