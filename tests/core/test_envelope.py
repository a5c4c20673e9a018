"""Sealing a message, and what the hub checks of the envelope."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from poc.core import jws, sealed
from poc.core.admission import check_times
from poc.core.directory import Directory
from poc.core.draft import Addressee, AttachmentBytes, Draft, draft_of
from poc.core.envelope import (
    Randomness,
    SealingLimits,
    check_enrolled,
    check_envelope,
    check_exercise_text,
    content_sha256,
    draft_sha256,
    measure,
    prepare,
    read_envelope,
    spoken_name,
    text_code,
)
from poc.core.form import form_value
from poc.core.message import MessageBody, MessageText
from poc.core.strictjson import b64u, canonical, format_time, unb64u
from poc.errors import RefusedError
from tests import message_world as world
from tests.message_world import (
    NOW,
    directory,
    draft,
    message_id,
    play_of,
    seal,
    sealing_key,
    signing_key,
    text_body,
    to_sudan,
    with_contact,
    with_key,
)

LIMITS = SealingLimits(frozenset({"exercise", "test"}))
ALL = SealingLimits(frozenset({"exercise", "test", "actual"}))


def code(function: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments, **named)
    return caught.value.code


# --- sealing -----------------------------------------------------------------------------------


def test_a_sealed_message_has_its_recipients_sorted_and_its_slots_hashed() -> None:
    made = seal()
    assert [(to.contact, to.use) for to in made.message.to] == [
        ("jo.technical", "own"),
        ("sd.duty", "action"),
        ("sd.duty", "action"),
    ]
    assert [to.kid for to in made.message.to] == [slot.header.kid for slot in made.envelope.recipients]
    assert made.message.commit == sealed.commitment(world.cek_of(), message_id())
    assert made.voice_code == sealed.voice_code(world.cek_of(), message_id())
    assert canonical(form_value(made.envelope)) == made.envelope_bytes


def test_the_size_of_the_ciphertext_tells_only_the_bucket() -> None:
    lengths = {
        len(unb64u(seal(draft(body=text_body("x" * size))).envelope.ciphertext)) for size in (1, 200, 400)
    }
    assert lengths == {4096}


@pytest.mark.parametrize(
    ("changes", "limits", "expected"),
    [
        ({"status": "actual", "exercise": None}, LIMITS, "status-not-admitted"),
        (
            {"status": "actual", "exercise": None},
            replace(ALL, controller=True),
            "controller-cannot-send-actual",
        ),
        ({"status": "actual", "exercise": None}, ALL, "preparation-missing"),
        ({"exercise": None}, LIMITS, "bad-form"),
        ({"subject": ""}, LIMITS, "bad-form"),
        ({"subject": "a\u202eb"}, LIMITS, "bad-form"),
        ({"respond_by": NOW + timedelta(hours=1), "respond_within_s": 60}, LIMITS, "bad-form"),
        ({"expires_at": NOW}, LIMITS, "bad-times"),
        ({"expires_at": NOW - timedelta(days=1)}, LIMITS, "bad-times"),
        ({"respond_by": NOW + timedelta(days=3)}, LIMITS, "bad-times"),
        ({"respond_by": NOW}, LIMITS, "bad-times"),
        ({"expires_at": NOW + timedelta(days=30, seconds=1)}, LIMITS, "expires-too-late"),
        ({"subject": "This is NOT a drill!"}, LIMITS, "real-world-wording"),
        ({}, replace(LIMITS, slots=2), "too-many-slots"),
        ({}, replace(LIMITS, body_bytes=10_000), "envelope-too-large"),
    ],
)
def test_a_draft_that_may_not_be_sent_is_refused_before_it_is_sealed(
    changes: dict[str, Any], limits: SealingLimits, expected: str
) -> None:
    assert code(seal, draft(**changes), limits=limits) == expected


def test_30_days_count_from_not_before_and_a_held_message_has_no_sequence() -> None:
    later = NOW + timedelta(days=10)
    held = [replace(addressee, sequence=None) for addressee in to_sudan()]
    made = seal(draft(not_before=later, expires_at=later + timedelta(days=30)), held)
    assert made.message.not_before == later
    assert code(seal, draft(not_before=later, expires_at=later + timedelta(days=1))) == "bad-sequence"


SUDAN = to_sudan()


@pytest.mark.parametrize(
    ("addressees", "expected"),
    [
        ([], "no-addressee"),
        ([SUDAN[2]], "no-addressee"),
        ([SUDAN[0], SUDAN[0]], "duplicate-slot"),
        ([replace(SUDAN[0], sequence=None)], "bad-sequence"),
        ([SUDAN[0], replace(SUDAN[2], sequence=4)], "bad-sequence"),
        ([SUDAN[0], replace(SUDAN[1], sequence=18)], "bad-sequence"),
        ([SUDAN[0], replace(SUDAN[2], use="information", sequence=1)], "bad-sequence"),
        ([SUDAN[0], replace(SUDAN[1], use="own", sequence=None)], "bad-sequence"),
        ([replace(SUDAN[0], release_at=NOW)], "bad-sequence"),
        ([replace(SUDAN[0], in_place_of="sd.technical")], "bad-sequence"),
        ([replace(SUDAN[0], contact="nonsense")], "bad-form"),
    ],
)
def test_addressees_that_do_not_fit_are_refused(addressees: list[Addressee], expected: str) -> None:
    assert code(seal, draft(), addressees) == expected


def test_a_test_message_names_no_exercise() -> None:
    assert seal(draft(status="test", exercise=None)).message.exercise is None


def test_a_salt_for_each_addressee_must_come_in() -> None:
    with pytest.raises(ValueError, match="zip"):
        seal(randomness=Randomness(bytes(32), bytes(12), []))


# --- size and wording --------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x", "x" * 9000, "سلام " * 1000])
@pytest.mark.parametrize("count", [1, 3])
def test_what_was_measured_is_never_exceeded(text: str, count: int) -> None:
    made = draft(body=text_body(text.strip()), subject="س" * 200)
    size = measure(made, count)
    envelope = seal(made, to_sudan()[:count]).envelope_bytes
    assert size.body_bytes >= len(envelope)
    assert size.body_bytes - len(envelope) < max(3000 * count, len(envelope) // 2)
    assert size.inline_bytes == 14


def test_a_refusal_of_size_says_by_how_much() -> None:
    with pytest.raises(RefusedError) as caught:
        measure(draft(), 1, 5_000)
    assert caught.value.code == "envelope-too-large"
    assert caught.value.data == {"over_bytes": measure(draft(), 1).body_bytes - 5_000}
    body = MessageBody(
        template=None,
        fields={},
        texts=tuple(
            MessageText(language=language, text="س" * 20_000, role="courtesy" if number else "original")
            for number, language in enumerate(("ar", "en", "es", "fr", "ru", "zh", "fa", "tr"))
        ),
    )
    assert code(measure, draft(body=body), 250) == "envelope-too-large"


@pytest.mark.parametrize(
    "text",
    [
        "This is not a drill.",
        "THIS IS NOT A   DRILL",
        "a real-world event",
        "Réal World",
        "هذا ليس تمرينًا",
        "هذا ليس تمريناً",
        "من العالم الحقيقي",
        "للعالم الحقيقي",
        "حالةٌ حقيقيّة",
        "هـذا لـيس تمـرينا",
    ],
)
@pytest.mark.parametrize("where", ["subject", "handling", "text", "field", "attachment", "our_reference"])
def test_an_exercise_that_says_it_is_none_is_refused(text: str, where: str) -> None:
    changes: dict[str, Any] = {where: text}
    if where == "text":
        changes = {"body": text_body(text)}
    elif where == "field":
        changes = {"body": MessageBody(template=None, fields={"summary": text}, texts=())}
    elif where == "attachment":
        changes = {"attachments": (AttachmentBytes(text, "text/plain", b""),)}
    assert code(check_exercise_text, draft(**changes)) == "real-world-wording"


@pytest.mark.parametrize("text", ["A surreal worldview", "drill", "تمرين تمرين تمرين", "real time"])
def test_other_words_pass(text: str) -> None:
    check_exercise_text(draft(subject=text))


def test_an_actual_message_may_say_that_it_is_no_drill() -> None:
    check_exercise_text(draft(status="actual", exercise=None, subject="This is not a drill"))


@pytest.mark.parametrize(
    ("sender", "recipient", "sequence", "name"),
    [
        ("jo.technical", "sd.duty", 17, "JO-TECH to SD-DUTY 17"),
        ("x-arcc.controller-1", "jo.diplomatic", None, "ARCC-CONTROLLER-1 to JO-DIPL"),
    ],
)
def test_a_message_has_a_name_to_say(sender: str, recipient: str, sequence: int | None, name: str) -> None:
    assert spoken_name(sender, recipient, sequence) == name


# --- content hash ------------------------------------------------------------------------------


def draft_hash(made: Draft, **changes: Any) -> str:
    named: dict[str, Any] = {
        "origin": world.ORIGIN,
        "id": message_id(),
        "sender_contact": "jo.technical",
        "recipients": [("sd.duty", "action"), ("jo.technical", "own")],
    }
    return draft_sha256(made, **{**named, **changes})


def test_the_content_hash_is_the_same_before_and_after_sealing() -> None:
    content = draft_hash(draft())
    assert content_sha256(seal().message) == content
    prepared = prepare(
        content,
        origin=world.ORIGIN,
        contact="jo.technical",
        key=signing_key("jo.technical", 2),
        head=world.head(),
        at=NOW,
    )
    assert content_sha256(seal(draft(prepared=prepared, officer="07")).message) == content
    assert text_code(content) == unb64u(content).hex()[:8]


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "other"},
        {"precedence": "flash"},
        {"expires_at": NOW + timedelta(days=3)},
        {"body": text_body("other")},
        {"attachments": ()},
        {"tlp": "TLP:RED"},
        {"respond_within_s": 60},
        {"handling": "by hand"},
    ],
)
def test_the_content_hash_covers_what_the_reader_reads(changes: dict[str, Any]) -> None:
    assert draft_hash(draft(**changes)) != draft_hash(draft())


def test_the_content_hash_covers_id_sender_and_readers() -> None:
    hashes = {
        draft_hash(draft()),
        draft_hash(draft(), id=message_id(2)),
        draft_hash(draft(), sender_contact="jo.duty"),
        draft_hash(draft(), recipients=[("sd.duty", "information")]),
        draft_hash(draft(), recipients=[("sd.duty", "action"), ("eg.technical", "information")]),
    }
    assert len(hashes) == 5


# --- the hub's side ----------------------------------------------------------------------------


def admit(data: bytes, base: Directory | None = None, **changes: Any) -> Any:
    named = {"message_id": message_id(), "play_of": play_of, **changes}
    now = named.pop("now", NOW)
    return check_envelope(data, base or directory(), now, **named)


def test_the_hub_takes_a_good_envelope_and_names_its_slots() -> None:
    made = seal()
    checked = admit(made.envelope_bytes)
    assert checked.digest == made.digest
    assert [(slot.contact, slot.sequence) for slot in checked.slots] == [
        ("jo.technical", None),
        ("sd.duty", 17),
        ("sd.duty", 17),
    ]
    assert (checked.ciphertext_bytes, checked.body_bytes) == (4096, len(made.envelope_bytes))


def changed(value: dict[str, Any], *path: Any, to: Any) -> bytes:
    """The envelope with one member changed."""
    value = copy.deepcopy(value)
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return canonical(value)


def with_header(value: dict[str, Any], **changes: Any) -> bytes:
    header = json.loads(unb64u(value["protected"]))
    return changed(value, "protected", to=b64u(canonical({**header, **changes})))


ENVELOPE = form_value(seal().envelope)
HEADER = unb64u(ENVELOPE["protected"])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "bad-json"),
        (b"{}", "bad-form"),
        (json.dumps(ENVELOPE, indent=1).encode(), "not-canonical"),
        (changed(ENVELOPE, "protected", to=b64u(HEADER + b" ")), "not-canonical"),
        (
            changed(ENVELOPE, "protected", to=b64u(HEADER.replace(b'"A256GCM"', b'"\\u0041256GCM"'))),
            "not-canonical",
        ),
        (with_header(ENVELOPE, typ="poc-message+jws"), "bad-form"),
        (with_header(ENVELOPE, enc="A128GCM"), "bad-form"),
        (with_header(ENVELOPE, crit=["x"]), "bad-form"),
        (with_header(ENVELOPE, v=2), "newer-form"),
        (changed(ENVELOPE, "ciphertext", to=b64u(bytes(4097))), "bad-padding"),
        (changed(ENVELOPE, "ciphertext", to=b64u(bytes(100))), "bad-padding"),
        (changed(ENVELOPE, "recipients", 0, "header", "ek", to=b64u(bytes(32))), "bad-base64"),
        (changed(ENVELOPE, "recipients", 0, "encrypted_key", to=b64u(bytes(32))), "bad-base64"),
        (changed(ENVELOPE, "recipients", 0, "header", "alg", to="HPKE-0"), "bad-form"),
        (changed(ENVELOPE, "recipients", to=[ENVELOPE["recipients"][0]] * 2), "duplicate-slot"),
        (changed(ENVELOPE, "recipients", to=[]), "bad-form"),
        (canonical({**ENVELOPE, "unprotected": {}}), "bad-form"),
        (canonical({**ENVELOPE, "aad": "AA"}), "bad-form"),
    ],
)
def test_an_envelope_of_another_form_is_refused(data: bytes, expected: str) -> None:
    assert code(read_envelope, data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (with_header(ENVELOPE, id=message_id(2)), "id-mismatch"),
        (with_header(ENVELOPE, origin="example.org/other"), "wrong-origin"),
        (with_header(ENVELOPE, status="actual", exercise=None), "status-not-admitted"),
        (with_header(ENVELOPE, not_before=format_time(NOW + timedelta(hours=1))), "bad-sequence"),
        (changed(ENVELOPE, "recipients", 1, "header", "release_at", to=format_time(NOW)), "bad-sequence"),
        (changed(ENVELOPE, "recipients", 1, "header", "in_place_of", to="sd.duty"), "bad-held-slot"),
        (with_header(ENVELOPE, sent_at=format_time(NOW + timedelta(seconds=301))), "sent-in-future"),
        (with_header(ENVELOPE, expires_at=format_time(NOW + timedelta(days=31))), "expires-too-late"),
        (with_header(ENVELOPE, expires_at=format_time(NOW)), "bad-times"),
        (with_header(ENVELOPE, exercise="other-2026"), "exercise-unknown"),
        (with_header(ENVELOPE, **{"from": {"contact": "jo.technical", "kid": "A" * 43}}), "unknown-key"),
        (changed(ENVELOPE, "recipients", 1, "header", "sequence", to=None), "bad-sequence"),
        (changed(ENVELOPE, "recipients", 1, "header", "sequence", to=18), "bad-sequence"),
        (changed(ENVELOPE, "recipients", 0, "header", "sequence", to=1), "bad-sequence"),
        (changed(ENVELOPE, "recipients", 0, "header", "kid", to="A" * 43), "stale-slot-key"),
        (changed(ENVELOPE, "recipients", to=ENVELOPE["recipients"][:1]), "no-addressee"),
        (changed(ENVELOPE, "recipients", 1, "header", "contact", to="lb.duty"), "unknown-state"),
        (changed(ENVELOPE, "recipients", 1, "header", "contact", to="sd.technical"), "unknown-contact"),
        (changed(ENVELOPE, "recipients", 1, "header", "contact", to="eg.technical"), "stale-slot-key"),
    ],
)
def test_an_envelope_the_hub_may_not_take_is_refused(data: bytes, expected: str) -> None:
    assert code(admit, data) == expected


BASE = directory()
JO = signing_key("jo.technical").kid


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (with_key(BASE, JO, until=19, ended="replaced"), "key-ended"),
        (with_key(BASE, JO, until=19, ended="lost"), "key-compromised"),
        (with_key(BASE, JO, may=frozenset({"acknowledge"})), "right-missing"),
        (with_contact(BASE, "jo.technical", freezes=(world.freeze(18),)), "contact-frozen"),
        (with_contact(BASE, "sd.duty", freezes=(world.freeze(18),)), "contact-frozen"),
        (with_contact(BASE, "sd.duty", withdrawn=True), "unknown-contact"),
        (with_contact(BASE, "jo.technical", withdrawn=True), "unknown-contact"),
        (with_contact(BASE, "sd.duty", devices=BASE.contacts["sd.duty"].devices[:1]), "stale-slot-key"),
        (replace(BASE, states=MappingProxyType({"jo": BASE.states["jo"]})), "unknown-state"),
        (replace(BASE, states=MappingProxyType({"sd": BASE.states["sd"]})), "unknown-state"),
    ],
)
def test_the_hub_judges_by_the_directory_it_now_has(base: Directory, expected: str) -> None:
    assert code(admit, seal().envelope_bytes, base) == expected


def test_a_message_may_be_dated_five_minutes_ahead_and_no_second_more() -> None:
    ahead = NOW + timedelta(minutes=5)
    check_times(ahead, None, None, NOW + timedelta(days=1), NOW)
    late = (ahead + timedelta(seconds=1), None, None, NOW + timedelta(days=1), NOW)
    assert code(check_times, *late) == "sent-in-future"


def test_only_a_contact_of_an_enrolled_state_or_a_controller_takes_part() -> None:
    check_enrolled(directory(), "jo.technical")
    check_enrolled(directory(), "x-arcc.controller-1")
    assert code(check_enrolled, directory(), "jo.duty") == "unknown-contact"
    assert code(check_enrolled, directory(), "ae.duty") == "unknown-state"
    withdrawn = with_contact(directory(), "jo.technical", withdrawn=True)
    assert code(check_enrolled, withdrawn, "jo.technical") == "unknown-contact"


def test_the_registry_may_limit_slots_and_size_further() -> None:
    for limit, expected in (("slots", "too-many-slots"), ("body_bytes", "envelope-too-large")):
        limits = BASE.settings.limits.model_copy(update={limit: 2})
        base = replace(BASE, settings=BASE.settings.model_copy(update={"limits": limits}))
        assert code(admit, seal().envelope_bytes, base) == expected


def test_an_envelope_is_refused_once_it_has_expired() -> None:
    assert code(admit, seal().envelope_bytes, now=NOW + timedelta(days=2)) == "expired"


def test_an_exercise_must_be_open_and_have_both_sides() -> None:
    data = seal().envelope_bytes
    assert code(admit, data, play_of=lambda _: world.Exercise().announced()) == "exercise-not-open"
    alone = world.Exercise(participants=("jo.technical",)).started()
    assert code(admit, data, play_of=lambda _: alone) == "exercise-lacks-side"
    test = seal(draft(status="test", exercise=None)).envelope_bytes
    assert admit(test, play_of=lambda _: None).header.exercise is None


def test_a_controller_sends_pings_and_never_an_actual_message() -> None:
    controller = "x-arcc.controller-1"
    made = seal(
        draft(kind="ping"),
        to_sudan()[:2],
        sender_contact=controller,
        signing_key=signing_key(controller),
        limits=SealingLimits.of(directory(), controller),
    )
    assert admit(made.envelope_bytes).header.kind == "ping"
    data = with_header(form_value(made.envelope), status="actual", exercise=None)
    assert code(admit, data) == "controller-cannot-send-actual"
    dismissed = replace(BASE.controllers[controller], dismissed=True)
    base = replace(BASE, controllers=MappingProxyType({controller: dismissed}))
    assert code(admit, made.envelope_bytes, base) == "unknown-contact"


def test_an_answer_may_go_to_a_controller() -> None:
    key = sealing_key("x-arcc.controller-1").public
    made = seal(draft(kind="reply"), [Addressee("x-arcc.controller-1", key, "action", 1)])
    assert admit(made.envelope_bytes).header.kind == "reply"


def test_a_message_is_signed_as_a_message() -> None:
    made = seal()
    plaintext = sealed.decrypt_content(
        world.cek_of(),
        unb64u(made.envelope.iv),
        made.envelope.protected,
        unb64u(made.envelope.ciphertext),
        unb64u(made.envelope.tag),
    )
    text = plaintext.split(b"\n", 1)[0].decode()
    assert jws.verify_compact(text, jws.MESSAGE, signing_key("jo.technical").public)


def test_a_draft_is_had_back_from_the_message_it_became() -> None:
    made = draft(respond_by=NOW + timedelta(hours=1), officer="07")
    message = seal(made).message
    assert draft_of(message, [attachment.data for attachment in made.attachments]) == made
