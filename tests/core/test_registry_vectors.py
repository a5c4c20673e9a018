"""Our own vectors for statements and a whole log; `make_registry.py` makes them without `poc`."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from poc.core.bodies import BODIES
from poc.core.card import Opening, read_opening
from poc.core.directory import NOT_YET, Contact, Controller, Directory
from poc.core.form import form_of
from poc.core.proposal import proposal_bytes, read_proposal
from poc.core.rules import apply_all
from poc.core.statement import read_entry, read_statement
from poc.core.strictjson import b64u, canonical, format_time, unb64u
from poc.errors import CATALOGUE, RefusedError
from tests.vectors import make_registry

VECTORS = Path(__file__).parents[1] / "vectors"


def read(name: str) -> Any:
    return json.loads((VECTORS / name).read_bytes())


def cases(name: str, of: str = "cases") -> list[Any]:
    return [pytest.param(case, id=ascii(case["name"])) for case in read(name)[of]]


LOG_NAMES = ("log", "log-windows", "log-witnessed")
LOGS = {name: read(f"registry/{name}.json") for name in LOG_NAMES}
LOG = LOGS["log"]
LEAVES = [unb64u(leaf) for leaf in LOG["leaves"]]


def leaves_of(name: str) -> list[bytes]:
    return [unb64u(leaf) for leaf in LOGS[name]["leaves"]]


def outcome(call: Any, *arguments: Any) -> str:
    try:
        call(*arguments)
    except RefusedError as error:
        return error.code
    return "ok"


def test_the_files_are_what_the_generator_makes():
    for path, text in make_registry.build().items():
        assert (VECTORS / path).read_text("utf-8") == text, f"{path}: run tests/vectors/make_registry.py"


@pytest.mark.parametrize("case", cases("statement/payloads.json"))
def test_payload_vectors_are_read_or_refused(case):
    payload = case["payload"].encode()
    assert outcome(read_statement, payload) == case["expect"]
    if "sha256" in case:
        statement = read_statement(payload)
        assert statement.sha256 == case["sha256"]
        assert canonical(json.loads(payload)) == payload


@pytest.mark.parametrize("case", cases("statement/entries.json"))
def test_entry_vectors_are_read_or_refused(case):
    leaf = unb64u(case["leaf"])
    assert outcome(read_entry, leaf) == case["expect"]
    if case["expect"] == "ok":
        assert read_entry(leaf).leaf_hash == case["leaf_hash"]


@pytest.mark.parametrize("name", ["statement/payloads.json", "statement/entries.json"])
def test_every_type_has_an_example_and_failures_outnumber_them(name):
    good = [case for case in read(name)["cases"] if case["expect"] == "ok"]
    leaves = [read_entry(unb64u(case["leaf"])).signed.payload for case in good if "leaf" in case]
    payloads = leaves or [case["payload"].encode() for case in good]
    assert {read_statement(payload).type for payload in payloads} == set(BODIES)
    refused = sum(case["expect"] != "ok" for case in read("statement/payloads.json")["cases"])
    assert refused > len(BODIES)


@pytest.mark.parametrize("name", LOG_NAMES)
def test_the_whole_log_gives_the_directory_stated(name):
    directory = apply_all(None, [read_entry(leaf) for leaf in leaves_of(name)])
    assert summary(directory) == LOGS[name]["directory"]


@pytest.mark.parametrize("name", ["log-windows", "log-witnessed"])
def test_the_first_entries_give_what_is_stated_of_that_moment(name):
    directories = grown(name)
    for stated in LOGS[name]["moments"]:
        found = summary(directories[stated["after"]])
        states = {
            state: {member: found["states"][state][member] for member in members}
            for state, members in stated.get("states", {}).items()
        }
        shown = {**found, "after": stated["after"], "states": states}
        assert {member: shown[member] for member in stated} == stated


@functools.cache
def grown(name: str) -> list[Directory | None]:
    """The directory after so many leaves of a log."""
    found: list[Directory | None] = [None]
    for leaf in leaves_of(name):
        found.append(apply_all(found[-1], [read_entry(leaf)]))
    return found


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=ascii(f"{name}: {case['name']}"))
        for name in LOG_NAMES
        for case in LOGS[name]["variants"]
    ],
)
def test_a_leaf_that_breaks_a_rule_is_refused_there(name, case):
    before = grown(name)[case["after"]]
    assert outcome(lambda: apply_all(before, [read_entry(unb64u(case["leaf"]))])) == case["expect"]


def test_every_code_of_the_page_of_statements_is_met_and_refusals_outnumber_entries():
    page = (VECTORS.parents[1] / "docs" / "spec" / "statement.md").read_text("utf-8")
    tables = [line.split("|") for line in page.splitlines() if re.match(r"\| `", line)]
    wanted = {code for row in tables for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", f"{row[1]} {row[-2]}")}
    wanted &= CATALOGUE.keys()
    met = {case["expect"] for log in LOGS.values() for case in log["variants"]}
    assert wanted - met == set()
    assert sum(len(log["variants"]) for log in LOGS.values()) > sum(
        len(log["leaves"]) for log in LOGS.values()
    )


def test_no_leaf_of_the_log_can_be_left_out_doubled_or_swapped():
    for index in range(len(LEAVES)):
        for other in (
            [*LEAVES[:index], *LEAVES[index + 1 :]],
            [*LEAVES[: index + 1], *LEAVES[index:]],
            [*LEAVES[:index], *LEAVES[index : index + 2][::-1], *LEAVES[index + 2 :]],
        ):
            if other == LEAVES:
                continue
            try:
                directory = apply_all(None, [read_entry(leaf) for leaf in other])
            except RefusedError:
                continue
            assert b64u(directory.tree.root()) != LOG["directory"]["root"]


@pytest.mark.parametrize("case", cases("registry/openings.json"))
def test_opening_vectors_open_or_are_refused(case):
    found = form_of(Opening, case["opening"])
    given = (found, case["contact"], case["origin"], case["commitment"])
    assert outcome(read_opening, *given) == case["expect"]


@pytest.mark.parametrize("case", cases("registry/proposals.json"))
def test_proposal_vectors_are_read_or_refused(case):
    data = case["file"].encode()
    assert outcome(read_proposal, data) == case["expect"]
    if case["expect"] == "ok":
        assert proposal_bytes(read_proposal(data)[0]) == data


def summary(directory: Directory) -> dict[str, Any]:
    """What the vectors state of a directory."""
    return {
        "size": directory.size,
        "root": b64u(directory.tree.root()),
        "fingerprint": directory.fingerprint,
        "logged_at": format_time(directory.logged_at),
        "attested_at": format_time(directory.attested_at),
        "version": directory.version,
        "quorum": directory.quorum,
        "seats": {seat.witness: seat.kid for seat in directory.seats},
        "statuses": sorted(directory.admitted_statuses()),
        "waiting": [change.anchor.index for change in directory.pending],
        "hub_keys": [key.kid for key in directory.settings.hub_keys],
        "log_keys": list(directory.log_vkeys_at(directory.size)),
        "states": {
            state.id: {
                "kind": state.kind,
                "status": state.status,
                "threshold": state.threshold,
                "authority": list(state.authority_kids),
                "recovery": state.recovery_kid,
                "recovering": state.recovering and state.recovering.anchor.leaf_hash,
                "suspensions": [
                    {"since": span.since.index, "scope": sorted(span.scope), "until": span.until}
                    for span in state.suspensions
                ],
            }
            for state in directory.states.values()
        },
        "contacts": {contact.id: contact_row(contact) for contact in directory.contacts.values()},
        "controllers": {
            found.id: {
                "body": found.body,
                "version": found.version,
                "dismissed": found.dismissed,
                "devices": devices(found),
            }
            for found in directory.controllers.values()
        },
        "keys": {
            kid: {
                "role": key.role,
                "holder": key.holder,
                "since": None if key.since == NOT_YET else key.since,
                "until": key.until,
                "ended": key.ended,
            }
            for kid, key in directory.keys.items()
        },
    }


def contact_row(contact: Contact) -> dict[str, Any]:
    return {
        "level": contact.level,
        "role": contact.role,
        "alternate_of": contact.alternate_of,
        "custody": contact.custody,
        "machine_receipts": contact.machine_receipts,
        "version": contact.version,
        "confirmed_at": format_time(contact.confirmed_at),
        "tested_at": None if contact.tested_at is None else format_time(contact.tested_at),
        "devices": devices(contact),
        "freezes": [
            {"since": freeze.since.index, "by": sorted(freeze.by), "until": freeze.until}
            for freeze in contact.freezes
        ],
        "withdrawn": contact.withdrawn,
    }


def devices(party: Contact | Controller) -> list[dict[str, Any]]:
    return [
        {
            "number": device.number,
            "kid": device.kid,
            "sealing_kid": device.sealing_kid,
            "rotate_by": format_time(device.rotate_by),
            "may": sorted(device.may),
        }
        for device in party.devices
    ]
