"""The pages of docs/spec: all there, every form named, nothing named that is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from poc.core import jws
from poc.core.httpsig import parse_request, signature_base
from poc.errors import CATALOGUE
from poc.schemas import FORMS

ROOT = Path(__file__).resolve().parents[1]
SPEC = ROOT / "docs" / "spec"
PAGES = {path.name: path.read_text("utf-8") for path in SPEC.glob("*.md")}
ALL = "\n".join(PAGES.values())


def test_every_page_listed_is_there_and_every_page_there_is_listed():
    listed = re.findall(r"^\| \[([a-z-]+\.md)\]\(\1\) \|", PAGES["README.md"], re.MULTILINE)
    assert sorted(listed) == sorted(set(PAGES) - {"README.md"})


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_named_on_a_page(form):
    assert f"`{form.removeprefix('body.')}`" in ALL


@pytest.mark.parametrize("typ", jws.TYPES)
def test_every_type_of_signature_is_named(typ):
    assert f"`{typ}`" in PAGES["form-rules.md"]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_and_vectors_that_a_page_names_are_there(page):
    for link in re.findall(r"\]\(([^)#]+)\)", PAGES[page]):
        assert (SPEC / link).exists(), link
    for path in re.findall(r"`(tests/vectors/[^`]*)`", PAGES[page]):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", sorted(set(PAGES) - {"README.md", "keyring.md"}))
def test_every_page_says_which_vectors_cover_it(page):
    assert "tests/vectors/" in PAGES[page]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_code_in_a_table_of_refusals_is_one(page):
    for table in re.findall(r"^\| code \| .*\n\|[-|]+\n((?:\|.*\n?)+)", PAGES[page], re.MULTILINE):
        for row in table.splitlines():
            for code in re.findall(r"`([^`]+)`", row.split("|")[1]):
                assert code in CATALOGUE, code


def test_the_example_of_a_signed_request_is_the_first_vector():
    case = json.loads((ROOT / "tests/vectors/httpsig/requests.json").read_bytes())["cases"][0]
    signature = parse_request(dict(case["headers"]))
    base = signature_base(case["method"], case["target"], signature.content_digest, signature.params)
    assert f"```\n{base.decode()}\n```" in PAGES["requests.md"]


def test_the_log_page_spells_a_tile_as_the_code_does():
    from poc.core.tiles import entries_path

    assert "x001/x234/067" in PAGES["log.md"]
    assert entries_path(1234067) == "tile/entries/x001/x234/067"
