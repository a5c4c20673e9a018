"""The use cases of the hub, each with what comes before it, for the test that fails each storage call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from poc.core.draft import Addressee, AttachmentBytes
from poc.core.envelope import Sealed
from poc.core.form import form_value
from poc.core.receipts import artefact_sha256
from poc.core.statement import payload_sha256
from poc.limits import ENVELOPE_DAYS_KEPT
from tests.faults_world import Answered, FaultWorld
from tests.hub_messages import CONTROLLER, EXERCISE_PATH, announcement, answer, cancel, order, seal
from tests.registry import (
    REGISTRARS,
    Registry,
    card,
    enrolment,
    nomination,
    openings,
    sealing_key,
    signed,
)

JO, SD, STAND_IN = "jo.technical 1", "sd.technical 1", "sd.diplomatic 1"
HOUR = timedelta(hours=1)
BLOB = AttachmentBytes("a.bin", "application/octet-stream", bytes(20_000))

Step = Callable[[FaultWorld], Awaitable[Any]]
Act = Callable[[FaultWorld], Awaitable[Answered]]


@dataclass(frozen=True)
class Case:
    """One use case. ``again`` are the codes a repeat may give where the first try took effect."""

    name: str
    act: Act
    before: tuple[Step, ...] = ()
    again: frozenset[str] = field(default=frozenset())
    refused: str | None = None
    """The code it is refused with; a refusal is an answer too, and may be one that is kept."""
    swallows: bool = False
    """It tells nobody what failed: the next round mends it."""


def registry() -> Registry:
    made = Registry()
    made.enrol("jo", "sd")
    shown = {**card("jo.technical")}
    shown["reach"] = {**shown["reach"], "visibility": "exercise"}
    made.nominate("jo.technical", card=shown)
    made.nominate("sd.technical")
    made.nominate("sd.diplomatic", alternate_of="sd.technical")
    made.appoint()
    return made


# --- statements ----------------------------------------------------------------------------------


def submit(kind: str, subject: str, body: Any, *by: str) -> Act:
    """Submit a statement, the same bytes at each try."""

    async def act(world: FaultWorld) -> Answered:
        if subject not in world.kept:
            world.registry.directory, world.registry.now = world.hub.log.view.directory, world.now
            made = body(world) if callable(body) else body
            world.kept[subject] = signed(world.registry.payload(kind, subject, made), *by).value()
        return await world.done("POST", "/v1/statements", world.kept[subject])

    return act


def sign(state: str, who: str) -> Act:
    async def act(world: FaultWorld) -> Answered:
        payload = world.registry.payload("state.enrol", state, enrolment(state), issued_at=world.now)
        added = {"signatures": signed(payload, who).value()["signatures"]}
        path = f"/v1/proposals/{payload_sha256(payload)}/signatures"
        return await world.done("POST", path, added, who=REGISTRARS[1])

    return act


PROPOSE = submit("state.enrol", "eg", enrolment("eg"), REGISTRARS[0])
NEARLY = submit("state.enrol", "eg", enrolment("eg"), REGISTRARS[0], "eg authority")
CONFIRM = submit(
    "contact.confirm",
    "jo.technical",
    lambda world: {"entry": world.registry.newest("jo.technical").leaf_hash},
    "jo authority",
)


def _another_card(_: FaultWorld) -> dict[str, Any]:
    body = nomination("jo.technical", card=card("jo.other"))
    return {name: value for name, value in body.items() if name != "devices"}


SUPERSEDE = submit("contact.update", "jo.technical", _another_card, "jo authority")


async def supersede_and_erase(world: FaultWorld) -> Answered:
    """A statement after which the card has other parts; what opened the old ones is erased then."""
    done = await SUPERSEDE(world)
    if not done.is_done and done.code != "already-logged":
        return done
    return await world.itself(lambda hub: hub.openings.erase_superseded())


# --- beside the log ------------------------------------------------------------------------------


async def put_card(world: FaultWorld) -> Answered:
    part = openings("jo.technical")[1]
    return await world.done("PUT", f"/v1/cards/{part.commitment()}", form_value(part), who=JO)


async def erase_card(world: FaultWorld) -> Answered:
    return await world.done("DELETE", f"/v1/cards/{openings('jo.technical')[1].commitment()}", who=JO)


async def put_key(world: FaultWorld) -> Answered:
    key = sealing_key(JO).public
    return await world.done("PUT", f"/v1/keys/{key.kid}", key.jwk(), who=JO)


def get(path: str | Callable[[FaultWorld], str], who: str | None = SD) -> Act:
    async def act(world: FaultWorld) -> Answered:
        return await world.done("GET", path(world) if callable(path) else path, who=who)

    return act


# --- messages ------------------------------------------------------------------------------------


def sealed(world: FaultWorld) -> Sealed:
    """The one message: to an office, with its stand-in held for an hour, and a blob."""
    if "sealed" not in world.kept:
        world.kept["sealed_at"] = world.now
        world.kept["sealed"] = seal(
            world.hub.log.view.head,
            world.now,
            addressees=(
                Addressee("sd.technical", sealing_key(SD).public, "action", 1),
                Addressee(
                    "sd.diplomatic", sealing_key(STAND_IN).public, "action", None, world.now + HOUR,
                    "sd.technical",
                ),
            ),
            respond_by=world.now + 2 * HOUR,
            attachments=(BLOB,),
            blob_keys=[bytes(32)],
        )  # fmt: skip
    return world.kept["sealed"]  # type: ignore[no-any-return]


def message_path(world: FaultWorld) -> str:
    return f"/v1/messages/{sealed(world).message.id}"


async def send(world: FaultWorld) -> Answered:
    return await world.done("PUT", message_path(world), sealed(world).envelope_bytes, who=JO)


async def send_late(world: FaultWorld) -> Answered:
    """The hub refuses it for good: it has expired."""
    return await send(world)


def respond(kind: str, **how: Any) -> Act:
    async def act(world: FaultWorld) -> Answered:
        made = sealed(world)
        text = answer(made, kind, SD, world.hub.log.view.head, world.kept["sealed_at"], **how)
        plural = "retrievals" if kind == "retrieval" else "acknowledgements"
        return await world.done("POST", f"{message_path(world)}/{plural}", {"jws": text}, who=SD)

    return act


async def take_back(world: FaultWorld) -> Answered:
    text = cancel(sealed(world), JO, world.hub.log.view.head, world.kept["sealed_at"])
    return await world.done("POST", f"{message_path(world)}/cancels", {"jws": text}, who=JO)


def piece(start: int, end: int | None) -> Act:
    async def act(world: FaultWorld) -> Answered:
        (blob,) = sealed(world).blobs
        data = blob.data[start:end]
        asked = {"Content-Range": f"bytes {start}-{start + len(data) - 1}/{len(blob.data)}"}
        path = f"/v1/blobs/{blob.sha256}"
        return Answered(*await world.ask("PUT", path, data, who=JO, headers=asked))

    return act


async def get_blob(world: FaultWorld) -> Answered:
    (blob,) = sealed(world).blobs
    headers = {"Range": "bytes=0-"}
    return Answered(*await world.ask("GET", f"/v1/blobs/{blob.sha256}", who=SD, headers=headers))


# --- exercises -----------------------------------------------------------------------------------


def announced(world: FaultWorld) -> str:
    sides = ("jo.technical", "sd.technical")
    text: str = world.kept.setdefault(
        "announcement", announcement(world.hub.log.view.head, world.now, participants=sides)
    )
    return text


async def announce(world: FaultWorld) -> Answered:
    return await world.done("PUT", EXERCISE_PATH, {"announcement": announced(world)}, who=CONTROLLER)


def give_order(name: str) -> Act:
    async def act(world: FaultWorld) -> Answered:
        head, at = world.hub.log.view.head, world.now
        start = world.kept.setdefault("start", order(head, at, "start"))
        texts = {"start": start, "end": order(head, at, "end", 2, artefact_sha256(start))}
        text = world.kept.setdefault(name, texts[name])
        return await world.done("POST", f"{EXERCISE_PATH}/orders", {"order": text}, who=CONTROLLER)

    return act


# --- what the hub does by itself -----------------------------------------------------------------


def pass_time(**passed: float) -> Step:
    async def step(world: FaultWorld) -> None:
        world.later(**passed)

    return step


def by_itself(work: Callable[[Any], Awaitable[Any]]) -> Act:
    return lambda world: world.itself(work)


DUE = by_itself(lambda hub: hub.timers.do_due())


async def load(world: FaultWorld) -> Answered:
    async def again(_: Any) -> int:
        return (await world.loaded()).log.view.directory.size

    return await world.itself(again)


async def load_itself(world: FaultWorld) -> Answered:
    return await world.itself(lambda hub: hub.load())


SENT: tuple[Step, ...] = (send,)
WHOLE: tuple[Step, ...] = (piece(0, None), send)
LOGGED = frozenset({"already-logged"})

CASES: tuple[Case, ...] = (
    Case("a complete statement", CONFIRM, again=LOGGED),
    Case("a statement that makes a proposal", PROPOSE),
    Case("a signature", sign("eg", "eg authority"), (PROPOSE,)),
    Case("the last signature", sign("eg", REGISTRARS[1]), (NEARLY,), again=LOGGED),
    Case("an opening", put_card),
    Case("an opening of what an exercise shows", put_card, (announce,)),
    Case("an erasure", erase_card, (put_card,)),
    Case("an opening that was erased", put_card, (put_card, erase_card), refused="opening-erased"),
    Case("a sealing key", put_key),
    Case("a message, a part of it held", send),
    Case("a message refused for good", send_late, (lambda w: _sealed_then(w, days=2),), refused="expired"),
    Case("a retrieval", respond("retrieval"), SENT),
    Case("an acknowledgement", respond("acknowledgement"), SENT),
    Case("a decline", respond("acknowledgement", declined="not-for-us"), SENT),
    Case("a late acknowledgement", respond("acknowledgement"), (send, pass_time(hours=3), DUE)),
    Case("a cancel", take_back, SENT),
    Case("a piece of a blob", piece(0, 16_384), (send,)),
    Case("the last piece of a blob", piece(16_384, None), (piece(0, 16_384), send)),
    Case("an announcement", announce, (put_card,)),
    Case("an order", give_order("start"), (announce,)),
    Case("a second order", give_order("end"), (announce, give_order("start"))),
    Case("reading the inbox", get("/v1/inbox"), SENT),
    Case("reading the inbox on", get("/v1/inbox?after=1"), SENT),
    Case("reading a message", get(message_path), SENT),
    Case("reading its evidence", get(lambda w: message_path(w) + "/evidence", JO), SENT),
    Case("reading all evidence", get("/v1/evidence", JO), (send, respond("acknowledgement"))),
    Case("reading a blob", get_blob, WHOLE),
    Case("reading cards", get("/v1/cards"), (put_card, announce)),
    Case("reading who read", get("/v1/contacts/jo.technical/readers", JO), (put_card, announce)),
    Case("reading sealing keys", get("/v1/keys"), (put_key,)),
    Case("reading a sealing key", get(f"/v1/keys/{sealing_key(JO).public.kid}"), (put_key,)),
    Case("reading proposals", get("/v1/proposals", REGISTRARS[0]), (PROPOSE,)),
    Case("reading exercises", get("/v1/exercises"), (announce,)),
    Case("reading an exercise", get(EXERCISE_PATH), (announce,)),
    Case("reading the genesis", get("/v1/genesis", None)),
    Case("reading a tile", get("/tile/0/000.p/2", None)),
    Case("reading entries", get("/tile/entries/000.p/2")),
    Case("a release", DUE, (send, pass_time(hours=1))),
    Case("a release that is not needed", DUE, (send, respond("acknowledgement"), pass_time(hours=1))),
    Case("an expiry", DUE, (send, pass_time(hours=1), DUE, pass_time(hours=1))),
    Case("all that is due after a long sleep", DUE, (send, pass_time(hours=5))),
    Case("the daily attest", by_itself(lambda hub: hub.attestor.attest()), (pass_time(days=1, hours=1),)),
    Case("superseding a part of a card", supersede_and_erase, (put_card,)),
    Case(
        "a sweep",
        by_itself(lambda hub: hub.sweep()),
        (
            put_card,
            announce,
            get("/v1/cards"),
            erase_card,
            SUPERSEDE,
            PROPOSE,
            piece(0, 16_384),
            send,
            pass_time(days=ENVELOPE_DAYS_KEPT + 400),
        ),
        swallows=True,
    ),
    Case("a look at the disk", by_itself(lambda hub: hub.health.probe()), swallows=True),
    Case("a start", load, (put_card, announce, give_order("start"), erase_card, send)),
    Case("a load that is tried again", load_itself, (put_card, announce, give_order("start"))),
)


async def _sealed_then(world: FaultWorld, **passed: float) -> None:
    sealed(world)
    world.later(**passed)
