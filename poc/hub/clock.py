"""The hub's clock, and the guard against one that jumped. Nothing else in the hub asks for the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from poc.errors import UnreachableError

Clock: TypeAlias = Callable[[], datetime]
_JUMP_MAX: Final = timedelta(days=7)


def system_clock() -> datetime:
    """The machine's time, UTC, at whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def check_jump(newest_at: datetime, now: datetime, *, confirmed: bool) -> None:
    """Return only if the log may go on at ``now``. Raises ``clock-jumped`` (DESIGN section 4)."""
    if now - newest_at > _JUMP_MAX and not confirmed:
        raise UnreachableError("clock-jumped", f"{(now - newest_at).days} days; see --clock-confirmed")
