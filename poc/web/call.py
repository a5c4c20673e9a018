"""What a handler gets: a request read and verified. What it gives is ``poc.serving.answer``'s."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from poc.core.strictjson import parse
from poc.errors import FaultError, RefusedError
from poc.hub.caller import Caller
from poc.hub.hub import Hub

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class Call:
    """A request within its limits, whose signature, if its route needs one, is verified.

    ``is_gone`` says whether the caller has hung up.
    """

    hub: Hub
    known_caller: Caller | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    public_origin: str
    target: str
    headers: Mapping[str, str]
    is_gone: Callable[[], bool]

    @property
    def caller(self) -> Caller:
        """Who calls; only for routes that have roles."""
        if self.known_caller is None:
            raise FaultError("fault", "a route without roles asked for its caller")
        return self.known_caller

    @property
    def id(self) -> str:
        """The object's id in the path."""
        return self.path["id"]

    def number(self, name: str) -> int:
        """A number of the query, 0 if it is not there. Raises ``bad-form``."""
        text = self.query.get(name, "0")
        if not _NUMBER.fullmatch(text) or set(self.query) - {name}:
            raise RefusedError("bad-form", f"the query may hold {name}, a number, only")
        return int(text)

    def continued(self, name: str) -> int:
        """Where a stream goes on: ``Last-Event-ID``, else the number of the query. Raises ``bad-form``."""
        asked, told = self.number(name), self.headers.get("Last-Event-ID")
        if told is None:
            return asked
        if not _NUMBER.fullmatch(told):
            raise RefusedError("bad-form", "Last-Event-ID is the number of an event of this stream")
        return int(told)

    def json(self) -> Any:
        """The body as strict JSON."""
        return parse(self.body)

    def text(self, name: str) -> str:
        """The one member, a text, of a body ``{name: text}``. Raises ``bad-form``."""
        value = self.json()
        if not isinstance(value, dict) or set(value) != {name} or not isinstance(value[name], str):
            raise RefusedError("bad-form", f"an object with the text {name} only is expected")
        text: str = value[name]
        return text
