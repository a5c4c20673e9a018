"""One word for one thing, in Arabic too: the fixed texts that name a thing agree, and the glossary has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from poc.client.alarms import PRECEDENCES
from poc.core.nudge import PRECEDENCE_WORDS as NUDGED
from poc.core.template import read_template
from poc.report.message_sheet import WORDS

ROOT = Path(__file__).resolve().parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| word")
]


@pytest.mark.parametrize("precedence", ["flash", "immediate", "priority", "routine"])
def test_a_precedence_is_called_the_same_on_paper_in_alarms_and_in_nudges(precedence):
    assert {PRECEDENCES[precedence], WORDS[precedence], NUDGED[precedence][1]} == {WORDS[precedence]}
    (arabic,) = (row[1] for row in ROWS if row[0] == "flash, immediate, priority, routine")
    assert WORDS[precedence] in arabic


@pytest.mark.parametrize("kind", ["information-request", "assistance-request", "clarification", "closure"])
def test_a_kind_is_called_the_same_on_paper_as_in_its_template(kind):
    template = read_template((ROOT / "poc" / "templates" / f"{kind}.1.json").read_bytes())
    assert template.title["ar"] == WORDS[kind]


def test_the_glossary_has_each_word_once_and_in_both_languages():
    words = Counter(row[0] for row in ROWS)
    assert [word for word, count in words.items() if count > 1] == []
    assert all(len(row) == 3 and all(row) for row in ROWS)
