"""Clearance: a draft drawn up, edited, prepared by a second device, sealed between buildings, confirmed.

Pure: keys, times and randomness come in. Which events a state allows stands in ``lifecycle``; the forms in
``draft_form``; what makes a preparation good in ``opening``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from poc.core import sealed
from poc.core.draft import AttachmentBytes, Draft, draft_content, reduced_sha256, text_code
from poc.core.draft_form import DRAFT_TYPE, DraftForm, DraftHeader, DraftSlot, Hand, SealedDraft
from poc.core.form import form_bytes, form_of, form_value, read_form
from poc.core.keys import SEALING_ALGORITHM, SealingKey, SealingPublicKey
from poc.core.message import SlotUse
from poc.core.strictjson import b64u, canonical, format_time, parse, unb64u
from poc.core.text import ascii_digits, fold
from poc.errors import RefusedError
from poc.limits import TEXT_CODE_CHARS_MIN

ACTUAL_WORDS: Final[Mapping[str, str]] = {"en": "ACTUAL", "ar": "فعلية", "fr": "RÉEL"}
# What of a draft is a member of its content as it stands.
_SAME: Final = frozenset(Draft.__dataclass_fields__) - {"attachments", "officer", "prepared", "rendered"}


@dataclass(frozen=True, slots=True)
class Addressed:
    """A draft with whom it is for; ``reached`` is everyone it may reach, those who stand in included."""

    draft: Draft
    to: tuple[str, ...]
    information: tuple[str, ...]
    escalate: bool | None = None
    reached: tuple[tuple[str, SlotUse], ...] = ()

    def uses(self) -> list[tuple[str, SlotUse]]:
        """Everyone it may reach, each with what it is to the message."""
        if self.reached:
            return list(self.reached)
        found: dict[str, SlotUse] = {
            **dict.fromkeys(self.information, "information"),
            **dict.fromkeys(self.to, "action"),
        }
        return list(found.items())


# --- drawing up and editing --------------------------------------------------------------------


def new_draft(addressed: Addressed, *, origin: str, id: str, contact: str, hand: Hand) -> DraftForm:  # noqa: A002
    """The first edition of a draft. Raises ``bad-form``."""
    content = draft_content(
        addressed.draft, origin=origin, id=id, sender_contact=contact, recipients=addressed.uses()
    )
    return form_of(
        DraftForm,
        {
            "v": 1, "origin": origin, "form": "poc-draft", "edition": 1, "content": content,
            "chosen": {
                "to": list(addressed.to), "information": list(addressed.information),
                "escalate": addressed.escalate,
            },
            "data": [b64u(attachment.data) for attachment in addressed.draft.attachments],
            "drafted": form_value(hand), "cleared": None, "prepared": None,
        },
    )  # fmt: skip


def edited(before: DraftForm, addressed: Addressed, hand: Hand) -> DraftForm:
    """The next edition under the same id: whatever was prepared is void. Raises ``bad-form``."""
    content = before.content
    made = new_draft(
        addressed, origin=before.origin, id=content.id, contact=content.sender.contact, hand=hand
    )
    return made.model_copy(update={"edition": before.edition + 1})


def addressed_of(form: DraftForm) -> Addressed:
    """What the author chose. Raises ``bad-attachment`` where bytes are not what the content says."""
    content = form.content
    attachments = []
    for number, (named, text) in enumerate(zip(content.attachments, form.data, strict=True), 1):
        data = unb64u(text)
        if len(data) != named.size_bytes or b64u(hashlib.sha256(data).digest()) != named.sha256:
            raise RefusedError("bad-attachment", f"number {number}")
        attachments.append(AttachmentBytes(named.name, named.media_type, data))
    same: dict[str, Any] = {name: getattr(content, name) for name in _SAME}
    draft = Draft(**same, attachments=tuple(attachments), prepared=form.prepared)
    chosen, reached = form.chosen, tuple((to.contact, to.use) for to in content.to)
    return Addressed(draft, chosen.to, chosen.information, chosen.escalate, reached)


def draft_sha256_of(form: DraftForm) -> str:
    """The hash that a preparation of this draft is of."""
    return reduced_sha256(form_value(form.content))


def code_of(form: DraftForm) -> str:
    """The draft's text code: on paper, on both screens, and at the receiving desk."""
    return text_code(draft_sha256_of(form))


def with_preparation(form: DraftForm, prepared: str, hand: Hand) -> DraftForm:
    """The draft with a second device's preparation, which the caller has judged."""
    return form.model_copy(update={"prepared": prepared, "cleared": hand})


def check_in_time(form: DraftForm, now: datetime) -> None:
    """Return if every time the draft promises lies ahead. Raises ``draft-expired`` naming it."""
    for name in ("expires_at", "respond_by"):
        at = getattr(form.content, name)
        if at is not None and at <= now:
            raise RefusedError("draft-expired", f"{name} {format_time(at)}")


# --- confirming --------------------------------------------------------------------------------


def check_typed_code(typed: str, form: DraftForm) -> None:
    """Return if ``typed`` is the text code, or at least four characters of its beginning.

    Raises:
        RefusedError: ``wrong-text-code``.
    """
    given = "".join(ascii_digits(typed).lower().split())
    if len(given) < TEXT_CODE_CHARS_MIN or not code_of(form).startswith(given):
        raise RefusedError("wrong-text-code", f"at least {TEXT_CODE_CHARS_MIN} characters from its beginning")


def short_name(origin: str) -> str:
    """The registry's short name, typed to release an actual message: the last part of its origin."""
    return origin.rsplit("/", 1)[-1]


def check_typed_actual(typed: str, origin: str) -> None:
    """Return if two words were typed: that it is actual, in any language here, and the registry's short name.

    Raises:
        RefusedError: ``actual-not-confirmed``.
    """
    words = sorted(fold(word) for word in typed.split())
    if not any(words == sorted((fold(word), fold(short_name(origin)))) for word in ACTUAL_WORDS.values()):
        raise RefusedError("actual-not-confirmed")


# --- sealing, at rest and between buildings ----------------------------------------------------


def seal_draft(form: DraftForm, keys: Sequence[SealingPublicKey], *, cek: bytes, iv: bytes) -> bytes:
    """The draft sealed to devices of its own contact; ``cek`` (32 bytes) and ``iv`` (12) are fresh."""
    contact = form.content.sender.contact
    header = {
        "v": 1, "origin": form.origin, "enc": sealed.CONTENT_ENCRYPTION, "typ": DRAFT_TYPE,
        "contact": contact,
    }  # fmt: skip
    protected = b64u(canonical(header))
    plaintext = sealed.pad(form_bytes(form))
    ciphertext, tag = sealed.encrypt_content(cek, iv, protected, plaintext)
    slots = [_slot(key, cek, protected, contact) for key in sorted(keys, key=lambda key: key.kid)]
    return canonical(
        {
            "protected": protected,
            "recipients": slots,
            "iv": b64u(iv),
            "ciphertext": b64u(ciphertext),
            "tag": b64u(tag),
        }
    )


def _slot(key: SealingPublicKey, cek: bytes, protected: str, contact: str) -> dict[str, Any]:
    ek, encrypted_key = sealed.seal(cek, key, _extra(protected, contact))
    header = {"alg": SEALING_ALGORITHM, "kid": key.kid, "ek": b64u(ek)}
    return {"header": header, "encrypted_key": b64u(encrypted_key)}


def _extra(protected: str, contact: str) -> bytes:
    return b"poc/1 draft\0" + hashlib.sha256(protected.encode()).digest() + contact.encode()


def open_draft(data: bytes, keys: Mapping[str, SealingKey]) -> DraftForm:
    """A sealed draft opened with whichever of the keys it is sealed to.

    Raises:
        RefusedError: ``no-slot-for-key``, ``cannot-open`` (altered, or not sealed as it says),
            ``bad-padding``, ``member-mismatch``, or the errors of reading a form.
    """
    file = read_form(SealedDraft, data)
    header = read_form(DraftHeader, unb64u(file.protected))
    slot: DraftSlot | None = next((s for s in file.recipients if s.header.kid in keys), None)
    if slot is None:
        raise RefusedError("no-slot-for-key", f"a draft of {header.contact}")
    ek, encrypted_key = unb64u(slot.header.ek), unb64u(slot.encrypted_key)
    cek = sealed.unseal(ek, encrypted_key, keys[slot.header.kid], _extra(file.protected, header.contact))
    iv, ciphertext, tag = unb64u(file.iv), unb64u(file.ciphertext), unb64u(file.tag)
    plaintext = sealed.decrypt_content(cek, iv, file.protected, ciphertext, tag)
    form = read_draft(sealed.unpad_to(plaintext, len(plaintext.rstrip(b"\0"))))
    if (form.origin, form.content.sender.contact) != (header.origin, header.contact):
        raise RefusedError("member-mismatch", "contact")
    return form


def read_draft(data: bytes) -> DraftForm:
    """A draft in clear. Raises ``not-canonical``, ``bad-attachment``, or the errors of reading a form."""
    form = read_form(DraftForm, data)
    if form_bytes(form) != data.removesuffix(b"\n"):
        raise RefusedError("not-canonical", "a draft")
    addressed_of(form)
    return form


def is_sealed(data: bytes) -> bool:
    """Whether a draft's file is sealed. Raises ``bad-json``."""
    value = parse(data)
    return isinstance(value, dict) and "ciphertext" in value
