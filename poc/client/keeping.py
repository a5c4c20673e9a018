"""Messages that an office keeps readable beyond the sealing key they came under.

By default nothing is kept: once a replaced key is destroyed, what was sealed to it opens no more, whoever
has this disk and its passphrase (docs/adr/0010). What an officer names is kept by its content key alone,
sealed to the home's archive key, which stands in no log and never leaves the keyring. Nothing else of the
destroyed key comes back by it, and no plaintext is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from poc.client.known import Known
from poc.client.rotation import destroyed_from
from poc.core import sealed
from poc.core.envelope import KeptKey, OpenedMessage
from poc.core.keys import SealingKey
from poc.core.strictjson import format_time
from poc.errors import RefusedError

ROLE: Final = "archive"


def closing(known: Known) -> list[dict[str, Any]]:
    """The messages here that open no more once a replaced key of this home is destroyed, and when.

    Those that are kept are left out.
    """
    if known.keyring is None:
        return []
    ends = {
        entry.kid: at
        for entry in known.keyring.list()
        if entry.use == "seal" and (at := destroyed_from(known.directory, entry.kid)) is not None
    }
    if not ends:
        return []
    kept = known.trust.kept_keys()
    received = ((row.message, "received", row.kid) for row in known.trust.inbox())
    sent = (
        (row.ref, "sent", kid)
        for row in known.trust.outbox(kind="message")
        for kid in ends
        if kid.encode() in row.body
    )
    rows = [row for row in (*received, *sent) if row[2] in ends and (row[0], row[2]) not in kept]
    return [
        {"message": message, "direction": direction, "key": kid, "opens_until": format_time(ends[kid])}
        for message, direction, kid in sorted(rows, key=lambda row: (ends[row[2]], row[0]))
    ]


def opening_key(known: Known, message: str, kid: str) -> SealingKey | KeptKey:
    """What opens a message sealed to ``kid``: that key, or what is kept of a destroyed one.

    Raises ``key-destroyed``, ``no-key``, ``no-passphrase``.
    """
    try:
        return known.keys.sealing(kid)
    except RefusedError as error:
        kept = known.trust.kept_keys().get((message, kid)) if error.code == "key-destroyed" else None
        archive = known.keys.archive_key()
        if kept is None or archive is None:
            raise
    ek, encrypted_key = kept[: sealed.EK_BYTES], kept[sealed.EK_BYTES :]
    return KeptKey(kid, sealed.unseal(ek, encrypted_key, archive, _extra(message, kid)))


def own_slot(known: Known, kids: Sequence[str]) -> str:
    """Of the keys that a message sent from here was sealed to, this home's; one that is here first."""
    here = (kid for kid in kids if known.keys.has(kid))
    gone = {destroyed.kid for destroyed in known.keys.destroyed()}
    return next(here, None) or next((kid for kid in kids if kid in gone), "")


async def keep(known: Known, opened: Sequence[OpenedMessage], random: Callable[[int], bytes]) -> None:
    """Keep messages that were opened readable here for good, all or none.

    Raises ``no-passphrase``, ``home-in-use``, ``storage-failed``.
    """
    archive = known.keys.archive_key()
    if archive is None:
        archive = known.keys.add_sealing(known.party or "", known.now(), random, role=ROLE)
        await known.keys.save_new(archive.kid)
    with known.trust.transaction():
        for one in opened:
            message, kid = one.header.id, one.slot_key
            ek, encrypted_key = sealed.seal(one.cek, archive.public, _extra(message, kid))
            known.trust.put_kept_key(message, kid, ek + encrypted_key)


def _extra(message: str, kid: str) -> bytes:
    return b"poc/1 kept\0" + f"{message}\0{kid}".encode()
