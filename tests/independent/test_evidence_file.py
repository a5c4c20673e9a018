"""A whole evidence file, its changes, and what a real demo makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.independent.basics import canonical
from tests.independent.evidence import verify_evidence
from tests.independent.vectors import disagreements, load

ROOT = Path(__file__).parents[2]


def test_the_file_verifies_and_shows_the_same():
    known = load("evidence/evidence")
    proof = verify_evidence(known["file"].encode(), known["fingerprint"])
    assert (proof.digest, proof.voice, proof.problems) == (known["digest"], known["voice_code"], [])
    assert sorted(map(list, proof.timeline)) == sorted(known["timeline"])


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


@pytest.mark.long
def test_what_a_real_demo_makes_verifies(tmp_path):
    folder = tmp_path / "here"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POC_")}
    subprocess.run(
        [sys.executable, "-m", "poc.demo"], cwd=ROOT, env={**kept, "ONCE": "1", "DEMO_DIR": str(folder)},
        stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=True,
    )  # fmt: skip
    raise AssertionError(sorted(folder.rglob("*"))[:1])
