"""The hub's numbered feeds as a desk reads them: each page checked, kept and only then stepped over.

A page and the cursor behind it become durable together. An item that does not verify is set aside with
its reason and tried again at every sync, because what it needs may come later: it is never lost, and it
never stands in the way of the next one. What an item means is decided by the ``keep`` given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from poc.client.api import HubClient
from poc.client.trust import Trust
from poc.core.strictjson import canonical, parse
from poc.errors import RefusedError

_EPOCH_CHARS_MAX: Final = 64
PAGES_MAX: Final = 2_000  # of one feed in one sync; a hub that never ends does not hold a desk for ever
Keep = Callable[[Any], bool]
"""Verify an item and keep it; true if it was new. Raises ``RefusedError`` for what does not verify."""
Beside = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Feed:
    """Where a feed is asked for, under which member its items stand, and what its cursor is called."""

    name: str
    path: str
    member: str


CARDS: Final = Feed("cards", "/v1/cards?since=", "cards")
KEYS: Final = Feed("keys", "/v1/keys?since=", "keys")
EXERCISES: Final = Feed("exercises", "/v1/exercises?since=", "exercises")
INBOX: Final = Feed("inbox", "/v1/inbox?after=", "items")
EVIDENCE: Final = Feed("evidence", "/v1/evidence?after=", "items")


@dataclass(slots=True)
class Fetched:
    """How many items were new, and what to tell the reader; ``anew``: the hub was restored meanwhile."""

    new: int = 0
    anew: bool = False
    warnings: list[str] = field(default_factory=list)


async def read_feed(
    trust: Trust,
    hub: HubClient,
    feed: Feed,
    keep: Keep,
    beside: Beside | None = None,
    restored: Callable[[], None] | None = None,
) -> Fetched:
    """Read a feed to its end, keeping each page with its cursor in one transaction.

    ``beside`` is given each page as the hub answered it. Items set aside before are tried again first.
    A hub that was restored gives numbers anew: the feed is then read from its start, and ``restored`` is
    called in the transaction that notes it; whatever is here already counts once.
    Raises ``hub-unreachable``, what the hub refuses, and ``bad-answer-from-hub`` for a page that is none:
    pages before it stay kept.
    """
    fetched = Fetched()
    retry_aside(trust, feed, keep, fetched)
    for _ in range(PAGES_MAX):
        after = trust.cursor(feed.name)
        answer = await _asked(hub, feed, after)
        if _begins_anew(trust, feed, after, answer, fetched, restored):
            continue
        items, following = _checked_page(answer, feed, after)
        if beside is not None:
            beside(answer)
        with trust.transaction():
            for item in items:
                _keep_one(trust, feed, keep, item, fetched)
            trust.set_cursor(feed.name, following)
        if following == after:
            return fetched
    fetched.warnings.append(f"{feed.name}: more than {PAGES_MAX} pages; the rest comes with the next sync")
    return fetched


async def _asked(hub: HubClient, feed: Feed, after: int) -> Any:
    """A page as the hub answered it, None where it never gave that number."""
    try:
        return await hub.get_json(f"{feed.path}{after}")
    except RefusedError as error:
        if error.code != "cursor-ahead" or after == 0:
            raise
        return None


def _begins_anew(
    trust: Trust, feed: Feed, after: int, answer: Any, fetched: Fetched, restored: Callable[[], None] | None
) -> bool:
    """Whether the feed is now read from its start; once in one reading, whatever the hub answers."""
    epoch = None if answer is None else answer.get("epoch")
    known = (trust.value(f"epoch-{feed.name}") or b"").decode()
    if answer is not None and (not isinstance(epoch, str) or epoch == known or len(epoch) > _EPOCH_CHARS_MAX):
        return False
    if answer is None and fetched.anew:
        raise _bad(feed, "it goes back again and again")
    anew = not fetched.anew
    with trust.transaction():
        if isinstance(epoch, str):
            trust.set_value(f"epoch-{feed.name}", epoch.encode())
        if anew:
            trust.set_cursor(feed.name, 0)
            fetched.anew = True
            if after:
                fetched.warnings.append(f"{feed.name}: the hub was restored from a backup; it is read anew")
            if restored is not None:
                restored()
    return anew


def retry_aside(trust: Trust, feed: Feed, keep: Keep, fetched: Fetched) -> None:
    """Try again what was set aside; what verifies now is kept and no longer aside."""
    with trust.transaction():
        for number, data, _ in trust.aside(feed.name):
            try:
                fetched.new += keep(parse(data))
            except RefusedError:
                continue
            trust.drop_aside(number)


def _keep_one(trust: Trust, feed: Feed, keep: Keep, item: Any, fetched: Fetched) -> None:
    try:
        fetched.new += keep(item)
    except RefusedError as error:
        if trust.set_aside(feed.name, canonical(item), error.code):
            fetched.warnings.append(f"{feed.name}: item {item['number']} was refused: {error.code}")


def _checked_page(answer: Any, feed: Feed, after: int) -> tuple[list[dict[str, Any]], int]:
    """The items and the next cursor of a page. Raises ``bad-answer-from-hub`` saying what is wrong."""
    items, following = answer.get(feed.member), answer.get("next")
    if not isinstance(items, list) or not is_number(following):
        raise _bad(feed, "no items, or no next")
    if following < after:
        raise _bad(feed, f"next {following} goes back from {after}")
    last = after
    for item in items:
        number = item.get("number") if isinstance(item, dict) else None
        if not is_number(number) or not last < number <= following:
            raise _bad(feed, f"an item is out of order after {last}")
        last = number
    return items, following


def _bad(feed: Feed, what: str) -> RefusedError:
    return RefusedError("bad-answer-from-hub", f"{feed.name}: {what}")


def is_number(value: object) -> TypeGuard[int]:
    """Whether a JSON value is a whole number of zero or more; ``true`` is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def member(item: Any, name: str, kind: type) -> Any:
    """A member of an item that must be of that type. Raises ``bad-answer-from-hub``."""
    value = item.get(name) if isinstance(item, dict) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RefusedError("bad-answer-from-hub", f"member {name}")
    return value
