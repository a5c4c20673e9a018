"""The commands of windows, suspension, policy and witnesses' seats, against a running hub."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

import pytest

from poc.cli import words
from poc.client.sdk import Desk
from poc.core.strictjson import domain_hash
from poc.keyring import Keyring
from tests.cli_world import LiveWorld, poc
from tests.desk_world import PASSPHRASE
from tests.registry import (
    ORIGIN,
    REGISTRARS,
    Registry,
    cosigner,
    device,
    enrolment,
    jwk,
    nomination,
    settings,
)

WINDOW = 3600
FIRST, SECOND = REGISTRARS
JO = "jo.technical"
PAPERS = (
    *("--note", "NV/2", "--note-date", "2026-11-20", "--called-back-at", "2026-11-21T09:00Z"),
    *("--called-back-source", "switchboard"),
)
VKEY = cosigner("jo.witness").verifier().vkey()


def windowed():
    """Three members; jo has a recovery key; since a policy of theirs the window is an hour."""
    registry = Registry()
    body = enrolment("jo", recovery=jwk("jo recovery"))
    registry.submit("state.enrol", "jo", body, *REGISTRARS, "jo authority", "jo recovery")
    registry.enrol("sd", "eg")
    body = nomination(JO, devices=[device(f"{JO} 1")])
    registry.submit("contact.nominate", JO, body, "jo authority", f"{JO} 1")
    registry.nominate("jo.diplomatic")
    body = settings(objection_seconds=WINDOW)
    registry.submit("registry.policy", ORIGIN, body, "jo authority", "sd authority")
    return registry


@pytest.fixture
async def world(tmp_path, begun_lately):
    (tmp_path / "hub").mkdir()
    world = LiveWorld(tmp_path / "hub", windowed())
    async with world.running():
        await world.fill()
        yield world


@pytest.fixture
async def office(world, tmp_path):
    """Makes a home that has one key; a witness's is no desk."""

    async def make(party, role, label=None, *, folder=None, joins=True):
        label = label or party
        home = tmp_path / (folder or label)
        if joins:
            pin = world.registry.directory.fingerprint
            desk = await Desk.join(home, world.origin, pin, party=party, http=world.session)
            await desk.close()
        keys = Keyring.create(home, PASSPHRASE)
        keys.add_signing(role, party, world.now, lambda _: domain_hash("poc/1 test key", label.encode()))
        keys.save()
        (home / "passphrase").write_text(PASSPHRASE + "\n")
        (home / "passphrase").chmod(0o600)
        return home

    return make


async def done(*given, home):
    outcome = await poc(*given, home=home)
    assert outcome.code == 0, outcome
    return outcome


async def code_of(*given, home):
    outcome = await poc(*given, "--json", home=home)
    return outcome.code, outcome.value["code"]


async def test_a_recovery_is_proposed_shown_and_objected_to(world, office, tmp_path):
    first, second = await office(FIRST, "registrar"), await office(SECOND, "registrar")
    safe, fresh = (
        await office("jo", "recovery", "jo recovery"),
        await office("jo", "authority", "jo new"),
    )
    keys, file, objection = (tmp_path / name for name in ("keys.json", "recover.json", "objection.json"))
    await done("key", "export", "jo", "--out", keys, home=fresh)
    recover = ("state", "recover", "jo", "--authority", keys, *PAPERS)
    assert await code_of(*recover, "--overrules", home=first) == (1, "cannot-overrule")
    assert (await poc("state", "recover", "jo", "--authority", keys, "--json", home=first)).code == 2
    assert await code_of("state", "object", "jo", "--yes", home=safe) == (1, "not-pending")
    made = await done(*recover, "--out", file, home=first)
    assert "end as lost" in made.err
    assert "can object" in made.err
    await done("proposal", "sign", file, home=fresh)
    await done("proposal", "sign", file, home=second)
    await done("proposal", "submit", file, home=second)
    shown = await done("state", "show", "jo", home=second)
    assert "RECOVERING" in shown.out
    assert "poc state object jo" in shown.out
    listed = await done("state", "list", "--json", home=second)
    rows = {row["state"]: row for row in listed.value["states"]}
    assert rows["jo"]["standing"] == "enrolled RECOVERING"
    assert rows["jo"]["recovering"]["overrules"] is False
    assert rows["sd"]["who_may_object"] is None
    assert "RECOVERY OF jo" in (await done("sync", home=safe)).err
    found = await done("lookup", JO, home=second)
    assert "CAUTION: jo: its State's keys are being recovered" in found.out
    assert await code_of("state", "object", "jo", "--yes", home=first) == (1, "no-key")
    assert await code_of("state", "object", "jo", home=safe) == (2, "not-confirmed")
    assert world.hub.log.view.directory.state("jo").recovering is not None
    written = await done("state", "object", "jo", "--out", objection, "--json", home=safe)
    assert (written.value["by"], written.value["stops"]) == ("recovery", True)
    assert "If your authority asked for this" in written.err
    await done("proposal", "submit", objection, home=safe)
    state = world.hub.log.view.directory.state("jo")
    assert state.recovering is None
    assert state.objection.by_old_keys is False
    assert "more than its old keys" in (await done("state", "show", "jo", home=safe)).out


async def test_two_contacts_who_each_object_sign_one_objection(world, office):
    registry = world.registry
    registry.now, registry.directory = world.now - timedelta(seconds=1), world.hub.log.view.directory
    body = {name: enrolment("jo")[name] for name in ("recovery", "note_verbale", "call_back")}
    body |= {"authority": {"keys": [jwk("jo thief")], "threshold": 1}, "overrules": None}
    registry.submit("state.recover", "jo", body, *REGISTRARS, "jo thief")
    await world.hub.registry.submit(registry.entries[-1].signed)
    first = await office(JO, "device", f"{JO} 1")
    second = await office("jo.diplomatic", "device", "jo.diplomatic 1")
    begun = await done("state", "object", "JO", "--yes", "--json", home=first)
    assert (begun.value["by"], begun.value["state"], begun.value["stops"]) == ("contact", "proposed", False)
    assert "A device of another contact must sign too" in begun.err
    assert await code_of("state", "object", "jo", "--yes", home=first) == (1, "already-signed")
    ended = await done("state", "object", "jo", "--yes", "--json", home=second)
    assert ended.value["state"] == "logged"
    state = world.hub.log.view.directory.state("jo")
    assert (state.recovering, state.objection.by_old_keys) == (None, False)


async def test_an_enrolment_that_waits_is_stopped_by_another_state(world, office, tmp_path):
    registry = world.registry
    registry.now, registry.directory = world.now - timedelta(seconds=1), world.hub.log.view.directory
    registry.enrol("om")
    await world.hub.registry.submit(registry.entries[-1].signed)
    sd = await office("sd", "authority", "sd authority")
    assert "its enrolment takes effect at" in (await done("sync", home=sd)).err
    assert "PENDING" in (await done("state", "show", "om", home=sd)).out
    outcome = await done("state", "object", "om", "--yes", "--json", home=sd)
    assert (outcome.value["objects_to"], outcome.value["state"]) == ("enrolment", "logged")
    assert "It stops the enrolment" in outcome.err
    shown = await done("state", "show", "om", home=sd)
    assert "STOPPED by an objection" in shown.out
    assert await code_of("state", "object", "qa", "--yes", home=sd) == (1, "unknown-state")


async def test_a_state_is_suspended_in_words_and_reinstated(world, office, tmp_path):
    first, second = await office(FIRST, "registrar"), await office(SECOND, "registrar")
    file = tmp_path / "suspend.json"
    suspend = ("state", "suspend", "jo", "--reason", "abuse", "--scope", "send")
    for wrong in ("91d", "2026-01-01"):
        assert await code_of(*suspend, "--until", wrong, home=first) == (1, "bad-suspension")
    assert await code_of(*suspend, "--scope", "send", "--until", "1d", home=first) == (2, "usage")
    assert await code_of(*suspend, "--until", "soon", home=first) == (2, "usage")
    assert await code_of("state", "reinstate", "jo", home=first) == (1, "superseded")
    made = await done(*suspend, "--until", "1d", "--out", file, home=first)
    assert "cut from sending messages" in made.err
    assert "Never cut: receiving, acknowledging" in made.err
    await done("proposal", "sign", file, home=second)
    await done("proposal", "submit", file, home=second)
    shown = await done("state", "show", "jo", "--json", home=second)
    assert shown.value["standing"] == "enrolled SUSPENDED"
    assert shown.value["suspended"]["scope"] == ["send"]
    assert "SUSPENDED since" in (await done("state", "show", "jo", home=second)).out
    assert "CAUTION: jo: suspended by the registrars" in (await done("lookup", JO, home=second)).out
    assert "CAUTION" in (await done("contact", "show", JO, home=second)).out
    desk = await office(JO, "device", f"{JO} 1")
    await done("sync", home=desk)
    send = ("message", "send", "--to", JO, "--status", "test", "--subject", "A", "--text", "B")
    assert (await code_of(*send, home=desk))[0] == 1
    proposed = await done("state", "reinstate", "jo", "--json", home=first)
    assert proposed.value["state"] == "proposed"
    assert "free again" in proposed.err


async def test_settings_are_changed_by_registrars_or_by_the_members(world, office, tmp_path):
    first = await office(FIRST, "registrar")
    jo, sd = await office("jo", "authority", "jo authority"), await office("sd", "authority", "sd authority")
    policy = ("registry", "policy", "--freshness-seconds", "7200")
    assert await code_of(*policy, home=jo) == (1, "no-key")
    assert await code_of(*policy, "--by-members", home=first) == (1, "no-key")
    assert await code_of("registry", "policy", home=first) == (1, "bad-form")
    assert await code_of("registry", "policy", "--drop-registrar", "x-un.clerk", home=first) == (
        1,
        "bad-form",
    )
    dropped = await poc("registry", "policy", "--drop-registrar", SECOND, "--json", home=first)
    assert dropped.value["code"] == "bad-form"  # there are two registrars at least
    told = await done(*policy, "--quorum", "majority", "--json", home=first)
    assert told.value["state"] == "proposed"
    assert "freshness_seconds: 86400 becomes 7200" in told.err
    assert "once an attest covers it" in told.err
    file = tmp_path / "policy.json"
    made = await done(*policy, "--by-members", "--out", file, home=jo)
    assert "no registrar, no witness and no operator" in made.err
    await done("proposal", "sign", file, home=sd)
    await done("proposal", "submit", file, home=sd)
    shown = await done("registry", "show", "--json", home=sd)
    assert shown.value["settings"]["freshness_seconds"] == 7200
    assert (shown.value["quorum"], shown.value["pending"]) == (0, [])
    assert "attested time" in (await done("registry", "show", home=sd)).out


async def test_a_witness_is_appointed_by_file_listed_and_dismisses_itself(world, office, tmp_path):
    jo, witness = (
        await office("jo", "authority", "jo authority"),
        await office("jo.witness", "witness", joins=False),
    )
    file = tmp_path / "appoint.json"
    appoint = ("witness", "appoint", "jo.witness", "--url", "http://127.0.0.1:9", "--vkey")
    assert await code_of(*appoint, "nonsense", home=jo) == (1, "bad-vkey")
    assert await code_of("witness", "dismiss", "jo.witness", home=jo) == (1, "unknown-witness")
    made = await done(*appoint, VKEY, "--out", file, home=jo)
    assert "once an attest covers this" in made.err
    await done("proposal", "sign", file, home=witness)
    await done("proposal", "submit", file, home=jo)
    listed = await done("witness", "list", "--json", home=jo)
    (row,) = listed.value["witnesses"]
    assert (row["witness"], row["waits_for_dismissal"]) == ("jo.witness", False)
    assert (row["seat"] or row["waiting_seat"])["url"] == "http://127.0.0.1:9"
    assert "http://127.0.0.1:9" in (await done("witness", "list", home=jo)).out
    reader = await office("jo.witness", "witness", folder="a witness that follows the log")
    synced = await done("sync", "--json", home=reader)
    assert synced.value["size"] == world.hub.log.view.directory.size
    assert synced.value["failed"] == []
    told = await done("witness", "dismiss", "jo.witness", "--out", tmp_path / "unused.json", home=jo)
    assert "will lose its seat" in told.err
    gone = tmp_path / "dismiss.json"
    itself = ("witness", "dismiss", "jo.witness", "--entry", row["entry"], "--out", gone)
    assert await code_of(*itself[:3], home=witness) == (2, "usage")
    assert await code_of(*itself, home=witness) == (2, "usage")  # it watches no log yet
    assert await code_of(
        "witness", "dismiss", "sd.witness", *itself[3:], "--origin", ORIGIN, home=witness
    ) == (
        1,
        "no-key",
    )
    await done(*itself, "--origin", ORIGIN, home=witness)
    await done("proposal", "submit", gone, home=jo)
    assert world.hub.log.view.directory.witnesses["jo.witness"].dismissed
    again = await poc("witness", "dismiss", "jo.witness", "--json", home=jo)
    assert again.value["code"] == "unknown-witness"


async def test_a_key_that_the_log_ended_is_marked_retired_and_told_once(office, tmp_path):
    jo = await office("jo", "authority", "jo authority")
    made = await done("key", "new", "jo", "--role", "authority", "--json", home=jo)
    (new,) = [row["kid"] for row in made.value["keys"]]
    keys = tmp_path / "new.json"
    await done("key", "export", new, "--out", keys, home=jo)
    await done("sync", home=jo)
    rotated = await done("state", "rotate", "jo", "--authority", keys, "--json", home=jo)
    assert rotated.value["state"] == "logged"
    assert "marked as retired here" in (await done("sync", home=jo)).err
    rows = (await done("key", "list", "--json", home=jo)).value["keys"]
    assert [row["kid"] for row in rows if row["retired_at"] is None] == [new]
    assert "retired" not in (await done("sync", home=jo)).err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
        ("٢٠٢٦-١٢-٠١", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01T09:00+03:00", datetime(2026, 12, 1, 6, tzinfo=UTC)),
        ("14d", timedelta(days=14)),
    ],
)
def test_an_end_is_a_day_a_time_or_a_duration(text, expected):
    assert words.end(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "2026-12-01T09:00", "-1d", "0d", "400d"])
def test_what_is_no_end_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        words.end(text)
