from __future__ import annotations

import pytest

from poc.errors import FaultError, RefusedError, UnreachableError
from poc.store.base import Accepted, Existing
from poc.store.memory import MemoryStore
from tests.store.builders import NOW, head, leaf, message, slot


@pytest.fixture
def store():
    return MemoryStore()


async def failed(awaitable):
    with pytest.raises(UnreachableError) as caught:
        await awaitable
    assert caught.value.code == "storage-failed"


async def test_a_verb_told_to_fail_before_stores_nothing_and_the_next_call_succeeds(store):
    store.fail_before("accept_message")
    await failed(store.accept_message(message(), [slot()]))
    assert await store.read_message("m1") is None
    assert await store.accept_message(message(), [slot()]) == Accepted("receipt-1")


async def test_a_verb_told_to_fail_but_persist_is_found_done_by_the_next_call(store):
    store.fail_but_persist("accept_message")
    await failed(store.accept_message(message(), [slot()]))
    assert await store.read_message("m1") == message()
    assert await store.accept_message(message(), [slot()]) == Existing("receipt-1")


async def test_an_append_that_failed_but_persisted_shows_as_a_moved_head(store):
    store.fail_but_persist("append_entries")
    await failed(store.append_entries(None, head(1), [leaf(0)], []))
    with pytest.raises(RefusedError):
        await store.append_entries(None, head(1), [leaf(0)], [])
    assert await store.read_head() == head(1)


async def test_only_the_nth_call_of_that_verb_fails(store):
    store.fail_before("use_nonce", 3)
    await store.read_head()
    assert await store.use_nonce("k", "1", NOW) is True
    assert await store.use_nonce("k", "2", NOW) is True
    await failed(store.use_nonce("k", "3", NOW))
    assert await store.use_nonce("k", "3", NOW) is True


async def test_faults_of_one_verb_are_counted_apart(store):
    store.fail_before("use_nonce", 1)
    store.fail_but_persist("use_nonce", 2)
    await failed(store.use_nonce("k", "n", NOW))
    await failed(store.use_nonce("k", "n", NOW))
    assert await store.use_nonce("k", "n", NOW) is False


@pytest.mark.parametrize(("verb", "n"), [("accept_message", 0), ("close", 1), ("nothing", 1), ("faults", 1)])
def test_a_fault_that_could_never_happen_is_refused(store, verb, n):
    with pytest.raises(FaultError):
        store.fail_before(verb, n)
