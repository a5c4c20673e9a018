"""A witness that checks the rules, as its operator runs it: by commands, as a process, with metrics."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest

from poc.core.form import read_form
from poc.core.notices import ConflictFile
from poc.core.statement import format_fingerprint
from tests.cli_world import poc
from tests.hub_process import PASSPHRASE, real_time
from tests.registry import ORIGIN, log_signer, usual
from tests.witness.test_process import WitnessProcess
from tests.witness.test_process import poc as poc_process
from tests.witness_world import LOG, TREE, LogServer, Tree, submitted
from tests.witness_world import ORIGIN as PLAIN


@pytest.fixture
def registry():
    with real_time():
        return usual()


@pytest.fixture
async def server(registry):
    async with LogServer(registry.leaves).running() as running:
        yield running


@pytest.fixture
async def home(tmp_path):
    folder = tmp_path / "witness"
    folder.mkdir(mode=0o700)
    (folder / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    (folder / "passphrase").chmod(0o600)
    assert (await call(folder, "new", "jo.witness", "--role", "witness", noun="key"))[0] == 0
    return folder


async def call(home, *words, noun="witness"):
    """(exit code, the JSON value it printed)."""
    outcome = await poc(noun, *words, "--json", home=home)
    return outcome.code, outcome.value


def pinning(server, registry, *more):
    shown = format_fingerprint(registry.directory.fingerprint)
    return ("add-log", "--hub", server.address + "/", "--fingerprint", shown, *more)


async def test_a_log_is_pinned_by_the_hubs_address_and_the_fingerprint_and_then_checked(
    home, server, registry
):
    code, said = await call(home, *pinning(server, registry, "--check-rules"))
    assert (code, said["origin"], said["hub"]) == (0, ORIGIN, server.address)
    assert said["fingerprint"] == registry.directory.fingerprint
    assert said["vkeys"] == [log_signer().vkey()]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    witness = WitnessProcess(home, "--check-rules", "--metrics-port", str(port))
    try:
        async with aiohttp.ClientSession() as session:
            status, line = await witness.post(session, submitted(registry, 0))
            assert (status, line.startswith("— jo.witness ".encode())) == (200, True)
            assert (await witness.post(session, b"nothing"))[0] == 400
            async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                metrics = await answer.text()
            async with session.get(f"{witness.address}/metrics") as answer:
                assert answer.status == 404
    finally:
        code, _, errors = await asyncio.to_thread(witness.end)
    assert (code, "Traceback" in errors) == (0, False)
    assert f'poc_watched_size{{origin="{ORIGIN}"}} {len(registry.entries)}.0' in metrics
    assert "poc_cosigned_total 1.0" in metrics
    assert 'poc_not_cosigned_total{code="bad-submission"} 1.0' in metrics


async def test_a_witness_that_must_check_every_log_does_not_start_with_one_it_cannot(home, server, registry):
    await call(home, *pinning(server, registry, "--check-rules"))
    await call(home, "add-log", "--origin", PLAIN, "--vkey", LOG.vkey())
    (home / "config.toml").write_text("check_rules = true\n")
    code, said = await asyncio.to_thread(poc_process, home, "run", "--port", "0")
    assert (code, said["code"]) == (1, "rules-not-checked")
    assert (await call(home, "remove-log", PLAIN))[0] == 0
    witness = WitnessProcess(home)
    assert witness.address.startswith("http://")
    assert (await asyncio.to_thread(witness.end))[0] == 0


async def test_a_hub_with_another_genesis_or_none_at_all_pins_nothing(home, server, registry):
    words = ("add-log", "--hub", server.address, "--fingerprint", "0" * 64, "--check-rules")
    code, said = await call(home, *words)
    assert (code, said["code"]) == (1, "wrong-fingerprint")
    code, said = await call(home, "add-log", "--hub", "http://127.0.0.1:9", "--fingerprint", "0" * 64)
    assert (code, said["code"]) == (3, "hub-unreachable")
    assert (await call(home, "show"))[1]["logs"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("--check-rules",),
        ("--check-rules", "--origin", PLAIN, "--vkey", LOG.vkey()),
        ("--check-rules", "--fingerprint", "0" * 64),
        ("--hub", "http://127.0.0.1:9"),
        ("--hub", "http://127.0.0.1:9/path", "--fingerprint", "0" * 64, "--check-rules"),
        ("--hub", "http://127.0.0.1:9", "--origin", PLAIN, "--vkey", LOG.vkey()),
    ],
)
async def test_rules_are_checked_only_where_it_is_said_from_what(tmp_path, words):
    code, said = await call(tmp_path, "add-log", *words)
    assert (code, said["code"]) == (2, "usage")


async def test_what_speaks_against_a_log_is_shown_and_exported_for_others(home, tmp_path):
    await call(home, "add-log", "--origin", PLAIN, "--vkey", LOG.vkey())
    witness = WitnessProcess(home)
    async with aiohttp.ClientSession() as session:
        assert (await witness.post(session, TREE.body(0, 8)))[0] == 200
        assert (await witness.post(session, Tree(fork=3).body(8, 8)))[0] == 422
    shown = (await call(home, "show"))[1]["conflicts"]
    await asyncio.to_thread(witness.end)
    assert [(row["number"], row["origin"], row["kind"], row["size"]) for row in shown] == [
        (1, PLAIN, "two-roots", 8)
    ]
    out = tmp_path / "proof.json"
    code, said = await call(home, "export", "1", "--out", str(out))
    assert (code, said) == (0, {"file": str(out), "origin": PLAIN, "kind": "two-roots"})
    file = read_form(ConflictFile, out.read_bytes())
    assert file.cosigned is not None
    assert {file.shown, file.cosigned} == {TREE.note(8).decode(), Tree(fork=3).note(8).decode()}
    assert (await call(home, "export", "1", "--out", str(out)))[1]["code"] == "file-exists"
    assert (await call(home, "export", "2", "--out", str(tmp_path / "no")))[1]["code"] == "no-such-conflict"


async def test_a_log_is_removed_by_name_once(home):
    await call(home, "add-log", "--origin", PLAIN, "--vkey", LOG.vkey())
    assert await call(home, "remove-log", PLAIN) == (0, {"origin": PLAIN, "removed": True})
    code, said = await call(home, "remove-log", PLAIN)
    assert (code, said["code"]) == (1, "unknown-log")
    assert (await call(home, "show"))[1]["logs"] == []
