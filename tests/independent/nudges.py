"""What a nudge says and how a webhook is signed, written from docs/spec/nudge.md."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
from itertools import permutations
from typing import Any

from tests.independent.basics import moment, parse_canonical, refuse_if, tagged

MEMBERS = {"precedence", "status", "number", "code", "subject", "text", "texts"}
OF_TYPE = {"nudge.unread": {"precedence", "status", "number"}, "nudge.code": {"code"}, "nudge.trial": set()}


def short_number(message: str, contact: str) -> str:
    """Four digits for one message at one contact."""
    number = int.from_bytes(tagged("poc/1 short number", f"{message}\0{contact}".encode()), "big")
    return f"{number % 10**4:04}"


def nudge_id(message: str, contact: str, step: int, address: int) -> str:
    """The id that stays the same over every try."""
    digest = tagged("poc/1 nudge", "\0".join((message, contact, str(step), str(address))).encode())
    return "msg_" + base64.b32encode(digest[:20]).decode().lower()


def read_webhook(headers: dict[str, str], body: bytes, secret: bytes, now: dt.datetime) -> dict[str, Any]:
    """The body of a webhook that is genuine and of now."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mine = "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    refuse_if(not hmac.compare_digest(mine, headers["webhook-signature"]), "bad-signature")
    off = abs(int(headers["webhook-timestamp"]) - int(now.timestamp()))
    refuse_if(off > 300, "bad-time")
    value: dict[str, Any] = parse_canonical(body)
    refuse_if(set(value) != {"type", "timestamp", "data"} or set(value["data"]) != MEMBERS, "bad-form")
    moment(value["timestamp"])
    data, named = value["data"], OF_TYPE[value["type"]]
    for member in ("precedence", "status", "number", "code"):
        refuse_if((data[member] is not None) != (member in named), "bad-form")
    orders = permutations(data["texts"].values())
    refuse_if(data["text"] not in {"\n\n".join(texts) + "\n" for texts in orders}, "bad-form")
    return value
