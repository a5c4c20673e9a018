"""The JSON Schemas in schemas/ are those of the models, and say what the models say."""

from __future__ import annotations

import json

from poc import schemas
from poc.core.bodies import BODIES


def test_the_schemas_in_the_tree_are_those_of_the_models() -> None:
    assert schemas.drift() == []


def test_a_changed_missing_or_left_over_file_is_named(tmp_path) -> None:
    schemas.write(tmp_path)
    assert schemas.drift(tmp_path) == []
    (tmp_path / "message.schema.json").write_text("{}")
    (tmp_path / "order.schema.json").unlink()
    (tmp_path / "left-over.json").write_text("{}")
    changed = ["left-over.json", "message.schema.json", "order.schema.json"]
    assert schemas.drift(tmp_path) == changed
    assert schemas.write(tmp_path) == changed
    assert schemas.drift(tmp_path) == []


def test_every_statement_type_has_a_schema() -> None:
    assert {f"body.{kind}" for kind in BODIES} <= set(schemas.FORMS)


def test_no_form_takes_unknown_members_or_defaults() -> None:
    for name, text in schemas.files().items():
        schema = json.loads(text)
        objects = [schema, *schema.get("$defs", {}).values()]
        for form in objects:
            if form.get("type") == "object":
                assert form["additionalProperties"] is False, name
                assert set(form["required"]) == set(form["properties"]), name
