"""The witness as a real process: its start and stop, its commands, kill -9 at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from poc.core.checkpoint import verify_checkpoint
from poc.core.cosignature import time_of
from poc.core.note import Verifier, open_note
from poc.core.statement import format_fingerprint
from poc.witness.store import read_logs
from tests.cli_world import run_here
from tests.hub_process import PASSPHRASE, ROOT
from tests.witness_world import LOG, NEXT_LOG, ORIGIN, Tree

COMMAND = (sys.executable, "-m", "poc.cli.main", "witness")
GONE = (aiohttp.ClientError, TimeoutError, ConnectionError)


def poc(home, *words, noun="witness"):
    """(exit code, the JSON value it printed)."""
    command = [sys.executable, "-m", "poc.cli.main", noun, *words, "--home", str(home), "--json"]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, json.loads(done.stdout)


class WitnessProcess:
    """A started `poc witness run` on a free port."""

    def __init__(self, home, *options):
        self.process = subprocess.Popen(
            [*COMMAND, "run", "--home", str(home), "--port", "0", *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.address = self.process.stdout.readline().removeprefix("listening on ").strip()

    async def post(self, session, body):
        timeout = aiohttp.ClientTimeout(total=10)
        async with session.post(self.address + "/add-checkpoint", data=body, timeout=timeout) as answer:
            return answer.status, await answer.read()

    def end(self, signal="terminate"):
        """Its exit code, what it printed after the first line, and its log."""
        getattr(self.process, signal)()
        out, errors = self.process.communicate(timeout=20)
        return self.process.returncode, out, errors


@pytest.fixture
def home(made_home, tmp_path):
    return Path(shutil.copytree(made_home, tmp_path / "witness"))


@pytest.fixture(scope="module")
def made_home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "witness"
    folder.mkdir(mode=0o700)
    (folder / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    (folder / "passphrase").chmod(0o600)
    assert poc(folder, "new", "jo.witness", "--role", "witness", noun="key")[0] == 0
    assert poc(folder, "add-log", "--origin", ORIGIN, "--vkey", LOG.vkey())[0] == 0
    return folder


def test_a_witness_says_where_it_listens_cosigns_and_ends_within_5_seconds(home):
    witness = WitnessProcess(home, "--prefix", "/w")
    assert witness.address.endswith("/w")
    tree = Tree(20)

    async def ask():
        async with aiohttp.ClientSession() as session:
            return await witness.post(session, tree.body(0, 12))

    status, line = asyncio.run(ask())
    _, shown = poc(home, "show")
    assert status == 200
    key = Verifier.from_vkey(shown["vkeys"][0])
    assert (key.name, key.signature_type) == ("jo.witness", 4)
    assert len(open_note(tree.note(12) + line, [key]).verified) == 1
    assert [(log["origin"], log["size"], log["vkeys"]) for log in shown["logs"]] == [
        (ORIGIN, 12, [LOG.vkey()])
    ]
    began = time.monotonic()
    code, out, errors = witness.end()
    assert time.monotonic() - began < 5
    assert (code, out) == (0, "")
    events = [json.loads(entry)["event"] for entry in errors.splitlines()]
    assert [event for event in events if event != "sqlite"] == ["ready", "request", "stopped"]
    assert ORIGIN not in errors


def test_one_home_has_one_witness_and_its_logs_are_added_while_it_is_stopped(home):
    witness = WitnessProcess(home)
    for words in (("run", "--port", "0"), ("add-log", "--origin", ORIGIN, "--vkey", NEXT_LOG.vkey())):
        code, said = poc(home, *words)
        assert (code, said["code"]) == (1, "home-in-use")
    witness.end()
    code, said = poc(home, "add-log", "--origin", ORIGIN, "--vkey", NEXT_LOG.vkey())
    assert (code, said["vkeys"]) == (0, sorted([LOG.vkey(), NEXT_LOG.vkey()]))


@pytest.mark.parametrize(
    ("spoil", "options", "code"),
    [
        (lambda home: (home / "config.toml").write_text("colour = 1\n"), (), "unknown-setting"),
        (lambda home: (home / "config.toml").write_text('prefix = "w/"\n'), (), "bad-setting"),
        (lambda home: None, ("--prefix", "/a//b"), "bad-setting"),
        (lambda home: (home / "passphrase").unlink(), (), "no-passphrase"),
        (lambda home: (home / "passphrase").write_text("another one"), (), "wrong-passphrase"),
        (lambda home: (home / "keyring.jwe").unlink(), (), "no-witness-key"),
        (lambda home: (home / "hub.db").write_bytes(b""), (), "not-a-witness"),
        (lambda home: (home / "trust.db").write_bytes(b""), (), "not-a-witness"),
        (lambda home: (home / "witness.db").write_bytes(b"no database" * 100), (), "database-foreign"),
        (lambda home: None, ("--host", "192.0.2.1"), "cannot-listen"),
    ],
)  # fmt: skip
def test_a_start_that_cannot_be_says_why(home, spoil, options, code):
    spoil(home)
    found, said = poc(home, "run", "--port", "0", *options)
    assert said["code"] == code
    assert said["next"]
    assert found == (3 if code == "cannot-listen" else 1)


def test_a_folder_that_is_not_there_is_no_witness(tmp_path):
    assert poc(tmp_path / "none", "run")[1]["code"] == "not-a-witness"
    assert poc(tmp_path / "none", "show") == (0, {"vkeys": [], "logs": [], "conflicts": []})


COSIGNS = Verifier(ORIGIN, 4, LOG.key.public.raw).vkey()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--origin", "example.org/another", "--vkey", LOG.vkey()), "wrong-origin"),
        (("--origin", ORIGIN, "--vkey", LOG.vkey()[:-4]), "bad-vkey"),
        (("--origin", ORIGIN, "--vkey", COSIGNS), "unknown-algorithm"),
        (("--origin", ORIGIN), "usage"),
        (("--vkey", LOG.vkey()), "usage"),
        (("--origin", ORIGIN, "--vkey", LOG.vkey(), "--fingerprint", "0"), "usage"),
        (("--genesis", "genesis.json"), "usage"),
        ((), "usage"),
    ],
)
def test_a_log_that_is_not_named_well_is_not_added(home, words, code):
    assert run_here("witness", "add-log", *words, "--json", home=home).value["code"] == code


def test_a_log_is_added_from_a_genesis_only_with_its_fingerprint(home, tmp_path):
    hub, genesis = tmp_path / "hub", tmp_path / "genesis.json"
    hub.mkdir(mode=0o700)
    options = []
    for name in ("x-las.registrar-1", "x-arcc.registrar-1"):
        keys = tmp_path / f"{name}.json"
        folder = tmp_path / name
        for each in (folder, hub):
            each.mkdir(mode=0o700, exist_ok=True)
            (each / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
            (each / "passphrase").chmod(0o600)
        assert poc(folder, "new", name, "--role", "registrar", noun="key")[0] == 0
        assert poc(folder, "export", name, "--out", str(keys), noun="key")[0] == 0
        options += ["--registrar", str(keys)]
    words = ("init", "--draft", str(genesis), "--origin", "example.org/cbm", *options)
    code, drawn = poc(hub, *words, noun="registry")
    assert code == 0
    wrong = "0" * 64
    found, said = poc(home, "add-log", "--genesis", str(genesis), "--fingerprint", wrong)
    assert (found, said["code"]) == (1, "wrong-fingerprint")
    shown = format_fingerprint(drawn["fingerprint"])
    found, said = poc(home, "add-log", "--genesis", str(genesis), "--fingerprint", shown)
    assert (found, said["origin"], said["size"], said["cosigned_at"]) == (0, "example.org/cbm", 0, None)
    assert len(said["vkeys"]) == 1
    assert {log.origin for log in asyncio.run(read_logs(home))} == {ORIGIN, "example.org/cbm"}


class Pushing:
    """A log that forks whenever it can: it offers two trees, and keeps every cosignature it was given."""

    def __init__(self, vkey, seed):
        self.key, self.chance = Verifier.from_vkey(vkey), random.Random(seed)
        self.trees = [Tree(300), Tree(300, fork=4)]
        self.given = []  # (time, size, root), in the order in which they came
        self.size = 0

    async def run(self, witness, session):
        """Offer until the witness is gone."""
        with contextlib.suppress(*GONE):
            while self.size < 290:
                await asyncio.gather(*(self._offer(witness, session) for _ in range(4)))

    async def _offer(self, witness, session):
        tree = self.chance.choice(self.trees)
        old, size = self.size, self.size + self.chance.randint(0, 2)
        status, answer = await witness.post(session, tree.body(old, size))
        if status == 409:
            self.size = max(self.size, int(answer))
        if status == 200:
            note = tree.note(size)
            verify_checkpoint(note + answer, ORIGIN, [LOG.verifier(), self.key])
            line = open_note(note + answer, [self.key]).verified[0]
            self.given.append((time_of(line.signature), size, tree.root(size)))
            self.size = max(self.size, size)

    def check(self):
        """All that was ever cosigned is one history: one root a size, on one tree, never back in time."""
        roots: dict[int, bytes] = {}
        for _, size, root in self.given:
            assert roots.setdefault(size, root) == root, size
        assert any(all(tree.root(size) == root for size, root in roots.items()) for tree in self.trees)
        in_time = sorted(self.given)
        newest = 0
        for at in sorted({at for at, _, _ in in_time}):
            sizes = [size for time_, size, _ in in_time if time_ == at]
            assert min(sizes) >= newest
            newest = max(sizes)


def test_a_witness_killed_at_any_moment_never_contradicts_what_it_cosigned(home, rounds):
    log = Pushing(poc(home, "show")[1]["vkeys"][0], seed=20261124)

    async def load(witness, seconds):
        async with aiohttp.ClientSession() as session:
            working = asyncio.ensure_future(log.run(witness, session))
            await asyncio.sleep(seconds)
            witness.end("kill")
            await working

    count = rounds(5, long=50, of="kills of the witness under load")
    for _ in range(count):
        asyncio.run(load(WitnessProcess(home), log.chance.uniform(0.01, 0.12)))
        [kept] = asyncio.run(read_logs(home))
        # What was answered was on disk before; what was on disk may not have been answered.
        assert kept.tree.size >= max((size for _, size, _ in log.given), default=0)
        log.check()
    assert len(log.given) >= count
