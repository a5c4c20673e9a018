"""Erasing by the owner: at once, for good, on every byte of the disk, and shown to desks with its proof."""

from __future__ import annotations

import pytest

from poc.core.erasure import Erasure, check_erasure
from poc.core.form import form_of, form_value
from poc.errors import RefusedError, UnreachableError
from tests.hub.test_openings import JO, SD, bytes_on_disk, office, put, registry, shown, update
from tests.hub_world import World
from tests.registry import openings, signed, usual


async def erase(world, opening, who):
    return await world.ask("DELETE", f"/v1/cards/{opening.commitment()}", who=who)


async def erasures(world, who):
    return (await world.ask("GET", "/v1/cards?since=0", who=who))[1]["erased"]


def trace(opening):
    """What of an opening stands on the disk: its part in base64, as it came."""
    return opening.bytes.encode()[8:-8]


@pytest.mark.parametrize("owner", ["jo authority", JO])
async def test_an_owner_erases_and_no_byte_is_left(tmp_path, owner):
    secret = office("jo.technical")
    async with World(tmp_path, registry("parties", secret)).running() as world:
        await world.fill()
        await put(world, secret, "jo authority")
        assert (await shown(world, SD))[0] == [secret.bytes]
        before = await erasures(world, SD)
        assert trace(secret) in bytes_on_disk(tmp_path)
        status, answer = await erase(world, secret, owner)
        assert (before, status, answer) == ([], 200, {"commitment": secret.commitment()})
        assert (await shown(world, SD))[0] == []
        assert trace(secret) not in bytes_on_disk(tmp_path)


async def test_what_was_erased_is_not_taken_again_and_a_new_part_is(tmp_path):
    secret, mended = office("jo.technical"), office("jo.technical", salt=b"\6" * 32)
    async with World(tmp_path, registry("parties", secret)).running() as world:
        await world.fill()
        await put(world, secret, "jo authority")
        for _ in range(2):
            assert (await erase(world, secret, "jo authority"))[0] == 200
        status, problem = await put(world, secret, "jo authority")
        assert (status, problem["code"]) == (409, "opening-erased")
        await update(world, mended)
        assert (await put(world, mended, "jo authority"))[0] == 201
        assert (await shown(world, SD))[0] == [mended.bytes]
        # The log no longer names it, so nobody need be told any more.
        assert await erasures(world, SD) == []
        assert (await erase(world, secret, "jo authority"))[0] == 404
        await world.hub.sweep()
        assert await world.store.read_erasures() == ()


async def test_what_was_never_given_may_be_erased_and_is_then_not_taken(tmp_path):
    secret = office("jo.technical")
    async with World(tmp_path, registry("parties", secret)).running() as world:
        await world.fill()
        assert (await erase(world, secret, JO))[0] == 200
        assert (await put(world, secret, JO))[1]["code"] == "opening-erased"


@pytest.mark.parametrize(
    "who", ["sd authority", SD, "jo.diplomatic 1", "x-las.registrar-1", "x-arcc.controller-1 1"]
)
async def test_nobody_else_erases_and_it_looks_as_if_nothing_were_there(tmp_path, who):
    secret = office("jo.technical")
    async with World(tmp_path, registry("parties", secret)).running() as world:
        await world.fill()
        await put(world, secret, "jo authority")
        assert (await erase(world, secret, who))[0] == 404
        assert (await shown(world, JO))[0] == [secret.bytes]
        assert await world.store.read_erasures() == ()


async def test_a_frozen_contacts_device_erases_nothing(tmp_path):
    secret = office("jo.technical")
    async with World(tmp_path, registry("parties", secret)).running() as world:
        await world.fill()
        directory = world.hub.log.view.directory
        world.registry.now, world.registry.directory = world.now, directory
        entry = {"entry": directory.contacts["jo.technical"].standing.leaf_hash}
        payload = world.registry.payload("contact.freeze", "jo.technical", entry)
        assert (await world.ask("POST", "/v1/statements", signed(payload, "jo.diplomatic 1").value()))[
            0
        ] == 201
        assert (await erase(world, secret, JO))[1]["code"] == "contact-frozen"
        assert (await erase(world, secret, "jo authority"))[0] == 200


async def test_every_party_is_shown_the_proof_and_it_verifies_also_after_a_restart(tmp_path):
    secret = office("jo.technical")
    made = registry("registrars", secret)
    async with World(tmp_path, made).running() as world:
        await world.fill()
        await erase(world, secret, "jo authority")
        (first,) = await erasures(world, SD)
    async with World(tmp_path, made).running() as world:
        for who in (SD, "jo authority", "sd authority", "x-las.registrar-1"):
            assert await erasures(world, who) == [first]
        proof = form_of(Erasure, first)
        assert (proof.contact, proof.part, proof.commitment) == (
            "jo.technical",
            "office",
            secret.commitment(),
        )
        check_erasure(proof, world.hub.log.view.directory)
        assert (await put(world, secret, "jo authority"))[1]["code"] == "opening-erased"


async def test_a_disk_that_fails_is_told_and_the_next_sweep_overwrites_what_was_left(tmp_path, monkeypatch):
    secret = office("jo.technical")
    async with World(tmp_path, registry("parties", secret)).running() as world:
        await world.fill()
        await put(world, secret, "jo authority")

        async def fail(_job):
            raise UnreachableError("storage-failed", "in use")

        with monkeypatch.context() as broken:
            broken.setattr(world.store.writer, "run_alone", fail)
            assert (await erase(world, secret, "jo authority"))[1]["code"] == "storage-failed"
            assert trace(secret) in bytes_on_disk(tmp_path)
        await world.hub.sweep()
        assert trace(secret) not in bytes_on_disk(tmp_path)
        assert (await erase(world, secret, "jo authority"))[0] == 200
        assert len(await erasures(world, SD)) == 1


async def test_who_fetched_a_card_is_shown_to_its_own_state_and_to_nobody_else(tmp_path):
    async with World(tmp_path, usual()).running() as world:
        await world.fill()
        for opening in openings("jo.technical"):
            await put(world, opening, "jo authority")
        for who in (SD, SD, "sd authority", "x-las.registrar-1", JO, "jo.diplomatic 1", "jo authority"):
            await shown(world, who)
        day = world.now.date().isoformat()
        readers = [
            {"part": part, "reader": reader, "day": day}
            for part in ("office", "reach")
            for reader in ("sd", "sd.technical", "x-las.registrar-1")
        ]
        path = "/v1/contacts/jo.technical/readers"
        for who in (JO, "jo.diplomatic 1", "jo authority"):
            assert (await world.ask("GET", path, who=who))[1] == {
                "contact": "jo.technical",
                "readers": readers,
                "days_kept": 365,
            }
        for who in (SD, "sd authority", "x-las.registrar-1"):
            assert (await world.ask("GET", path, who=who))[0] == 404
        assert (await world.ask("GET", "/v1/contacts/jo.nobody/readers", who=JO))[0] == 404


async def test_nothing_is_shown_that_could_not_be_noted(tmp_path, monkeypatch):
    async with World(tmp_path, usual()).running() as world:
        await world.fill()
        await put(world, openings("jo.technical")[0], "jo authority")

        async def fail(_reads):
            raise UnreachableError("storage-failed", "full")

        monkeypatch.setattr(world.store, "note_reads", fail)
        status, problem = await world.ask("GET", "/v1/cards?since=0", who=SD)
        assert (status, problem["code"]) == (503, "storage-failed")
        assert (await world.ask("GET", "/v1/cards?since=0", who=JO))[0] == 200


async def test_the_log_verifies_after_everything_was_erased(tmp_path):
    made = usual()
    async with World(tmp_path, made).running() as world:
        await world.fill()
        for opening in openings("jo.technical"):
            await put(world, opening, "jo authority")
            await erase(world, opening, "jo authority")
        checkpoint = world.hub.log.view.checkpoint
    async with World(tmp_path, made).running() as world:  # a start proves every entry and hash
        assert world.hub.log.trouble is None
        assert world.hub.log.view.checkpoint == checkpoint


def test_the_form_of_a_proof_takes_nothing_else():
    with pytest.raises(RefusedError):
        form_of(Erasure, {**form_value(openings("jo.technical")[0]), "contact": "jo.technical"})
