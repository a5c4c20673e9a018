"""A real gpg in a home of its own, for tests; ``needs_gpg`` skips where none is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")


def gpg(home: Path, *words: str, given: bytes = b"") -> str:
    """Run gpg and give what it printed; its agent is stopped afterwards."""
    home.mkdir(mode=0o700, exist_ok=True)
    environment = {**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["gpg", "--batch", "--no-tty", *words], input=given, env=environment, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False, timeout=20)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def public_key(home: Path, user: str) -> str:
    """A fresh armoured public key."""
    blank = ("--pinentry-mode", "loopback", "--passphrase", "")
    gpg(home, *blank, "--quick-gen-key", user, "ed25519", "sign", "never")
    return gpg(home, "--armor", "--export", user)
