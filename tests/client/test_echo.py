"""The echo answers tests and nothing else, and `test my desk now` tells step by step what works."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from poc.client.echo import SUBJECT, Echo, is_test
from poc.client.receiving import Receiving
from poc.client.self_test import NEXT, STEPS, _replied_at, echo_contact, run_self_test
from tests import registry as made
from tests.cli_world import LiveWorld, poc
from tests.hub_world import World
from tests.responder_world import (
    CANARY,
    ECHO,
    OFFICER,
    SENDER,
    draft,
    make_home,
    open_desks,
    publish_keys,
    registry,
)

TO = "x-echo.technical"


@pytest.fixture
async def world(tmp_path):
    served = World(tmp_path / "hub", registry())
    (tmp_path / "hub").mkdir()
    async with served.running():
        await served.fill()
        await publish_keys(served)
        yield served


@pytest.fixture
async def desks(world, tmp_path):
    async with open_desks(world, tmp_path, SENDER, ECHO, echo_per_hour=2) as opened:
        yield opened


def replies(desk):
    return [desk.show(row["message"]) for row in desk.inbox() if row["kind"] == "reply"]


async def test_a_test_is_acknowledged_and_answered_without_its_content(desks):
    sender, desk = desks
    echo = Echo(desk)
    sent = await sender.send_message(draft(sender), (TO,))
    await desk.sync()
    await echo.answer_waiting()
    await echo.answer_waiting()
    await sender.sync()
    (reply,) = replies(sender)
    assert (reply.message.in_reply_to, reply.message.status, reply.message.subject) == (
        sent.id,
        "test",
        SUBJECT,
    )
    assert {text.language for text in reply.message.body.texts} == {"en", "ar"}
    told = str(reply.message)
    assert CANARY not in told
    assert sent.voice_code in told
    assert (echo.acknowledged, echo.replied) == (1, 1)


async def test_it_answers_so_many_in_an_hour_and_acknowledges_the_rest(world, desks):
    sender, desk = desks
    echo = Echo(desk)
    for _ in range(3):
        await sender.send_message(draft(sender), (TO,))
    await desk.sync()
    await echo.answer_waiting()
    assert (echo.acknowledged, echo.replied) == (3, 2)
    world.now += timedelta(hours=1, seconds=1)
    await sender.send_message(draft(sender), (TO,))
    await desk.sync()
    await echo.answer_waiting()
    assert (echo.acknowledged, echo.replied) == (4, 3)


async def test_it_never_answers_a_reply(desks):
    sender, desk = desks
    echo = Echo(desk)
    await sender.send_message(draft(sender, kind="reply"), (TO,))
    await desk.sync()
    await echo.answer_waiting()
    assert (echo.acknowledged, echo.replied, desk.outbox()[-1]["ref"].split(":")[1]) == (0, 0, "retrieved")


async def test_it_never_answers_what_is_no_test(desks):
    sender, desk = desks
    echo = Echo(desk)
    await sender.send_message(draft(sender), (TO,))
    await desk.sync()
    opened = desk.show(desk.inbox()[0]["message"])
    for status in ("exercise", "actual"):
        other = opened.message.model_copy(update={"status": status})
        assert not is_test(replace(opened, message=other))
    assert is_test(opened)
    assert not is_test(replace(opened, use="own"))
    assert echo.replied == 0


async def test_my_desk_works_step_by_step(desks):
    sender, desk = desks
    told: list[str] = []
    assert echo_contact(sender) == TO
    work = asyncio.create_task(Receiving(desk).run(Echo(desk).answer_waiting))
    test = await run_self_test(sender, TO, 10, told.append)
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    assert test.missing is None
    assert [line.split(":")[0] for line in told] == list(STEPS)
    value = test.to_json()
    assert (value["works"], value["next_step"]) == (True, None)


async def test_a_silent_echo_is_named_as_what_is_missing(desks):
    sender, desk = desks
    test = await run_self_test(sender, TO, 0.2, lambda _: None)
    assert (test.missing, test.to_json()["next_step"]) == ("retrieved", NEXT["retrieved"])
    await desk.sync()
    await sender.sync()
    sender.hub._base = "http://127.0.0.1:9"
    test = await run_self_test(sender, TO, 0.2, lambda _: None)
    assert (test.missing, test.trouble) == ("accepted", "hub-unreachable")


async def test_a_reply_to_another_message_or_by_another_proves_nothing(desks):
    sender, desk = desks
    first = await sender.send_message(draft(sender), (TO,))
    forged = draft(desk, kind="reply", subject=SUBJECT, in_reply_to=first.id, thread=first.id)
    await desk.sync()
    await desk.send_message(forged, ("sd.technical",))  # no hash of the subject
    await sender.sync()
    assert _replied_at(sender, first.id, TO) is None


def test_every_step_says_what_to_do_in_both_languages():
    assert STEPS.keys() == NEXT.keys()
    for text in (*STEPS.values(), *NEXT.values()):
        assert text.keys() == {"en", "ar"}


async def test_the_command_tells_what_works_and_an_officers_home_runs_no_responder(tmp_path, monkeypatch):
    monkeypatch.setattr(made, "START", datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))
    world = LiveWorld(tmp_path / "hub", registry())
    (tmp_path / "hub").mkdir()
    async with world.running():
        await world.fill()
        await publish_keys(world)
        home = await make_home(world, tmp_path, OFFICER)
        async with open_desks(world, tmp_path, ECHO) as (desk,):
            work = asyncio.create_task(Receiving(desk).run(Echo(desk).answer_waiting))
            outcome = await poc("message", "test-desk", home=home)
            work.cancel()
        assert outcome.code == 0, outcome
        assert "this desk works / هذا المكتب يعمل" in outcome.out
        outcome = await poc("responder", "run", "--json", home=home)
        assert (outcome.code, outcome.value["code"]) == (1, "responder-may-more"), outcome
        outcome = await poc("responder", "echo", "--json", home=home)
        assert (outcome.code, outcome.value["code"]) == (1, "not-an-echo"), outcome
