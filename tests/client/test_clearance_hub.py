"""Clearance with a real hub: two buildings and files between them, and ``actual`` where it is admitted."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from poc.client.sdk import Desk
from poc.client.view import message_view
from poc.core.draft import text_code
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from tests import registry as made
from tests.clearance_world import ADDRESSEE, OFFICE, Clock, addressed, keys_of, nominate, nominations
from tests.hub_world import World
from tests.quorum_world import WITNESSED, later, published
from tests.registry import REGISTRARS, Registry, enrolment, jwk
from tests.witnessed_world import Seated, WitnessedWorld

WORDS = "ACTUAL test-cbm"
LABELS = (f"{OFFICE} 1", f"{OFFICE} 2", f"{ADDRESSEE} 1")


@asynccontextmanager
async def joined(folder, world):
    """The desks of both devices of the office and of the addressee, synced."""
    for number in (1, 2, 3, 4):
        await publish(world, f"{OFFICE} {number}")
    await publish(world, f"{ADDRESSEE} 1")
    async with AsyncExitStack() as stack:
        desks = []
        for label in LABELS:
            home, party = folder / label.replace(" ", "-"), label.rsplit(" ", 1)[0]
            desk = await Desk.join(
                home, world.origin, world.registry.directory.fingerprint, party=party,
                http=world.session, clock=lambda: world.now,
            )  # fmt: skip
            desk.use_keyring(keys_of(home, label, world.now))
            stack.push_async_callback(desk.close)
            await desk.sync()
            desks.append(desk)
        yield desks


async def code_of(awaited):
    try:
        return (await awaited).state
    except RefusedError as error:
        return error.code


async def publish(world, label):
    key = made.sealing_key(label).public
    status, _ = await world.ask("PUT", f"/v1/keys/{key.kid}", canonical(key.jwk()), who=label)
    assert status in (200, 201)


async def cleared(first, second, status, now):
    """Drawn up and submitted at the first desk, prepared at the second; files go between them."""
    message = addressed(Clock(now), status=status, expires_at=now + timedelta(days=1))
    kept = await first.new_draft(message)
    file = first.export_draft(await first.submit_draft(kept.id))
    taken = await second.take_draft(file)
    prepared = await second.prepare_draft(taken.id, taken.code)
    return await first.add_preparation(kept.id, prepared.form.prepared)


async def test_prepared_in_one_building_released_in_another_and_read_with_the_same_code(tmp_path):
    registry = Registry()
    registry.enrol("jo", "sd")
    nominate(registry)
    world = World(tmp_path / "hub", registry)
    (tmp_path / "hub").mkdir()
    async with world.running():
        await world.fill()
        async with joined(tmp_path, world) as (first, second, addressee):
            kept = await cleared(first, second, "test", world.now)
            sent = await first.release_draft(kept.id, kept.code)
            assert (sent.id, sent.state) == (kept.id, "accepted")
            await addressee.sync()
            opened = addressee.show(sent.id)
            assert message_view(addressee.known, opened)["text_code"] == kept.code
            assert text_code(opened.preparation.content_sha256) == kept.code
            assert opened.preparation.kid == second.known.own_device().kid
            await second.sync()
            assert second.show(sent.id).message == opened.message


class ActualWorld(WitnessedWorld):
    """A hub whose registry admits ``actual``: four witnesses in force, two thirds of them asked for."""

    def __init__(self, home) -> None:
        super().__init__(
            home, (), quorum="two-thirds", statuses=["actual", "exercise", "test"], objection_seconds=3600
        )
        self.witnesses = [Seated(state, home / f"witness-{state}", self) for state in WITNESSED]

    async def begin(self):
        """Enrol with recovery keys, let the window pass, nominate, seat the witnesses."""
        self.sync()
        for state in WITNESSED:
            body = enrolment(state, recovery=jwk(f"{state} recovery"))
            by = (*REGISTRARS, f"{state} authority", f"{state} recovery")
            await self.submit("state.enrol", state, body, *by)
        later(self, seconds=3600)
        assert await self.hub.attestor.attest()
        for contact, body, labels in nominations():
            await self.submit("contact.nominate", contact, body, f"{contact[:2]} authority", *labels)
        assert "actual" not in self.directory.admitted_statuses()
        await self.seat()
        await published(self)
        assert "actual" in self.directory.admitted_statuses()


async def test_an_actual_message_goes_where_it_is_admitted_and_is_read_with_the_same_code(tmp_path):
    world = ActualWorld(tmp_path)
    async with world.running():
        await world.begin()
        async with joined(tmp_path, world) as (first, second, addressee):
            unprepared = addressed(Clock(world.now), status="actual", expires_at=world.now + timedelta(1))
            assert await code_of(first.send_message(unprepared.draft, unprepared.to)) == "preparation-missing"
            alone = await first.new_draft(unprepared)
            assert (
                await code_of(first.release_draft(alone.id, alone.code, typed_actual=WORDS))
                == "preparation-missing"
            )
            kept = await cleared(first, second, "actual", world.now)
            assert await code_of(first.release_draft(kept.id, kept.code)) == "actual-not-confirmed"
            sent = await first.release_draft(kept.id, kept.code, typed_actual=WORDS)
            assert sent.state == "accepted", sent
            await addressee.sync()
            view = message_view(addressee.known, addressee.show(sent.id))
            assert (view["status"], view["marking"], view["text_code"]) == ("actual", None, kept.code)
            assert view["prepared_by"] == second.known.own_device().kid
