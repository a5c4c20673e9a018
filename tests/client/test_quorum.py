"""A desk takes a head only with the quorum of its witnesses, and knows by their clocks how old it is."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta

import pytest

from poc.client.known import Known
from poc.client.sdk import Desk
from poc.client.standing import check_fresh, standing_warnings
from poc.client.trust import Trust
from poc.client.trust_schema import MIGRATIONS
from poc.client.verify import verify_home
from poc.core.checkpoint import Checkpoint, sign_checkpoint
from poc.core.note import read_note
from poc.core.proof import verify_evidence
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from tests import registry as made
from tests.desk_world import Between, draft, seal_to
from tests.message_world import draft as plain_draft
from tests.quorum_world import (
    FRESHNESS,
    actual_registry,
    again,
    cosigned_by,
    known_of,
    later,
    published,
    witnessed_desks,
)
from tests.registry import Registry, cosigner

REGISTRY = actual_registry()
SEATED = REGISTRY.seated
NOTE = REGISTRY.cosigned(*SEATED)


@pytest.fixture
async def witnessed(tmp_path):
    async with witnessed_desks(tmp_path) as (world, desks), Between(world).running(*desks) as between:
        yield world, desks, between


@pytest.fixture
def known(tmp_path):
    return known_of(tmp_path / "home", REGISTRY, NOTE)


def show(between, note):
    between.alter = lambda _method, path, _body: note if path == "/checkpoint" else None


def told(known, words, now=None):
    return [line for line in standing_warnings(known, now or known.now()) if words in line]


def code_of(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except RefusedError as error:
        return error.code
    return "ok"


# --- what is taken -----------------------------------------------------------------------------


async def test_a_head_is_taken_with_its_quorum_and_the_time_it_was_cosigned(witnessed):
    world, (jo, _), _ = witnessed
    assert jo.directory.size == world.directory.size
    assert jo.known.cosigned_at == world.now
    assert jo.warnings() == []  # neither "no witnesses" nor anything of age


async def test_without_the_quorum_nothing_is_taken_it_is_told_and_the_rest_of_the_sync_goes_on(witnessed):
    world, (jo, sd), between = witnessed
    await world.enrol("eg")
    await published(world)
    kept, size, head = jo.known.trust.value("head"), jo.directory.size, jo.head
    for witnesses in (
        (),
        ("jo.witness",),
        ("jo.witness", "jo.witness"),
        ("jo.witness", "qa.witness", "ye.witness"),
    ):
        await sd.send_message(draft(sd), ["jo.technical"])
        show(between, cosigned_by(world.hub.witnesses.published.note, world, *witnesses))
        report = await jo.sync()
        assert report.failed == ["quorum-missing"], witnesses
        assert any(line.startswith("quorum-missing: ") for line in report.warnings)
        assert (jo.known.trust.value("head"), jo.directory.size, jo.head) == (kept, size, head)
        assert len(jo.known.trust.leaves()) == size
        assert report.received == 1
    between.honest()
    report = await jo.sync()
    assert (report.failed, report.warnings, jo.directory.size) == ([], [], size + 1)


async def test_a_log_update_by_file_needs_the_quorum_too(witnessed):
    world, (jo, sd), _ = witnessed
    await world.enrol("eg")
    await published(world)
    await sd.sync()
    data, head, size = json.loads(sd.export_log(jo.directory.size)), jo.head, jo.directory.size
    note = data["log"]["checkpoint"].encode()
    for witnesses in ((), ("jo.witness",), ("jo.witness", "qa.witness")):
        data["log"]["checkpoint"] = cosigned_by(note, world, *witnesses).decode()
        with pytest.raises(RefusedError) as refused:
            await jo.sync_from(canonical(data))
        assert refused.value.code == "quorum-missing"
        assert (jo.head, jo.directory.size, jo.warnings()) == (head, size, [])
    data["log"]["checkpoint"] = note.decode()
    assert (await jo.sync_from(canonical(data))).entries == 1
    assert jo.known.cosigned_at == sd.known.cosigned_at


async def test_an_evidence_file_and_a_home_are_verified_with_the_quorum_over_their_log(witnessed):
    world, (jo, _), _ = witnessed
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    file = json.loads(await jo.evidence(sent.id))
    fingerprint = jo.directory.fingerprint
    assert verify_evidence(canonical(file), fingerprint).warnings == ()
    good = jo.known.trust.value("head")
    report = verify_home(jo.home, world.now)
    assert (report.verified, report.warnings) == (True, [])
    for witnesses in ((), ("sd.witness",), ("sd.witness", "om.witness")):
        note = cosigned_by(good, world, *witnesses)
        file["log"]["checkpoint"] = note.decode()
        assert code_of(verify_evidence, canonical(file), fingerprint) == "quorum-missing"
        jo.known.trust.set_value("head", note)
        assert verify_home(jo.home, world.now).to_json()["bad"]["code"] == "quorum-missing"
    jo.known.trust.set_value("head", good)
    bound = jo.directory.settings.freshness_seconds
    for seconds, stale in ((bound, 0), (bound + 1, 1)):
        warned = verify_home(jo.home, jo.known.cosigned_at + timedelta(seconds=seconds)).warnings
        assert [line[:6] for line in warned] == ["STALE:"] * stale


async def test_one_witness_that_signs_at_two_times_counts_once(witnessed):
    world, (jo, _), between = witnessed
    await world.enrol("eg")
    await published(world)
    note = cosigned_by(world.hub.witnesses.published.note, world, "jo.witness")
    time = int(world.now.timestamp()) + 7
    show(between, note + str(cosigner("jo.witness").cosign(read_note(note)[0], time)).encode())
    assert (await jo.sync()).failed == ["quorum-missing"]


async def test_cosignatures_of_another_head_do_not_count_for_this_one(witnessed):
    world, (jo, _), between = witnessed
    before = world.hub.witnesses.published.note
    await world.enrol("eg")
    await published(world)
    bare = cosigned_by(world.hub.witnesses.published.note, world)
    lines = before[len(read_note(before)[0].encode()) + 1 :].splitlines(keepends=True)[1:]
    show(between, bare + b"".join(lines))
    size = jo.directory.size
    with pytest.raises(RefusedError) as refused:
        await jo.sync()
    assert (refused.value.code, jo.directory.size) == ("bad-signature", size)


async def test_entries_of_another_log_under_a_cosigned_head_are_a_fork(witnessed):
    world, (jo, _), between = witnessed
    await world.enrol("eg")
    await published(world)
    size = world.directory.size
    other = sign_checkpoint(Checkpoint(made.ORIGIN, size, b"\7" * 32), made.log_signer())
    show(between, cosigned_by(other, world, "jo.witness", "sd.witness"))
    with pytest.raises(RefusedError) as refused:
        await jo.sync()
    assert (refused.value.code, jo.directory.size) == ("fork", size - 1)


async def test_a_quorum_that_follows_a_rollback_is_refused_also_after_a_restart(witnessed):
    world, (jo, _), between = witnessed
    before = world.hub.witnesses.published.note
    await world.enrol("eg")
    await published(world)
    await jo.sync()
    show(between, before)
    async with await Desk.open(
        jo.home, "correct horse battery", http=world.session, clock=jo.known._clock
    ) as desk:
        desk.hub._base = world.origin
        with pytest.raises(RefusedError) as refused:
            await desk.sync()
        assert (refused.value.code, desk.directory.size) == ("rollback", world.directory.size)


async def test_of_two_notes_over_one_log_the_one_cosigned_last_stays(witnessed):
    world, (jo, _), between = witnessed
    note = world.hub.witnesses.published.note
    show(between, cosigned_by(note, world, "jo.witness", "sd.witness", at=60))
    await jo.sync()
    newest = jo.known.cosigned_at
    assert newest == world.now + timedelta(seconds=60)
    show(between, cosigned_by(note, world, "jo.witness", "sd.witness", at=-60))
    await jo.sync()
    assert jo.known.cosigned_at == newest == again(jo.known).cosigned_at


async def test_a_hub_that_shows_one_head_for_ever_is_found_out_by_its_age(witnessed):
    world, (jo, _), between = witnessed
    show(between, world.hub.witnesses.published.note)
    later(world, seconds=jo.directory.settings.freshness_seconds)
    assert (await jo.sync()).warnings == []
    later(world, seconds=1)
    report = await jo.sync()
    assert [line[:6] for line in report.warnings] == ["STALE:"]
    assert report.failed == []


async def test_seats_that_the_new_entries_bring_must_have_cosigned_them(tmp_path):
    registry = Registry(quorum="majority")
    registry.enrol("bh", "jo", "sd")
    known = known_of(tmp_path / "home", registry, registry.checkpoint())
    before = registry.directory.size
    registry.seat("bh", "jo", "sd")
    leaves = registry.leaves[before:]
    assert code_of(known.keep_head, registry.directory, leaves, registry.checkpoint()) == "quorum-missing"
    assert (known.directory.size, known.cosigned_at) == (before, None)
    known.keep_head(registry.directory, leaves, registry.cosigned("bh.witness", "sd.witness"))
    assert known.cosigned_at == registry.now


# --- what is kept ------------------------------------------------------------------------------


def test_a_home_whose_head_lost_its_cosignatures_is_not_opened(known):
    known.trust.set_value("head", REGISTRY.cosigned("bh.witness"))
    assert code_of(again, known) == "home-damaged"


def test_another_process_with_the_home_moves_this_one_on(known):
    later_note = REGISTRY.cosigned(*SEATED, at=9)
    other = again(known)
    other.keep_head(other.directory, [], later_note)
    known.catch_up()
    assert known.cosigned_at == REGISTRY.now + timedelta(seconds=9)


def test_an_older_file_is_brought_up_to_date_and_keeps_what_it_has(tmp_path):
    old = Trust.__new__(Trust)
    old.path = tmp_path / "trust.db"
    old._db = sqlite3.connect(old.path, isolation_level=None)
    old._db.executescript(MIGRATIONS[0] + "PRAGMA user_version=1;")
    old._db.execute("INSERT INTO outbox (kind, ref, body, state) VALUES ('message', 'm', x'00', 'waiting')")
    old.close()
    new = Trust(old.path)
    assert [(row.ref, row.stale_reason) for row in new.outbox()] == [("m", None)]
    assert new.notices() == []
    new.close()
    Trust(old.path).close()


# --- age ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "stale"), [(-300, False), (0, False), (FRESHNESS, False), (FRESHNESS + 1, True)]
)
def test_freshness_counts_from_the_time_of_the_quorum_to_the_second_and_survives_a_restart(
    known, seconds, stale
):
    now = REGISTRY.now + timedelta(seconds=seconds)
    for opened in (known, again(known)):
        assert bool(told(opened, "STALE", now)) == stale
        assert code_of(check_fresh, opened, now) == ("head-stale" if stale else "ok")


def test_the_quorum_counts_not_the_newest_of_the_cosignatures(tmp_path):
    note = REGISTRY.cosigned("bh.witness", "jo.witness", at=-50) + b"".join(
        REGISTRY.cosigned("om.witness", "sd.witness").splitlines(keepends=True)[-2:]
    )
    known = known_of(tmp_path / "home", REGISTRY, note)
    assert known.cosigned_at == REGISTRY.now - timedelta(seconds=50)  # three of four


def test_a_clock_too_far_behind_the_witnesses_is_told_and_nothing_counts_as_fresh(known):
    now = REGISTRY.now - timedelta(seconds=301)
    assert told(known, "the clock of this computer is behind: witnesses cosigned", now)
    assert code_of(check_fresh, known, now) == "head-stale"


def test_a_registry_that_asks_for_a_quorum_has_none_before_its_first_witness(tmp_path):
    registry = Registry(quorum="majority")
    known = known_of(tmp_path / "home", registry, registry.checkpoint())
    assert told(known, "no witnesses: the operator could show different logs")
    assert code_of(check_fresh, known, registry.now) == "head-stale"


# --- what may be sent --------------------------------------------------------------------------


def actual(known, **changes):
    return plain_draft(
        status="actual", exercise=None, prepared="eyJ9.e30.AAAA",
        expires_at=known.now() + timedelta(days=1), **changes,
    )  # fmt: skip


def sealed(known, message, **how):
    return seal_to(known, message, ["sd.technical"], bytes, **how)


def at(known, seconds):
    moved = Known(Trust(known.trust.path), known.party, lambda: REGISTRY.now + timedelta(seconds=seconds))
    moved.keyring = known.keyring
    return moved


@pytest.mark.parametrize(("seconds", "code"), [(FRESHNESS, "ok"), (FRESHNESS + 1, "head-stale")])
def test_an_actual_message_needs_a_fresh_log(known, seconds, code):
    desk = at(known, seconds)
    assert code_of(sealed, desk, actual(desk)) == code
    assert (
        code_of(sealed, desk, plain_draft(status="test", exercise=None, expires_at=desk.now() + timedelta(1)))
        == "ok"
    )


def test_with_a_reason_it_goes_out_and_the_reason_stays_in_the_outbox(known):
    desk = at(known, FRESHNESS + 1)
    reason = "no line to the capital since noon"
    assert code_of(sealed, desk, actual(desk), stale_reason="  ") == "text-empty"
    message = sealed(desk, actual(desk), stale_reason=reason)
    (row,) = desk.trust.outbox()
    assert row.stale_reason == reason
    assert reason.encode() not in row.body
    assert reason not in message.message.model_dump_json()


def test_an_actual_message_needs_the_newest_head_to_have_the_quorum(known):
    known.trust.set_value("quorum-missing", b"2 of 3 cosignatures")
    assert code_of(sealed, known, actual(known)) == "head-stale"
    assert told(known, "quorum-missing: the hub's newest checkpoint has 2 of 3 cosignatures")
    assert code_of(sealed, known, actual(known), stale_reason="the hub is silent") == "ok"
