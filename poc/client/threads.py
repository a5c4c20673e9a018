"""A whole conversation as a reader sees it: every message in order, and who acknowledged it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from poc.client.conversation import Conversations
from poc.client.known import Known
from poc.client.progress import answers_of, receipts_of
from poc.client.view import message_view
from poc.core import jws
from poc.core.evidence import RECEIPT_IS_NOT_AGREEMENT, Acknowledgement, Retrieval
from poc.core.message import Message
from poc.core.receipts import artefact_sha256, read_signed
from poc.core.strictjson import format_time, parse
from poc.errors import PocError


def thread_view(known: Known, message: Message) -> dict[str, Any]:
    """The conversation of a message: ``thread``, and ``messages`` as they are shown, each with ``answers``.

    An answer's time is when the hub recorded it, or this desk's own where the hub does not have it yet. Of
    a message of another office only this desk's own answers are known.
    """
    conversations = Conversations(known)
    root = message.thread or message.id
    return {
        "thread": root,
        "receipt_sentence": RECEIPT_IS_NOT_AGREEMENT,
        "messages": [
            {**message_view(known, opened, conversations), "answers": _answers(known, opened.message.id)}
            for opened in conversations.thread(root)
        ],
    }


def _answers(known: Known, message: str) -> list[dict[str, Any]]:
    of_others = [_value(answer, receipt.at, with_hub=True) for answer, receipt in answers_of(known, message)]
    return of_others + _own_answers(known, message)


def _own_answers(known: Known, message: str) -> list[dict[str, Any]]:
    recorded = {receipt.artefact_sha256: receipt.at for receipt in receipts_of(known, message)}
    found = []
    for row in known.trust.outbox(kind="answer"):
        if row.state == "rejected" or not row.ref.startswith(
            (f"{message}:acknowledged:", f"{message}:declined:")
        ):
            continue
        value: Any = parse(row.body)
        try:
            answer, _ = read_signed(Acknowledgement, value["jws"], jws.ACKNOWLEDGEMENT, known.directory)
        except PocError:  # signed by a key that the log has lost since
            continue
        at = recorded.get(artefact_sha256(value["jws"]))
        found.append(_value(answer, at or answer.at, with_hub=at is not None))
    return found


def _value(answer: Acknowledgement | Retrieval, at: datetime, *, with_hub: bool) -> dict[str, Any]:
    return {
        "contact": answer.contact,
        "outcome": answer.outcome,
        "at": format_time(at),
        "officer": answer.officer,
        "with_hub": with_hub,
    }
