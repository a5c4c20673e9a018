"""Every start that cannot be, as a real process: one clear line and the right exit code."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing

import aiohttp
import pytest

from tests.hub_process import ask, ended, make_home, real_time, running, write_keyring
from tests.registry import signing_key, usual


@pytest.fixture
def home(tmp_path):
    with real_time():
        make_home(tmp_path / "hub", usual())
    return tmp_path / "hub"


def last_line(errors):
    return json.loads(errors.splitlines()[-1])


def refused(home, code, exit_code, *options):
    """The start must end with this code, said on the last line with what to do next."""
    found, errors = ended(home, *options)
    line = last_line(errors)
    assert (line["event"], line["code"], found) == ("not-started", code, exit_code), errors
    assert line["message"]
    assert line["next"]
    assert "Traceback" not in errors
    return line


def get(url):
    """Status and JSON of an unsigned request, errors included."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (our own)
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_a_folder_that_is_not_there_is_no_hub(tmp_path):
    assert "no folder" in refused(tmp_path / "nothing", "not-a-hub", 1)["message"]


def test_a_file_is_no_hub(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    refused(tmp_path / "file", "not-a-hub", 1)


def test_a_desks_home_is_no_hub_and_is_left_as_it_was(tmp_path):
    (tmp_path / "trust.db").write_bytes(b"")
    refused(tmp_path, "not-a-hub", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["trust.db"]


def test_an_unreadable_home_is_refused(tmp_path):
    (tmp_path / "hub.db").mkdir()
    refused(tmp_path, "storage-failed", 3)


def test_settings_that_cannot_be_read_are_refused(tmp_path):
    (tmp_path / "config.toml").mkdir()
    refused(tmp_path, "bad-setting", 1)


def test_a_database_of_another_program_is_refused(tmp_path):
    (tmp_path / "hub.db").write_bytes(b"nothing of ours" * 100)
    refused(tmp_path, "database-foreign", 1)


def test_a_database_of_a_newer_program_is_refused(home):
    with closing(sqlite3.connect(home / "hub.db")) as db:
        db.execute("INSERT INTO migrations VALUES (99, 'later', 'x')")
        db.commit()
    assert "newer" in refused(home, "database-newer", 1)["message"]


def test_a_keyring_without_its_passphrase_is_refused(home):
    (home / "passphrase").unlink()
    assert "POC_PASSPHRASE_FILE" in refused(home, "no-passphrase", 1)["next"]


def test_a_wrong_passphrase_is_refused(home):
    (home / "passphrase").write_text("another passphrase", encoding="utf-8")
    refused(home, "wrong-passphrase", 1)


def test_a_passphrase_others_can_read_is_refused(home):
    (home / "passphrase").chmod(0o644)
    refused(home, "passphrase-file-open", 1)


def test_a_damaged_keyring_is_refused(home):
    (home / "keyring.jwe").write_text("x.y.z", encoding="utf-8")
    refused(home, "bad-keyring", 1)


@pytest.mark.parametrize(("roles", "code"), [(("hub",), "no-log-key"), (("log",), "no-hub-key")])
def test_a_keyring_that_lacks_a_key_of_the_registry_is_refused(home, roles, code):
    for name in ("keyring.jwe", "keys.json"):
        (home / name).unlink()
    write_keyring(home, roles)
    assert "backup" in refused(home, code, 1)["next"]


def test_a_hub_without_any_keyring_is_refused_once_there_is_a_registry(home):
    (home / "keyring.jwe").unlink()
    refused(home, "no-log-key", 1)


@pytest.mark.parametrize("option", ["--port", "--metrics-port"])
def test_a_port_in_use_is_refused_with_its_number(home, option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = str(taken.getsockname()[1])
        options = (option, number) if option == "--port" else ("--port", "0", option, number)
        assert number in refused(home, "cannot-listen", 3, *options)["message"]


def test_a_second_hub_on_one_home_is_refused_and_the_first_goes_on(home):
    with running(home) as hub:
        refused(home, "home-in-use", 1, "--port", "0")
        assert get(hub.address + "/readyz")[0] == 200


DAMAGE = {
    "an entry altered": "UPDATE leaves SET data = CAST(replace(CAST(data AS TEXT), 'a', 'b') AS BLOB)",
    "an entry lost": "DELETE FROM leaves WHERE position = 0",
    "an entry that is no entry": "UPDATE leaves SET data = x'7b7d'",
    "another hash beside an entry": "UPDATE leaves SET leaf_hash = zeroblob(32)",
    "another hash in the tree": "UPDATE subtrees SET hash = zeroblob(32)",
    "another checkpoint": "UPDATE head SET checkpoint ="
    " CAST(replace(CAST(checkpoint AS TEXT), '1', '2') AS BLOB)",
    "no checkpoint at all": "UPDATE head SET checkpoint = x''",
    "a head of more entries": "UPDATE head SET size = 7",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_log_that_does_not_prove_itself_is_not_shown_and_the_hub_says_why(home, damage):
    with closing(sqlite3.connect(home / "hub.db")) as db:
        db.execute(damage)
        db.commit()
    with running(home) as hub:
        status, ready = get(hub.address + "/readyz")
        assert (status, ready["reason"]) == (503, "log-unproved")
        assert "poc verify" in ready["next"]
        assert "backup" in ready["next"]
        assert get(hub.address + "/healthz") == (200, {"status": "ok"})
        with urllib.request.urlopen(hub.address + "/", timeout=5) as page:  # noqa: S310 (our own)
            assert b"not shown" in page.read()
        for path in ("/checkpoint", "/v1/genesis", "/tile/0/000.p/1", "/v1/inbox"):
            status, problem = get(hub.address + path)
            assert (status, problem["code"]) == (503, "read-only"), path
    line = next(json.loads(row) for row in hub.errors.splitlines() if '"read-only"' in row)
    assert (line["code"], line["next"]) == ("log-unproved", ready["next"])


def test_the_port_does_not_change_the_configured_public_origin(home):
    (home / "config.toml").write_text('public_origin = "https://hub.example.org"\n', encoding="utf-8")

    async def both(hub):
        async with aiohttp.ClientSession() as session:
            as_bound = await ask(session, hub, "GET", "/v1/proposals", who="x-las.registrar-1")
            hub.origin = "https://hub.example.org"
            as_configured = await ask(session, hub, "GET", "/v1/proposals", who="x-las.registrar-1")
            return as_bound[0], as_configured[0]

    with running(home) as hub:
        assert asyncio.run(both(hub)) == (401, 200)


def test_a_hub_answers_within_five_seconds_of_its_start(home):
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import aiohttp, pydantic, cryptography"], check=True)
    # On a machine so busy that Python alone takes seconds, in proportion.
    allowed = max(5, 5 * (time.monotonic() - began))
    began = time.monotonic()
    with running(home) as hub:
        assert get(hub.address + "/healthz") == (200, {"status": "ok"})
        assert time.monotonic() - began < allowed


def test_a_hub_stops_within_five_seconds_whatever_its_clients_do(home):
    with running(home) as hub:
        host, port = hub.address.removeprefix("http://").split(":")
        idle, header, body = (socket.create_connection((host, int(port))) for _ in range(3))
        header.sendall(b"GET /healthz HTTP/1.1\r\nHost: x")
        body.sendall(b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        time.sleep(0.3)
        code, seconds = hub.stop()
        for connection in (idle, header, body):
            connection.close()
    assert (code, seconds < 5) == (0, True)
    assert last_line(hub.errors)["event"] == "stopped"
    assert signing_key("log").kid not in hub.errors


def test_a_backup_made_while_the_hub_runs_is_one_proved_state(home, tmp_path):
    target = tmp_path / "backup"
    target.mkdir()
    with running(home) as hub:
        with closing(sqlite3.connect(home / "hub.db")) as db:
            db.execute("VACUUM INTO ?", (str(target / "hub.db"),))
        with urllib.request.urlopen(hub.address + "/checkpoint", timeout=5) as answer:  # noqa: S310 (our own)
            checkpoint = answer.read()
    for name in ("keyring.jwe", "keys.json", "passphrase"):
        shutil.copy(home / name, target / name)
    with running(target) as hub:
        assert get(hub.address + "/readyz")[0] == 200
        with urllib.request.urlopen(hub.address + "/checkpoint", timeout=5) as answer:  # noqa: S310 (our own)
            assert answer.read() == checkpoint
