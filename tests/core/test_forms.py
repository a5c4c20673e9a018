"""Every form of ``schemas/``: what reads, and what its members refuse together."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from poc.core.exercise import Order
from poc.core.form import Form, form_bytes, form_of, read_form
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from poc.schemas import FORMS
from tests.form_examples import BAD, GOOD, ORDER
from tests.vectors.make_forms import FOLDER, applied, vectors


@pytest.mark.parametrize("form", GOOD)
def test_a_form_writes_the_bytes_it_was_read_from(form: str) -> None:
    assert form_bytes(read_form(FORMS[form], canonical(GOOD[form]))) == canonical(GOOD[form])


@pytest.mark.parametrize("form", GOOD)
def test_a_form_needs_every_member_and_takes_no_other(form: str) -> None:
    value = GOOD[form]
    for member in value:
        with pytest.raises(RefusedError, match="bad-form"):
            read_form(FORMS[form], canonical({k: v for k, v in value.items() if k != member}))
    with pytest.raises(RefusedError, match="bad-form"):
        read_form(FORMS[form], canonical({**value, "unheard_of": None}))


@pytest.mark.parametrize(("form", "change"), BAD)
def test_members_that_do_not_fit_are_refused(form: str, change: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        read_form(FORMS[form], canonical({**copy.deepcopy(GOOD[form]), **change}))
    assert caught.value.code == "bad-form"


def test_a_break_out_has_no_number_and_may_be_for_one_contact() -> None:
    order = read_form(
        Order, canonical({**ORDER, "order": "break-out", "number": None, "contact": "jo.technical"})
    )
    assert order.contact == "jo.technical"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_a_frozen_example_and_three_that_are_refused(form: str) -> None:
    expected = [case["expect"] for case in json.loads((FOLDER / f"{form}.json").read_bytes())["cases"]]
    assert "ok" in expected
    structural = sum(name != "ok" for name in expected) - len(GOOD[form]) - 1
    assert structural >= 3, "add changes that make it bad to tests/form_examples.py"


def test_the_frozen_vectors_agree_with_the_examples_and_with_the_models() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(vectors())
    for name, text in vectors().items():
        assert (FOLDER / name).read_text("utf-8") == text, f"{name}: run tests/vectors/make_forms.py"
        frozen = json.loads(text)
        for case in frozen["cases"]:
            found = outcome(FORMS[frozen["form"]], applied(frozen["value"], case))
            assert found == case["expect"], f"{name}: {case['name']}"


def outcome(model: type[Form], value: object) -> str:
    try:
        read_form(model, canonical(value))
    except RefusedError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize("value", [float("inf"), float("nan"), "\ud800", {"a": object()}, {1, 2}])
def test_a_value_that_json_cannot_spell_is_refused(value: Any) -> None:
    with pytest.raises(RefusedError) as caught:
        form_of(Order, {**ORDER, "reason": value})
    assert caught.value.code == "bad-json"
