"""Messages with their second key: each frozen case is judged as stated."""

from __future__ import annotations

from typing import Any

import pytest

from poc.core.directory import Directory
from poc.core.form import form_of
from poc.core.message import Message
from poc.core.opening import check_preparation
from poc.core.rules import apply_all
from poc.errors import RefusedError
from tests.escalated_world import entries, root_at
from tests.vectors.make_preparation import PATH, build, cases


@pytest.fixture(scope="module")
def directory() -> Directory:
    return apply_all(None, entries())


def test_the_file_is_what_the_generator_makes() -> None:
    assert PATH.read_text("utf-8") == build(), "run tests/vectors/make_preparation.py"


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in cases()])
def test_a_preparation_counts_or_is_refused_as_stated(case: Any, directory: Directory) -> None:
    message = form_of(Message, case["message"])
    sender = directory.key(message.sender.kid)
    if case["expect"] == "ok":
        check_preparation(message, sender, directory, case["size"], root_at)
        return
    with pytest.raises(RefusedError) as caught:
        check_preparation(message, sender, directory, case["size"], root_at)
    assert caught.value.code == case["expect"]
