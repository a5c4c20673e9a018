"""A whole evidence file, its changes, and what a real demo makes."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.independent.basics import b64u, canonical
from tests.independent.directory import summary
from tests.independent.evidence import verify_evidence
from tests.independent.notes import read_checkpoint
from tests.independent.registry import log_keys_at, replay
from tests.independent.vectors import differing, disagreements, load

ROOT = Path(__file__).parents[2]


def test_the_file_verifies_and_shows_the_same():
    known = load("evidence/evidence")
    proof = verify_evidence(known["file"].encode(), known["fingerprint"])
    assert (proof.digest, proof.voice, proof.problems) == (known["digest"], known["voice_code"], [])
    assert list(map(list, proof.timeline)) == known["timeline"]


def test_the_same_changes_are_refused():
    known = load("evidence/evidence")

    def judge(variant):
        data = known["file"].encode()
        if "append" in variant:
            data += variant["append"].encode()
        else:
            file = json.loads(data)
            inside = file
            for step in variant["path"][:-1]:
                inside = inside[step]
            inside[variant["path"][-1]] = variant["to"]
            data = canonical(file)
        verify_evidence(data, known["fingerprint"])

    assert disagreements("evidence/evidence", judge, "variants") == []


def escalated(case):
    known = load("evidence/escalated")
    file = json.loads(known["file"])
    own = {"receipts": file["receipts"], "slots": file["envelope"]["recipients"]}
    for name, value in case["set"].items():
        file[name] = [own[name][v] if isinstance(v, int) else v for v in value] if name in own else value
    file["envelope"]["recipients"] = file.pop("slots", own["slots"])
    proof = verify_evidence(canonical(file), known["fingerprint"])
    assert proof.problems == case["problems"], case["name"]
    return proof


def test_what_was_held_released_and_taken_back_is_judged_the_same():
    known = load("evidence/escalated")
    assert differing("evidence/escalated", escalated, "variants") == []
    proof = escalated(known["variants"][0])
    assert list(map(list, proof.timeline)) == known["timeline"]
    assert proof.voice == known["voice_code"]


def log_of(database):
    with contextlib.closing(sqlite3.connect(database)) as hub:
        leaves = [bytes(row[0]) for row in hub.execute("SELECT data FROM leaves ORDER BY position")]
        return leaves, *hub.execute("SELECT size, root, checkpoint FROM head").fetchone()


@pytest.mark.long
def test_the_log_of_a_real_demo_gives_its_directory(tmp_path):
    folder = tmp_path / "here"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POC_")}
    result = subprocess.run(
        [sys.executable, "-m", "poc.demo"], cwd=ROOT, env={**kept, "ONCE": "1", "DEMO_DIR": str(folder)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    leaves, size, root, checkpoint = log_of(folder / "hub" / "hub.db")
    directory = replay(leaves)
    known = summary(directory)
    head = read_checkpoint(directory.origin, bytes(checkpoint).decode(), log_keys_at(directory, size))
    counts = json.loads(result.stdout.splitlines()[-1])
    assert (known["size"], known["root"], head.root) == (size, b64u(root), root)
    assert (len(known["states"]), len(known["contacts"])) == (counts["states"], counts["contacts"])
