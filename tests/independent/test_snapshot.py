"""Every golden snapshot, and the changes of the newest, seen by the second implementation."""

from __future__ import annotations

import json

import pytest

from tests.independent.basics import b64u, canonical, tagged
from tests.independent.merkle import root
from tests.independent.snapshots import verify_snapshot
from tests.independent.vectors import FOLDER, disagreements, load

KNOWN = load("snapshot/snapshots")
GOLDEN = FOLDER / "snapshot" / "golden"


@pytest.mark.parametrize("row", KNOWN["golden"], ids=lambda row: row["file"])
def test_a_golden_snapshot_verifies(row):
    verify_snapshot((GOLDEN / row["file"]).read_bytes(), row["fingerprint"])


def test_the_newest_shows_the_same():
    newest = KNOWN["golden"][-1]
    directory, contacts, kids = verify_snapshot((GOLDEN / newest["file"]).read_bytes(), newest["fingerprint"])
    assert (directory.size, b64u(root(directory.leaves))) == (KNOWN["size"], KNOWN["root"])
    assert (contacts, kids) == (KNOWN["contacts"], KNOWN["sealing_keys"])


def test_the_same_changes_are_refused():
    newest = KNOWN["golden"][-1]
    text = (GOLDEN / newest["file"]).read_text("utf-8")

    def judge(case):
        file = json.loads(text)
        inside = file
        for step in case["path"][:-1]:
            inside = inside[step]
        last = case["path"][-1]
        inside[last] = [inside[last][n] for n in case["order"]] if "order" in case else case["to"]
        if case["closing"] == "anew":
            file["sha256"] = None
            file["sha256"] = b64u(tagged("poc/1 snapshot", canonical(file)))
        verify_snapshot(canonical(file), newest["fingerprint"])

    assert disagreements("snapshot/snapshots", judge, "variants") == []
