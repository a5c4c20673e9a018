"""The READMEs name what there is, in both languages. Their commands are run in ``test_demo``."""

from __future__ import annotations

import re
from pathlib import Path

from poc.cli.main import NOUNS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def commands():
    block = re.search(r"<!-- run with the demo -->\n(.*?)<!-- end -->", README, re.DOTALL)
    assert block is not None
    return [line.strip() for line in block[1].splitlines() if line.startswith("    ")]


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
