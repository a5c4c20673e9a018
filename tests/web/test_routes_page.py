"""The table of routes, its page and its OpenAPI description say the same."""

from __future__ import annotations

from pathlib import Path

from poc.web.openapi import build, routes_page
from poc.web.routes import ROUTES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "routes.md"


def test_the_page_of_routes_is_what_the_table_says():
    assert PAGE.read_text(encoding="utf-8") == routes_page()


def test_every_route_is_described():
    assert sum(len(methods) for methods in build()["paths"].values()) == len(ROUTES)
