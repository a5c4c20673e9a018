"""``poc verify``: whatever of a home is altered is named, and nothing computed before is trusted."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from poc.core.checkpoint import Checkpoint, sign_checkpoint
from tests.cli_world import run_here
from tests.registry import ORIGIN, log_signer


def database(home):
    return closing(sqlite3.connect(home / "trust.db", isolation_level=None))


def flipped(data, at):
    changed = data[at] ^ 1 if isinstance(data, bytes) else None
    if changed is None:
        letter = "A" if data[at] != "A" else "B"
        return data[:at] + letter + data[at + 1 :]
    return data[:at] + bytes([changed]) + data[at + 1 :]


def alter(home, table, column, where="1", at=-20):
    with database(home) as db:
        chosen = f"SELECT rowid, {column} FROM {table} WHERE {where} LIMIT 1"  # noqa: S608
        ((row, data),) = db.execute(chosen).fetchall()
        change = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"  # noqa: S608
        db.execute(change, (flipped(data, at), row))


def verified(home, *words):
    return run_here("verify", *words, "--json", home=home)


def test_an_untouched_home_verifies_without_passphrase_and_network(kept):
    (kept["jo"] / "passphrase").unlink()
    outcome = verified(kept["jo"])
    assert outcome.code == 0, outcome
    value = outcome.value
    assert (value["verified"], value["origin"], value["bad"]) == (True, ORIGIN, None)
    assert [check["count"] for check in value["checks"]] == [value["entries"], 1, 6, 4, 1, 0, 0]
    assert "no witnesses: the operator could show different logs" in value["warnings"]
    shown = run_here("verify", "--progress", home=kept["jo"])
    assert "VERIFIED: everything" in shown.out
    assert value["root"] in shown.out
    assert f"verified {value['entries']} of {value['entries']} entries" in shown.err


@pytest.mark.parametrize("number", [0, 1, 5])
@pytest.mark.parametrize("at", [40, -20])
def test_an_altered_entry_is_named(kept, number, at):
    alter(kept["jo"], "entry", "leaf", f"number = {number}", at)
    outcome = verified(kept["jo"])
    assert outcome.code == 1
    assert outcome.value["verified"] is False
    assert outcome.value["message"].startswith(f"entry {number}")
    assert outcome.value["code"]
    assert outcome.value["next"]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM entry WHERE number = (SELECT max(number) FROM entry)", "head-inconsistent"),
        ("DELETE FROM entry WHERE number = 1", None),
        ("DELETE FROM entry WHERE number = 0", None),
        ("DELETE FROM entry", "empty-log"),
        ("UPDATE entry SET number = 100 WHERE number = 2", None),
        ("UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE number = 3) WHERE number = 4", None),
        ("UPDATE entry SET leaf = x'00' WHERE number = 4", "bad-json"),
        ("UPDATE value SET data = x'00' WHERE name = 'head'", None),
        ("UPDATE opening SET commitment = 'A' || substr(commitment, 2)", "commitment-mismatch"),
        ("UPDATE opening SET data = (SELECT data FROM opening ORDER BY data LIMIT 1)", "commitment-mismatch"),
        ("UPDATE opening SET data = x'7b7d'", "bad-form"),
        ("UPDATE sealing_key SET kid = 'A' || substr(kid, 2)", "bad-key"),
        ("UPDATE sealing_key SET jwk = x'5b5d'", None),
        ("UPDATE sealing_key SET jwk = x'31'", None),
        ("UPDATE exercise SET orders = x'5b2278225d'", None),
        ("UPDATE exercise SET orders = x'31'", None),
        ("INSERT INTO proof (kind, kept, shown) VALUES ('fork', x'00', x'00')", None),
        (
            "INSERT INTO proof (kind, kept, shown) SELECT 'fork', data, data FROM value WHERE name = 'head'",
            "bad-proof",
        ),
        ("INSERT INTO proof (kind, kept, shown) VALUES ('fork', x'', x'')", "bad-proof"),
    ],
)
def test_what_is_removed_moved_or_put_in_is_found(kept, sql, code):
    with database(kept["jo"]) as db:
        db.execute(sql)
    outcome = verified(kept["jo"])
    assert outcome.code == 1, outcome
    assert code in (None, outcome.value["code"])


@pytest.mark.parametrize(
    ("table", "column", "at"),
    [
        ("opening", "data", -3),
        ("sealing_key", "jwk", -30),
        ("exercise", "announcement", -5),
        ("exercise", "orders", -10),
    ],
)
def test_a_flipped_bit_beside_the_log_is_found(kept, table, column, at):
    alter(kept["jo"], table, column, at=at)
    outcome = verified(kept["jo"])
    assert outcome.code == 1, outcome
    shown = run_here("verify", home=kept["jo"])
    assert "NOT VERIFIED" in shown.out
    assert "next:" in shown.out


def test_a_checkpoint_of_another_root_is_found_though_the_log_signed_it(kept):
    with database(kept["jo"]) as db:
        (size,) = db.execute("SELECT count(*) FROM entry").fetchone()
        note = sign_checkpoint(Checkpoint(ORIGIN, size, b"\1" * 32), log_signer())
        db.execute("UPDATE value SET data = ? WHERE name = 'head'", (note,))
    assert verified(kept["jo"]).value["code"] == "head-inconsistent"


def test_a_real_contradiction_is_proven_and_alarms(kept):
    with database(kept["jo"]) as db:
        (head,) = db.execute("SELECT data FROM value WHERE name = 'head'").fetchone()
        note = sign_checkpoint(Checkpoint(ORIGIN, 3, b"\1" * 32), log_signer())
        db.execute("INSERT INTO proof (kind, kept, shown) VALUES ('fork', ?, ?)", (head, note))
    outcome = verified(kept["jo"])
    assert (outcome.code, outcome.value["contradictions"]) == (0, 1)
    assert "ALARM: fork" in outcome.err


@pytest.mark.parametrize("size", [50, 10**6])
def test_a_head_beyond_what_is_kept_is_told_and_not_called_proven(kept, size):
    with database(kept["jo"]) as db:
        note = sign_checkpoint(Checkpoint(ORIGIN, size, b"\1" * 32), log_signer())
        db.execute(
            "INSERT INTO proof (kind, kept, shown) SELECT 'fork', data, ? FROM value WHERE name = 'head'",
            (note,),
        )
    outcome = verified(kept["jo"])
    assert outcome.code == 0
    assert "too short to compare it" in outcome.err


@pytest.mark.parametrize(
    ("kept_item", "shown_item", "code"),
    [
        ("a", "a", "bad-proof"),
        ("a", "b", None),
        ("a", "{}", "bad-form"),
        ("a", "[1]", "bad-form"),
        ("a", "{", "bad-json"),
    ],
)
def test_two_messages_kept_as_proof_are_of_one_sender_and_differ(kept, kept_item, shown_item, code):
    with database(kept["sd"]) as db:
        items = [row[0] for row in db.execute("SELECT item FROM inbox ORDER BY length(item)").fetchall()]
        mine = {
            "a": items[0],
        }
        other = json.loads(items[0])
        other["envelope"]["tag"] = "A" * 22
        mine["b"] = json.dumps(other).encode()
        pair = [mine.get(name, name.encode()) for name in (kept_item, shown_item)]
        db.execute("INSERT INTO proof (kind, kept, shown) VALUES ('id-used-twice', ?, ?)", pair)
    outcome = verified(kept["sd"])
    assert outcome.code == (1 if code else 0), outcome
    assert code in (None, outcome.value.get("code"))


def test_a_home_pinned_to_another_genesis_does_not_verify(kept):
    config = kept["jo"] / "config.toml"
    text = config.read_text()
    pinned = next(line for line in text.splitlines() if line.startswith("fingerprint"))
    config.write_text(text.replace(pinned, f'fingerprint = "{"0" * 64}"'))
    assert verified(kept["jo"]).value["code"] == "wrong-fingerprint"


def test_a_log_of_another_registry_put_into_the_home_does_not_verify(kept, tmp_path):
    config = kept["jo"] / "config.toml"
    config.write_text(config.read_text().replace(ORIGIN, "example.org/other"))
    assert verified(kept["jo"]).value["code"] == "wrong-origin"


@pytest.mark.parametrize("missing", ["config.toml", "trust.db"])
def test_a_home_without_its_files_is_none(kept, missing):
    (kept["jo"] / missing).unlink()
    outcome = verified(kept["jo"])
    assert (outcome.code, outcome.value["code"]) == (1, "not-a-desk")


def test_a_database_that_is_none_is_told_without_a_fault(kept):
    for part in kept["jo"].glob("trust.db*"):
        part.unlink()
    (kept["jo"] / "trust.db").write_bytes(b"no database" * 1000)
    outcome = verified(kept["jo"])
    assert (outcome.code, outcome.value["code"]) == (1, "home-damaged")


def test_a_home_that_joined_and_never_synced_says_so(kept, tmp_path):
    fresh = tmp_path / "fresh"
    shutil.copytree(kept["jo"], fresh)
    with database(fresh) as db:
        db.execute("DELETE FROM entry WHERE number > 0")
        db.executescript("DELETE FROM opening; DELETE FROM sealing_key; DELETE FROM exercise")
        db.execute("DELETE FROM value WHERE name = 'head'")
    outcome = verified(fresh)
    assert (outcome.code, outcome.value["entries"]) == (0, 1)
    assert "never synced" in outcome.err
