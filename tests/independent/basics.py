"""Strict JSON, base64url, times, hashes and ids, written from docs/spec/form-rules.md."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from typing import Any

import rfc8785

MAX_INT = 2**53 - 1
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_B64U = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class RefusedError(Exception):
    """What a page says is refused; the code is one of that page where it names one."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def refuse_if(wrong: object, code: str) -> None:
    """Refuse with ``code`` where ``wrong`` holds."""
    if wrong:
        raise RefusedError(code)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    refuse_if(len(found) != len(pairs), "bad-json")
    return found


def _integer(text: str) -> int:
    refuse_if(len(text) > 17 or abs(int(text)) > MAX_INT, "bad-json")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    refuse_if(value in (float("inf"), float("-inf")), "bad-json")
    return value


def _constant(_text: str) -> Any:
    raise RefusedError("bad-json")


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        nested = [v for v in level if isinstance(v, (dict, list))]
        if not nested:
            break
        deepest += 1
        refuse_if(deepest > 32, "bad-json")
        level = [x for v in nested for x in (v.values() if isinstance(v, dict) else v)]
    return deepest


def parse(data: bytes) -> Any:
    """One JSON value, read strictly."""
    try:
        text = data.decode("utf-8")
        refuse_if(text.startswith("\ufeff"), "bad-json")
        value = json.loads(
            text,
            object_pairs_hook=_members,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise RefusedError("bad-json") from error
    _depth(value)
    return value


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes."""
    return rfc8785.dumps(value)


def parse_canonical(data: bytes) -> Any:
    """One JSON value that must be its own RFC 8785 bytes."""
    value = parse(data)
    refuse_if(canonical(value) != data, "not-canonical")
    return value


def unb64u(text: Any, size: int | None = None) -> bytes:
    """Bytes of base64url in its only spelling: no padding, zero spare bits."""
    refuse_if(not isinstance(text, str) or not _B64U.fullmatch(text) or len(text) % 4 == 1, "bad-base64")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    refuse_if(b64u(data) != text or (size is not None and len(data) != size), "bad-base64")
    return data


def b64u(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text: str, code: str) -> bytes:
    """Bytes of standard padded base64 in its only spelling."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError as error:
        raise RefusedError(code) from error
    refuse_if(base64.b64encode(data).decode("ascii") != text, code)
    return data


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def tagged(tag: str, data: bytes) -> bytes:
    """SHA-256 of a domain tag, a zero byte and the data."""
    return sha256(tag.encode() + b"\0" + data)


def moment(text: Any) -> dt.datetime:
    """The moment a time of ours names."""
    refuse_if(not isinstance(text, str) or not _TIME.fullmatch(text), "bad-time")
    try:
        return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise RefusedError("bad-time") from error


def thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638 thumbprint of a public OKP or AKP key: of exactly its required members."""
    names = ("crv", "kty", "x") if jwk["kty"] == "OKP" else ("alg", "kty", "pub")
    return b64u(sha256(canonical({name: jwk[name] for name in names})))
