"""An office passes to its successor, against a running hub: who reads what before and after the entry."""

from __future__ import annotations

import json

import pytest

from poc.client.trust import Trust
from poc.core.strictjson import domain_hash
from poc.keyring import Keyring
from tests import registry as made
from tests.cli_world import make_home, poc
from tests.desk_world import PASSPHRASE

JO = "jo.technical"
SEND = ("message", "send", "--to", JO, "--status", "test", "--text", "Body", "--json")


async def successor_of(live, tmp_path, party=JO, label="successor"):
    """The home of a new officer with keys of its own, and the file of their public parts."""
    home = await make_home(live, tmp_path / label, party)
    (home / "keyring.jwe").unlink()
    keys = Keyring.create(home, PASSPHRASE)
    keys.add_signing("device", party, live.now, lambda _: domain_hash("poc/1 test key", label.encode()))
    keys.add_sealing(party, live.now, lambda _: domain_hash("poc/1 test key", b"seal " + label.encode()))
    keys.save()
    file = tmp_path / f"{label}.keys.json"
    assert (await poc("key", "export", party, "--out", file, home=home)).code == 0
    return home, file


async def done(*words, home):
    outcome = await poc(*words, home=home)
    assert outcome.code == 0, outcome
    return outcome


async def subjects(home):
    await poc("sync", home=home)
    return [row["subject"] for row in (await done("message", "inbox", "--json", home=home)).value["messages"]]


def sealed_to(home):
    """The sealing keys of every message sent from a home, oldest first."""
    trust = Trust(home / "trust.db")
    envelopes = [json.loads(row.body) for row in trust.outbox(kind="message")]
    trust.close()
    return [{slot["header"]["kid"] for slot in envelope["recipients"]} for envelope in envelopes]


async def test_neither_side_of_a_handover_reads_what_is_the_others(live, homes, office, tmp_path):
    authority = await office("jo", "authority", "jo authority")
    successor, keys = await successor_of(live, tmp_path)
    await done(*SEND, "--subject", "before", home=homes["sd"])
    assert await subjects(homes["jo"]) == ["before"]
    file = tmp_path / "handover.json"
    told = await done("contact", "handover", JO, "--device", keys, "--out", file, home=authority)
    assert "end for good: device 1; stay: none" in told.err
    assert "nothing after it" in told.err
    assert told.err.index("come as new: device 2") < len(told.err)
    early = await poc("proposal", "submit", file, "--json", home=authority)
    assert early.value["state"] == "proposed"
    await done(*SEND, "--subject", "still before", home=homes["sd"])
    await done("proposal", "sign", file, home=successor)
    assert (await done("proposal", "submit", file, "--json", home=authority)).value["state"] == "logged"
    await done("sync", home=homes["sd"])
    await done("sync", home=successor)
    await done("sync", home=authority)
    await done(*SEND, "--subject", "after", home=homes["sd"])
    assert await subjects(successor) == ["after"]
    assert "after" not in await subjects(homes["jo"])
    old, new = made.sealing_key("jo.technical 1").kid, made.sealing_key("successor").kid
    assert [(old in kids, new in kids) for kids in sealed_to(homes["sd"])] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    words = ("message", "send", "--to", "sd.technical", "--subject", "x", "--status", "test", "--json")
    assert (await poc(*words, home=homes["jo"])).value["state"] == "waiting"  # the hub takes nothing of it
    devices = (await done("contact", "show", JO, "--json", home=homes["sd"])).value["devices"]
    assert [device["number"] for device in devices] == [2]


async def test_a_device_that_is_kept_stays_as_it_is(live, homes, office, tmp_path):
    authority = await office("jo", "authority", "jo authority")
    second, keys = await successor_of(live, tmp_path, label="second")
    added = tmp_path / "added.json"
    await done("contact", "device-add", JO, "--device", keys, "--out", added, home=authority)
    await done("proposal", "sign", added, home=second)
    await done("proposal", "submit", added, home=authority)
    _, third = await successor_of(live, tmp_path, label="third")
    before = (await done("contact", "show", JO, "--json", home=authority)).value["devices"]
    file = tmp_path / "kept.json"
    words = ("contact", "handover", JO, "--device", third, "--keep", "2", "--out", file)
    assert "stay: device 2" in (await done(*words, home=authority)).err
    await done("proposal", "sign", file, home=tmp_path / "third")
    assert (await done("proposal", "submit", file, "--json", home=authority)).value["state"] == "logged"
    after = (await done("contact", "show", JO, "--json", home=authority)).value["devices"]
    assert after[0] == before[1]
    assert [device["number"] for device in after] == [2, 3]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--keep", "1"), "nothing-ends"),
        (("--keep", "9"), "no-device"),
    ],
)
async def test_what_hands_nothing_over_is_refused(live, office, tmp_path, words, code):
    authority = await office("jo", "authority", "jo authority")
    _, keys = await successor_of(live, tmp_path)
    outcome = await poc("contact", "handover", JO, "--device", keys, *words, "--json", home=authority)
    assert (outcome.code, outcome.value["code"]) == (1, code), outcome


async def test_keys_of_another_or_of_the_same_device_are_refused(live, homes, office, tmp_path):
    authority = await office("jo", "authority", "jo authority")
    own = tmp_path / "own.json"
    await done("key", "export", JO, "--out", own, home=homes["jo"])
    _, foreign = await successor_of(live, tmp_path, "jo.duty")
    for file in (own, foreign):
        outcome = await poc("contact", "handover", JO, "--device", file, "--json", home=authority)
        assert outcome.value["code"] == "bad-key-file", outcome
    by_itself = await poc("contact", "handover", "jo.none", "--device", own, "--json", home=authority)
    assert by_itself.value["code"] == "unknown-contact"
