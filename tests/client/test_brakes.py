"""Freezing, withdrawing and rotating at desks against a real hub: refused where it must be, and shown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc.client.lookup import Query, lookup
from poc.client.preview import preview
from poc.client.standing import standing_warnings
from poc.core.form import form_value
from poc.core.strictjson import format_time
from poc.errors import RefusedError
from poc.hub.caller import caller_of
from tests import registry as made
from tests.client.test_statements import (  # noqa: F401 (fixtures)
    CARD,
    CONTACT,
    authority,
    contact,
    desk_of,
    registrars,
    world,
)
from tests.desk_world import seal_to
from tests.message_world import draft
from tests.registry import REGISTRARS, signing_key


async def freeze(desk):
    entry = desk.directory.contact(CONTACT).standing.leaf_hash
    assert (await desk.propose("contact.freeze", CONTACT, {"entry": entry})).state == "logged"


async def refused(call):
    with pytest.raises(RefusedError) as caught:
        await call
    return caught.value.code


async def test_a_frozen_desk_signs_no_more_and_says_so_until_it_is_thawed(contact, authority, world):  # noqa: F811
    await freeze(contact)
    body = {"entry": contact.newest_entry(CONTACT)}
    assert await refused(contact.propose("contact.confirm", CONTACT, body)) == "contact-frozen"
    told = standing_warnings(contact.known, contact.known.now())
    assert any("frozen since" in line for line in told)
    filed = contact.file_card(CONTACT, {"reach": {**CARD["reach"], "languages": ["en"]}})
    caller, _ = caller_of(world.hub.log.view.directory, contact.known.own_device().kid)
    for call in (
        world.hub.openings.put_card(caller, filed.openings[0].commitment(), filed.openings[0]),
        world.hub.openings.put_key(caller, "A" * 43, None),
    ):
        assert await refused(call) == "contact-frozen"
    await authority.refresh()
    frozen = authority.directory.contact(CONTACT).frozen
    thaw = {"entry": frozen.since.leaf_hash}
    assert (await authority.propose("contact.thaw", CONTACT, thaw)).state == "logged"
    await contact.refresh()
    world.now += timedelta(seconds=1)  # the same payload would be the one refused for good
    assert (await contact.propose("contact.confirm", CONTACT, body)).state == "logged"


async def test_nothing_is_sealed_to_or_from_a_frozen_contact(contact):  # noqa: F811
    await freeze(contact)
    with pytest.raises(RefusedError) as caught:
        preview(contact.known, draft(status="test", exercise=None), ["sd.technical"])
    assert caught.value.code == "contact-frozen"
    with pytest.raises(RefusedError) as caught:
        seal_to(contact.known, draft(status="test", exercise=None), ["sd.technical"], contact._random)
    assert caught.value.code == "contact-frozen"


async def test_a_suspended_state_is_refused_before_sealing(contact, registrars, world):  # noqa: F811
    until = format_time(world.now + timedelta(days=1))
    body = {"reason": "abuse", "scope": ["send"], "until": until}
    assert (await registrars[0].propose("state.suspend", "jo", body)).state == "proposed"
    (waiting,) = await registrars[1].proposals()
    await registrars[1].refresh()
    assert (await registrars[1].sign_proposal(waiting["id"])).state == "logged"
    await contact.refresh()
    own = draft(status="test", exercise=None)
    before = contact.known.trust.outbox()
    for call in (
        lambda: preview(contact.known, own, ["sd.technical"]),
        lambda: seal_to(contact.known, own, ["sd.technical"], contact._random),
    ):
        with pytest.raises(RefusedError) as caught:
            call()
        assert caught.value.code == "state-suspended"
    assert contact.known.trust.outbox() == before
    assert any("suspended by the registrars" in line for line in contact.warnings())


async def test_a_withdrawn_contact_is_out_of_lookups_and_no_caller(contact, authority, world):  # noqa: F811
    kid = contact.known.own_device().kid
    entry = authority.directory.contact(CONTACT).nomination.leaf_hash
    assert (await authority.propose("contact.withdraw", CONTACT, {"entry": entry})).state == "logged"
    assert lookup(authority.directory, {}, Query(), world.now).contacts == ()
    with pytest.raises(RefusedError) as caught:
        caller_of(world.hub.log.view.directory, kid)
    assert caught.value.code == "bad-request-signature"
    assert await world.hub.openings.erase_superseded() in {0, 2}  # the hub's own job may have been first
    assert (await world.hub.store.read_openings(0, 10)) == ()


async def test_a_state_withdraws_and_its_desks_are_callers_no_more(contact, authority, world):  # noqa: F811
    entry = authority.directory.state("jo").enrolled.leaf_hash
    outcome = await authority.propose("state.withdraw", "jo", {"entry": entry})
    assert outcome.state == "submitted"  # its own key ended with it: the log is not read any further
    for kid in (signing_key("jo authority").kid, contact.known.own_device().kid):
        with pytest.raises(RefusedError):
            caller_of(world.hub.log.view.directory, kid)
    assert world.hub.log.view.directory.states["jo"].status == "withdrawn"
    assert world.hub.log.view.directory.contacts[CONTACT].withdrawn


async def test_an_authority_rotates_to_a_new_key_and_the_old_one_is_no_caller(authority, world):  # noqa: F811
    new = authority.keys.add_signing("authority", "jo", world.now, lambda n: b"n" * n)
    jwk = {**made.jwk("jo authority"), "x": form_value_of(new)}
    body = {"authority": {"keys": [jwk], "threshold": 1}, "recovery": None}
    assert (await authority.propose("state.rotate", "jo", body)).state == "logged"
    directory = world.hub.log.view.directory
    assert directory.state("jo").authority_kids == (new.kid,)
    assert caller_of(directory, new.kid)[0].role == "authority"
    with pytest.raises(RefusedError):
        caller_of(directory, signing_key("jo authority").kid)


def form_value_of(key):
    from poc.core.bodies import jwk_form

    return form_value(jwk_form(key.public))["x"]


async def test_registrars_do_not_withdraw_a_state(authority, registrars):  # noqa: F811
    entry = authority.directory.state("jo").enrolled.leaf_hash
    assert len(registrars) == len(REGISTRARS)
    assert await refused(registrars[0].propose("state.withdraw", "jo", {"entry": entry})) == "no-key"
