from __future__ import annotations

import re
from pathlib import Path

import pytest

from poc import limits
from poc.config import ENV_ELSEWHERE, DeskSettings, HubSettings
from poc.errors import CATALOGUE
from tools.docs_tables import limit_value, limits_page, pages

DOCS = Path(__file__).resolve().parent.parent / "docs"


def headings(page):
    return re.findall(r"^#+ (.+)$", page, re.MULTILINE)


@pytest.mark.parametrize(
    "name", ["claims.md", "commands.md", "errors.md", "limits.md", "retention.md", "settings.md"]
)
def test_the_page_in_docs_is_what_the_code_says(name):
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == pages()[name], f"docs/{name} has drifted: run `make docs-tables`"


def test_every_error_code_has_its_heading():
    assert set(CATALOGUE) <= set(headings(pages()["errors.md"]))


def test_every_limit_has_its_row():
    names = {name for name in vars(limits) if name.isupper()} - {"KIB", "MIB"}
    assert set(re.findall(r"^\| `([A-Z0-9_]+)` \|", pages()["limits.md"], re.MULTILINE)) == names


def test_every_setting_has_its_heading_and_every_other_variable_its_line():
    page = pages()["settings.md"]
    assert {*HubSettings.model_fields, *DeskSettings.model_fields} <= set(headings(page))
    assert all(f"- `{name}`: " in page for name in ENV_ELSEWHERE)


def test_a_limit_that_does_not_say_what_it_bounds_is_refused():
    with pytest.raises(ValueError, match="SLOTS_MAX needs a comment"):
        limits_page("# Messages\nSLOTS_MAX: Final = 250\n")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("A_BYTES_MAX", 1024 * 1024, "1 MiB"),
        ("A_BYTES_MAX", 1536, "1,536 bytes"),
        ("A_BYTES_MIN", 4096, "4 KiB"),
        ("A_SECONDS_MAX", 86_400, "1 days"),
        ("A_SECONDS_MAX", 3600, "1 h"),
        ("A_SECONDS_MAX", 90, "90 s"),
        ("A_SECONDS_MAX", 0, "0"),
        ("A_MAX", 1024, "1,024"),
        ("A_RATIO", 0.5, "`0.5`"),
    ],
)
def test_a_limit_is_shown_in_the_unit_of_its_name(name, value, shown):
    assert limit_value(name, value) == shown
