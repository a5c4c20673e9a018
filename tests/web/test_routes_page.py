"""The table of routes, its page, its OpenAPI description and what the hub really answers say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from poc.errors import CATALOGUE
from poc.schemas import FOLDER
from poc.web.openapi import build, codes_of, key_of, path_of, routes_page
from poc.web.routes import ROUTES
from poc.web.shapes import SHAPES
from tests.hub_world import World
from tests.registry import enrolment, signed
from tests.web.test_matrix import a_registry, with_objects

PAGE = Path(__file__).resolve().parents[2] / "docs" / "routes.md"


def test_the_page_of_routes_is_what_the_tables_say():
    assert PAGE.read_text(encoding="utf-8") == routes_page()


def test_every_route_has_its_shape_and_every_shape_its_route():
    assert set(SHAPES) == {key_of(route) for route in ROUTES}
    assert sum(len(methods) for methods in build()["paths"].values()) == len(ROUTES)


def test_every_code_named_is_in_the_table_of_errors():
    for route in ROUTES:
        assert set(codes_of(route)) <= CATALOGUE.keys(), key_of(route)


def test_a_route_takes_a_body_exactly_where_its_shape_does():
    for route in ROUTES:
        assert bool(route.body_bytes_max) == (SHAPES[key_of(route)].takes is not None), key_of(route)


def test_every_reference_leads_to_a_schema():
    text = json.dumps(build())
    for name in re.findall(r'"\$ref": "([^#"]+)"', text):
        assert (FOLDER / name).exists(), name
    assert text.count('"#/components/schemas/problem"') == len(ROUTES)


def fits(value, schema, where=""):
    """What of a value does not fit a schema, as far as our shapes use the language."""
    if "$ref" in schema:
        name, _, inner = schema["$ref"].partition("#")
        found = json.loads((FOLDER / name).read_text("utf-8")) if name else schema["root"]
        for step in filter(None, inner.split("/")):
            found = found[step]
        return fits(value, {**found, "root": schema.get("root", found)}, where)
    if "anyOf" in schema:
        tries = [fits(value, one, where) for one in schema["anyOf"]]
        return [] if any(not one for one in tries) else [fault for one in tries for fault in one]
    kinds = {"string": str, "integer": int, "array": list, "object": dict, "null": type(None)}
    if "const" in schema and value != schema["const"]:
        return [f"{where}: {value!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r}"]
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return [f"{where}: no {schema['type']}"]
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{where}: {value!r} is not {schema['pattern']}"]
    if schema.get("type") == "array" and "items" in schema:
        return [
            fault for n, item in enumerate(value) for fault in fits(item, schema["items"], f"{where}[{n}]")
        ]
    if schema.get("type") == "object" and "properties" in schema and "$defs" not in schema:
        if set(value) != set(schema["required"]):
            return [f"{where}: {sorted(set(value) ^ set(schema['required']))}"]
        return [
            fault
            for name, member in schema["properties"].items()
            for fault in fits(value[name], member, f"{where}.{name}")
        ]
    return []


STREAM = "GET /v1/inbox/stream"  # has no end: tests/web/test_stream.py reads it
WHO = {"contact": "sd.technical 1", "controller": "x-arcc.controller-1 1", "authority": "jo authority"}


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path, a_registry()).running() as running:
        await running.fill()
        yield await with_objects(running)


async def test_real_answers_fit_their_shapes_and_are_not_empty(world):
    seen: dict[str, list[Any]] = {}
    for route in ROUTES:
        if "{tile" in route.path or key_of(route) in {"GET /", "GET /checkpoint", STREAM}:
            continue
        object_id, body = world.objects.get(key_of(route), ("", b""))
        callers = ["jo.technical 1", *WHO.values(), "x-las.registrar-1"] if route.roles else [None]
        if route.path == "/v1/statements":
            payload = world.registry.payload("state.enrol", "sy", enrolment("sy"))
            body = signed(payload, "x-las.registrar-1").value()
        for who in callers:
            more = world.more.get(key_of(route))
            status, found = await world.ask(
                route.method, route.path.replace("{id}", object_id), body, who=who, headers=more
            )
            shape = SHAPES[key_of(route)].answers.get(status)
            if shape is None:
                assert found["code"] in codes_of(route), (key_of(route), who, found)
            elif isinstance(shape, str):
                assert world.seen["Content-Type"] == shape
                seen.setdefault(key_of(route), []).append({})
            else:
                assert fits(found, shape, key_of(route)) == []
                seen.setdefault(key_of(route), []).append(found)
    empty = {"cards", "keys", "items", "exercises", "proposals"}
    for name, answers in seen.items():
        for member in empty & set(answers[0]):
            assert any(answer[member] for answer in answers), (name, member)
    assert {key_of(r) for r in ROUTES if SHAPES[key_of(r)].takes is None and r.roles} - seen.keys() == {
        "GET /tile/entries/{tile}", STREAM,
    }  # fmt: skip


def test_a_wrong_answer_does_not_fit():
    shape = SHAPES["GET /v1/inbox"].answers[200]
    assert not isinstance(shape, str)
    assert fits({"items": [], "next": 0, "epoch": ""}, shape) == []
    wrongs: list[Any] = [{"items": []}, {"items": [], "next": "0"}, {"items": [{}], "next": 0}, []]
    for wrong in wrongs:
        assert fits(wrong, shape)
    assert path_of(ROUTES[4]) == "/tile/entries/{tile}"
