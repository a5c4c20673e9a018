"""``poc key rotate``, ``poc key list`` and ``poc message keep`` against a running hub."""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc import keyring as module
from poc.client.sdk import Desk, now_utc
from tests.cli_world import poc
from tests.desk_world import PASSPHRASE


@pytest.fixture(autouse=True)
def quick_keyrings(monkeypatch):
    for bound in ("ROUNDS", "ROUNDS_MIN"):
        monkeypatch.setattr(module, bound, 1000)


async def done(*words, home):
    outcome = await poc(*words, home=home)
    assert outcome.code == 0, outcome
    return outcome


async def rows_of(home):
    return (await done("key", "list", "--json", home=home)).value["keys"]


async def test_a_sealing_key_is_replaced_by_hand_and_listed_with_what_comes_next(homes):
    jo = homes["jo"]
    rotated = await done("key", "rotate", "--json", home=jo)
    assert (rotated.value["state"], rotated.err.count("warning")) == ("logged", 1)
    rows = await rows_of(jo)
    (signing,) = (row for row in rows if row["use"] == "sign")
    (new,) = (row for row in rows if row["replaces"] is not None)
    (old,) = (row for row in rows if row["kid"] == new["replaces"])
    assert old["destroyed_from"] is not None
    assert (old["rotate_by"], new["destroyed_from"], signing["rotate_by"]) == (None, None, None)
    assert new["rotate_by"] > signing["created_at"]
    assert (new["age_days"], new["destroyed_at"]) == (0, None)
    shown = await done("key", "list", home=jo)
    assert "replaced; a sync destroys it from" in shown.out
    assert "in use; to be replaced by" in shown.out
    assert (await done("key", "rotate", "--signing", "--json", home=jo)).value["state"] == "logged"
    exported = await done("key", "export", "jo.technical", "--json", home=jo)
    assert sorted(row["use"] for row in exported.value["keys"]) == ["seal", "sign"]


async def test_a_rotation_without_a_hub_waits_and_the_new_key_is_not_handed_out(homes):
    sd = homes["sd"]
    config = sd / "config.toml"
    there = config.read_text()
    hub_url = next(line for line in there.splitlines() if line.startswith("hub_url"))
    config.write_text(there.replace(hub_url, 'hub_url = "http://127.0.0.1:9"'))
    waiting = await done("key", "rotate", home=sd)
    assert "sealing key: waiting" in waiting.out
    assert "`poc sync` sends them" in waiting.err
    assert (await done("key", "rotate", "--json", home=sd)).value["state"] == "waiting"
    rows = await rows_of(sd)
    assert len([row for row in rows if row["use"] == "seal"]) == 2  # not a third one
    assert "made to replace another; not in the log yet" in (await done("key", "list", home=sd)).out
    exported = await done("key", "export", "sd.technical", "--json", home=sd)
    (new,) = (row["kid"] for row in rows if row["replaces"] is not None)
    assert new not in [row["kid"] for row in exported.value["keys"]]
    config.write_text(there)
    assert (await done("sync", "--json", home=sd)).value["sent"] == 2
    assert [row["kid"] for row in await rows_of(sd) if row["rotate_by"] is not None] == [new]


async def test_keys_of_a_home_that_is_no_desk_are_listed_too(tmp_path):
    keys = module.Keyring.create(tmp_path, PASSPHRASE)
    keys.add_signing("authority", "jo", now_utc() - timedelta(days=3), lambda count: b"1" * count)
    keys.save()
    listed = await done("key", "list", "--json", home=tmp_path)
    assert [(row["age_days"], row["rotate_by"]) for row in listed.value["keys"]] == [(3, None)]
    assert (await poc("key", "rotate", "--json", home=tmp_path)).value["code"] == "no-passphrase"


async def test_messages_that_will_close_are_named_and_kept(homes):
    jo, sd = homes["jo"], homes["sd"]
    send = ("message", "send", "--subject", "A", "--status", "test", "--to", "sd.technical", "--text", "B")
    sent = (await done(*send, "--json", home=jo)).value["id"]
    await done("sync", home=sd)
    assert "about to become unreadable" in (await done("message", "keep", home=sd)).out
    first = await done("key", "rotate", home=sd)
    assert "open until" in first.err
    assert "`poc message keep`" in first.err
    assert "open until" not in (await done("key", "list", home=sd)).err  # told once
    listed = await done("message", "keep", "--json", home=sd)
    assert [(row["message"], row["direction"]) for row in listed.value["closing"]] == [(sent, "received")]
    assert (await done("sync", "--json", home=sd)).value["closing"] == listed.value["closing"]
    assert (await poc("message", "keep", sent, "--all", home=sd)).code == 2
    assert (await poc("message", "keep", "nothing", "--json", home=sd)).value["code"] == "unknown-message"
    kept = await done("message", "keep", "--all", "--json", home=sd)
    assert kept.value == {"kept": [sent], "closing": []}
    exported = await done("key", "export", "sd.technical", "--json", home=sd)
    assert {row["role"] for row in exported.value["keys"]} == {"device"}
    await jo_closes_its_own_copy(jo, sent)


async def jo_closes_its_own_copy(jo, sent):
    """The sender's own copy closes with its key as well."""
    await done("key", "rotate", home=jo)
    (row,) = (await done("message", "keep", "--json", home=jo)).value["closing"]
    assert (row["message"], row["direction"]) == (sent, "sent")
    async with await Desk.open(jo, PASSPHRASE) as desk:
        desk.keys.destroy(row["key"], now_utc())
        desk.keys.save()
    gone = await poc("message", "show", sent, "--json", home=jo)
    assert (gone.code, gone.value["code"]) == (1, "key-destroyed")
    assert "`poc message keep`" in gone.value["next"]
    assert (await done("message", "outbox", "--json", home=jo)).value["messages"][0]["id"] == sent
