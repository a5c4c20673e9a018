"""Reading tests/vectors and saying which verdict a case got; shared by the tests here."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.independent.basics import RefusedError, sha256

FOLDER = Path(__file__).parents[1] / "vectors"


@functools.cache
def load(name: str) -> dict[str, Any]:
    """One file of vectors."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def seed_of(label: str) -> bytes:
    """The seed of the key that a label names, as docs/spec/README.md says."""
    return sha256(b"poc/1 test key\0" + label.encode())


def verdict(call: Callable[[], object]) -> str:
    """``ok``, or the code of the refusal."""
    try:
        call()
    except RefusedError as error:
        return error.code
    return "ok"


def disagreements(name: str, judge: Callable[[dict[str, Any]], object], member: str = "cases") -> list[str]:
    """The cases of a file where this implementation comes to the other verdict."""
    wrong = []
    for case in load(name)[member]:
        got = verdict(functools.partial(judge, case))
        if (got == "ok") != (case["expect"] == "ok"):
            wrong.append(f"{name}: {case['name']}: expected {case['expect']}, got {got}")
    return wrong


def differing(name: str, judge: Callable[[dict[str, Any]], object], member: str = "cases") -> list[str]:
    """The cases of a file where this implementation names another code, or refuses what is good."""
    got = [(case, verdict(functools.partial(judge, case))) for case in load(name)[member]]
    return [
        f"{name}: {case['name']}: expected {case['expect']}, got {code}"
        for case, code in got
        if code != case["expect"]
    ]
