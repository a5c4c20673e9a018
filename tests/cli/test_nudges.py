"""`poc contact nudges` as an office uses it, against a real hub, mail server and webhook receiver."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from poc.config import HubSettings
from poc.hub.sending import Channels
from poc.outgoing.calls import Outgoing
from tests.cli_world import LiveWorld, live_registry, make_home, poc, publish
from tests.hub_world import LOOPBACK
from tests.mail_server import Mailbox, certificate, mail_server
from tests.nudges_world import Receiver, code_in, verified

SD = "sd.technical"


class Office(LiveWorld):
    """A hub that mails and calls, with the homes of two offices."""

    box: Mailbox
    receiver: Receiver
    homes: dict[str, Path]


@pytest.fixture
async def office(tmp_path, begun_lately):
    folder = tmp_path / "hub"
    folder.mkdir()
    certificate(folder)
    world = Office(folder, live_registry())
    world.box, world.receiver = Mailbox(), Receiver()
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(mail_server(world.box, folder))
        await stack.enter_async_context(world.receiver.on())
        settings = HubSettings(
            home=folder,
            mail_server=f"127.0.0.1:{port}",
            mail_from="hub@registry.example",
            mail_ca_file=folder / "mail.pem",
        )
        approved = frozenset({f"127.0.0.1:{world.receiver.port}"})
        world.channels = Channels(Outgoing([LOOPBACK]), settings, approved)
        await stack.enter_async_context(world.running())
        await world.fill()
        await publish(world)
        world.homes = {}
        for party in ("jo.technical", SD):
            world.homes[party] = await make_home(world, tmp_path / party, party)
            assert (await poc("sync", home=world.homes[party])).code == 0
        yield world


async def nudges(world, *words, who=SD):
    return await poc("contact", "nudges", *words, home=world.homes[who])


async def came(found, count=1):
    async with asyncio.timeout(10):
        while len(found) < count:  # noqa: ASYNC110 (a real server answers in its own time)
            await asyncio.sleep(0.02)


async def test_an_office_sets_confirms_tries_and_removes_its_addresses_and_is_nudged(office):
    assert "is nudged nowhere" in (await nudges(office, "list", SD)).out
    put = await nudges(office, "set", SD, "--email", "duty@desk.example", "--from", "priority", "--json")
    (place,) = put.value["addresses"]
    assert (place["from"], place["standing"], place["secret"]) == ("priority", "waits-for-code", None)
    await came(office.box.messages)
    code, number = code_in(office.box.messages[0][1].get_content()), place["number"]
    wrong = await nudges(office, "confirm", SD, number, f"{(int(code) + 1) % 10**6:06d}", "--json")
    assert (wrong.code, wrong.value["code"]) == (1, "wrong-code")
    for words in ((number, "12a"), (number + 1, code)):
        assert (await nudges(office, "confirm", SD, *words)).code == 1
    assert (await nudges(office, "confirm", SD, number, code)).code == 0
    hook = await nudges(office, "set", SD, "--webhook", office.receiver.url, "--from", "flash", "--json")
    secret = next(one["secret"] for one in hook.value["addresses"] if one["kind"] == "webhook")
    await came(office.receiver.requests)
    assert verified(secret, office.receiver.requests[0])
    text = "--text", "Please confirm.", "--subject", "Canary-Zq7"
    sent = await poc(
        *("message", "send", "--to", SD, "--status", "test", "--precedence", "flash", *text),
        home=office.homes["jo.technical"],
    )
    assert sent.code == 0, sent
    await came(office.box.messages, 2)
    assert len(office.receiver.requests) == 1  # not confirmed yet
    await poc("sync", home=office.homes[SD])
    (row,) = (await poc("message", "inbox", "--json", home=office.homes[SD])).value["messages"]
    mail = office.box.messages[1][1]
    assert f"Number: {row['short_number']}" in mail.get_content()
    assert "Canary" not in mail.as_string() + mail.get_content()
    assert row["short_number"] in (await poc("message", "inbox", home=office.homes[SD])).out
    listed = (await nudges(office, "list", SD)).out
    assert "duty@desk.example" in listed
    assert "waits for its code" in listed
    office.box.answer = "554 no"
    assert "says why" in (await nudges(office, "test", SD, number)).out
    async with asyncio.timeout(10):
        while "mail-refused" not in (await nudges(office, "list", SD)).out:
            pass
    gone = await nudges(office, "remove", SD, number, "--yes", "--json")
    assert [one["kind"] for one in gone.value["addresses"]] == ["webhook"]


@pytest.mark.long
async def test_what_cannot_be_done_says_what_to_do_instead(office):
    for words, code, exit_code in (
        (("list", "jo.technical"), "right-missing", 1),
        (("list", "zz.technical"), "unknown-contact", 1),
        (("set", SD, "--email", "duty"), "bad-form", 1),
        (("set", SD, "--webhook", "https://gateway.example/x"), "host-not-approved", 1),
        (("set", SD, "--webhook", "http://user@127.0.0.1/x"), "bad-url", 1),
        (("set", "jo.technical", "--email", "a@desk.example"), "right-missing", 1),
        (("set", SD, "--email", "a@desk.example", "--languages", "ar,fr"), "usage", 2),
        (("set", SD), "usage", 2),
        (("set", SD, "--email", "a@desk.example", "--webhook", "https://x.example"), "usage", 2),
        (("confirm", SD, 99, "123456"), "not-found", 1),
        (("test", SD, 99), "not-found", 1),
        (("remove", SD, 99, "--yes"), "not-found", 1),
    ):
        outcome = await nudges(office, *words, "--json")
        assert (outcome.value["code"], outcome.code) == (code, exit_code), outcome
    assert office.box.messages == []


@pytest.mark.long
async def test_nothing_is_removed_that_was_not_confirmed(office):
    await nudges(office, "set", SD, "--email", "duty@desk.example")
    (place,) = (await nudges(office, "list", SD, "--json")).value["addresses"]
    assert (await nudges(office, "remove", SD, place["number"], "--json")).value["code"] == "not-confirmed"
    assert len((await nudges(office, "list", SD, "--json")).value["addresses"]) == 1
