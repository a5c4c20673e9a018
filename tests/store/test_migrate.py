from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from importlib import resources

import pytest

from poc.errors import FaultError, RefusedError
from poc.store.migrate import APPLICATION_ID, Migration, check_database, migrate, read_migrations
from poc.store.sqlite import SqliteStore

STEPS = read_migrations()
NEXT = Migration(
    len(STEPS) + 1, "more", "CREATE TABLE more (a TEXT) STRICT;\nINSERT INTO more VALUES ('x');\n"
)


@pytest.fixture
def db(tmp_path):
    with closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as made:
        yield made


def shape(db):
    rows = db.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
    return [(kind, name, re.sub(r"\s+", " ", sql)) for kind, name, sql in rows]


def refusal(db, steps):
    with pytest.raises(RefusedError) as caught:
        check_database(db, steps)
    return caught.value.code


def test_the_steps_from_an_empty_file_lead_to_the_schema_as_written(db):
    assert migrate(db, STEPS) == len(STEPS)
    with closing(sqlite3.connect(":memory:")) as other:
        other.executescript((resources.files("poc.store") / "sql" / "schema.sql").read_text(encoding="utf-8"))
        assert shape(db) == shape(other)


def test_every_table_is_strict(db):
    migrate(db, STEPS)
    tables = db.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    assert {name for name, strict in tables if not strict} <= {"sqlite_schema", "sqlite_sequence"}


def test_a_second_run_applies_nothing(db):
    migrate(db, STEPS)
    assert migrate(db, STEPS) == 0
    assert check_database(db, STEPS) == len(STEPS)


def test_a_new_step_is_applied_to_a_database_of_the_last_release(db):
    migrate(db, STEPS)
    assert migrate(db, [*STEPS, NEXT]) == 1
    assert db.execute("SELECT a FROM more").fetchall() == [("x",)]


def test_a_step_that_fails_leaves_nothing_of_any_step(db):
    bad = replace(NEXT, sql=f"{NEXT.sql}\nnonsense;")
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, [*STEPS, bad])
    assert shape(db) == []
    assert migrate(db, STEPS) == len(STEPS)


def test_a_step_that_ends_in_the_middle_of_a_statement_is_our_fault(db):
    with pytest.raises(FaultError):
        migrate(db, [*STEPS, replace(NEXT, sql="CREATE TABLE more (")])
    assert shape(db) == []


def test_a_changed_step_is_refused(db):
    migrate(db, STEPS)
    changed = replace(STEPS[0], sql=STEPS[0].sql + "-- one comment more\n")
    assert refusal(db, [changed, *STEPS[1:]]) == "migration-changed"


def test_a_database_newer_than_the_code_is_refused(db):
    migrate(db, [*STEPS, NEXT])
    assert refusal(db, STEPS) == "database-newer"


@pytest.mark.parametrize(
    "sql", ["CREATE TABLE theirs (a)", "PRAGMA application_id = 7", "PRAGMA application_id = 1196444487"]
)
def test_a_database_of_another_program_is_refused_and_left_as_it_was(db, sql):
    db.execute(sql)
    assert refusal(db, STEPS) == "database-foreign"
    with pytest.raises(RefusedError):
        migrate(db, STEPS)
    assert [name for _, name, _ in shape(db)] in ([], ["theirs"])


async def test_opening_a_database_of_another_program_does_not_change_a_byte(tmp_path):
    with closing(sqlite3.connect(tmp_path / "hub.db")) as theirs:
        theirs.execute("CREATE TABLE theirs (a)")
    before = (tmp_path / "hub.db").read_bytes()
    with pytest.raises(RefusedError) as caught:
        await SqliteStore.open(tmp_path)
    assert caught.value.code == "database-foreign"
    assert (tmp_path / "hub.db").read_bytes() == before


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([NEXT, *STEPS[1:]], "migration-changed"),
        ([replace(STEPS[0], sql=""), *STEPS[1:]], "migration-changed"),
    ],
)
async def test_a_hub_does_not_start_on_other_steps(tmp_path, steps, code):
    store = await SqliteStore.open(tmp_path)
    await store.close()
    with pytest.raises(RefusedError) as caught:
        await SqliteStore.open(tmp_path, steps)
    assert caught.value.code == code


async def test_a_hub_does_not_start_on_a_database_from_a_newer_one(tmp_path):
    store = await SqliteStore.open(tmp_path, [*STEPS, NEXT])
    await store.close()
    with pytest.raises(RefusedError) as caught:
        await SqliteStore.open(tmp_path)
    assert caught.value.code == "database-newer"


def test_our_databases_carry_our_application_id(db):
    migrate(db, STEPS)
    assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
