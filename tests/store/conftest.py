"""One store for each driver, so that one test file holds both to the same promises."""

from __future__ import annotations

import pytest

from poc.store.base import Store
from poc.store.memory import MemoryStore
from poc.store.sqlite import SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    made: Store = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def sqlite(tmp_path):
    made = await SqliteStore.open(tmp_path)
    yield made
    await made.close()
