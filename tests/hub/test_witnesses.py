"""The hub and its witnesses: heads published by quorum, attests, silence, restored databases, clocks."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta

import pytest
from aiohttp import web

from poc.core.judge import check_quorum, read_cosigned
from poc.core.statement import read_entry, read_statement
from poc.core.submission import Submission, format_submission
from poc.errors import PocError, RefusedError, UnreachableError
from tests.registry import ORIGIN, REGISTRARS, Registry, cosigner, enrolment, settings, signed
from tests.witnessed_world import WitnessedWorld


@pytest.fixture
async def world(tmp_path):
    world = WitnessedWorld(tmp_path)
    async with world.running():
        await world.seat()
        await world.until(lambda: shown(world).size == world.directory.size)
        yield world


async def code_of(awaited) -> str:
    with pytest.raises(PocError) as caught:
        await awaited
    return caught.value.code


def shown(world):
    return world.hub.witnesses.published


async def test_an_appointment_comes_into_force_by_an_attest_of_the_hubs_own(world):
    entries = [read_entry(leaf.data) for leaf in await world.store.read_leaves(0, 100)]
    kinds = [read_statement(entry.signed.payload).type for entry in entries]
    assert kinds[-1] == "registry.attest"
    assert (world.directory.quorum, len(world.directory.seats)) == (2, 3)


async def test_what_is_shown_has_a_quorum_when_the_statement_is_answered(world):
    await world.enrol("eg")
    status, note = await world.ask("GET", "/checkpoint")
    assert status == 200
    assert check_quorum(note, world.directory) is not None
    assert read_cosigned(note, world.directory).checkpoint.size == world.directory.size


async def test_a_silent_witness_holds_nobody_up(world):
    await world.witnesses[0].stop()
    for state in ("eg", "om", "qa"):
        await world.enrol(state)
        assert shown(world).size == world.directory.size
    standing = {asked.seat.witness: asked for asked in world.hub.witnesses.standing()}
    assert standing["bh.witness"].reason == "witness-unreachable"
    assert set(read_cosigned(shown(world).note, world.directory).times) == {"jo.witness", "sd.witness"}
    text = world.hub.metrics.text().decode()
    assert 'poc_witness_lag_entries{witness="bh.witness"} 3.0' in text or "bh.witness" in text


async def test_without_a_quorum_the_statement_is_logged_and_the_old_head_shown(world, monkeypatch):
    monkeypatch.setattr("poc.hub.witnesses.COSIGN_SECONDS_MAX", 0.2)
    before = shown(world)
    for witness in world.witnesses[:2]:
        await witness.stop()
    await world.enrol("eg")
    assert shown(world).size == before.size < world.directory.size
    status, note = await world.ask("GET", "/checkpoint")
    assert (status, read_cosigned(note, world.directory).checkpoint.size) == (200, before.size)
    await world.witnesses[0].start()
    world.hub.witnesses.refresh()
    await world.until(lambda: shown(world).size == world.directory.size)


async def test_a_witness_that_was_away_catches_up(world):
    away = world.witnesses[2]
    await away.stop()
    await world.enrol("eg", "om")
    await away.start()
    world.hub.witnesses.refresh()
    await world.until(lambda: len(read_cosigned(shown(world).note, world.directory).times) == 3)
    assert await away.size() == world.directory.size


async def test_an_idle_head_is_cosigned_anew(world):
    world.hub.witnesses.refresh()
    await world.until(lambda: len(read_cosigned(shown(world).note, world.directory).times) == 3)
    before = check_quorum(shown(world).note, world.directory)
    world.now += timedelta(hours=1)
    world.hub.witnesses.refresh()
    await world.until(lambda: check_quorum(shown(world).note, world.directory) != before)
    assert check_quorum(shown(world).note, world.directory) == world.now


async def test_the_log_is_attested_daily_and_not_more_often(world):
    size = world.directory.size
    assert await world.hub.attestor.attest() is False
    world.now += timedelta(hours=23)
    assert await world.hub.attestor.attest() is False
    world.now += timedelta(hours=1)
    assert await world.hub.attestor.attest() is True
    assert world.directory.attested_at == world.now
    assert await world.hub.attestor.attest() is False
    assert world.directory.size == size + 1


JUNK = {"payload": "!", "signatures": [{"protected": "!", "signature": "!"}]}


@pytest.mark.parametrize("notices", [[JUNK], [1], None, [JUNK] * 300])
async def test_what_one_witness_makes_up_as_notices_holds_up_no_attest(world, notices):
    liar = world.witnesses[0]
    await liar.stop()
    listed = {"v": 1, "origin": ORIGIN, "size": 1, "notices": notices}

    async def answer(_request):
        return web.json_response(listed)

    app = web.Application()
    app.router.add_get("/notices", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", liar.port).start()
    try:
        world.now += timedelta(hours=24)
        assert await world.hub.attestor.attest() is True
    finally:
        await runner.cleanup()


async def test_a_window_ends_by_an_attest(tmp_path):
    world = WitnessedWorld(tmp_path, objection_seconds=3600)
    async with world.running():
        world.now += timedelta(seconds=3600)
        assert await world.hub.attestor.attest() is True
        await world.seat()
        await world.enrol("eg")
        assert world.directory.states["eg"].status == "pending"
        world.now += timedelta(seconds=3599)
        assert await world.hub.attestor.attest() is False
        world.now += timedelta(seconds=1)
        assert await world.hub.attestor.attest() is True
        assert world.directory.states["eg"].status == "enrolled"


async def test_a_policy_waits_for_a_quorum(world, monkeypatch):
    monkeypatch.setattr("poc.hub.witnesses.COSIGN_SECONDS_MAX", 0.2)
    for witness in world.witnesses[:2]:
        await witness.stop()
    await world.submit("registry.policy", ORIGIN, settings(quorum="two-thirds"), *REGISTRARS)
    assert await world.hub.attestor.attest() is False
    assert world.directory.settings.quorum == "majority"
    for witness in world.witnesses[:2]:
        await witness.start()
    world.now += timedelta(seconds=1)
    world.hub.witnesses.refresh()
    await world.until(lambda: shown(world).size == world.directory.size)
    await world.hub.attestor.attest()
    assert world.directory.settings.quorum == "two-thirds"


async def test_a_witness_nobody_reaches_is_not_seated(tmp_path, monkeypatch):
    monkeypatch.setattr("poc.hub.witnesses.COSIGN_SECONDS_MAX", 0.2)
    world = WitnessedWorld(tmp_path, ("bh",))
    async with world.running():
        await world.witnesses[0].stop()
        body_url = world.witnesses[0].url
        body = {"vkey": cosigner("bh.witness").verifier().vkey(), "url": body_url}
        await world.submit("witness.appoint", "bh.witness", body, "bh authority", "bh.witness")
        assert await world.hub.attestor.attest() is False
        assert world.directory.seats == ()
        await world.witnesses[0].start()
        world.hub.witnesses.refresh()
        await world.until(lambda: any(asked.confirmed for asked in world.hub.witnesses.standing()))
        await world.hub.attestor.attest()
        await world.until(lambda: world.directory.quorum == 1)


async def test_a_restart_shows_what_was_published(tmp_path, monkeypatch):
    monkeypatch.setattr("poc.hub.witnesses.COSIGN_SECONDS_MAX", 0.2)
    world = WitnessedWorld(tmp_path)
    async with world.running():
        await world.seat()
        await world.until(lambda: shown(world).size == world.directory.size)
        await world.until(lambda: len(read_cosigned(shown(world).note, world.directory).times) == 3)
        before = shown(world).note
    for witness in world.witnesses:
        witness.stays_away = True
    async with world.running():
        status, note = await world.ask("GET", "/checkpoint")
        assert (status, note) == (200, before)
        assert await code_of(world.enrol("eg")) == "witnesses-unheard"
        assert (await world.ask("GET", "/readyz"))[1]["reason"] == "witnesses-unheard"


@pytest.fixture
async def restored(tmp_path):
    """A world whose hub runs on yesterday's database, its witnesses on today's."""
    world = WitnessedWorld(tmp_path)
    async with world.running():
        await world.seat()
    shutil.copytree(tmp_path / "hub", tmp_path / "backup")
    async with world.running():
        await world.until(lambda: world.hub.witnesses.is_proved)
        await world.enrol("eg")
        await world.until(lambda: shown(world).size == world.directory.size)
    shutil.rmtree(tmp_path / "hub")
    shutil.copytree(tmp_path / "backup", tmp_path / "hub")
    return world


async def test_r8_yesterdays_database_logs_nothing(restored):
    async with restored.running():
        await restored.until(lambda: restored.hub.log.read_only)
        assert restored.hub.log.trouble.code == "behind-witnesses"
        before = restored.hub.log.view.checkpoint
        restored.sync()
        with pytest.raises(UnreachableError) as caught:
            await restored.enrol("om")
        assert caught.value.code == "read-only"
        assert restored.hub.log.view.checkpoint == before
        status, said = await restored.ask("GET", "/readyz")
        assert (status, said["reason"]) == (503, "behind-witnesses")


async def test_r8_one_witness_that_knows_more_is_enough_at_the_start(restored):
    for witness in restored.witnesses[1:]:
        witness.stays_away = True
    async with restored.running():
        await restored.until(lambda: restored.hub.log.read_only)


async def test_one_witness_at_fault_does_not_stop_a_log_that_was_proved(world):
    liar = world.witnesses[0]
    await liar.stop()
    shutil.rmtree(liar.home)
    await liar.start()
    other = Registry(freshness_seconds=61)
    other.enrol("ae", "dz", "tn", "ly", "ma", "ye", "om", "qa", "kw", "iq", "lb", "sy")
    body = format_submission(Submission(0, (), other.checkpoint()))
    async with world.session.post(liar.url + "/add-checkpoint", data=body) as answer:
        assert answer.status == 200
    await world.enrol("eg")
    await world.until(lambda: any(a.contradicts for a in world.hub.witnesses.standing()))
    assert not world.hub.log.read_only
    await world.enrol("om")
    assert shown(world).size == world.directory.size


async def test_a_witness_may_be_disregarded_for_one_start(restored):
    restored.disregarded = tuple(w.id for w in restored.witnesses)
    async with restored.running():
        await asyncio.sleep(0.5)
        assert not restored.hub.log.read_only


async def test_the_clock_may_not_run_ahead_of_the_witnesses(world, monkeypatch):
    monkeypatch.setattr("poc.hub.witnesses.COSIGN_SECONDS_MAX", 0.3)
    for witness in world.witnesses:
        witness.ahead = -7200
    world.now += timedelta(seconds=7200)
    assert await code_of(world.enrol("eg")) == "clock-unconfirmed"
    world.witnesses[0].ahead = 0
    await world.enrol("eg")


async def test_statements_at_once_are_all_published(world):
    world.sync()
    states = ("ae", "dz", "eg", "iq", "kw", "lb", "ly", "ma", "om", "qa", "sa", "tn")
    statements = [
        signed(world.registry.payload("state.enrol", s, enrolment(s)), *REGISTRARS, f"{s} authority")
        for s in states
    ]
    await asyncio.gather(*(world.hub.registry.submit(statement) for statement in statements))
    assert shown(world).size == world.directory.size


async def test_the_page_says_how_each_witness_stands(world):
    await world.witnesses[1].stop()
    await world.enrol("eg")
    status, page = await world.ask("GET", "/")
    text = page.decode()
    assert status == 200
    assert "2 of 3 witnesses" in text
    assert text.count("jo.witness") >= 2
    assert "silent" in text
    assert "صامت" in text
    assert "No witnesses" not in text


async def test_an_answer_that_is_no_cosignature_is_refused(world):
    witnesses = world.hub.witnesses
    asked = witnesses.standing()[0]
    target = witnesses._target
    for answer in (b"", b"nonsense\n", b"\xe2\x80\x94 jo.witness AAAA\n", b"x" * 20_000):
        with pytest.raises(RefusedError) as caught:
            await witnesses._take(asked, target, answer)
        assert caught.value.code == "witness-refused"
