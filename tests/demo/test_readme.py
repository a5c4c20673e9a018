"""The README's commands, run as a newcomer would, against a demo that stays up."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from poc.cli.main import NOUNS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
START_SECONDS = 120


def commands():
    block = re.search(r"<!-- run with the demo -->\n(.*?)<!-- end -->", README, re.DOTALL)
    assert block is not None
    return [line.strip() for line in block[1].splitlines() if line.startswith("    ")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The address of a demo that stays up, and its folder."""
    folder = tmp_path_factory.mktemp("readme") / "demo"
    kept = {
        n: v
        for n, v in os.environ.items()
        if n not in {"PORT", "ONCE", "ATTACH"} and not n.startswith("POC_")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "poc.demo"], cwd=ROOT, env={**kept, "DEMO_DIR": str(folder)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield folder, process
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.stdout.close()


def last_line(process):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if line.startswith("{"):
            return json.loads(line)
        assert line, "the demo ended early"
    raise AssertionError("the demo did not finish")


def test_the_readmes_commands_run_beside_a_demo_that_stays_up(demo):
    folder, process = demo
    assert last_line(process)["verified"] is True
    script = "\n".join(["set -e", *commands()]).replace(".demo/", f"{folder}/")
    script = script.replace(".venv/bin/poc", f"'{sys.executable} -m poc.cli.main'")
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={n: v for n, v in os.environ.items() if not n.startswith("POC_")}, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "sd.diplomatic" in done.stdout
    assert "accepted" in done.stdout
    assert '"contacts"' in done.stdout


def test_ctrl_c_ends_the_demo_and_its_hub(demo):
    folder, process = demo
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    left = [p for p in Path("/proc").iterdir() if p.name.isdigit() and _names(p, folder / "hub")]
    assert left == []


def _names(process, home):
    try:
        return str(home).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_the_readme_names_every_noun_and_every_page_it_links_exists():
    for noun in NOUNS:
        assert f"`poc {noun}" in README, noun
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_arabic_readme_shows_the_same_commands_and_links_to_what_is_there():
    arabic = (ROOT / "README.ar.md").read_text("utf-8")
    block = re.search(r"<!-- run with the demo -->\n(.*?)<!-- end -->", arabic, re.DOTALL)
    assert block is not None
    shown = [line.strip() for line in block[1].splitlines() if line.startswith("    ")]
    assert shown
    assert set(shown) <= set(commands())
    assert "    make demo\n" in arabic
    for target in re.findall(r"\]\(([^)#]+)\)", arabic):
        assert (ROOT / target).exists(), target


def test_the_two_commands_that_do_all_the_set_up_are_in_the_readme():
    assert "    make demo\n" in README
    assert "`make test`" in README
