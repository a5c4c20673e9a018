"""The commands that take away, against a running hub: what they say first and what is shown after."""

from __future__ import annotations

from tests.cli_world import poc
from tests.desk_world import CONTROLLER
from tests.registry import REGISTRARS

JO = "jo.technical"


async def done(*words, home):
    outcome = await poc(*words, home=home)
    assert outcome.code == 0, outcome
    return outcome


async def test_a_contact_is_frozen_thawed_and_withdrawn(homes, office):
    jo, sd = homes["jo"], homes["sd"]
    authority = await office("jo", "authority", "jo authority")
    refused = await poc("contact", "thaw", JO, "--json", home=authority)
    assert refused.value["code"] == "superseded"
    frozen = await done("contact", "freeze", JO, "--json", home=jo)
    assert "only brakes count" in frozen.err
    assert frozen.value["state"] == "logged"
    await done("sync", home=sd)
    shown = await done("contact", "list", "--json", home=sd)
    assert {r["contact"]: r["standing"] for r in shown.value["contacts"]}[JO] == "FROZEN"
    assert "frozen: since" in (await done("contact", "show", JO, home=sd)).out
    assert "FROZEN" in (await done("lookup", JO, home=sd)).out
    send = ("message", "send", "--subject", "A", "--status", "test", "--to", JO, "--text", "B", "--json")
    assert (await poc(*send, home=sd)).value["code"] == "contact-frozen"
    assert "take part again" in (await done("contact", "thaw", JO, home=authority)).err
    assert "end for good" in (await done("contact", "withdraw", JO, home=authority)).err
    await done("sync", home=sd)
    assert "WITHDRAWN" in (await done("contact", "show", JO, home=sd)).out
    assert (await done("lookup", "--state", "jo", "--json", home=sd)).value["contacts"] == []


async def test_a_state_rotates_and_withdraws(homes, office, tmp_path):
    authority = await office("jo", "authority", "jo authority")
    new = await office("jo", "authority", "jo authority 2")
    file, keys = tmp_path / "rotate.json", tmp_path / "keys.json"
    await done("key", "export", "jo", "--out", keys, home=new)
    words = ("state", "rotate", "jo", "--authority", keys)
    assert (await poc(*words, "--recovery", keys, home=authority)).code == 2
    by_recovery = await poc(*words, "--by-recovery", "--json", home=authority)
    assert by_recovery.value["code"] == "no-key"
    made = await done(*words, "--out", file, home=authority)
    assert "ended for good" in made.err
    await done("proposal", "sign", file, home=new)
    await done("proposal", "submit", file, home=authority)
    refused = await poc("state", "withdraw", "jo", "--json", home=authority)
    assert refused.code == 1
    left = await done("state", "withdraw", "jo", "--json", home=new)
    assert "new enrolment" in left.err
    await done("sync", home=homes["sd"])
    assert "WITHDRAWN" in (await done("state", "show", "jo", home=homes["sd"])).out


async def test_a_controller_is_dismissed_by_two_registrars(live, office, tmp_path):
    first, second = [await office(name, "registrar", name) for name in REGISTRARS]
    file = tmp_path / "dismiss.json"
    made = await done("controller", "dismiss", CONTROLLER, "--out", file, home=first)
    assert "out of office" in made.err
    await done("proposal", "sign", file, home=second)
    await done("proposal", "submit", file, home=second)
    assert live.hub.log.view.directory.controllers[CONTROLLER].dismissed
