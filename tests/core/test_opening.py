"""What a recipient refuses: passing on, reflection, swapped members, flipped bits, keys out of order."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core import jws, sealed
from poc.core.admission import envelope_digest, read_envelope, slot_hash
from poc.core.directory import Directory
from poc.core.draft import Addressee, AttachmentBytes, Draft
from poc.core.envelope import (
    DeliveredEnvelope,
    KeptKey,
    OpenedMessage,
    Sealed,
    content_sha256,
    draft_sha256,
    open_envelope,
    prepare,
)
from poc.core.form import form_bytes, form_of, form_value
from poc.core.keys import SigningKey
from poc.core.message import SHARED_MEMBERS, Envelope, Preparation
from poc.core.opening import check_preparation, open_content
from poc.core.receipts import sign_form, verify_receipt
from poc.core.strictjson import b64u, canonical, format_time, parse, unb64u
from poc.errors import CATALOGUE, RefusedError
from tests import message_world as world
from tests.message_world import (
    HUB,
    NOW,
    SIZE,
    accepted,
    cek_of,
    directory,
    draft,
    head,
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

SEALED = seal()
SUDAN = sealing_key("sd.duty")
JO = signing_key("jo.technical")


def code(function: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments, **named)
    return caught.value.code


def opened(made: Sealed | Envelope = SEALED, key: Any = SUDAN, **changes: Any) -> OpenedMessage:
    envelope = made if isinstance(made, Envelope) else made.envelope
    named: dict[str, Any] = {"directory": directory(), "now": NOW, "play_of": play_of, **changes}
    return open_envelope(DeliveredEnvelope.of(envelope, key.kid), key=key, **named)


def resealed(
    value: dict[str, Any] | None = None,
    *,
    header: dict[str, Any] | None = None,
    typ: str = jws.MESSAGE,
    key: SigningKey = JO,
    content: Callable[[bytes], bytes] = sealed.pad,
    attachments: bytes = b"line 1\nline 2\n",
    contact: str = "sd.duty",
    signed: str | None = None,
) -> Envelope:
    """An envelope put together by somebody who has the content key: everything seals, nothing must fit."""
    value = form_value(SEALED.message) if value is None else value
    old = SEALED.envelope
    protected = old.protected
    if header is not None:
        protected = b64u(canonical({**_header(), **header}))
    text = jws.sign_compact(canonical(value), typ, key) if signed is None else signed
    plaintext = content(text.encode() + b"\n" + attachments)
    ciphertext, tag = sealed.encrypt_content(cek_of(), bytes(12), protected, plaintext)
    ek, encrypted_key = sealed.seal_key(cek_of(), protected, contact, SUDAN.public)
    slot = form_value(next(slot for slot in old.recipients if slot.header.kid == SUDAN.kid))
    slot["header"] |= {"ek": b64u(ek), "contact": contact}
    slot["encrypted_key"] = b64u(encrypted_key)
    parts = {"protected": protected, "iv": b64u(bytes(12)), "ciphertext": b64u(ciphertext), "tag": b64u(tag)}
    return form_of(Envelope, {**parts, "recipients": [slot]})


def _header() -> dict[str, Any]:
    header: Any = parse(unb64u(SEALED.envelope.protected))
    return dict(header)


# --- what opens --------------------------------------------------------------------------------


def test_a_message_opens_for_each_device_it_was_sealed_to() -> None:
    for party, number, use, sequence in (
        ("sd.duty", 1, "action", 17),
        ("sd.duty", 2, "action", 17),
        ("jo.technical", 2, "own", None),
    ):
        result = opened(key=sealing_key(party, number), accepted=accepted(SEALED))
        assert result.message == SEALED.message
        assert (result.use, result.sequence, result.contact) == (use, sequence, party)
        assert result.attachments == (b"line 1\nline 2\n",)
        assert (result.voice_code, result.digest, result.cek) == (SEALED.voice_code, SEALED.digest, cek_of())
        assert (result.warnings, result.size, result.preparation) == ((), SIZE, None)


TEXT = st.text("aé ن\n0", min_size=1, max_size=200).filter(lambda text: text.strip() != "")


@given(
    TEXT,
    st.lists(st.binary(max_size=900), max_size=4),
    st.sampled_from(["notification", "ping", "reply"]),
    st.integers(1, 2**53 - 1),
    st.one_of(st.none(), st.integers(1, 86_400)),
)
def test_what_was_sealed_is_what_is_opened(
    text: str, files: list[bytes], kind: Any, sequence: int, within: int | None
) -> None:
    attachments = tuple(
        AttachmentBytes(f"{n}.bin", "application/octet-stream", f) for n, f in enumerate(files)
    )
    made = draft(body=text_body(text), attachments=attachments, kind=kind, respond_within_s=within)
    result = opened(seal(made, [Addressee("sd.duty", SUDAN.public, "action", sequence)]))
    assert result.message.body.texts[0].text == text
    assert result.attachments == tuple(files)
    assert (result.message.kind, result.sequence, result.message.respond_within_s) == (kind, sequence, within)


def test_the_put_together_envelope_of_these_tests_opens_when_nothing_was_changed() -> None:
    assert opened(resealed()).message == SEALED.message


# --- forwarding, reflection, types -------------------------------------------------------------


def test_a_recipient_cannot_pass_a_message_on_as_if_sealed_by_its_author() -> None:
    """Surreptitious forwarding: B opens A's message and seals the same signed text to C."""
    egypt = sealing_key("eg.technical")
    old = SEALED.envelope
    ek, encrypted_key = sealed.seal_key(cek_of(), old.protected, "eg.technical", egypt.public)
    slot = form_value(old.recipients[1])
    slot["header"] |= {"ek": b64u(ek), "contact": "eg.technical", "kid": egypt.kid}
    slot["encrypted_key"] = b64u(encrypted_key)
    forwarded = form_of(Envelope, {**form_value(old), "recipients": [slot]})
    all_in = world.Exercise(participants=("eg.technical", "jo.technical", "sd.duty")).started()
    assert code(opened, forwarded, egypt, play_of=lambda _: all_in) == "slot-not-in-message"


def test_a_message_put_into_an_envelope_of_another_sender_is_refused() -> None:
    """B takes A's signed text and sends it as its own: the header says B, the message says A."""
    sender = {"contact": "eg.technical", "kid": signing_key("eg.technical").kid}
    all_in = world.Exercise(participants=("eg.technical", "jo.technical", "sd.duty")).started()
    assert code(opened, resealed(header={"from": sender}), play_of=lambda _: all_in) == "member-mismatch"


def test_a_message_signed_anew_by_another_contact_is_refused() -> None:
    assert code(opened, resealed(key=signing_key("eg.technical"))) == "member-mismatch"
    value = form_value(SEALED.message)
    value["from"]["kid"] = signing_key("eg.technical").kid
    stolen = resealed(value, header={"from": value["from"]}, key=signing_key("eg.technical"))
    assert code(opened, stolen) == "unknown-key"


def test_a_message_sent_back_to_its_author_is_refused() -> None:
    own = sealing_key("jo.technical", 1)
    old = SEALED.envelope
    ek, encrypted_key = sealed.seal_key(cek_of(), old.protected, "jo.technical", own.public)
    slot = form_value(old.recipients[0])
    slot["header"] |= {"ek": b64u(ek), "kid": own.kid}
    slot["encrypted_key"] = b64u(encrypted_key)
    back = form_of(Envelope, {**form_value(old), "recipients": [slot]})
    assert code(opened, back, own) == "slot-not-in-message"


@pytest.mark.parametrize("re_signed", [False, True])
def test_a_message_turned_round_is_refused(re_signed: bool) -> None:  # noqa: FBT001 (a case)
    """Reflection: A's message to B comes back to A as if B had written it."""
    own, egypt = sealing_key("jo.technical", 1), signing_key("sd.duty")
    sender = {"contact": "sd.duty", "kid": egypt.kid}
    value = form_value(SEALED.message)
    if re_signed:
        value["from"] = sender
    turned = resealed(value, header={"from": sender}, key=egypt if re_signed else JO, contact="jo.technical")
    ek, encrypted_key = sealed.seal_key(cek_of(), turned.protected, "jo.technical", own.public)
    slot = form_value(turned.recipients[0])
    slot["header"] |= {"ek": b64u(ek), "kid": own.kid}
    slot["encrypted_key"] = b64u(encrypted_key)
    back = form_of(Envelope, {**form_value(turned), "recipients": [slot]})
    assert code(opened, back, own) == ("slot-not-in-message" if re_signed else "member-mismatch")


@pytest.mark.parametrize("signed_as", jws.TYPES)
@pytest.mark.parametrize("expected", jws.TYPES)
def test_no_type_verifies_as_another(signed_as: str, expected: str) -> None:
    text = jws.sign_compact(b"{}", signed_as, JO)
    if signed_as == expected:
        assert jws.verify_compact(text, expected, JO.public) == b"{}"
    else:
        assert code(jws.verify_compact, text, expected, JO.public) == "wrong-type"


@pytest.mark.parametrize("typ", [typ for typ in jws.TYPES if typ != jws.MESSAGE])
def test_only_a_message_is_a_message(typ: str) -> None:
    assert code(opened, resealed(typ=typ)) == "wrong-type"


# --- members -----------------------------------------------------------------------------------

OTHERS: dict[str, Any] = {
    "v": 2,
    "origin": "example.org/other",
    "id": message_id(2),
    "status": "test",
    "exercise": "other-2026",
    "from": {"contact": "jo.technical", "kid": signing_key("jo.technical", 2).kid},
    "kind": "reply",
    "precedence": "flash",
    "sent_at": format_time(NOW - timedelta(hours=1)),
    "not_before": format_time(NOW - timedelta(minutes=1)),
    "respond_by": format_time(NOW + timedelta(hours=1)),
    "respond_within_s": 60,
    "expires_at": format_time(NOW + timedelta(days=1)),
    "commit": "A" * 43,
}


def test_every_shared_member_is_swapped_in_the_next_test() -> None:
    assert {"from" if name == "sender" else name for name in SHARED_MEMBERS} == set(OTHERS)


@pytest.mark.parametrize("member", sorted(OTHERS))
def test_a_header_that_says_other_than_the_message_is_refused(member: str) -> None:
    change = {member: OTHERS[member]}
    if member == "status":
        change["exercise"] = None
    expected = {
        "v": "newer-form",
        "origin": "wrong-origin",
        "exercise": "exercise-unknown",
        "id": "wrong-commitment",
        "commit": "wrong-commitment",
    }
    found = code(lambda: opened(resealed(header=change)))
    assert found == expected.get(member, "member-mismatch")


@pytest.mark.parametrize("member", sorted(set(OTHERS) - {"v", "origin"}))
def test_a_message_that_says_other_than_its_header_is_refused(member: str) -> None:
    value = {**form_value(SEALED.message), member: OTHERS[member]}
    if member == "status":
        value["exercise"] = None
    assert code(opened, resealed(value)) == "member-mismatch"
    assert code(opened, resealed({**value, "origin": "example.org/other"})) == "wrong-origin"


@pytest.mark.parametrize(
    ("member", "to", "expected"),
    [
        ("contact", "jo.technical", "no-slot-for-key"),
        ("contact", "eg.technical", "no-slot-for-key"),
        ("sequence", 18, "slot-not-in-message"),
        ("sequence", None, "slot-not-in-message"),
        ("release_at", format_time(NOW), "slot-not-in-message"),
        ("in_place_of", "sd.technical", "slot-not-in-message"),
        ("salt", b64u(bytes(16)), "slot-not-in-message"),
        ("alg", "HPKE-0", "bad-form"),
        ("ek", b64u(bytes(sealed.EK_BYTES)), "cannot-open"),
        ("ek", b64u(bytes(31)), "cannot-open"),
        ("kid", "A" * 43, "no-slot-for-key"),
    ],
)
def test_no_member_of_a_slot_can_be_altered(member: str, to: Any, expected: str) -> None:
    value = form_value(SEALED.envelope)
    slot = next(slot for slot in value["recipients"] if slot["header"]["kid"] == SUDAN.kid)
    slot["header"][member] = to
    assert code(lambda: opened(form_of(Envelope, value))) == expected


@pytest.mark.parametrize("member", sorted(form_value(SEALED.message)))
def test_no_member_of_the_message_can_be_left_out_or_altered_after_signing(member: str) -> None:
    value = form_value(SEALED.message)
    without = {name: value[name] for name in value if name != member}
    assert code(opened, resealed(without)) == "bad-form"
    protected, _, signature = jws.sign_compact(canonical(value), jws.MESSAGE, JO).split(".")
    altered = ".".join((protected, b64u(canonical({**value, member: "x"})), signature))
    assert code(opened, resealed(signed=altered)) == "bad-signature"


# --- bytes -------------------------------------------------------------------------------------


ONE_SLOT = seal(addressees=to_sudan()[:1])
MEMBERS = ("protected", "iv", "ciphertext", "tag", "encrypted_key", "ek", "salt", "kid", "contact", "alg")


@given(st.data())
def test_no_single_flipped_bit_of_any_member_opens(data: st.DataObject) -> None:
    """R5: protected header, IV, ciphertext, tag, every binary and text of the slot."""
    value = form_value(ONE_SLOT.envelope)
    slot = value["recipients"][0]
    member = data.draw(st.sampled_from(MEMBERS))
    holder = next(part for part in (value, slot, slot["header"]) if member in part)
    is_text = member in {"contact", "alg"}
    flipped = bytearray(holder[member].encode() if is_text else unb64u(holder[member]))
    bit = data.draw(st.integers(0, len(flipped) * 8 - 1))
    flipped[bit // 8] ^= 1 << bit % 8
    holder[member] = flipped.decode("latin-1") if is_text else b64u(bytes(flipped))
    assert code(lambda: opened(form_of(Envelope, value))) in CATALOGUE


@given(st.integers(0, len(ONE_SLOT.envelope_bytes) * 8 - 1))
def test_no_single_flipped_bit_on_the_wire_opens(bit: int) -> None:
    """R5: any bit of the envelope as it travels, its punctuation and numbers too."""
    flipped = bytearray(ONE_SLOT.envelope_bytes)
    flipped[bit // 8] ^= 1 << bit % 8

    def attempt() -> None:
        opened(read_envelope(bytes(flipped)).envelope)

    assert code(attempt) in CATALOGUE


def test_no_single_flipped_bit_opens() -> None:
    chosen = random.Random(5)
    value = form_value(seal(addressees=to_sudan()[:1]).envelope)
    slot = value["recipients"][0]
    places = [(value, "protected"), (value, "iv"), (value, "ciphertext"), (value, "tag")]
    places += [
        (slot, "encrypted_key"),
        (slot["header"], "ek"),
        (slot["header"], "salt"),
        (slot["header"], "kid"),
    ]
    codes = set()
    for holder, member in places:
        data = unb64u(holder[member])
        for bit in chosen.sample(range(len(data) * 8), min(24, len(data) * 8)):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            kept, holder[member] = holder[member], b64u(bytes(flipped))
            codes.add(code(lambda: opened(form_of(Envelope, value))))
            holder[member] = kept
    assert codes <= set(CATALOGUE)
    assert opened(form_of(Envelope, value)).message.id == message_id()


def test_no_single_flipped_bit_of_the_signed_text_verifies() -> None:
    chosen = random.Random(6)
    text = jws.sign_compact(form_bytes(SEALED.message), jws.MESSAGE, JO)
    for position in chosen.sample(range(len(text)), 60):
        changed = text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]
        assert code(opened, resealed(signed=changed)) in CATALOGUE


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + " ",
        lambda text: " " + text,
        lambda text: text.replace(".", ". ", 1),
        lambda text: text + "=",
        lambda text: text + ".",
        lambda text: "é" + text,
    ],
)
def test_the_signed_text_has_one_spelling(change: Callable[[str], str]) -> None:
    text = jws.sign_compact(form_bytes(SEALED.message), jws.MESSAGE, JO)
    assert code(opened, resealed(signed=change(text))) in {"bad-base64", "bad-form"}


def test_whitespace_in_the_header_is_refused() -> None:
    value = form_value(SEALED.envelope)
    value["protected"] = b64u(unb64u(value["protected"]) + b"\n")
    assert code(lambda: opened(form_of(Envelope, value))) == "not-canonical"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (lambda data: sealed.pad(data)[:-1], "bad-padding"),
        (lambda data: sealed.pad(data) + b"\0", "bad-padding"),
        (lambda data: sealed.pad(data)[:-1] + b"\1", "bad-padding"),
        (lambda data: data, "bad-padding"),
        (lambda data: data.ljust(8192, b"\0"), "bad-padding"),
        (lambda data: sealed.pad(data.replace(b"\n", b"", 1)), "bad-base64"),
        (lambda data: sealed.pad(data.replace(b"\n", b"")), "bad-form"),
        (lambda data: sealed.pad(data.replace(b"line 2", b"line 3")), "bad-attachment"),
    ],
)
def test_padding_and_attachments_are_exactly_what_the_form_says(
    content: Callable[[bytes], bytes], expected: str
) -> None:
    assert code(opened, resealed(content=content)) == expected


def test_an_attachment_longer_than_signed_is_refused() -> None:
    assert code(opened, resealed(attachments=b"line 1\nline 2\n\x01")) == "bad-padding"
    value = form_value(SEALED.message)
    value["attachments"][0]["size_bytes"] = 13
    assert code(opened, resealed(value)) == "bad-padding"


def test_another_content_key_in_the_slot_is_found_before_decrypting() -> None:
    old = SEALED.envelope
    ek, encrypted_key = sealed.seal_key(bytes(32), old.protected, "sd.duty", SUDAN.public)
    value = form_value(old)
    slot = next(slot for slot in value["recipients"] if slot["header"]["kid"] == SUDAN.kid)
    slot["header"]["ek"], slot["encrypted_key"] = b64u(ek), b64u(encrypted_key)
    assert code(lambda: opened(form_of(Envelope, value))) == "wrong-commitment"


# --- who, when, in what exercise ---------------------------------------------------------------


def test_a_device_without_a_slot_opens_nothing() -> None:
    assert code(opened, key=sealing_key("eg.technical")) == "no-slot-for-key"
    view = DeliveredEnvelope.of(SEALED.envelope, SUDAN.kid)
    wrong = sealing_key("sd.duty", 2)
    found = code(open_envelope, view, key=wrong, directory=directory(), now=NOW, play_of=play_of)
    assert found == "no-slot-for-key"


def test_a_kept_content_key_opens_its_own_message_and_slot_only() -> None:
    made = opened()
    assert made.slot_key == SUDAN.kid
    kept = KeptKey(SUDAN.kid, made.cek)
    assert opened(key=kept) == made
    assert b64u(made.cek) not in repr(kept)
    assert code(opened, key=KeptKey(sealing_key("jo.technical").kid, made.cek)) == "no-slot-for-key"
    assert code(opened, key=KeptKey(SUDAN.kid, bytes(32))) == "wrong-commitment"


def test_a_message_is_opened_once() -> None:
    seen = {(message_id(), "jo.technical")}
    assert code(opened, seen=seen) == "seen-before"
    others = {(message_id(), "eg.technical"), (message_id(2), "jo.technical")}
    assert opened(seen=others).message.id == message_id()


def test_a_held_slot_is_not_opened_before_its_time() -> None:
    later = NOW + timedelta(hours=1)
    held = [Addressee("sd.duty", SUDAN.public, "action", None, release_at=later)]
    made = seal(addressees=held)
    assert code(opened, made) == "held-slot-early"
    assert opened(made, now=later).sequence is None
    waiting = seal(draft(not_before=later), [Addressee("sd.duty", SUDAN.public, "action")])
    assert code(opened, waiting) == "held-slot-early"
    assert opened(waiting, now=later).sequence is None


def test_a_status_that_the_registry_does_not_admit_is_refused() -> None:
    change = {"status": "actual", "exercise": None}
    assert code(opened, resealed(header=change)) == "status-not-admitted"
    settings = directory().settings.model_copy(update={"statuses": ("test",)})
    assert code(opened, directory=replace(directory(), settings=settings)) == "status-not-admitted"


def test_an_actual_message_of_a_controller_is_refused() -> None:
    sender = {"contact": "x-arcc.controller-1", "kid": signing_key("x-arcc.controller-1").kid}
    change = {"status": "actual", "exercise": None, "from": sender}
    assert code(opened, resealed(header=change)) == "controller-cannot-send-actual"


def test_a_controllers_ping_opens() -> None:
    controller = "x-arcc.controller-1"
    made = seal(
        draft(kind="ping"), to_sudan()[:1], sender_contact=controller, signing_key=signing_key(controller)
    )
    assert opened(made).warnings == ("no-anchor",)


def test_the_exercise_is_known_open_and_has_both_sides() -> None:
    assert code(opened, play_of=lambda _: None) == "exercise-unknown"
    assert code(opened, play_of=lambda _: world.Exercise().announced()) == "exercise-not-open"
    for participants in (("jo.technical",), ("sd.duty",)):
        play = world.Exercise(participants=participants).started()
        assert code(opened, play_of=lambda _, play=play: play) == "exercise-lacks-side"


def test_open_is_judged_at_the_time_the_hub_accepted() -> None:
    before = accepted(SEALED, at=NOW - timedelta(hours=3))
    assert code(opened, accepted=before) == "exercise-not-open"
    assert opened(accepted=accepted(SEALED), now=NOW + timedelta(days=1)).warnings == ()


def test_a_message_for_no_exercise_asks_for_none() -> None:
    made = seal(draft(status="test", exercise=None))
    assert opened(made, play_of=lambda _: None).message.status == "test"


# --- keys in log order -------------------------------------------------------------------------


def ended(until: int, why: str) -> Directory:
    return with_key(directory(), JO.kid, until=until, ended=why)


@pytest.mark.parametrize("why", ["replaced", "routine", "withdrawn"])
def test_without_a_receipt_the_recipients_own_head_decides(why: str) -> None:
    made = seal(head=head(10))
    gone = {"directory": ended(12, why), "least": SIZE}
    assert code(opened, made, **gone) == "key-ended"
    assert opened(made, directory=ended(12, why), least=12).size == 12
    assert opened(made, least=SIZE).size == SIZE


def test_a_replaced_key_counts_if_the_hub_accepted_before_the_replacement() -> None:
    made = seal(head=head(10))
    assert opened(made, directory=ended(12, "replaced"), accepted=accepted(made, 12)).size == 12
    warned = opened(made, directory=ended(12, "replaced"), accepted=accepted(made, 11)).warnings
    assert warned == ("sender-key-ended-since",)
    assert code(opened, made, directory=ended(12, "replaced"), accepted=accepted(made, 13)) == "key-ended"


@pytest.mark.parametrize("why", ["compromise", "lost"])
def test_a_compromised_key_is_refused_on_receipt(why: str) -> None:
    made = seal(head=head(10))
    late = {"directory": ended(12, why), "accepted": accepted(made, 13)}
    assert code(opened, made, **late) == "key-compromised"
    early = {"directory": ended(12, why), "accepted": accepted(made, 11)}
    assert code(opened, made, **early) == "key-compromised"


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (with_key(directory(), JO.kid, may=frozenset({"retrieve"})), "right-missing"),
        (with_contact(directory(), "jo.technical", freezes=(world.freeze(11),)), "contact-frozen"),
        (with_key(directory(), JO.kid, since=SIZE), "key-not-yet"),
        (with_key(directory(), JO.kid, holder="eg.technical"), "unknown-key"),
        (
            replace(directory(), keys=MappingProxyType({SUDAN.kid: directory().keys[SUDAN.kid]})),
            "unknown-key",
        ),
        (replace(directory(), keys=MappingProxyType({})), "unknown-key"),
        (with_key(directory(), SUDAN.kid, holder="eg.technical"), "no-slot-for-key"),
        (with_key(directory(), SUDAN.kid, role="device"), "no-slot-for-key"),
        (directory(SIZE - 1), "head-ahead"),
        (replace(directory(), origin="example.org/other"), "wrong-origin"),
    ],
)
def test_the_recipients_directory_decides(base: Directory, expected: str) -> None:
    assert code(opened, directory=base) == expected


def test_a_head_that_contradicts_the_own_log_is_a_fork() -> None:
    forged = seal(head=head(root=bytes(32)))
    assert code(opened, forged) == "head-inconsistent"
    earlier = seal(head=head(10, root=bytes(32)))
    assert opened(earlier).size == 10
    assert code(opened, earlier, root_at=lambda size: world.tree(size).root()) == "head-inconsistent"


@pytest.mark.parametrize("other", [1, 2])
def test_receipts_are_of_this_envelope_this_slot_and_this_event(other: int) -> None:
    two = seal(number=2)
    receipt = accepted(two if other == 1 else seal(addressees=to_sudan()[1:]))
    assert code(opened, accepted=receipt) == "receipt-mismatch"
    assert code(opened, released=accepted(SEALED)) == "receipt-mismatch"
    assert code(opened, accepted=accepted(SEALED, key=JO)) == "unknown-key"
    assert code(opened, accepted=accepted(SEALED, SIZE + 1)) == "head-ahead"


def test_a_released_receipt_anchors_as_well() -> None:
    first = verify_receipt(accepted(SEALED), directory())
    released = first.model_copy(update={"event": "released", "at": NOW + timedelta(minutes=5)})
    text = sign_form(released, jws.RECEIPT, HUB)
    result = opened(released=text, accepted=accepted(SEALED))
    assert (result.released, result.accepted) == (released, first)


# --- warnings ----------------------------------------------------------------------------------


def test_what_is_overdue_or_late_warns_and_does_not_block() -> None:
    late = NOW + timedelta(days=3)
    assert opened(now=late, accepted=accepted(SEALED)).warnings == ("arrived-after-expiry",)
    base = with_contact(directory(), "jo.technical", confirmed_at=NOW - timedelta(days=400))
    assert opened(directory=base).warnings == ("no-anchor", "sender-confirmation-overdue")
    devices = directory().contacts["jo.technical"].devices
    old = tuple(replace(device, rotate_by=NOW - timedelta(days=1)) for device in devices)
    base = with_contact(directory(), "jo.technical", devices=old)
    assert opened(directory=base, accepted=accepted(SEALED)).warnings == ("sender-rotation-overdue",)
    base = with_contact(directory(), "jo.technical", freezes=(world.freeze(1000),))
    assert opened(directory=base, accepted=accepted(SEALED)).warnings == ("sender-frozen-since",)
    base = with_contact(directory(), "jo.technical", withdrawn=True)
    assert opened(directory=base, accepted=accepted(SEALED)).warnings == ("sender-left-since",)


# --- preparation -------------------------------------------------------------------------------

SECOND = signing_key("jo.technical", 2)


def content_of(made: Draft) -> str:
    recipients: Any = [("sd.duty", "action")]
    return draft_sha256(
        made, origin=world.ORIGIN, id=message_id(), sender_contact="jo.technical", recipients=recipients
    )


def prepared(key: SigningKey = SECOND, content: str | None = None, **changes: Any) -> Draft:
    named = {"origin": world.ORIGIN, "contact": "jo.technical", "head": head(), "at": NOW, **changes}
    return draft(prepared=prepare(content or content_of(draft()), key=key, **named))


def test_a_message_prepared_by_a_second_device_shows_it() -> None:
    result = opened(seal(prepared()))
    assert result.preparation is not None
    assert result.preparation.kid == SECOND.kid
    assert result.preparation.content_sha256 == content_sha256(result.message)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (prepared(JO), "preparation-mismatch"),
        (prepared(content="A" * 43), "preparation-mismatch"),
        (prepared(contact="sd.duty"), "preparation-mismatch"),
        (prepared(signing_key("jo.technical", 3)), "right-missing"),
        (prepared(signing_key("sd.duty")), "unknown-key"),
        (prepared(SigningKey.from_seed(bytes(32))), "unknown-key"),
        (prepared(head=head(SIZE + 1)), "head-ahead"),
        (prepared(origin="example.org/other"), "wrong-origin"),
        (draft(prepared="nonsense"), "bad-form"),
        (draft(prepared=jws.sign_compact(b"{}", jws.CANCEL, SECOND)), "wrong-type"),
    ],
)
def test_a_preparation_by_the_same_device_of_another_or_of_other_content_is_refused(
    made: Draft, expected: str
) -> None:
    assert code(opened, seal(made)) == expected


def test_a_preparation_is_judged_at_the_messages_size_too() -> None:
    made = seal(prepared(head=head(10)))
    assert opened(made).preparation is not None
    ended = with_key(directory(), SECOND.kid, until=12, ended="replaced")
    assert code(opened, made, directory=ended) == "key-ended"


def test_a_preparation_of_another_log_is_a_fork_where_the_root_is_known() -> None:
    made = seal(prepared(head=head(7, root=bytes(32))))
    assert opened(made).preparation is not None
    assert code(opened, made, root_at=lambda size: world.tree(size).root()) == "head-inconsistent"


@pytest.mark.parametrize("why", ["compromise", "lost"])
def test_a_second_key_that_is_compromised_since_is_refused_on_receipt(why: str) -> None:
    ended = with_key(directory(SIZE + 1), SECOND.kid, until=SIZE, ended=why)
    assert code(opened, seal(prepared()), directory=ended) == "key-compromised"
    replaced = with_key(directory(SIZE + 1), SECOND.kid, until=SIZE, ended="replaced")
    assert opened(seal(prepared()), directory=replaced).preparation is not None


def test_a_preparation_that_names_another_key_than_signed_it_is_refused() -> None:
    form = Preparation(
        v=1,
        origin=world.ORIGIN,
        contact="jo.technical",
        kid=JO.kid,
        content_sha256=content_of(draft()),
        at=NOW,
        head=head(),
    )
    made = draft(prepared=sign_form(form, jws.PREPARATION, SECOND))
    assert code(opened, seal(made)) == "preparation-mismatch"


def test_an_actual_message_needs_one() -> None:
    record = directory().keys[JO.kid]
    actual = SEALED.message.model_copy(update={"status": "actual", "exercise": None})
    assert code(check_preparation, actual, record, directory(), SIZE) == "preparation-missing"


# --- disclosed content -------------------------------------------------------------------------


def test_the_content_key_alone_opens_the_content_for_evidence() -> None:
    view = DeliveredEnvelope.of(SEALED.envelope, SUDAN.kid)
    content = open_content(SEALED.envelope, opened().header, cek_of(), directory())
    assert (content.message, content.signed_by) == (SEALED.message, JO.kid)
    assert view.digest == SEALED.digest == envelope_digest(view.protected, view.iv, view.ciphertext, view.tag)
    assert slot_hash(view.slot.header) in {to.slot for to in content.message.to}
    assert code(open_content, view, opened().header, bytes(32), directory()) == "wrong-commitment"
