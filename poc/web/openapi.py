"""openapi.json and docs/routes.md from the table of routes; drift fails a test."""

from __future__ import annotations

from typing import Any

from poc.web.routes import ROUTES, Route


def build() -> dict[str, Any]:
    """The OpenAPI 3.1 description of every route."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        path = route.path.replace(":.+}", "}")
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hub of a registry of points of contact", "version": "1"},
        "paths": paths,
    }


def _operation(route: Route, path: str) -> dict[str, Any]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    operation: dict[str, Any] = {
        "summary": route.summary,
        "x-roles": sorted(route.roles),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ],
        "responses": {"default": {"description": "The answer, or application/problem+json with a code."}},
    }
    if route.body_bytes_max:
        operation["x-body-bytes-max"] = route.body_bytes_max
        operation["requestBody"] = {"required": True, "content": {"application/json": {}}}
    return operation


def routes_page() -> str:
    """docs/routes.md: a heading for each route."""
    parts = [
        "# Routes",
        "<!-- Made from poc/web/routes.py by `poc.web.openapi.routes_page`; edit that file, not this. -->",
        (
            "Errors are `application/problem+json` with a `code` of [errors](errors.md). What is forbidden "
            "looks like what is missing: 404 `not-found`. Who may call signs the request (RFC 9421, label "
            "`poc`)."
        ),
    ]
    for route in ROUTES:
        who = ", ".join(sorted(route.roles)) or "anyone, unsigned"
        more = "; anyone where the registry's policy says so" if route.policy else ""
        limit = f" Body: at most {route.body_bytes_max:,} bytes." if route.body_bytes_max else ""
        path = route.path.replace(":.+}", "}")
        parts += [f"## {route.method} {path}", f"{route.summary} Who: {who}{more}.{limit}"]
    return "\n\n".join(parts) + "\n"
