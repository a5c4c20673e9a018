"""docs/operate.md names only what there is, and all there is of events and read-only reasons."""

from __future__ import annotations

import logging
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from poc import limits
from poc.cli.main import NOUNS, _global_options, build_parser
from poc.client.alarms import trial_ring
from poc.client.hooks import VARIABLES
from poc.config import ENV_ELSEWHERE, DeskSettings, HubSettings, WitnessSettings
from poc.errors import CATALOGUE
from poc.hub.backup import LAST_NAME
from poc.keyring import INDEX_NAME, KEYRING_NAME, PASSPHRASE_NAME
from poc.logs import EVENTS
from poc.store.sqlite import DATABASE_NAME, LOCK_NAME
from tests.web.test_metrics import families
from tools.docs_tables import children_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operate.md").read_text("utf-8")
CHAPTERS = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
FILES = {
    *("config.toml", KEYRING_NAME, INDEX_NAME, PASSPHRASE_NAME),
    *(DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm", LOCK_NAME, LAST_NAME),
}


def table(heading):
    """The rows of the table under a heading, as lists of cells."""
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def test_every_event_is_described_with_its_level():
    levels = {row[0].strip("`"): row[1].upper() for row in table("Log")}
    assert levels == {name: logging.getLevelName(level) for name, level in EVENTS.items()}


def test_every_event_written_is_in_the_table():
    written = set()
    for path in (ROOT / "poc").rglob("*.py"):
        written |= set(re.findall(r'log_event\(\s*"([a-z-]+)"', path.read_text("utf-8")))
    assert written == set(EVENTS)


def test_every_file_of_the_home_is_described_and_exists_by_that_name():
    named = {name for row in table("The home") for name in re.findall(r"`([^`]+)`", row[0])}
    assert named == FILES


def test_every_reason_to_be_read_only_is_described():
    reasons = set(re.findall(r"`([a-z-]+)`", PAGE.split("## Read-only")[1].split("\n## ")[0]))
    assert {
        "log-unproved",
        "head-unsure",
        "writer-failed",
        "no-log-key",
        "no-hub-key",
        "clock-jumped",
    } <= reasons
    assert {word for word in reasons if "-" in word.strip("-")} <= CATALOGUE.keys() | {"--clock-confirmed"}


ELSEWHERE = {"home", "json", "import"}  # before every noun; of gpg
COMMANDS = re.findall(r"^poc (.+)$", PAGE, re.MULTILINE)
INLINE = sorted(set(re.findall(r"`(poc [^`]+)`", PAGE)))


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_poc_parses_as_it_stands(line):
    words, _, _ = _global_options(shlex.split(line.split(" | ")[0]))
    assert build_parser(words[0]).parse_args(words).run


def test_the_page_shows_the_way_from_nothing_to_a_contact():
    verbs = {" ".join(_global_options(shlex.split(line))[0][:2]) for line in COMMANDS}
    assert verbs >= {
        "key new", "key export", "registry init", "registry join", "proposal sign", "proposal submit",
        "state enrol", "contact nominate",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(re.findall(r"--([a-z][a-z-]+)", PAGE))))
def test_every_option_named_is_one_of_the_server_or_of_poc(name):
    server = (ROOT / "server.py").read_text("utf-8")
    commands = (ROOT / "docs" / "commands.md").read_text("utf-8")  # made from the parsers themselves
    assert f'"--{name}"' in server or re.search(rf"`--{name}[ `]", commands) or name in ELSEWHERE


def test_every_setting_and_variable_named_exists():
    settings = set(re.findall(r"`([a-z]+_[a-z_]+)`", PAGE)) - families() - {"poc_read_only", "proxy_pass"}
    models = (HubSettings, WitnessSettings, DeskSettings)
    assert settings <= {name for model in models for name in model.model_fields}
    assert set(re.findall(r"POC_[A-Z_]+", PAGE)) <= {*ENV_ELSEWHERE, "POC_HOME"}
    assert set(re.findall(r"poc_[a-z_]+", PAGE)) <= families()


def test_every_limit_and_page_named_exists():
    told = {
        *VARIABLES,
        *trial_ring(datetime(2026, 11, 24, tzinfo=UTC)).facts(),
    }  # to programs of the settings
    for name in set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE)) - {*ENV_ELSEWHERE, "POC_HOME", *told}:
        assert hasattr(limits, name), name
    for name in re.findall(r"\]\(([a-z-]+\.md)", PAGE):
        assert (ROOT / "docs" / name).exists(), name
    for name in ("requirements.txt", "CHANGELOG.md", "server.py", "Makefile"):
        assert (ROOT / name).exists()


@pytest.mark.parametrize("command", INLINE)
def test_a_command_named_in_the_text_exists(command):
    noun, verb = [*command.split()[1:3], ""][:2]
    assert noun in NOUNS
    parser = dict(children_of(build_parser(noun)))[noun]
    assert not verb or verb.startswith(("-", "…")) or verb in dict(children_of(parser))


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_table_of_contents_names_every_chapter_once():
    contents = PAGE[: PAGE.index("\n## ")]
    named = re.findall(r"\[([^\]]+)\]\(#([a-z0-9-]+)\)", contents)
    assert sorted(name for name, _ in named) == sorted(CHAPTERS)
    assert all(link == anchor(name) for name, link in named)


@pytest.mark.parametrize("page", ["docs/operate.md", "docs/threat-model.md", "README.md"])
def test_a_link_to_a_chapter_leads_to_one(page):
    text = (ROOT / page).read_text("utf-8")
    prefix = r"\(#" if page == "docs/operate.md" else r"\((?:docs/)?operate\.md#"
    links = re.findall(prefix + r"([a-z0-9-]+)\)", text)
    assert links
    assert {link for link in links if link not in {anchor(name) for name in CHAPTERS}} == set()
