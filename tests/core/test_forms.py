"""Forms of messages, evidence and exercises: what reads, and what the members refuse together."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from poc.core.exercise import Order
from poc.core.form import Form, form_bytes, read_form
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from tests.form_examples import BAD, GOOD, ORDER
from tests.vectors.make_forms import FOLDER, vectors


@pytest.mark.parametrize(("model", "value"), GOOD, ids=[model.__name__ for model, _ in GOOD])
def test_a_form_writes_the_bytes_it_was_read_from(model: type[Form], value: dict[str, Any]) -> None:
    assert form_bytes(read_form(model, canonical(value))) == canonical(value)


@pytest.mark.parametrize(("model", "value"), GOOD, ids=[model.__name__ for model, _ in GOOD])
def test_a_form_needs_every_member_and_takes_no_other(model: type[Form], value: dict[str, Any]) -> None:
    for member in value:
        with pytest.raises(RefusedError, match="bad-form"):
            read_form(model, canonical({k: v for k, v in value.items() if k != member}))
    with pytest.raises(RefusedError, match="bad-form"):
        read_form(model, canonical({**value, "unheard_of": None}))


@pytest.mark.parametrize(("model", "value", "change"), BAD)
def test_members_that_do_not_fit_are_refused(
    model: type[Form], value: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(RefusedError) as caught:
        read_form(model, canonical({**copy.deepcopy(value), **change}))
    assert caught.value.code == "bad-form"


def test_a_break_out_has_no_number_and_may_be_for_one_contact() -> None:
    order = read_form(
        Order, canonical({**ORDER, "order": "break-out", "number": None, "contact": "jo.technical"})
    )
    assert order.contact == "jo.technical"


def test_the_frozen_vectors_agree_with_the_examples_and_with_the_models() -> None:
    models = {model.__name__: model for model, _ in GOOD}
    for name, text in vectors().items():
        assert (FOLDER / name).read_text("utf-8") == text
        frozen = json.loads(text)
        for case in frozen["cases"]:
            assert outcome(models[frozen["form"]], case["value"]) == case["expect"], case["name"]


def outcome(model: type[Form], value: object) -> str:
    try:
        read_form(model, canonical(value))
    except RefusedError as error:
        return error.code
    return "ok"
