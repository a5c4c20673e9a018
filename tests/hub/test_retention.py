"""Every class of what the hub keeps: a moment before its end it is there, a moment after it is gone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from poc.core.draft import AttachmentBytes
from poc.core.form import form_value
from poc.hub.retention import CLASSES, TABLES
from poc.limits import (
    ENVELOPE_DAYS_KEPT,
    NONCE_SECONDS_KEPT,
    ORPHAN_HOURS_KEPT,
    PROPOSAL_SECONDS_MAX,
    READ_DAYS_KEPT,
)
from poc.store.base import NewNudgeAddress
from tests.hub.test_openings import JO, SD, office, put, registry, shown, update
from tests.hub_messages import CONTROLLER, EXERCISE_PATH, announcement, answer, seal
from tests.hub_world import World
from tests.registry import nomination, openings, sealing_key, signed

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "poc" / "store" / "sql" / "schema.sql"
SECOND = timedelta(seconds=1)
AN_ADDRESS = NewNudgeAddress("email", "duty@desk.example", "flash", ("ar", "en"), None)


@dataclass
class Case:
    """One thing of a class: when it is due (None: never), and whether it is still there."""

    due: timedelta | None
    there: Any


async def log_case(world):
    size = world.hub.log.view.directory.size
    return Case(None, lambda: is_(world.store.read_leaves(0, 999), lambda found: len(found) >= size))


async def openings_case(world):
    """Kept for as long as the log names it: superseding is ``test_openings``."""
    part = openings("sd.technical")[0]
    await put(world, part, "sd authority")
    return Case(None, lambda: is_(world.store.read_opening(part.commitment())))


async def erasures_case(world):
    part = openings("jo.technical")[1]
    await world.ask("DELETE", f"/v1/cards/{part.commitment()}", who=JO)
    return Case(None, lambda: is_(world.store.read_erasures()))


async def reads_case(world):
    await put(world, openings("jo.technical")[1], "jo authority")
    await shown(world, SD)
    ends = world.now.replace(hour=0, minute=0, second=0) + timedelta(days=READ_DAYS_KEPT + 1)
    return Case(ends - world.now, lambda: is_(world.store.list_reads("jo.technical")))


async def keys_case(world):
    key = sealing_key("jo.technical 1").public
    await world.ask("PUT", f"/v1/keys/{key.kid}", key.jwk(), who=JO)
    return Case(None, lambda: is_(world.store.read_sealing_key(key.kid)))


async def proposals_case(world):
    world.registry.now, world.registry.directory = world.now, world.hub.log.view.directory
    payload = world.registry.payload("contact.nominate", "jo.cyber", nomination("jo.cyber"))
    await world.ask("POST", "/v1/statements", signed(payload, "jo authority").value())
    count = lambda: world.store.writer._connection.run(  # noqa: E731 -- reading would hide expired ones
        lambda db: db.execute("SELECT count(*) FROM proposals").fetchone()[0]
    )
    return Case(timedelta(seconds=PROPOSAL_SECONDS_MAX), lambda: is_(count()))


async def a_message(world):
    sealed = seal(world.hub.log.view.head, world.now)
    path = f"/v1/messages/{sealed.message.id}"
    assert (await world.ask("PUT", path, sealed.envelope_bytes, who=JO))[0] == 201
    told = {"jws": answer(sealed, "acknowledgement", SD, world.hub.log.view.head, world.now)}
    assert (await world.ask("POST", path + "/acknowledgements", told, who=SD))[0] == 201
    return sealed, path


async def envelopes_case(world):
    sealed, _ = await a_message(world)
    stored = await world.store.read_message(sealed.message.id)
    ends = stored.expires_at + timedelta(days=ENVELOPE_DAYS_KEPT) + SECOND
    kids = [sealing_key(SD).kid]

    async def there():
        message = await world.store.read_message(sealed.message.id)
        slots = await world.store.read_slots(sealed.message.id)
        inbox = await world.store.read_inbox(kids, 0, 10)
        parts = [message.protected, message.iv, message.ciphertext, message.tag, slots, inbox]
        assert len({bool(part) for part in parts}) == 1
        return bool(slots)

    return Case(ends - world.now, there)


async def blobs_case(world):
    (blob,) = seal(
        world.hub.log.view.head,
        world.now,
        attachments=(AttachmentBytes("a.bin", "application/octet-stream", bytes(20_000)),),
        blob_keys=[bytes(32)],
    ).blobs
    path, whole = f"/v1/blobs/{blob.sha256}", f"bytes 0-{len(blob.data) - 1}/{len(blob.data)}"
    assert (await world.ask("PUT", path, blob.data, who=JO, headers={"Content-Range": whole}))[0] == 201
    ends = timedelta(hours=ORPHAN_HOURS_KEPT) + SECOND
    return Case(ends, lambda: is_(world.store.read_blob(blob.sha256, "jo.technical")))


async def evidence_case(world):
    sealed, path = await a_message(world)

    async def there():
        again, _ = await world.ask("PUT", path, sealed.envelope_bytes, who=JO)
        status, evidence = await world.ask("GET", path + "/evidence", who=JO)
        feed = (await world.ask("GET", "/v1/evidence", who=JO))[1]["items"]
        other = await world.ask(
            "PUT", path, seal(world.hub.log.view.head, world.now, text="B").envelope_bytes, who=JO
        )
        return (
            (again, status, len(evidence["acknowledgements"]), len(evidence["receipts"])) == (200, 200, 1, 2)
            and len(feed) == 3
            and other[0] >= 400
        )

    return Case(None, there)


async def addresses_case(world):
    """Kept for as long as the contact is there: its withdrawal is below."""
    await world.store.set_nudge_addresses("sd.technical", [AN_ADDRESS])
    return Case(None, lambda: is_(world.store.read_nudge_addresses("sd.technical")))


async def nudges_case(world):
    """Forgotten once the message expired."""
    await world.store.set_nudge_addresses("sd.technical", [AN_ADDRESS])
    sealed = seal(world.hub.log.view.head, world.now, precedence="flash")
    path = f"/v1/messages/{sealed.message.id}"
    assert (await world.ask("PUT", path, sealed.envelope_bytes, who=JO))[0] == 201
    await world.hub.nudger.round()
    count = lambda: world.store.writer._connection.run(  # noqa: E731 -- reading would hide what is claimed
        lambda db: db.execute("SELECT count(*) FROM nudges").fetchone()[0]
    )
    return Case(timedelta(days=1), lambda: is_(count()))


async def exercises_case(world):
    told = announcement(world.hub.log.view.head, world.now, participants=("jo.technical", "sd.technical"))
    await world.ask("PUT", EXERCISE_PATH, {"announcement": told}, who=CONTROLLER)
    return Case(None, lambda: is_(world.store.read_exercises(0, 10)))


async def nonces_case(world):
    await world.ask(
        "GET", "/v1/keys", headers=world.headers("GET", "/v1/keys", who=JO, nonce="n" * 22 + "AA")
    )
    count = lambda: world.store.writer._connection.run(  # noqa: E731
        lambda db: db.execute("SELECT count(*) FROM nonces WHERE nonce LIKE 'nnn%'").fetchone()[0]
    )
    return Case(timedelta(seconds=NONCE_SECONDS_KEPT + 2), lambda: is_(count()))


async def quotas_case(world):
    await a_message(world)
    count = lambda: world.store.writer._connection.run(  # noqa: E731 -- nothing else reads them
        lambda db: db.execute("SELECT count(*) FROM quota_uses").fetchone()[0]
    )
    return Case(timedelta(seconds=3600 + 60 - world.now.second), lambda: is_(count()))


async def audit_case(world):
    await world.hub.audit.record("start")
    return Case(None, lambda: is_(world.store.read_audit(0, 10)))


async def operation_case(world):
    await world.hub.health.probe()
    count = lambda: world.store.writer._connection.run(  # noqa: E731
        lambda db: db.execute("SELECT count(*) FROM probe").fetchone()[0]
    )
    return Case(None, lambda: is_(count()))


CASES = {
    "log": log_case,
    "openings": openings_case,
    "erasures": erasures_case,
    "reads": reads_case,
    "sealing-keys": keys_case,
    "proposals": proposals_case,
    "envelopes": envelopes_case,
    "blobs": blobs_case,
    "evidence": evidence_case,
    "nudge-addresses": addresses_case,
    "nudges": nudges_case,
    "exercises": exercises_case,
    "nonces": nonces_case,
    "quotas": quotas_case,
    "audit": audit_case,
    "operation": operation_case,
}


async def is_(value, check=bool):
    return check(await value)


def test_every_table_of_the_database_belongs_to_a_class_of_the_page():
    """A table that nobody thought of is kept for ever, and nobody is told."""
    tables = set(re.findall(r"^CREATE TABLE (\w+)", SCHEMA.read_text("utf-8"), re.MULTILINE))
    assert tables == TABLES.keys()
    assert set(TABLES.values()) | {"requests"} == {kept.name for kept in CLASSES}


def test_every_class_has_a_case_here_and_a_line_in_the_page():
    assert CASES.keys() | {"requests"} == {kept.name for kept in CLASSES}
    page = (ROOT / "docs" / "retention.md").read_text()
    for kept in CLASSES:
        assert f"| {kept.name} | {kept.what} | {kept.how_long} | {kept.why} |" in page


@pytest.mark.parametrize("name", CASES)
async def test_what_is_kept_is_there_until_its_end_and_not_after(tmp_path, name):
    async with World(tmp_path, registry("parties")).running() as world:
        await world.fill()
        case = await CASES[name](world)
        began = world.now
        assert await case.there()
        if case.due is None:
            world.now = began + timedelta(days=20 * 365)
            await world.hub.sweep()
            assert await case.there()
            return
        world.now = began + case.due - SECOND
        await world.hub.sweep()
        assert await case.there()
        world.now = began + case.due
        await world.hub.sweep()
        assert not await case.there()


async def test_a_job_that_deleted_something_is_told_once_in_the_audit_trail(tmp_path):
    async with World(tmp_path, registry("parties")).running() as world:
        await world.fill()
        await envelopes_case(world)
        world.now += timedelta(days=90)
        for _ in range(2):
            await world.hub.sweep()
        rows = [row.record for row in await world.store.read_audit(0, 999)]
        told = [record for record in rows if b'"action":"retention"' in record]
        assert len(told) == 1
        assert b'"subject":"envelopes"' in told[0]
        assert b'"count":1' in told[0]


async def test_an_opening_superseded_is_told_too(tmp_path):
    secret = office("jo.technical")
    async with World(tmp_path, registry("parties", secret)).running() as world:
        await world.fill()
        await put(world, secret, "jo authority")
        await update(world, office("jo.technical", salt=b"\6" * 32))
        await world.hub.sweep()
        for _ in range(100):
            rows = [row.record for row in await world.store.read_audit(0, 999)]
            if any(b'"subject":"openings"' in record for record in rows):
                break
        assert sum(b'"subject":"openings"' in record for record in rows) == 1


async def test_the_addresses_of_a_contact_that_was_withdrawn_are_erased_and_told(tmp_path):
    async with World(tmp_path, registry("parties")).running() as world:
        await world.fill()
        await world.store.set_nudge_addresses("sd.technical", [AN_ADDRESS])
        await world.store.set_nudge_addresses("jo.technical", [AN_ADDRESS])
        world.registry.now, world.registry.directory = world.now, world.hub.log.view.directory
        body = {"entry": world.registry.newest("sd.technical").leaf_hash}
        payload = world.registry.payload("contact.withdraw", "sd.technical", body)
        status, _ = await world.ask("POST", "/v1/statements", signed(payload, "sd authority").value())
        assert status == 201
        await world.hub.sweep()
        assert await world.store.list_nudge_contacts() == ("jo.technical",)
        rows = [row.record for row in await world.store.read_audit(0, 999)]
        assert sum(b'"subject":"nudge-addresses"' in record for record in rows) == 1


async def test_a_recipient_no_longer_sees_what_was_dropped_and_a_late_answer_is_not_taken(tmp_path):
    async with World(tmp_path, registry("parties")).running() as world:
        await world.fill()
        sealed, path = await a_message(world)
        world.now += timedelta(days=90)
        await world.hub.sweep()
        head = world.hub.log.view.head
        late = {"jws": answer(sealed, "retrieval", SD, head, world.now)}
        for method, more, body, who in (
            ("GET", "", b"", JO),
            ("GET", "", b"", SD),
            ("GET", "/evidence", b"", SD),
            ("POST", "/retrievals", late, SD),
        ):
            assert (await world.ask(method, path + more, body, who=who))[0] == 404
        assert form_value(sealed.envelope)
