"""A device's keys over time against a real hub: replaced by itself, crashed at every step, really gone."""

from __future__ import annotations

import contextlib
import os
from datetime import timedelta
from pathlib import Path

import pytest

from poc import keyring as module
from poc.client.sdk import Desk
from poc.core.strictjson import b64u, unb64u
from poc.errors import RefusedError, UnreachableError
from poc.keyring import KEYRING_NAME, Keyring, read_index
from tests import registry as made
from tests.desk_world import PASSPHRASE, draft


@pytest.fixture(autouse=True)
def quick_keyrings(monkeypatch):
    for bound in ("ROUNDS", "ROUNDS_MIN"):
        monkeypatch.setattr(module, bound, 1000)


class Killed(BaseException):
    """The process ends here."""


def later(world, **span):
    world.now += timedelta(**span)
    world.hub.log._clock_confirmed = True  # the operator says that so much time has passed


async def reopened(desk, world, clock=None):
    """The same home as a process that starts finds it: nothing in memory is left."""
    desk.known.trust.close()
    again = await Desk.open(desk.home, PASSPHRASE, http=world.session, clock=clock or (lambda: world.now))
    again.hub._base = desk.hub._base
    return again


def device(desk, party=None):
    return desk.directory.devices_of(party or desk.party)[0]


def seals(desk):
    """The sealing keys of a device that its home holds and that are not retired."""
    return [e.kid for e in desk.keys.list() if (e.use, e.role, e.retired_at) == ("seal", "device", None)]


def code_of(function, *arguments):
    with pytest.raises(RefusedError) as refused:
        function(*arguments)
    return refused.value.code


def leaks(home, seed):
    """The files of a home in which a seed stands, in clear or in what the passphrase opens."""
    forms = (seed, b64u(seed).encode(), seed.hex().encode())
    held = {path.name: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    return [
        name
        for name, data in held.items()
        if any(form in data + opened_with_passphrase(data) for form in forms)
    ]


def opened_with_passphrase(data):
    try:
        return module._decrypted(data.decode("ascii").strip(), PASSPHRASE, Path())
    except (RefusedError, UnicodeDecodeError):
        return b""


async def test_a_key_is_replaced_in_time_and_then_really_gone(desks, world):
    jo, sd, _ = desks
    lost, kept = [await jo.send_message(draft(jo, subject=name), ["sd.technical"]) for name in ("A", "B")]
    await sd.sync()
    old, seed = device(sd).sealing_kid, unb64u(sd.keys.sealing(device(sd).sealing_kid).private_jwk()["priv"])
    assert (await sd.sync()).rotated == []
    later(world, days=29, hours=23)
    assert (await sd.sync()).rotated == []
    later(world, hours=2)
    report = await sd.sync()
    assert [row["state"] for row in report.rotated] == ["logged"]
    assert device(sd).sealing_kid == report.rotated[0]["key"] != old
    assert device(sd).rotate_by == world.now + timedelta(days=90)
    assert sd.show(lost.id).message.subject == "A"
    assert [row["message"] for row in sd.closing()] == sorted((lost.id, kept.id))
    assert leaks(sd.home, seed) == [KEYRING_NAME]
    await sd.keep([kept.id])
    assert [row["message"] for row in sd.closing()] == [lost.id]
    await jo.sync()
    later(world, days=30, seconds=-1)
    assert await destroyed_after_an_entry(jo, sd) == []
    assert sd.show(lost.id).message.subject == "A"
    later(world, seconds=1)
    earlier = os.open(sd.home / KEYRING_NAME, os.O_RDONLY)
    assert await destroyed_after_an_entry(jo, sd) == [old]
    assert opened_with_passphrase(os.pread(earlier, 1 << 20, 0)) == b""  # the bytes of the file before, too
    os.close(earlier)
    assert leaks(sd.home, seed) == []
    assert code_of(sd.show, lost.id) == "key-destroyed"
    assert sd.show(kept.id).message.subject == "B"
    assert (await sd.sync()).closing == []
    assert {row["kid"]: row["destroyed_at"] for row in read_index(sd.home)}[old] is not None
    again = await reopened(sd, world)
    assert again.show(kept.id).message.subject == "B"
    assert code_of(again.show, lost.id) == "key-destroyed"
    assert again.inbox()[0]["state"] == "retrieved"
    await again.close()


async def destroyed_after_an_entry(other, desk):
    """What a sync destroys once another desk's entry has told the log's time."""
    await other.rotate(signing=True)
    return (await desk.sync()).destroyed


async def test_neither_a_wrong_clock_nor_a_hub_that_hides_messages_hurries_the_end_of_a_key(
    desks, world, between
):
    jo, sd, _ = desks
    later(world, days=31)
    await jo.sync()
    assert (await sd.sync()).rotated != []
    ahead = await reopened(sd, world, lambda: world.now + timedelta(days=400))
    assert (await ahead.sync()).destroyed == []  # this clock alone says so
    await ahead.close()
    later(world, days=31)
    behind = await reopened(sd, world, lambda: world.now - timedelta(days=2))
    assert await destroyed_after_an_entry(jo, behind) == []  # the log alone says so
    sd = await reopened(behind, world)
    between.alter = lambda _method, path, _body: (b"{}", 404) if path.startswith("/v1/inbox") else None
    assert (await sd.sync()).destroyed == []  # what the hub has may be sealed to it
    between.honest()
    assert len((await sd.sync()).destroyed) == 1
    await sd.close()


async def test_a_desk_killed_at_any_write_goes_on_with_one_new_key(desks, world, monkeypatch, rounds):
    jo, sd, _ = desks
    sd.keys.save()
    killed = 0
    for allowed in range(0, 40, 40 // rounds(8, long=40, of="writes to die at")):
        before = device(sd).sealing_kid
        later(world, days=61)
        await jo.sync()
        finished = False
        with monkeypatch.context() as patched:
            dies_after(patched, allowed)
            try:
                await sd.sync()
                finished = True
            except Killed:
                killed += 1
        sd = await reopened(sd, world)
        logged = world.hub.log.view.directory.contacts["sd.technical"].devices[0].sealing_kid
        assert sd.keys.has(logged)
        assert len(seals(sd)) <= 2
        await sd.sync()
        assert seals(sd) == [device(sd).sealing_kid]
        assert device(sd).sealing_kid != before
        assert [path.name for path in sd.home.glob(".*")] == []
        if finished:
            break
    assert finished
    assert killed >= 3
    await sd.close()


def dies_after(patched, allowed):
    """From now on the process ends at the write to the disk that comes after this many."""
    left = [allowed]

    def dying(real):
        def call(*arguments, **named):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real(*arguments, **named)

        return call

    for name in ("fsync", "replace", "link"):
        patched.setattr(os, name, dying(getattr(os, name)))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_rotation_cut_at_any_request_is_carried_on_and_never_made_twice(desks, world, between, when):
    sd = desks[1]
    sd.keys.save()
    later(world, days=31)
    for number in range(30):
        between.calls.clear()
        between.fail = lambda seen, at=number: when if seen == at else None
        with contextlib.suppress(UnreachableError):
            await sd.sync()
        sd = await reopened(sd, world)
        logged = world.hub.log.view.directory.contacts["sd.technical"].devices[0].sealing_kid
        assert sd.keys.has(logged)
        assert len(seals(sd)) <= 2
        if len(between.calls) <= number:
            break
    between.honest()
    await sd.sync()
    assert seals(sd) == [device(sd).sealing_kid]
    named = [row.body for row in sd.known.trust.outbox(kind="statement")]
    assert len(named) == 1
    assert world.registry.directory.contacts["sd.technical"].devices[0].sealing_kid != logged
    status, _ = await world.ask("GET", f"/v1/keys/{logged}", who="jo.technical 1")
    assert status == 200
    await sd.close()


async def test_a_key_whose_keyring_the_disk_did_not_take_is_never_sent(desks, world):
    sd = desks[1]
    sd.keys.save()
    later(world, days=31)
    other = Keyring.unlock(sd.home, PASSPHRASE)
    other.add_signing("witness", "sd.witness", world.now, os.urandom)
    other.save()
    with pytest.raises(RefusedError) as refused:
        await sd.rotate()
    assert refused.value.code == "home-in-use"
    assert len(seals(sd)) == 1
    assert sd.known.trust.outbox(kind="statement") == []
    assert (await sd.sync()).rotated[0]["state"] == "logged"  # it reads what the other process wrote
    assert sd.keys.by_role("witness")


async def test_a_rotation_that_was_superseded_is_made_anew_with_the_same_key(desks, world):
    sd = desks[1]
    sd.keys.save()
    first = await reopened(sd, world)
    later(world, days=31)
    there, first.hub._base = first.hub._base, "http://127.0.0.1:9"
    assert (await first.rotate()).state == "waiting"
    (_, new) = seals(first)
    # Meanwhile the same device got another signing key, which the log here does not know yet.
    signing = made.signing_key("sd.technical later")
    body = {"kid": device(first).kid, "signing": made.jwk("sd.technical later"), "sealing": None}
    signed = first.compose("contact.rotate", "sd.technical", body)
    first.keys._add(module.KeyEntry(signing.kid, "sign", "device", "sd.technical", world.now, None, signing))
    await world.hub.registry.submit(first.sign(signed))
    first.hub._base = there
    report = await first.sync()
    assert any("unknown-key" in line for line in report.rejected)
    assert [row["state"] for row in report.rotated] == ["logged"]
    assert (device(first).sealing_kid, seals(first)) == (new, [new])
    await first.close()


async def test_a_locked_desk_says_how_to_unlock_and_a_frozen_one_waits(desks, world):
    jo, sd, _ = desks
    sd.keys.save()
    later(world, days=31)
    sd.known.keyring = None
    report = await sd.sync()
    assert report.rotated == []
    assert any("run `poc sync` with its passphrase" in line for line in report.warnings)
    freeze = {"entry": jo.directory.contacts["jo.technical"].standing.leaf_hash}
    world.registry.now = world.now
    signed = jo.sign(jo.compose("contact.freeze", "jo.technical", freeze))
    await world.hub.registry.submit(signed)
    assert (await jo.sync()).rotated == []


async def test_a_hub_that_logs_nothing_holds_up_no_messages(desks, world):
    jo, sd, _ = desks
    await jo.send_message(draft(jo, expires_at=world.now + timedelta(days=30)), ["sd.technical"])
    world.now += timedelta(days=31)  # more than a hub without witnesses believes
    for _ in range(2):
        report = await sd.sync()
        assert [row["state"] for row in report.rotated] == ["waiting"]
        assert any("clock-jumped" in line for line in report.warnings)
    assert [row["state"] for row in sd.inbox()] == ["retrieved"]
    assert len(seals(sd)) == 2
    later(world, days=1)
    assert [row["state"] for row in (await sd.sync()).rotated] == ["logged"]
    assert len(seals(sd)) == 1


async def test_a_desk_opened_twice_a_year_stays_reachable(desks, world):
    jo, sd, control = desks
    for _ in range(3):
        later(world, days=170)
        await jo.sync()
        expires_at = world.now + timedelta(days=30)
        sent = await jo.send_message(draft(jo, expires_at=expires_at), ["sd.technical"])
        assert (sent.state, "sd.technical: sealing key overdue" in sent.warnings) == ("accepted", True)
        later(world, days=10)
        report = await sd.sync()
        assert (report.received, [row["state"] for row in report.rotated]) == (1, ["logged"])
        assert sd.show(sent.id).message.subject == "A seeded subject"
        assert seals(sd) == [device(sd).sealing_kid]
        assert device(sd).rotate_by > world.now
    assert [row["state"] for row in (await control.sync()).rotated] == [
        "logged"
    ]  # a controller's device, too
