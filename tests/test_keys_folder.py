from __future__ import annotations

import json
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from poc.core.keys import SealingKey, SigningKey
from poc.core.strictjson import b64u
from tests.private_keys import findings, private_keys, seed_of_label, tree

ROOT = Path(__file__).resolve().parent.parent
PUBLIC_SUFFIXES = {".genesis", ".fingerprint", ".vkey"}

REAL_SEED = b64u(bytes(range(32)))
# Put together here, so that this file is no finding itself.
PEM = "-----BEGIN {}PRIVATE KEY-----"


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def test_no_private_key_is_anywhere_in_the_tree():
    assert private_keys(ROOT) == []


def test_the_keys_folder_holds_public_trust_roots_only():
    inside = [path for path in tree(ROOT) if path.parts[0] == "keys"]
    assert PurePosixPath("keys/README.md") in inside
    assert [path for path in inside if path.name != "README.md" and path.suffix not in PUBLIC_SUFFIXES] == []


@pytest.mark.parametrize(
    "text",
    [
        PEM.format(""),
        PEM.format("ENCRYPTED "),
        PEM.format("OPENSSH "),
        json.dumps(SigningKey.from_seed(bytes(32)).private_jwk()),
        json.dumps(SealingKey.from_seed(bytes(32)).private_jwk()),
        json.dumps({"inner": json.dumps(SigningKey.from_seed(bytes(32)).private_jwk())}),
        str(SigningKey.from_seed(bytes(32)).private_jwk()),
        json.dumps({"seed": bytes(32).hex()}),
        f"key = SigningKey.from_seed(unb64u('{REAL_SEED}'))",
        "PRIVATE" + "+KEY+example.org/cbm+0123abcd+AAAA",
        "AGE-SECRET" + "-KEY-1" + "Q" * 58,
        b64u(b'{"alg":"PBES2-HS512+A256KW","p2c":210000}'),
    ],
)
def test_a_planted_private_key_is_found_in_any_file(repository, text):
    planted = repository / "docs" / "page.md"
    planted.parent.mkdir()
    planted.write_text(f"Some text\n{text}\nand more", encoding="utf-8")
    found = private_keys(repository)
    assert len(found) == 1
    assert found[0].startswith("docs/page.md: ")


@pytest.mark.parametrize("name", ["keyring.jwe", "passphrase", "hub.key", "id_ed25519"])
def test_a_file_with_the_name_of_a_secret_is_found_whatever_it_holds(repository, name):
    (repository / name).write_text("")
    assert len(private_keys(repository)) == 1


def test_a_committed_key_is_found_although_it_is_ignored_now(repository):
    (repository / "old.md").write_text(PEM.format(""))
    subprocess.run(["git", "-C", str(repository), "add", "old.md"], check=True)
    (repository / ".gitignore").write_text("*.md\n")
    assert len(private_keys(repository)) == 1


def test_public_keys_and_what_git_ignores_are_no_finding(repository):
    (repository / "public.json").write_text(json.dumps(SigningKey.from_seed(bytes(32)).public.jwk()))
    (repository / "sealing.json").write_text(json.dumps(SealingKey.from_seed(bytes(32)).public.jwk()))
    (repository / ".gitignore").write_text(".demo/\n")
    (repository / ".demo").mkdir()
    (repository / ".demo" / "keyring.jwe").write_text("{}")
    assert private_keys(repository) == []


def in_vectors(value, name="jws/test-keys.json"):
    return findings(PurePosixPath("tests/vectors") / name, json.dumps(value).encode())


def test_a_test_key_that_follows_from_its_label_may_stand_in_the_vectors():
    label = "jo.technical device 1"
    seed = seed_of_label(label)
    assert (
        in_vectors({"keys": [{"label": label, "seed": seed.hex()}, {"label": label, "priv": b64u(seed)}]})
        == []
    )
    assert in_vectors({"label": label, **SigningKey.from_seed(seed).private_jwk()}) == []


@pytest.mark.parametrize(
    "value",
    [
        {"label": "jo.technical device 1", "seed": REAL_SEED},
        {"seed": REAL_SEED},
        {"label": None, "seed": REAL_SEED},
        {"label": "a", "seed": b64u(seed_of_label("b"))},
        {"label": "a", "inner": {"d": b64u(seed_of_label("a"))}},
        [{"keys": [{"label": "a", "priv": ["x"]}]}],
        {"note": PEM.format("")},
        {"note": json.dumps({"d": REAL_SEED})},
    ],
)
def test_a_key_that_follows_from_no_label_is_found_among_the_test_keys_too(value):
    assert len(in_vectors(value)) == 1


@pytest.mark.parametrize(
    "path", ["tests/vectors/jws/keys.json", "tests/core/test-keys.json", "tests/vectors/test-keys.md"]
)
def test_a_test_key_outside_its_place_is_found(path):
    value = {"label": "a", "seed": b64u(seed_of_label("a"))}
    assert len(findings(PurePosixPath(path), json.dumps(value).encode())) == 1
