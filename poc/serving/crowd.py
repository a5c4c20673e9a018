"""How many connections a server holds, and which makes room when there are too many.

Room is made by the one that matters least: first those whose request is not complete, then those that wait
between two requests, of each the one that has waited longest; those that have signed a request before come
last. One whose request is being worked on is never cut for another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final, Literal, Protocol

from poc.limits import CONNECTIONS_MAX, CONNECTIONS_OF_ADDRESS_MAX
from poc.serving.addresses import Proxies, address_name

Reason = Literal["header", "idle", "body", "answer", "crowded"]
BUSY: Final = 3


class Member(Protocol):
    """A connection, as the crowd sees it."""

    @property
    def standing(self) -> tuple[int, float]:
        """What it counts (the lowest goes first, ``BUSY`` never) and since when."""

    def cut(self, reason: Reason) -> None:
        """Close it now."""


class Crowd:
    """The connections of one server. ``told`` hears why one was closed by the server."""

    def __init__(
        self,
        *,
        most: int = CONNECTIONS_MAX,
        most_of_address: int = CONNECTIONS_OF_ADDRESS_MAX,
        proxies: Proxies | None = None,
        told: Callable[[Reason], None] | None = None,
    ) -> None:
        self._most = most
        self._most_of_address = most_of_address
        self._proxies = proxies or Proxies()
        self._told = told
        self._address_of: dict[Member, str] = {}
        self._at: defaultdict[str, dict[Member, None]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._address_of)

    def join(self, member: Member, peer: str) -> bool:
        """Take a connection in, cutting another where that makes room; False: there is none."""
        address = address_name(peer, peer)
        group = self._at[address]
        if len(group) >= self._most_of_address and not self._proxies.are(peer):
            room = self._cut_one(group)
        elif len(self) >= self._most:
            # The address with the most connections gives one up, so that many cannot push out few.
            room = self._cut_one(max(self._at.values(), key=len))
        else:
            room = True
        if room:
            self._address_of[member] = address
            self._at[address][member] = None
        elif not group:
            del self._at[address]
        return room

    def leave(self, member: Member) -> None:
        """Forget a connection that ended; one that never joined changes nothing."""
        address = self._address_of.pop(member, None)
        if address is None:
            return
        del self._at[address][member]
        if not self._at[address]:
            del self._at[address]

    def note(self, reason: Reason) -> None:
        """Tell why the server closed one."""
        if self._told is not None:
            self._told(reason)

    def _cut_one(self, group: dict[Member, None]) -> bool:
        least = min(group, key=lambda member: member.standing)
        if least.standing[0] >= BUSY:
            return False
        self.leave(least)
        least.cut("crowded")
        return True
