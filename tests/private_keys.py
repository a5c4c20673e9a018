"""Finds private keys in a tree: what tests/test_keys_folder.py refuses anywhere in the repository.

One place may hold test keys: a JSON file under tests/vectors/ whose name contains `test-keys`. There, each
object with a secret names its `label`, and the secret must be `seed_of_label(label)`: a key anybody can
compute protects nothing, and a real key pasted there is found. Not here: what git ignores (.venv, demos).
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from poc.core.strictjson import b64u, domain_hash

SECRET_MEMBERS = ("d", "priv", "k", "seed", "private", "private_key", "secret", "secret_key")
_NAMES = "|".join(SECRET_MEMBERS)
SIGNS = {
    "a PEM private key": rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----",
    # Also inside a string of JSON, where quotes are escaped, and in Python, where they may be single.
    "a secret member": rb"""\\*["']("""
    + _NAMES.encode()
    + rb""")\\*["']\s*:\s*\\*["'][A-Za-z0-9_+/=-]{40,}""",
    "a seed as a literal": rb"""from_seed\([^)]{0,40}["'][A-Za-z0-9_+/=-]{40,}""",
    "a note signer's key": rb"PRIVATE\+KEY\+[^\s+]+\+[0-9a-f]{8}\+",
    "an age key": rb"AGE-SECRET-KEY-(PQ-)?1[A-Z0-9]{20}",
    "an encrypted keyring": rb"eyJhbGciOiJQ[Q]kVTMi",
}
PRIVATE_NAMES = {"keyring.jwe", "passphrase", "id_ed25519", "id_rsa", "id_ecdsa"}
PRIVATE_SUFFIXES = {".key", ".p8", ".p12", ".pfx", ".jks"}


def seed_of_label(label: str) -> bytes:
    """The seed of the test key with a public label."""
    return domain_hash("poc/1 test key", label.encode())


def private_keys(root: Path) -> list[str]:
    """Every private key in what git tracks or would add below `root`, as `path: what`."""
    return [f"{path}: {what}" for path in tree(root) for what in findings(path, (root / path).read_bytes())]


def tree(root: Path) -> Iterator[PurePosixPath]:
    """The files git tracks or would add below `root`, as they lie there now."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
    for name in sorted(set(listed.decode().split("\0"))):
        if name and (root / name).is_file():
            yield PurePosixPath(name)


def findings(path: PurePosixPath, data: bytes) -> list[str]:
    """What is private about one file; empty when nothing is."""
    if path.name in PRIVATE_NAMES or path.suffix in PRIVATE_SUFFIXES:
        return ["a file of this name belongs into no repository"]
    if path.parts[:2] == ("tests", "vectors") and "test-keys" in path.name and path.suffix == ".json":
        return _undeclared(json.loads(data))
    return [what for what, sign in SIGNS.items() if re.search(sign, data)]


def _undeclared(value: object) -> list[str]:
    """Secrets in a file of test keys that do not follow from a label."""
    if isinstance(value, list):
        return [what for item in value for what in _undeclared(item)]
    if not isinstance(value, dict):
        return _signs(value)
    found = []
    for name, member in value.items():
        if name not in SECRET_MEMBERS:
            found += _undeclared(member)
        elif not _follows(member, value.get("label")):
            found.append(f"`{name}` is not the seed of a label")
    return found


def _signs(value: object) -> list[str]:
    return [
        what for what, sign in SIGNS.items() if isinstance(value, str) and re.search(sign, value.encode())
    ]


def _follows(secret: object, label: object) -> bool:
    return isinstance(label, str) and secret in (b64u(seed_of_label(label)), seed_of_label(label).hex())
