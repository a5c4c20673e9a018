"""Attachments as a desk reads them: those inside the message at once, those that travel apart when fetched.

Bytes are given in memory, one attachment at a time; writing them to a file is done elsewhere. They are
opaque here: nothing looks into them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from poc.client.api import HubClient
from poc.client.blobs import fetch_blob
from poc.client.known import Known
from poc.core.blob import open_blob
from poc.core.envelope import OpenedMessage
from poc.errors import PocError, RefusedError


@dataclass(frozen=True, slots=True)
class AttachmentHere:
    """One attachment, and how much of it is at this desk; ``missing_bytes`` are still to be fetched.

    ``blob_bytes`` is its sealed size where it travels apart.
    """

    number: int
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    blob_bytes: int | None
    missing_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return asdict(self)


def attachments_here(known: Known, opened: OpenedMessage) -> list[AttachmentHere]:
    """The attachments of a message, in their order, numbered from 1."""
    found = []
    for number, attachment in enumerate(opened.message.attachments, start=1):
        size, missing = None, 0
        if attachment.blob is not None:
            size = attachment.blob.size_bytes
            missing = max(0, size - known.trust.blob_bytes(attachment.blob.sha256))
        found.append(
            AttachmentHere(
                number, attachment.name, attachment.media_type, attachment.size_bytes, attachment.sha256,
                size, missing,
            )
        )  # fmt: skip
    return found


def read_attachment(known: Known, opened: OpenedMessage, number: int) -> bytes:
    """The bytes of an attachment, verified against the signed message; ``number`` counts from 1.

    Raises ``blob-not-here`` (data ``missing_bytes``), or as ``core.blob.open_blob``: what does not open
    is dropped, so that it is fetched anew.
    """
    inside, attachment = opened.attachments[number - 1], opened.message.attachments[number - 1]
    if inside is not None or attachment.blob is None:
        return inside or b""
    missing = attachments_here(known, opened)[number - 1].missing_bytes
    if missing:
        raise RefusedError("blob-not-here", f"{missing} bytes", missing_bytes=missing)
    try:
        return open_blob(attachment, known.trust.blob(attachment.blob.sha256))
    except RefusedError as error:
        if error.code == "blob-mismatch":
            known.trust.drop_blob(attachment.blob.sha256)
        raise


async def fetch_attachments(known: Known, hub: HubClient, opened: OpenedMessage) -> dict[int, PocError]:
    """Fetch what is missing of every attachment; gives why some could not be, by number.

    After a broken line the rest is not tried.
    """
    failed: dict[int, PocError] = {}
    broken: PocError | None = None
    for here in attachments_here(known, opened):
        blob = opened.message.attachments[here.number - 1].blob
        if blob is None or not here.missing_bytes:
            continue
        try:
            if broken is not None:
                raise broken
            await fetch_blob(known, hub, blob, f"attachment {here.number}")
        except PocError as error:
            failed[here.number] = error
            broken = error if error.exit_code == 3 else broken
    return failed
