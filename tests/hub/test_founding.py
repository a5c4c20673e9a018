"""Founding a registry: what a genesis must hold, and that a refused one writes nothing."""

from __future__ import annotations

import pytest

from poc.client import statements
from poc.core.proposal import proposal_bytes, with_signatures
from poc.core.statement import genesis_fingerprint
from poc.core.strictjson import domain_hash
from poc.errors import RefusedError
from poc.hub.founding import FoundingRegistrar, draft_genesis, found_registry
from poc.keyring import Keyring
from poc.store.sqlite import SqliteStore
from tests.registry import ORIGIN, REGISTRARS, START, Registry, signing_key

PASSPHRASE = "four words of it"


def seeded(label):
    return lambda _: domain_hash("poc/1 test key", label.encode())


def hub_keys(home):
    home.mkdir(exist_ok=True)
    keys = Keyring.create(home, PASSPHRASE)
    keys.add_signing("log", ORIGIN, START, seeded("log"))
    keys.add_signing("hub", ORIGIN, START, seeded("hub"))
    return keys


def registrar_keys(home, registrar):
    keys = Keyring.create(home / registrar, PASSPHRASE)
    keys.add_signing("registrar", registrar, START, seeded(registrar))
    return keys


def registrars(*ids):
    return [FoundingRegistrar(name, {"en": "Office"}, signing_key(name).public) for name in ids]


def draft(keys, *ids, **choices):
    return draft_genesis(keys, ORIGIN, registrars(*(ids or REGISTRARS)), choices, now=START, random=bytes)


def complete(tmp_path, keys):
    file = draft(keys)
    for name in REGISTRARS:
        signed = statements.sign(file.signed, registrar_keys(tmp_path, name))
        file = with_signatures(file, signed.signatures)
    return file


async def test_a_genesis_all_have_signed_founds_the_registry_once(tmp_path):
    home = tmp_path / "hub"
    keys = hub_keys(home)
    file = complete(tmp_path, keys)
    directory = await found_registry(home, proposal_bytes(file), keys, START)
    assert (directory.origin, directory.size) == (ORIGIN, 1)
    assert directory.fingerprint == genesis_fingerprint(file.signed.payload)
    with pytest.raises(RefusedError) as refused:
        await found_registry(home, proposal_bytes(file), keys, START)
    assert refused.value.code == "registry-exists"


async def test_a_genesis_that_lacks_a_signature_writes_nothing(tmp_path):
    home = tmp_path / "hub"
    keys = hub_keys(home)
    file = draft(keys)
    signed = statements.sign(file.signed, registrar_keys(tmp_path, REGISTRARS[0]))
    for lacking in (file, with_signatures(file, signed.signatures)):
        with pytest.raises(RefusedError) as refused:
            await found_registry(home, proposal_bytes(lacking), keys, START)
        assert refused.value.code == "signatures-missing"
        assert not (home / "hub.db").exists()


async def test_a_hub_founds_only_a_registry_whose_keys_it_holds(tmp_path):
    file = complete(tmp_path, hub_keys(tmp_path / "hub"))
    other = tmp_path / "other"
    other.mkdir()
    keys = Keyring.create(other, PASSPHRASE)
    with pytest.raises(RefusedError) as refused:
        await found_registry(other, proposal_bytes(file), keys, START)
    assert refused.value.code == "unknown-key"
    assert list(other.iterdir()) == []


async def test_another_statement_is_no_genesis(tmp_path):
    from poc.core.proposal import make_proposal

    registry = Registry()
    registry.enrol("jo")
    file = make_proposal(registry.entries[1].signed)
    with pytest.raises(RefusedError) as refused:
        await found_registry(tmp_path, proposal_bytes(file), hub_keys(tmp_path / "hub"), START)
    assert refused.value.code == "not-a-genesis"


@pytest.mark.parametrize(
    ("ids", "choices", "code"),
    [
        (("x-las.registrar-1", "x-las.registrar-2"), {}, "one-body-only"),
        (REGISTRARS, {"statuses": ["actual", "exercise"]}, "window-too-short"),
        (REGISTRARS, {"thresholds": {"policy": 3, "suspend": 2}}, "bad-threshold"),
        (REGISTRARS, {"confirm_seconds": 1}, "bad-form"),
        (REGISTRARS, {"nomination": "anyone"}, "bad-form"),
    ],
)
def test_settings_no_registry_may_have_are_refused_before_anyone_signs(tmp_path, ids, choices, code):
    with pytest.raises(RefusedError) as refused:
        draft(hub_keys(tmp_path / "hub"), *ids, **choices)
    assert refused.value.code == code


def test_a_draft_made_again_uses_the_same_log_and_hub_keys(tmp_path):
    home = tmp_path / "hub"
    home.mkdir()
    keys = Keyring.create(home, PASSPHRASE)
    made = iter(range(1, 9))
    for _ in range(2):
        draft_genesis(
            keys, ORIGIN, registrars(*REGISTRARS), {}, now=START, random=lambda n: bytes([next(made)]) * n
        )
    assert [(entry.role) for entry in keys.list()].count("log") == 1


async def test_the_founded_log_is_the_one_a_hub_starts_with(tmp_path):
    home = tmp_path / "hub"
    keys = hub_keys(home)
    await found_registry(home, proposal_bytes(complete(tmp_path, keys)), keys, START)
    store = await SqliteStore.open(home)
    head = await store.read_head()
    await store.close()
    assert head is not None
    assert head.size == 1
