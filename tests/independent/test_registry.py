"""Forms, statements, a whole log, proposals and cards against tests/vectors."""

from __future__ import annotations

import copy
import functools

import pytest

from tests.independent import registry
from tests.independent.basics import b64u, sha256, unb64u
from tests.independent.cards import open_part
from tests.independent.directory import summary
from tests.independent.entries import read_entry, read_payload
from tests.independent.forms import check_form
from tests.independent.proposals import read_proposal
from tests.independent.vectors import FOLDER, disagreements, load, verdict

LOGS = ["registry/log", "registry/log-windows", "registry/log-witnessed"]
FORMS = sorted(path.stem for path in (FOLDER / "forms").glob("*.json"))


@pytest.mark.parametrize("form", FORMS)
def test_the_same_values_are_of_the_form(form):
    value = load(f"forms/{form}")["value"]

    def judge(case):
        changed = {k: v for k, v in value.items() if k not in case.get("without", ())}
        check_form(form, changed | case.get("change", {}))

    assert disagreements(f"forms/{form}", judge) == []


def payload(case):
    read_payload(case["payload"].encode())
    if "sha256" in case:
        assert b64u(sha256(case["payload"].encode())) == case["sha256"]


def entry(case):
    assert b64u(read_entry(unb64u(case["leaf"])).leaf) == case["leaf_hash"]


def opening(case):
    open_part(case["opening"], case["commitment"], case["contact"], case["origin"])


def test_payloads_and_entries_are_read_alike():
    assert disagreements("statement/payloads", payload) == []
    assert disagreements("statement/entries", entry) == []


@functools.cache
def grown(log):
    """The directory after so many leaves."""
    found = [registry.Directory()]
    for leaf in load(log)["leaves"]:
        found.append(copy.deepcopy(found[-1]))
        registry.apply(found[-1], unb64u(leaf))
    return found


@pytest.mark.parametrize("log", LOGS)
def test_a_whole_log_gives_the_same_directory(log):
    assert summary(grown(log)[-1]) == load(log)["directory"]


@pytest.mark.parametrize("log", LOGS)
def test_a_log_gives_the_same_on_the_way(log):
    for stated in load(log).get("moments", ()):
        found = summary(grown(log)[stated["after"]])
        states = {
            state: {member: found["states"][state][member] for member in members}
            for state, members in stated.get("states", {}).items()
        }
        shown = {**found, "after": stated["after"], "states": states}
        assert {member: shown[member] for member in stated} == stated


@pytest.mark.parametrize("log", LOGS)
def test_the_same_leaves_are_refused_after_each_entry_and_for_the_same_reason(log):
    wrong = []
    for case in load(log)["variants"]:
        directory = copy.deepcopy(grown(log)[case["after"]])
        got = verdict(functools.partial(registry.apply, directory, unb64u(case["leaf"])))
        if got != case["expect"]:
            wrong.append(f"{log}: {case['name']}: expected {case['expect']}, got {got}")
    assert wrong == []


def test_openings_and_proposals_agree():
    assert disagreements("registry/openings", opening) == []
    assert disagreements("registry/proposals", lambda case: read_proposal(case["file"].encode())) == []
