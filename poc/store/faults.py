"""Faults on order for the memory driver: a verb fails as a disk would, before or after it took effect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Final, Literal, ParamSpec, Protocol, TypeVar

from poc.errors import FaultError, UnreachableError

Moment = Literal["before", "after"]
ANY_VERB: Final = "any verb"


@dataclass
class Faults:
    """Which coming call of which verb fails, and whether the store is closed.

    ``called`` are the verbs that were called, in order.
    """

    due: list[tuple[str, int, Moment]] = field(default_factory=list)
    closed: bool = False
    called: list[str] = field(default_factory=list)

    def plan(self, store: object, name: str, n: int, moment: Moment) -> None:
        """Order that the n-th call from now fails, of the verb or of ``ANY_VERB``.

        Raises:
            FaultError: ``fault``, the store has no such verb, or n is below 1.
        """
        is_verb = name == ANY_VERB or hasattr(getattr(store, name, None), "__wrapped__")
        if n < 1 or not is_verb:
            raise FaultError("fault", f"no call {n} of a verb {name}")
        self.due.append((name, n, moment))

    def count(self, name: str) -> set[Moment]:
        """Count one call; give when it fails.

        Raises:
            UnreachableError: ``storage-failed``, the store is closed.
        """
        if self.closed:
            raise UnreachableError("storage-failed", "the store is closed")
        self.called.append(name)
        counted = [(planned, n - (planned in (name, ANY_VERB)), moment) for planned, n, moment in self.due]
        self.due = [entry for entry in counted if entry[1] > 0]
        return {moment for _, n, moment in counted if n == 0}


class _Faulty(Protocol):
    faults: Faults


S = TypeVar("S", bound=_Faulty)
P = ParamSpec("P")
T = TypeVar("T")


def verb(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Let a verb give way to other tasks, then fail if that was ordered."""

    @wraps(method)
    async def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        await asyncio.sleep(0)
        moments = self.faults.count(method.__name__)
        if "before" in moments:
            raise UnreachableError("storage-failed", "told to fail before")
        value = await method(self, *args, **kwargs)
        if "after" in moments:
            raise UnreachableError("storage-failed", "told to fail after")
        return value

    return call
