"""Test vectors and documents other people made: where they are, and a reason to skip where they are not.

They are read from the folders in ``POC_VECTORS`` and ``POC_SAMPLES``, else from ``shared/vectors`` and
``shared/samples`` beside the project. None of them is kept in this repository.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared"


def foreign_file(*parts: str) -> Path:
    """The path of one foreign file or folder; the test that asks is skipped if it is not there."""
    path = Path(os.environ.get("POC_VECTORS") or _SHARED / "vectors").joinpath(*parts)
    if not path.exists():
        pytest.skip(f"foreign vectors {'/'.join(parts)} are not here (set POC_VECTORS to their folder)")
    return path


def foreign_json(*parts: str) -> Any:
    """One foreign file read as JSON."""
    return json.loads(foreign_file(*parts).read_bytes())


def sample_file(*parts: str) -> Path:
    """The path of one sample document; the test that asks is skipped if it is not there."""
    path = Path(os.environ.get("POC_SAMPLES") or _SHARED / "samples").joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the sample {'/'.join(parts)} is not here (set POC_SAMPLES to its folder)")
    return path
