"""openapi.json and docs/routes.md from the tables of routes and shapes; drift fails a test."""

from __future__ import annotations

import json
from typing import Any, Final

from poc.errors import CATALOGUE
from poc.web.routes import ROUTES, Route
from poc.web.shapes import (
    B64U,
    EVERY_ROUTE,
    EVERY_SIGNED_ROUTE,
    NUMBER,
    SHAPES,
    TEXT,
    TIME,
    Schema,
    Shape,
)

PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "RFC 9457; more members may stand beside these, such as `receipt` or `newest`.",
    "properties": {
        "type": {"const": "about:blank"},
        "title": TEXT,
        "status": NUMBER,
        "code": TEXT,
        "detail": TEXT,
        "next": TEXT,
        "time": TIME,
    },
    "required": ["type", "title", "status", "code", "detail", "next", "time"],
}
SCHEME: Final[Schema] = {
    "type": "apiKey",
    "in": "header",
    "name": "Signature",
    "description": (
        'RFC 9421 with label `poc`, tag `poc/1`, alg `ed25519`, components exactly `"@method" "@target-uri" '
        '"content-digest"`, parameters `created;keyid;nonce;alg;tag` in this order. Content-Digest is '
        "RFC 9530, sha-256, always present. The target is the public origin and the path as sent; `created` "
        "within 60 s of the hub's clock; a nonce of 16 to 48 bytes, base64url, once per key."
    ),
}


def path_of(route: Route) -> str:
    """The route's path without the patterns of its framework."""
    return route.path.replace(":.+}", "}")


def key_of(route: Route) -> str:
    """How the table of shapes names a route."""
    return f"{route.method} {path_of(route)}"


def codes_of(route: Route) -> tuple[str, ...]:
    """Every code a route can give, its own first."""
    own = SHAPES[key_of(route)].codes
    signed = EVERY_SIGNED_ROUTE if route.roles else ()
    return tuple(dict.fromkeys((*own, *signed, *EVERY_ROUTE)))


def build() -> dict[str, Any]:
    """The OpenAPI 3.1 description of every route; forms are referred to beside it, in ``schemas/``."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(path_of(route), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hub of a registry of points of contact", "version": "1"},
        "paths": paths,
        "components": {"schemas": {"problem": PROBLEM}, "securitySchemes": {"request-signature": SCHEME}},
    }


def _operation(route: Route) -> dict[str, Any]:
    shape = SHAPES[key_of(route)]
    operation: dict[str, Any] = {
        "summary": route.summary,
        "x-roles": sorted(route.roles),
        "x-codes": list(codes_of(route)),
        "parameters": _parameters(route, shape),
        "responses": {
            **{str(status): _response(answer) for status, answer in shape.answers.items()},
            "default": {
                "description": "Refused, with a code.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
            },
        },
    }
    if shape.note:
        operation["description"] = shape.note
    if route.roles:
        operation["security"] = [{"request-signature": []}, *([{}] if route.policy else [])]
    if shape.takes is not None:
        operation["x-body-bytes-max"] = route.body_bytes_max
        operation["requestBody"] = {"required": True, "content": _content(shape.takes)}
    return operation


def _parameters(route: Route, shape: Shape) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path_of(route).split("/") if part.startswith("{")]
    parts = [{"name": name, "in": "path", "required": True, "schema": _in_path(name)} for name in names]
    if shape.follows is not None:
        parts.append({"name": shape.follows, "in": "query", "required": False, "schema": NUMBER})
    if shape.header is not None:
        parts.append({"name": shape.header, "in": "header", "required": True, "schema": TEXT})
    return parts


def _in_path(name: str) -> Schema:
    return B64U if name == "commitment" else TEXT


def _response(answer: Schema | str) -> dict[str, Any]:
    return {"description": "The answer.", "content": _content(answer)}


def _content(body: Schema | str) -> dict[str, Any]:
    """A body by its media type: JSON of a schema, or bytes of the type named."""
    return {body: {}} if isinstance(body, str) else {"application/json": {"schema": body}}


def routes_page() -> str:
    """docs/routes.md: a heading for each route."""
    parts = [
        "# Routes",
        "<!-- Made from poc/web/routes.py and poc/web/shapes.py by `make schemas`; edit those, not this. -->",
        (
            "Errors are `application/problem+json` with a `code` of [errors](errors.md), its sentence, the "
            "next step and the hub's `time`. What is forbidden looks like what is missing: 404 `not-found`. "
            "Who may call signs the request."
        ),
        str(SCHEME["description"]),
        (
            "Every JSON body is strict: no duplicate member, no unknown member, nothing but RFC 8259 in "
            "UTF-8. The same is in [openapi.json](../schemas/openapi.json) for programs. Every route can "
            f"also give {_named(EVERY_ROUTE)}; every signed one {_named(EVERY_SIGNED_ROUTE)}."
        ),
    ]
    for route in ROUTES:
        parts += [f"## {key_of(route)}", *_described(route)]
    return "\n\n".join(parts) + "\n"


def _described(route: Route) -> list[str]:
    shape = SHAPES[key_of(route)]
    who = ", ".join(sorted(route.roles)) or "anyone, unsigned"
    more = "; anyone where the registry's policy says so" if route.policy else ""
    lines = [f"{route.summary} Who: {who}{more}." + (f" {shape.note}" if shape.note else "")]
    if shape.header is not None:
        lines.append(f"Header: `{shape.header}`, which is not signed.")
    if shape.follows is not None:
        lines.append(f"Query: `{shape.follows}`, a number, 0 if not given.")
    if shape.takes is not None:
        lines.append(f"Takes at most {route.body_bytes_max:,} bytes: {_sketch(shape.takes)}")
    lines += [f"{status}: {_sketch(answer)}" for status, answer in shape.answers.items()]
    if shape.codes:
        lines.append(f"Refuses with: {_named(shape.codes)}.")
    return lines


def _named(codes: tuple[str, ...]) -> str:
    return ", ".join(f"[{code}](errors.md#{code})" for code in dict.fromkeys(codes) if code in CATALOGUE)


def _sketch(schema: Schema | str) -> str:
    """A body as a reader sees it: its media type, its members, or the form it is."""
    if isinstance(schema, str):
        return f"`{schema}`"
    if "$ref" in schema:
        name = schema["$ref"]
        return f"[{name.removesuffix('.schema.json')}](../schemas/{name})"
    if "anyOf" in schema:
        return " or ".join(_sketch(one) for one in schema["anyOf"])
    return f"`{json.dumps(_example(schema), ensure_ascii=False)}`"


def _example(schema: Schema) -> Any:
    if "properties" in schema:
        return {name: _example(member) for name, member in schema["properties"].items()}
    if "items" in schema:
        return [_example(schema["items"])]
    if "anyOf" in schema:
        return " or ".join(str(_example(one)) for one in schema["anyOf"])
    if "$ref" in schema:
        return schema["$ref"].removesuffix(".schema.json")
    return schema.get("const") or " | ".join(schema.get("enum", ())) or schema.get("type", "any")
