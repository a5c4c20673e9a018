"""The hub's routes as a desk calls them: signed requests, bounded answers, errors with stable codes.

Knows HTTP and nothing of what the answers mean: verifying stands in ``sync`` and ``inbox``.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poc.client.waiting import retry_seconds
from poc.core.httpsig import sign_request
from poc.core.keys import SigningKey
from poc.core.strictjson import b64u, canonical, parse, parse_time
from poc.errors import CATALOGUE, FaultError, PocError, RefusedError, UnreachableError
from poc.limits import RETRY_TRIES_MAX, RETRY_WAIT_SECONDS_MAX

if TYPE_CHECKING:  # 0.3 s to import, which a command that stays offline does not pay
    import aiohttp

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
TIMEOUT_SECONDS: Final = 30
REFUSAL_BYTES_MAX: Final = 256 * 1024
_DETAIL_CHARS_MAX: Final = 500
_OWN_CODES: Final = frozenset(
    {"fork", "rollback", "update-needed", "home-damaged", "home-in-use", "home-exists", "not-a-desk",
     "database-newer", "database-foreign", "no-keyring", "bad-keyring", "no-passphrase", "wrong-passphrase",
     "wrong-fingerprint", "no-device", "not-synced"}
)  # fmt: skip
"""What only this desk can find: a hub that says so is not believed, for what follows from it is grave."""
_COME_AGAIN: Final = frozenset({"rate-limited", "too-many-requests"})
_NOT_DATA: Final = frozenset({"type", "title", "status", "code", "detail", "next", "message"})


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request as it is to be sent, and how large its answer may be."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    answer_bytes_max: int


def _told_to_nobody(_text: str) -> None:
    """Progress that nobody asked for."""


class HubClient:
    """One desk's way to its hub. A session given may be shared by many desks.

    Without one, a session is made at the first request, and :meth:`close` closes it.
    """

    def __init__(
        self,
        base: str,
        http: aiohttp.ClientSession | None,
        keys: tuple[SigningKey, ...],
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
        *,
        answer_bytes_max: int = ANSWER_BYTES_MAX,
        seconds_max: float = TIMEOUT_SECONDS,
        ca_file: Path | None = None,
    ) -> None:
        """``base`` is the hub's public origin: requests are signed for it, with the first of ``keys``.

        The certificates in ``ca_file`` are trusted beside the system's.
        """
        self._base = base.rstrip("/")
        self._http = http
        self._own: aiohttp.ClientSession | None = None
        self._clock = clock
        self._random = random
        self.keys = keys
        self._answer_bytes_max = answer_bytes_max
        self._seconds_max = seconds_max
        self._ca_file = ca_file
        self.warnings: list[str] = []
        self.progress: Callable[[str], None] = _told_to_nobody

    def to(self, base: str, answer_bytes_max: int, seconds_max: float) -> HubClient:
        """A way to another server over the same session, with bounds of its own; nothing is signed for it."""
        return HubClient(
            base, self._session(), (), self._clock, self._random,
            answer_bytes_max=answer_bytes_max, seconds_max=seconds_max,
        )  # fmt: skip

    async def close(self) -> None:
        """Close the session made here; one that was given stays open."""
        if self._own is not None:
            await self._own.close()
            self._own = None

    def _session(self) -> aiohttp.ClientSession:
        import aiohttp  # noqa: PLC0415 (see the top)

        if self._http is not None:
            return self._http
        if self._own is None:
            connector = None if self._ca_file is None else aiohttp.TCPConnector(ssl=_trusting(self._ca_file))
            self._own = aiohttp.ClientSession(connector=connector)
        return self._own

    def take_warnings(self) -> list[str]:
        """What was to be told since the last time, each once."""
        told, self.warnings = list(dict.fromkeys(self.warnings)), []
        return told

    async def get(self, path: str, *, signed: bool = True) -> bytes:
        """The body of a GET. Raises as :meth:`request`."""
        return await self.request("GET", path, b"", signed=signed)

    async def get_json(self, path: str) -> Any:
        """The JSON value of a signed GET."""
        return _json(await self.get(path))

    async def send_json(self, method: str, path: str, body: bytes) -> Any:
        """Send JSON bytes unchanged and give the JSON answer."""
        return _json(await self.request(method, path, body))

    async def request(
        self,
        method: str,
        path: str,
        body: bytes,
        *,
        signed: bool = True,
        headers: Mapping[str, str] | None = None,
        answer_bytes_max: int | None = None,
    ) -> bytes:
        """Send a request; signed with the time of the server once, if this clock is off.

        ``headers`` go with it, unsigned; ``answer_bytes_max`` bounds this one answer. Where the hub asks
        to wait a few seconds, it is sent again then, a few times.

        A key that the hub does not take, such as one that was replaced since the last sync, gives way to
        the next of ``keys``.

        Raises:
            RefusedError: the hub's code, ``hub-refused`` for one not known here, ``bad-answer-from-hub``.
            UnreachableError: ``hub-unreachable``: whether it arrived is unknown.
        """
        asked = _Asked(method, path, body, headers or {}, answer_bytes_max or self._answer_bytes_max)
        for _ in range(RETRY_TRIES_MAX):
            try:
                return await self._signed(asked, signed=signed)
            except RefusedError as error:
                seconds = retry_seconds(error)
                if error.code not in _COME_AGAIN or seconds is None or seconds > RETRY_WAIT_SECONDS_MAX:
                    raise
                await asyncio.sleep(seconds)
        return await self._signed(asked, signed=signed)

    async def _signed(self, asked: _Asked, *, signed: bool) -> bytes:
        if not signed or not self.keys:
            return await self._timed(asked, None)
        for tried in range(len(self.keys)):
            try:
                return await self._timed(asked, self.keys[0])
            except RefusedError as error:
                if error.code != "bad-request-signature" or tried == len(self.keys) - 1:
                    raise
                self.keys = (*self.keys[1:], self.keys[0])
        raise FaultError("fault", "no key was tried")

    async def _timed(self, asked: _Asked, key: SigningKey | None) -> bytes:
        try:
            return await self._once(asked, self._clock(), key)
        except RefusedError as error:
            if error.code == "nonce-used":  # the HTTP library repeated it over a new connection
                return await self._once(asked, self._clock(), key)
            return await self._once(asked, self._hubs_time(error), key)

    def _hubs_time(self, error: RefusedError) -> datetime:
        """The hub's time from a refusal for this clock; any other is raised again."""
        told = error.data.get("time") or error.data.get("server_time")
        if error.code != "clock-skew" or not isinstance(told, str):
            raise error
        try:
            at = parse_time(told)
        except RefusedError:
            raise error from None
        self.warnings.append(f"the clock of this computer is off: the hub says {told}")
        return at

    async def lines(self, path: str, silence_seconds_max: float) -> AsyncIterator[bytes]:
        """The lines of a signed GET whose answer goes on, as they come, until the hub ends it.

        The first key is tried alone: a sync before this one has put the good one first. Raises as
        :meth:`request`, and ``hub-unreachable`` after so long a silence.
        """
        try:
            async for line in self._lines(path, self._clock(), silence_seconds_max):
                yield line
        except RefusedError as error:
            created = self._hubs_time(error)
        else:
            return
        async for line in self._lines(path, created, silence_seconds_max):
            yield line

    async def _lines(self, path: str, now: datetime, silence_seconds_max: float) -> AsyncIterator[bytes]:
        import aiohttp  # noqa: PLC0415 (see the top)
        from yarl import URL  # noqa: PLC0415

        url = self._base + path
        headers = {"Accept": "text/event-stream"}
        if self.keys:
            headers |= sign_request("GET", url, b"", self.keys[0], now, b64u(self._random(16)))
        patience = aiohttp.ClientTimeout(
            total=None, sock_connect=self._seconds_max, sock_read=silence_seconds_max
        )
        try:
            async with self._session().get(
                URL(url, encoded=True), headers=headers, allow_redirects=False, timeout=patience
            ) as answer:
                if answer.status != 200:
                    raise _problem(answer.status, await _bounded(answer, REFUSAL_BYTES_MAX))
                async for line in answer.content:
                    yield line
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError("hub-unreachable", f"{self._base}: {type(error).__name__}") from None
        except ValueError:  # a line longer than the reader holds
            raise RefusedError("bad-answer-from-hub", "a line without end") from None

    async def _once(self, asked: _Asked, now: datetime, key: SigningKey | None) -> bytes:
        import aiohttp  # noqa: PLC0415 (see the top)
        from yarl import URL  # noqa: PLC0415

        url, body = self._base + asked.path, asked.body
        headers = {**({"Content-Type": "application/json"} if body else {}), **asked.headers}
        if key is not None:
            headers |= sign_request(asked.method, url, body, key, now, b64u(self._random(16)))
        try:
            async with asyncio.timeout(self._seconds_max):
                async with self._session().request(
                    asked.method,
                    URL(url, encoded=True),
                    data=body or None,
                    headers=headers,
                    allow_redirects=False,
                ) as answer:
                    is_good = 200 <= answer.status < 300
                    data = await _bounded(
                        answer, asked.answer_bytes_max if is_good else self._answer_bytes_max
                    )
                    status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError("hub-unreachable", f"{self._base}: {type(error).__name__}") from None
        if is_good:
            return data
        raise _problem(status, data)


def _trusting(ca_file: Path) -> ssl.SSLContext:
    """The system's certificates, and those of a file. Raises ``bad-setting``."""
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise RefusedError("bad-setting", f"hub_ca_file: {type(error).__name__}") from None
    return context


async def _bounded(answer: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    data = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        data += chunk
        if len(data) > bytes_max:
            raise RefusedError("bad-answer-from-hub", f"more than {bytes_max} bytes")
    return bytes(data)


def _json(data: bytes) -> Any:
    try:
        value = parse(data)
    except PocError as error:
        raise RefusedError("bad-answer-from-hub", error.detail) from None
    if not isinstance(value, dict):
        raise RefusedError("bad-answer-from-hub", "not an object")
    return value


def _problem(status: int, data: bytes) -> PocError:
    """The error a problem+json stands for; server errors are the world's, to be tried again."""
    code: Any = None
    detail: Any = f"status {status}"
    members: dict[str, Any] = {}
    try:
        if len(data) > REFUSAL_BYTES_MAX:
            raise RefusedError("bad-answer-from-hub", f"more than {REFUSAL_BYTES_MAX} bytes")
        value: Any = parse(data)
        code, detail = value["code"], value.get("detail", "")
        members = {name: member for name, member in value.items() if name not in _NOT_DATA}
    except (PocError, KeyError, TypeError, AttributeError):
        pass
    if status >= 500:
        told = f"status {status} {code or ''}".strip()[:_DETAIL_CHARS_MAX]
        return UnreachableError("hub-unreachable", told, answered=status)
    known = isinstance(code, str) and code in CATALOGUE and code not in _OWN_CODES
    if not known or not isinstance(detail, str):
        return RefusedError("hub-refused", f"{code}: {detail}"[:_DETAIL_CHARS_MAX])
    return RefusedError(code, detail[:_DETAIL_CHARS_MAX], **members)


def json_bytes(value: object) -> bytes:
    """The RFC 8785 bytes of a request's body."""
    return canonical(value)
