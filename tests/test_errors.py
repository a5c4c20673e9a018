from __future__ import annotations

import re

import pytest

from poc.errors import CATALOGUE, FaultError, PocError, RefusedError, UnreachableError, UsageError

STATUSES = {400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 416, 422, 429, 500, 502, 503, 504}


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_row_has_a_code_of_the_grammar_and_an_http_status_for_errors(code):
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", code)
    assert CATALOGUE[code].status in STATUSES


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_row_says_in_whole_sentences_what_is_wrong_and_what_to_do(code):
    for text in (CATALOGUE[code].sentence, CATALOGUE[code].next_step):
        assert re.fullmatch(r"[A-Z`][^\n]{4,}[.]", text), text


@pytest.mark.parametrize("kind", [RefusedError, UsageError, UnreachableError, FaultError])
def test_a_code_without_a_row_cannot_be_raised(kind):
    with pytest.raises(KeyError):
        kind("no-such-code")


def test_each_kind_of_error_has_its_exit_code():
    codes = [kind.exit_code for kind in (RefusedError, UsageError, UnreachableError, FaultError)]
    assert codes == [1, 2, 3, 4]


def test_an_error_carries_its_row_its_detail_and_data_for_programs():
    error = RefusedError("bad-json", "line 1 column 2", line=1)
    row = CATALOGUE["bad-json"]
    assert isinstance(error, PocError)
    assert (error.code, error.status, error.next_step) == ("bad-json", row.status, row.next_step)
    assert error.message == f"{row.sentence} (line 1 column 2)"
    assert str(error) == f"bad-json: {error.message}"
    assert error.data == {"line": 1}


def test_an_error_without_detail_is_its_sentence():
    assert RefusedError("bad-json").message == CATALOGUE["bad-json"].sentence
