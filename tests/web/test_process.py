"""The hub as a real process: it answers without a registry, says what to run, and stops when told to."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_a_hub_without_a_registry_answers_says_what_to_run_and_stops(tmp_path):
    command = [sys.executable, str(ROOT / "server.py"), "--home", str(tmp_path), "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().removeprefix("listening on ").strip()
            with urllib.request.urlopen(address + "/healthz", timeout=5) as answer:  # noqa: S310 (our own)
                assert answer.status == 200
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(address + "/readyz", timeout=5)  # noqa: S310 (our own)
            with caught.value as answer:
                assert (answer.code, b"no-registry" in answer.read()) == (503, True)
        finally:
            began = time.monotonic()
            process.terminate()
            _, errors = process.communicate(timeout=5)
    assert time.monotonic() - began < 5
    assert process.returncode == 0
    assert f"poc registry init --from F --home {tmp_path}" in errors


def test_an_unknown_setting_stops_the_start_with_its_name(tmp_path):
    (tmp_path / "config.toml").write_text("prot = 1\n", encoding="utf-8")
    command = [sys.executable, str(ROOT / "server.py"), "--home", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 1
    assert "prot" in done.stderr
