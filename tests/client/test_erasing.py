"""Erasing a card's part: gone here at once, at every other desk with its next sync, and only if proved."""

from __future__ import annotations

import pytest

from poc.client.outbox import flush
from poc.core.erasure import make_erasure
from poc.core.form import form_bytes, form_value
from poc.core.httpsig import sign_request
from poc.core.strictjson import b64u
from poc.errors import PocError
from tests.registry import START, openings, signing_key

JO = "jo.technical"
OFFICE, REACH = openings(JO)


@pytest.fixture
async def held(world, desks):
    """Jordan's card is at its own desk and at Sudan's."""
    for opening in (OFFICE, REACH):
        path = f"/v1/cards/{opening.commitment()}"
        assert (await world.ask("PUT", path, form_value(opening), who="jo.technical 1"))[0] == 201
    for desk in desks[:2]:
        await desk.sync()
        assert holds(desk) == {"office", "reach"}
    return desks


def holds(desk):
    return set(desk.known.card(JO))


def on_disk(desk, opening):
    disk = b"".join(path.read_bytes() for path in desk.home.iterdir() if path.is_file())
    return opening.bytes.encode()[8:-8] in disk


def erasure(who, opening=OFFICE):
    target = f"https://hub.example/v1/cards/{opening.commitment()}"
    headers = sign_request("DELETE", target, b"", signing_key(who), START, b64u(b"n" * 16))
    return form_value(make_erasure(JO, "office", OFFICE.commitment(), target, headers))


def told(report):
    return [line for line in report.warnings if line.startswith("cards:")]


def code_of(caught):
    return caught.value.code


async def test_what_its_owner_erases_is_gone_everywhere_at_the_next_sync(held):
    jo, sd, _ = held
    assert on_disk(jo, OFFICE)
    assert on_disk(sd, OFFICE)
    assert await jo.erase_card(JO, ["office"]) == ["office"]
    assert holds(jo) == {"reach"}
    assert holds(sd) == {"office", "reach"}
    for _ in range(2):
        report = await sd.sync()
        assert told(report) == []
        assert holds(sd) == {"reach"}
    await sd.sync(from_start=True)
    assert holds(sd) == {"reach"}
    assert not on_disk(jo, OFFICE)
    assert not on_disk(sd, OFFICE)
    assert on_disk(sd, REACH)


async def test_erasing_twice_and_the_whole_card_is_one_thing(held):
    jo, sd, _ = held
    assert await jo.erase_card(JO, ["office"]) == ["office"]
    assert await jo.erase_card(JO) == ["office", "reach"]
    await sd.sync()
    assert holds(sd) == set()


@pytest.mark.parametrize(
    ("contact", "parts", "code"),
    [
        ("sd.technical", [], "right-missing"),
        (JO, ["person"], "no-such-part"),
        ("jo.nobody", [], "unknown-contact"),
    ],
)
async def test_what_is_not_its_own_or_not_there_is_refused(held, contact, parts, code):
    with pytest.raises(PocError) as caught:
        await held[0].erase_card(contact, parts)
    assert code_of(caught) == code
    assert holds(held[0]) == {"office", "reach"}


async def test_a_hub_that_is_down_erases_nothing_and_says_so(held):
    jo = held[0]
    jo.hub._base = "http://127.0.0.1:9"
    with pytest.raises(PocError) as caught:
        await jo.erase_card(JO)
    assert code_of(caught) == "hub-unreachable"
    assert holds(jo) == {"office", "reach"}


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (erasure("sd authority"), "right-missing"),
        (erasure("sd.technical 1"), "right-missing"),
        (erasure("nobody"), "unknown-key"),
        (erasure("hub"), "right-missing"),
        (erasure("jo authority", REACH), "bad-request-signature"),
        ({**erasure("jo authority"), "signature": "poc=:AA==:"}, "bad-request-signature"),
        ({**erasure("jo authority"), "more": 1}, "bad-form"),
        ("everything", "bad-form"),
    ],
)
async def test_a_hub_alone_cannot_make_a_desk_forget_a_card(held, between, shown, code):
    sd = held[1]
    between.change("/v1/cards", lambda page: page["erased"].append(shown) or page)
    report = await sd.sync()
    assert [line for line in report.warnings if code in line], report.warnings
    assert holds(sd) == {"office", "reach"}


async def test_an_owners_request_is_believed_from_any_hub(held, between):
    between.change("/v1/cards", lambda page: page["erased"].append(erasure("jo authority")) or page)
    report = await held[1].sync()
    assert told(report) == []
    assert holds(held[1]) == {"reach"}


async def test_an_erasure_of_what_the_log_no_longer_names_is_passed_over(held, between):
    other = {**erasure("jo authority"), "contact": "jo.gone"}
    between.change("/v1/cards", lambda page: page["erased"].append(other) or page)
    assert told(await held[1].sync()) == []
    assert holds(held[1]) == {"office", "reach"}


@pytest.mark.parametrize("erased", [None, "x", 5])
async def test_a_page_whose_erasures_are_no_list_is_a_bad_answer(held, between, erased):
    between.change("/v1/cards", lambda page: page.update(erased=erased) or page)
    assert "bad-answer-from-hub" in (await held[1].sync()).failed
    assert holds(held[1]) == {"office", "reach"}


async def test_a_hub_of_an_earlier_version_says_nothing_of_erasures(held, between):
    between.change("/v1/cards", lambda page: {} if page.pop("erased") else None)
    report = await held[1].sync()
    assert (report.failed, told(report)) == ([], [])


async def test_an_opening_that_still_waits_is_refused_once_and_dropped_when_its_erasure_is_proved(held):
    jo = held[0]
    await jo.erase_card(JO, ["office"])
    jo.known.trust.put_outbox("opening", OFFICE.commitment(), form_bytes(OFFICE))
    flushed = await flush(jo.known, jo.hub)
    assert ["opening-erased" in line for line in flushed.rejected] == [True]
    assert (await flush(jo.known, jo.hub)).rejected == []
    assert jo.known.trust.outbox_row("opening", OFFICE.commitment()).state == "rejected"
    await jo.sync()
    assert jo.known.trust.outbox_row("opening", OFFICE.commitment()) is None
    assert not on_disk(jo, OFFICE)


async def test_a_hub_that_refuses_an_opening_as_erased_takes_no_copy_away(held, between):
    jo = held[0]
    jo.known.trust._write("DELETE FROM outbox WHERE kind = ?", ("opening",))
    jo.known.trust.put_outbox("opening", OFFICE.commitment(), form_bytes(OFFICE))
    problem = b'{"code":"opening-erased","detail":""}'
    between.alter = lambda method, path, _body: (
        (problem, 409) if method == "PUT" and "cards" in path else None
    )
    await jo.sync()
    assert holds(jo) == {"office", "reach"}


async def test_a_card_filed_anew_after_erasing_has_a_new_commitment(held):
    jo = held[0]
    value = {"office": {"names": {"en": "Office"}, "visibility": "parties"}}
    before = jo.directory.contacts[JO].card.office.commitment
    await jo.erase_card(JO, ["office"])
    filed = jo.file_card(JO, value)
    assert filed.commitments["office"]["commitment"] != before
    assert [opening.part for opening in filed.openings] == ["office"]


async def test_the_readers_of_an_own_card_are_told_and_of_no_other(held):
    jo, sd, _ = held
    readers, days = await jo.readers(JO)
    assert days == 365
    assert {(one.part, one.reader) for one in readers} == {
        ("office", "sd.technical"),
        ("reach", "sd.technical"),
    }
    with pytest.raises(PocError) as caught:
        await sd.readers(JO)
    assert code_of(caught) == "not-found"


async def test_who_may_see_a_part_is_said_with_names_and_numbers(desks):
    jo = desks[0]
    named = jo.audiences(JO, {"office": "parties", "reach": "exercise", "person": "registrars"})
    assert named["office"].parties == (
        *("sd", "sd.technical", "x-arcc.controller-1", "x-arcc.registrar-1", "x-las.registrar-1"),
    )
    assert "today 5 parties of 3 States and bodies" in named["office"].words
    assert named["person"].parties == ("x-arcc.registrar-1", "x-las.registrar-1")
    assert "the registrars" in named["person"].words
    assert "sd.technical" not in named["reach"].parties
    assert jo.audiences(JO).keys() == {"office", "reach"}
