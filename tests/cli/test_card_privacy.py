"""Who will see a card is said where one is filed, shown and looked up; erasing says what it does first."""

from __future__ import annotations

import json

from tests.cli_world import poc

JO = "jo.technical"


async def done(*words, home):
    outcome = await poc(*words, home=home)
    assert outcome.code == 0, outcome
    return outcome


async def test_who_will_see_a_part_is_said_wherever_a_card_is_shown(homes):
    sd = homes["sd"]
    for words in (("contact", "show", JO), ("lookup", "--id", JO), ("contact", "who-holds", JO)):
        shown = (await done(*words, home=sd)).out
        assert "visibility of office: parties; seen by its own State, and every party" in shown, words
        assert "States and bodies" in shown
    value = (await done("contact", "who-holds", JO, "--json", home=sd)).value
    assert value["fetched"] is None
    assert "sd.technical" in value["audiences"]["reach"]["parties"]
    assert not any(party.startswith("jo") for party in value["audiences"]["reach"]["parties"])
    found = (await done("lookup", "--id", JO, "--json", home=sd)).value["contacts"][0]
    assert found["visibility"] == {"office": "parties", "reach": "parties"}


async def test_a_card_that_is_filed_says_first_who_will_see_it(homes, tmp_path):
    jo = homes["jo"]
    card = json.loads((await done("contact", "show", JO, "--card", home=jo)).out)
    reach = {"reach": {**card["reach"], "visibility": "registrars", "languages": ["ar"]}}
    (tmp_path / "card.json").write_text(json.dumps(reach))
    filed = await done(
        "contact",
        "update",
        JO,
        "--card",
        tmp_path / "card.json",
        "--json",
        "--out",
        tmp_path / "out.json",
        home=jo,
    )
    assert "visibility of reach: registrars; seen by its own State, and the registrars: today 2" in filed.err
    assert filed.value["audiences"]["reach"]["visibility"] == "registrars"
    assert filed.value["audiences"]["office"]["visibility"] == "parties"


async def test_a_part_is_erased_by_its_owner_and_by_nobody_else(homes):
    jo, sd = homes["jo"], homes["sd"]
    fetched = (await done("contact", "who-holds", JO, "--fetched", "--json", home=jo)).value["fetched"]
    assert {"sd.technical"} <= {one["reader"] for one in fetched["readers"]}
    assert "sd.technical" in (await done("contact", "who-holds", JO, "--fetched", home=jo)).out
    for words, code in (
        (("who-holds", JO, "--fetched"), "not-found"),
        (("erase", JO, "--yes"), "right-missing"),
        (("erase", "jo.nobody", "--yes"), "unknown-contact"),
        (("erase", JO, "--part", "person", "--yes"), "no-such-part"),
        (("erase", JO), "not-confirmed"),
    ):
        refused = await poc("contact", *words, "--json", home=jo if code == "no-such-part" else sd)
        assert (refused.code, refused.value["code"]) == (2 if code == "not-confirmed" else 1, code)
    assert (await poc("contact", "erase", JO, "--part", "name", home=jo)).code == 2
    erased = await done("contact", "erase", JO, "--part", "reach", "--yes", "--json", home=jo)
    assert erased.value == {"contact": JO, "erased": ["reach"]}
    assert "erased for good" in erased.err
    assert "A backup made before still has it" in erased.err
    await done("sync", home=sd)
    assert (await done("lookup", "--id", JO, "--json", home=sd)).value["contacts"][0]["channels"] == []
    assert "reach: not open to this home" in (await done("contact", "show", JO, home=jo)).out
    assert "erased at the hub and here: office" in (await done("contact", "erase", JO, "--yes", home=jo)).out
