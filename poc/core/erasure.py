"""An owner's request to erase the opening of a card's part, as proof to every desk that holds a copy.

The request is ``DELETE …/v1/cards/<commitment>`` without a body, signed as any request (``httpsig``). The
hub shows it to the desks, and a desk deletes its copy only if it is signed by an owner of the contact: so
no hub alone can make desks forget how to reach one. When it was made does not count: a commitment is
of one content, and erased for good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field

from poc.core.card import Part
from poc.core.directory import Contact, Directory, KeyRecord
from poc.core.form import ContactId, Form, Sha256
from poc.core.httpsig import content_digest, parse_request, verify_request
from poc.core.judge import COMPROMISED
from poc.errors import RefusedError

METHOD: Final = "DELETE"
_TARGET: Final = re.compile(r"https?://[^/?#]+/v1/cards/(?P<commitment>[A-Za-z0-9_-]{43})")


class Erasure(Form):
    """What was erased, and the headers and target of the request that asked for it."""

    contact: ContactId
    part: Part
    commitment: Sha256
    target: Annotated[str, Field(max_length=2_000)]
    signature_input: Annotated[str, Field(max_length=1_000)]
    signature: Annotated[str, Field(max_length=200)]


def make_erasure(
    contact: str, part: Part, commitment: str, target: str, headers: Mapping[str, str]
) -> Erasure:
    """The proof in a request that was verified. Raises ``not-signed``, ``bad-form``."""
    parse_request(headers)
    named = {name.lower(): value for name, value in headers.items()}
    return Erasure(
        contact=contact,
        part=part,
        commitment=commitment,
        target=target,
        signature_input=named["signature-input"],
        signature=named["signature"],
    )


def check_erasure(erasure: Erasure, directory: Directory) -> None:
    """Return only if an owner of the contact asked to erase this commitment, and the log still names it.

    A key that was replaced since still counts; one that ended as compromised or lost does not.

    Raises:
        RefusedError: ``unknown-contact``; ``commitment-mismatch``, the log names another;
            ``bad-request-signature``, the request is for something else or was not signed by this key;
            ``unknown-key``, ``right-missing``, ``key-compromised``, ``contact-frozen``.
    """
    contact = directory.contact(erasure.contact)
    named = contact.card.part(erasure.part)
    if named is None or named.commitment != erasure.commitment:
        raise RefusedError("commitment-mismatch", f"{contact.id} {erasure.part}")
    target = _TARGET.fullmatch(erasure.target)
    if target is None or target["commitment"] != erasure.commitment:
        raise RefusedError("bad-request-signature", "it asks for something else")
    headers = {"Signature-Input": erasure.signature_input, "Signature": erasure.signature}
    signature = parse_request({**headers, "Content-Digest": content_digest(b"")})
    record = directory.keys.get(signature.keyid)
    if record is None or record.verify_key is None:
        raise RefusedError("unknown-key", signature.keyid)
    if not owns_card(record, contact):
        raise RefusedError("right-missing", f"{record.holder} may not erase for {contact.id}")
    if record.ended in COMPROMISED:
        raise RefusedError("key-compromised", record.kid)
    if record.role == "device" and contact.frozen is not None:
        raise RefusedError("contact-frozen", contact.id)
    verify_request(signature, METHOD, erasure.target, b"", record.verify_key, signature.created_at)


def owns_card(record: KeyRecord, contact: Contact) -> bool:
    """Whether a key's holder publishes and erases this card: the State's authority, a device with `change`.

    Of a contact that is only listed, the registrars.
    """
    if record.role == "registrar":
        return contact.level == "listed"
    if record.role in {"authority", "recovery"}:
        return record.holder == contact.state
    return record.role == "device" and record.holder == contact.id and "change" in record.may
