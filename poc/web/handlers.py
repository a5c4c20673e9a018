"""One handler per route: parse, let the hub decide and store, answer. The table is in ``routes``."""

from __future__ import annotations

from typing import Any

from poc.core.card import Opening
from poc.core.form import form_of
from poc.core.nudge import NudgeAddresses, NudgeCode, NudgeTrial
from poc.core.proposal import SealingJwk
from poc.core.statement import SignedStatement, read_signed_statement
from poc.core.strictjson import b64u, format_time
from poc.core.tiles import encode_entries, join_hashes, parse_tile_path
from poc.errors import RefusedError
from poc.hub.log import Logged
from poc.hub.registry import Proposed
from poc.serving.answer import Answer, Streamed, answer_json
from poc.store.base import FeedName
from poc.web import pages
from poc.web.call import Call
from poc.web.events import events

_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_PRIVATE = {"Cache-Control": "private, no-store"}


async def page(call: Call) -> Answer:
    """The public page."""
    return Answer(200, pages.render(call.hub), "text/html", {"Cache-Control": "no-cache"})


async def healthz(_call: Call) -> Answer:
    """Answers as long as the process does."""
    return answer_json({"status": "ok"})


async def readyz(call: Call) -> Answer:
    """503 with the reason, and what to do, while statements and messages are not taken."""
    is_ready, value = call.hub.readiness()
    return answer_json(value, 200 if is_ready else 503)


async def checkpoint(call: Call) -> Answer:
    """The signed note."""
    return Answer(200, call.hub.witnesses.published.note, "text/plain", {"Cache-Control": "no-cache"})


async def tile(call: Call) -> Answer:
    """Hashes of complete subtrees (C2SP tlog-tiles)."""
    named = _tile(call, f"tile/{call.path['tile']}")
    start = named.index * 256
    hashes = await call.hub.store.read_hashes((named.level or 0) * 8, start, start + named.width)
    if len(hashes) != named.width:
        raise RefusedError("not-found")
    return Answer(200, join_hashes(hashes), "application/octet-stream", _FOREVER)


async def entries(call: Call) -> Answer:
    """Entries of the log, in a bundle (C2SP tlog-tiles)."""
    named = _tile(call, f"tile/entries/{call.path['tile']}")
    start = named.index * 256
    leaves = await call.hub.store.read_leaves(start, start + named.width)
    if len(leaves) != named.width:
        raise RefusedError("not-found")
    return Answer(200, encode_entries([leaf.data for leaf in leaves]), "application/octet-stream", _PRIVATE)


async def genesis(call: Call) -> Answer:
    """Entry 0."""
    _ = call.hub.log.view
    leaf = (await call.hub.store.read_leaves(0, 1))[0]
    return answer_json({"entry": b64u(leaf.data)})


async def submit(call: Call) -> Answer:
    """A statement with its signatures."""
    _ = call.hub.log.view
    return _outcome(await call.hub.registry.submit(read_signed_statement(call.json())))


async def proposals(call: Call) -> Answer:
    """Open proposals."""
    return answer_json({"proposals": await call.hub.registry.list(call.caller)})


async def proposal(call: Call) -> Answer:
    """One proposal."""
    return answer_json(await call.hub.registry.show(call.caller, call.id))


async def sign_proposal(call: Call) -> Answer:
    """Further signatures."""
    value = call.json()
    if not isinstance(value, dict) or set(value) != {"signatures"}:
        raise RefusedError("bad-form", "an object with signatures only is expected")
    bare: dict[str, Any] = SignedStatement(b"{}", ()).value()
    signatures = read_signed_statement({**bare, **value}).signatures
    return _outcome(await call.hub.registry.sign(call.caller, call.id, signatures))


async def cards(call: Call) -> Answer:
    """Openings."""
    since = call.number("since")
    return await _page(call, "cards", since, await call.hub.openings.cards(call.caller, since))


async def put_card(call: Call) -> Answer:
    """One opening."""
    opening = form_of(Opening, call.json())
    created = await call.hub.openings.put_card(call.caller, call.id, opening)
    return answer_json({"commitment": call.id}, 201 if created else 200)


async def erase_card(call: Call) -> Answer:
    """An erasure: the request itself is what desks are shown."""
    await call.hub.openings.erase(call.caller, call.id, call.target, call.headers)
    return answer_json({"commitment": call.id})


async def readers(call: Call) -> Answer:
    """Who fetched a card."""
    return answer_json(await call.hub.openings.readers(call.caller, call.id))


async def nudges(call: Call) -> Answer:
    """Where a contact is nudged, and what became of it."""
    return answer_json(await call.hub.nudges.show(call.caller, call.id))


async def set_nudges(call: Call) -> Answer:
    """Where a contact is nudged from now on."""
    wanted = form_of(NudgeAddresses, call.json())
    return answer_json(await call.hub.nudges.put(call.caller, call.id, wanted))


async def confirm_nudges(call: Call) -> Answer:
    """The code that reached an address."""
    typed = form_of(NudgeCode, call.json())
    await call.hub.nudges.confirm(call.caller, call.id, typed.number, typed.code)
    return answer_json({"contact": call.id, "number": typed.number})


async def try_nudges(call: Call) -> Answer:
    """A trial notice, or a new code."""
    number = form_of(NudgeTrial, call.json()).number
    await call.hub.nudges.try_out(call.caller, call.id, number)
    return answer_json({"contact": call.id, "number": number})


async def keys(call: Call) -> Answer:
    """Sealing keys."""
    since = call.number("since")
    return await _page(call, "keys", since, await call.hub.openings.keys(since))


async def key(call: Call) -> Answer:
    """One sealing key."""
    return answer_json(await call.hub.openings.key(call.id))


async def put_key(call: Call) -> Answer:
    """One sealing key's body."""
    jwk = form_of(SealingJwk, call.json())
    created = await call.hub.openings.put_key(call.caller, call.id, jwk)
    return answer_json({"kid": call.id}, 201 if created else 200)


async def send(call: Call) -> Answer:
    """An envelope."""
    created, receipt = await call.hub.relay.accept(call.caller, call.id, call.body)
    return answer_json({"receipt": receipt}, 201 if created else 200)


async def message(call: Call) -> Answer:
    """One message."""
    return answer_json(await call.hub.relay.show(call.caller, call.id))


async def retrieve(call: Call) -> Answer:
    """A retrieval."""
    return await _record(call, "retrieval")


async def acknowledge(call: Call) -> Answer:
    """An acknowledgement or decline."""
    return await _record(call, "acknowledgement")


async def cancel(call: Call) -> Answer:
    """A cancel of what is held."""
    created, receipt = await call.hub.relay.cancel(call.caller, call.id, call.text("jws"))
    return answer_json({"receipt": receipt}, 201 if created else 200)


async def evidence(call: Call) -> Answer:
    """Evidence about one message."""
    return answer_json(await call.hub.relay.evidence(call.caller, call.id))


async def put_blob(call: Call) -> Answer:
    """A chunk of a blob."""
    asked = call.headers.get("Content-Range", "")
    created, kept = await call.hub.blobs.put(call.caller, call.id, asked, call.body)
    value = {"size_bytes": kept.size_bytes, "have_bytes": kept.have_bytes}
    return answer_json(value, (201 if created else 200) if kept.is_complete else 202)


async def blob(call: Call) -> Answer:
    """A part of a blob: opaque bytes, which nothing on the way is to look into or to keep."""
    part = await call.hub.blobs.get(call.caller, call.id, call.headers.get("Range", ""))
    headers = {
        **_PRIVATE,
        "Content-Range": f"bytes {part.start}-{part.start + len(part.data) - 1}/{part.size_bytes}",
        "Content-Disposition": "attachment",
    }
    return Answer(206, part.data, "application/octet-stream", headers)


async def inbox(call: Call) -> Answer:
    """The device's inbox."""
    after = call.number("after")
    return await _page(call, "inbox", after, await call.hub.relay.inbox(call.caller, after))


async def inbox_stream(call: Call) -> Streamed:
    """Signals that the inbox has grown."""
    after, streams = call.continued("after"), call.hub.streams
    listener = streams.open(call.caller, call.is_gone)
    numbers = streams.numbers(call.caller, listener, after)
    return Streamed(events(numbers), lambda: streams.close(listener), "text/event-stream")


async def evidence_feed(call: Call) -> Answer:
    """Evidence in order."""
    after = call.number("after")
    return await _page(call, "evidence", after, await call.hub.relay.evidence_feed(call.caller, after))


async def exercises(call: Call) -> Answer:
    """Exercises."""
    since = call.number("since")
    return await _page(call, "exercises", since, await call.hub.exercises.feed(call.caller, since))


async def exercise(call: Call) -> Answer:
    """One exercise."""
    return answer_json(await call.hub.exercises.show(call.caller, call.id))


async def announce(call: Call) -> Answer:
    """An announcement."""
    created = await call.hub.exercises.announce(call.caller, call.id, call.text("announcement"))
    return answer_json({"id": call.id}, 201 if created else 200)


async def order(call: Call) -> Answer:
    """An order."""
    created = await call.hub.exercises.order(call.caller, call.id, call.text("order"))
    return answer_json({"id": call.id}, 201 if created else 200)


async def _record(call: Call, kind: str) -> Answer:
    created, receipt = await call.hub.relay.record(call.caller, call.id, kind, call.text("jws"))
    return answer_json({"receipt": receipt}, 201 if created else 200)


async def _page(call: Call, feed: FeedName, after: int, page: dict[str, Any]) -> Answer:
    """A page of a feed, with the epoch in which its numbers count."""
    return answer_json({**page, "epoch": await call.hub.restored.check_feed(feed, after, page["next"])})


def _tile(call: Call, path: str) -> Any:
    named, size = parse_tile_path(path), call.hub.log.view.directory.size
    level = 0 if named.level is None else named.level
    if (named.index * 256 + named.width) << (8 * level) > size:
        raise RefusedError("not-found")
    return named


def _outcome(outcome: Logged | Proposed) -> Answer:
    if isinstance(outcome, Proposed):
        return answer_json({"proposal": outcome.id, "missing": list(outcome.missing)}, 202)
    logged_at = format_time(outcome.logged_at)
    value = {"index": outcome.index, "leaf_hash": outcome.leaf_hash, "logged_at": logged_at}
    return answer_json(value, 201)
