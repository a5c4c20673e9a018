"""Statements made at desks against a real hub: signed by hub and by file, chained, refused, kept."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from poc.client import statements
from poc.client.filing import PublicKeys, device_value
from poc.client.sdk import Desk
from poc.core.proposal import proposal_bytes
from poc.core.strictjson import domain_hash, format_time
from poc.errors import RefusedError
from poc.keyring import Keyring
from tests import registry as made
from tests.hub_world import World
from tests.registry import REGISTRARS, Registry

PASSPHRASE = "correct horse battery"
CONTACT = "jo.technical"
CARD: dict[str, Any] = {
    "office": {"names": {"en": "Desk"}},
    "reach": {
        "channels": [{"kind": "email", "value": "desk@cert.jo.example"}],
        "zone": "Asia/Amman",
        "hours": {"always": True},
        "languages": ["ar"],
    },
}
ALL = ["acknowledge", "change", "retrieve", "send"]


def seeded(label):
    return lambda _: domain_hash("poc/1 test key", label.encode())


def add_device(keys, party, number, now):
    signing = keys.add_signing("device", party, now, seeded(f"{party} {number}"))
    sealing = keys.add_sealing(party, now, seeded(f"seal {party} {number}"))
    return PublicKeys(party, (signing.public,), (sealing.public,))


@pytest.fixture
async def world(tmp_path):
    (tmp_path / "hub").mkdir()
    async with World(tmp_path / "hub", Registry()).running() as running:
        yield running


@pytest.fixture
async def desk_of(world, tmp_path):
    """A joined desk of a party with the keys of a role."""
    async with AsyncExitStack() as stack:

        async def make(party, role, label=None):
            home = tmp_path / (label or party)
            keys = Keyring.create(home, PASSPHRASE)
            if role != "device":
                keys.add_signing(role, party, world.now, seeded(label or party))
            desk = await Desk.join(
                home, world.origin, world.registry.directory.fingerprint, party=party,
                http=world.session, clock=lambda: world.now,
            )  # fmt: skip
            desk.use_keyring(keys)
            stack.push_async_callback(desk.close)
            return desk

        yield make


@pytest.fixture
async def registrars(desk_of):
    return [await desk_of(name, "registrar") for name in REGISTRARS]


async def enrolled(registrars, authority, state="jo"):
    body = made.enrolment(state)
    first, second = registrars
    file = first.make_file(first.sign(first.compose("state.enrol", state, body)))
    file = authority.sign_file(proposal_bytes(file))
    waiting = await first.submit_file(proposal_bytes(file))
    assert waiting.state == "proposed"
    return await second.sign_proposal(waiting.proposal)


@pytest.fixture
async def authority(registrars, desk_of):
    desk = await desk_of("jo", "authority", "jo authority")
    assert (await enrolled(registrars, desk)).state == "logged"
    await desk.sync()
    return desk


async def nominate(authority, contact, *public, **changes):
    filed = authority.file_card(contact.party, CARD)
    rotate_by = authority.known.now() + timedelta(days=60)
    devices = [device_value(n, keys, ALL, rotate_by) for n, keys in enumerate(public, 1)]
    body = {
        "role": "technical", "alternate_of": None, "card": filed.commitments, "machine_receipts": True,
        "custody": "own", "devices": devices, **changes,
    }  # fmt: skip
    signed = authority.sign(authority.compose("contact.nominate", contact.party, body))
    sealing = [key for keys in public for key in keys.sealing]
    file = contact.sign_file(proposal_bytes(authority.make_file(signed, filed.openings, sealing)))
    return await authority.submit_file(proposal_bytes(file))


@pytest.fixture
async def contact(authority, desk_of):
    desk = await desk_of(CONTACT, "device")
    public = add_device(desk.keys, CONTACT, 1, desk.known.now())
    assert (await nominate(authority, desk, public)).state == "logged"
    await desk.sync()
    return desk


async def test_an_enrolment_is_signed_by_file_and_at_the_hub(registrars, authority, world):
    assert world.hub.log.view.directory.state("jo").kind == "member"
    assert authority.directory.size == 2
    assert await registrars[0].proposals() == []


async def test_a_home_that_is_not_enrolled_yet_syncs_without_failing_and_is_told(authority, desk_of):
    stranger = await desk_of("sd", "authority", "sd authority")
    report = await stranger.sync()
    assert (report.size, report.failed) == (1, [])
    assert any("not enrolled yet" in warning for warning in report.warnings)


async def test_a_home_with_a_key_in_force_that_the_hub_refuses_fails(authority):
    authority.hub.keys = authority.known.request_keys()
    authority.hub._base = authority.hub._base.replace("127.0.0.1", "localhost")  # signed for another origin
    with pytest.raises(RefusedError) as refused:
        await authority.proposals()
    assert refused.value.code == "bad-request-signature"


async def test_a_proposal_shows_at_the_hub_who_must_still_sign(registrars, desk_of):
    first, second = registrars
    authority = await desk_of("jo", "authority", "jo authority")
    file = first.make_file(first.sign(first.compose("state.enrol", "jo", made.enrolment("jo"))))
    waiting = await first.submit_file(proposal_bytes(file))
    assert len(waiting.missing) == 2
    (listed,) = await second.proposals()
    assert listed["id"] == waiting.proposal
    assert await second.sign_proposal(waiting.proposal)
    assert (
        await first.submit_file(proposal_bytes(authority.sign_file(proposal_bytes(file))))
    ).state == "logged"


async def test_signing_twice_says_so_and_signing_without_a_key_says_so(registrars, desk_of):
    first, _ = registrars
    bare = first.compose("state.enrol", "jo", made.enrolment("jo"))
    once = first.sign(bare)
    stranger = await desk_of("sd", "authority", "sd authority")
    for sign, code in ((lambda: first.sign(once), "already-signed"), (lambda: stranger.sign(bare), "no-key")):
        with pytest.raises(RefusedError) as refused:
            sign()
        assert refused.value.code == code


async def test_a_statement_of_another_registry_is_not_signed(registrars):
    first, _ = registrars
    other = Registry()
    payload = other.payload("state.enrol", "jo", made.enrolment("jo")).replace(
        b"example.org/test-cbm", b"example.org/evil-cbm"
    )
    with pytest.raises(RefusedError) as refused:
        first.sign(statements.bare(payload))
    assert refused.value.code == "wrong-origin"


async def test_an_authority_has_its_contacts_card_at_once_and_the_contact_after_a_sync(authority, contact):
    for desk in (authority, contact):
        assert set(desk.known.card(CONTACT)) == {"office", "reach"}


async def test_an_update_of_the_reach_part_is_the_desks_own(contact):
    before = contact.directory.contact(CONTACT)
    filed = contact.file_card(CONTACT, {"reach": {**CARD["reach"], "languages": ["ar", "en"]}})
    body = {
        "role": "technical", "alternate_of": None, "card": filed.commitments, "machine_receipts": False,
        "custody": "own",
    }  # fmt: skip
    outcome = await contact.propose("contact.update", CONTACT, body, filed.openings)
    assert outcome.state == "logged"
    after = contact.directory.contact(CONTACT)
    assert after.card.office == before.card.office
    assert contact.known.card(CONTACT)["reach"].languages == ("ar", "en")


async def test_a_device_does_not_change_the_office_part(contact):
    filed = contact.file_card(CONTACT, {"office": {"names": {"en": "Another"}}})
    body = {
        "role": "technical", "alternate_of": None, "card": filed.commitments, "machine_receipts": True,
        "custody": "own",
    }  # fmt: skip
    with pytest.raises(RefusedError) as refused:
        await contact.propose("contact.update", CONTACT, body, filed.openings)
    assert refused.value.code == "no-key"


async def test_a_superseded_statement_is_refused_with_the_newest_leaf(authority, contact):
    stale = contact.compose("contact.confirm", CONTACT, {"entry": contact.newest_entry(CONTACT)})
    await nominate_again(authority, contact)
    with pytest.raises(RefusedError) as refused:
        await contact.submit(contact.sign(stale))
    assert refused.value.code == "superseded"
    assert refused.value.data["newest"] == authority.newest_entry(CONTACT)
    await contact.refresh()
    fresh = {"entry": contact.newest_entry(CONTACT)}
    assert (await contact.propose("contact.confirm", CONTACT, fresh)).state == "logged"


async def nominate_again(authority, contact):
    device = contact.directory.contact(CONTACT).devices[0]
    keys = PublicKeys(
        CONTACT,
        (contact.keys.signing(device.kid).public,),
        (contact.keys.sealing(device.sealing_kid).public,),
    )
    filed = authority.file_card(CONTACT, CARD)
    body = {
        "role": "duty", "alternate_of": None, "card": filed.commitments, "machine_receipts": True,
        "custody": "own", "devices": [device_value(1, keys, sorted(device.may), device.rotate_by)],
    }  # fmt: skip
    assert (await authority.propose("contact.nominate", CONTACT, body)).state == "logged"


async def test_a_new_sealing_key_replaces_the_old_which_still_opens(contact):
    old = contact.directory.contact(CONTACT).devices[0]
    assert (await contact.rotate()).state == "logged"
    new = contact.directory.contact(CONTACT).devices[0]
    assert new.sealing_kid != old.sealing_kid
    assert contact.keys.has(old.sealing_kid)
    assert contact.known.sealing_public(new.sealing_kid)
    retired = {entry.kid: entry.retired_at for entry in contact.keys.list()}
    assert retired[old.sealing_kid] is not None
    assert retired[new.sealing_kid] is None


async def test_a_desk_goes_on_under_its_new_signing_key(contact):
    old = contact.directory.contact(CONTACT).devices[0].kid
    assert (await contact.rotate(signing=True)).state == "logged"
    assert contact.known.own_device().kid != old
    await contact.sync()
    assert (await contact.rotate()).state == "logged"


async def test_a_desk_that_lost_the_answer_to_its_rotation_finds_its_way(contact, world):
    contact.known.keys.add_signing("device", CONTACT, world.now, seeded("later"))
    device = contact.known.own_device()
    key = contact.known.keys.by_role("device")[-1]
    body = {"kid": device.kid, "signing": made.jwk("later"), "sealing": None}
    assert key.kid == made.signing_key("later").kid
    signed = contact.sign(contact.compose("contact.rotate", CONTACT, body))
    await world.hub.registry.submit(signed)
    await contact.sync()
    assert contact.known.own_device().kid == key.kid


async def test_a_device_is_added_by_the_authority_and_ended_by_its_number(authority, contact, world):
    second = add_device(contact.keys, CONTACT, 2, contact.known.now())
    nomination = authority.directory.contact(CONTACT).nomination.leaf_hash
    device = device_value(2, second, ["retrieve"], world.now + timedelta(days=60))
    body = {"entry": nomination, "device": device}
    file = authority.make_file(
        authority.sign(authority.compose("contact.device-add", CONTACT, body)), (), second.sealing
    )
    file = contact.sign_file(proposal_bytes(file))
    assert (await authority.submit_file(proposal_bytes(file))).state == "logged"
    assert [d.number for d in authority.directory.contact(CONTACT).devices] == [1, 2]
    revoked = {"kid": second.signing[0].kid, "reason": "lost", "suspected_since": format_time(world.now)}
    assert (await authority.propose("contact.device-revoke", CONTACT, revoked)).state == "logged"
    assert [d.number for d in authority.directory.contact(CONTACT).devices] == [1]
    again = await authority.submit_file(proposal_bytes(file))
    assert (again.state, [d.number for d in authority.directory.contact(CONTACT).devices]) == ("logged", [1])


async def test_without_the_hub_a_statement_waits_and_the_next_sync_logs_it(authority, contact, world):
    there, contact.hub._base = contact.hub._base, "http://127.0.0.1:9"
    body = {"entry": contact.newest_entry(CONTACT)}
    waiting = await contact.propose("contact.confirm", CONTACT, body)
    assert waiting.state == "waiting"
    size = contact.directory.size
    contact.hub._base = there
    await contact.sync()
    await contact.sync()
    assert contact.directory.size == size + 1


async def test_the_hub_cannot_pass_another_payload_under_a_proposals_id(registrars, world):
    first, second = registrars
    waiting = await first.submit(first.sign(first.compose("state.enrol", "jo", made.enrolment("jo"))))
    genuine = second.hub.get_json

    async def altered(path):
        answer = await genuine(path)
        forged = first.compose("state.enrol", "sd", made.enrolment("sd"))
        return {**answer, "payload": forged.value()["payload"]}

    second.hub.get_json = altered
    with pytest.raises(RefusedError) as refused:
        await second.sign_proposal(waiting.proposal)
    assert refused.value.code == "bad-answer-from-hub"
