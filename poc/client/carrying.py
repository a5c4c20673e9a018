"""``Carrying``: the part of a desk that writes and takes files while the hub cannot be reached.

What is in the files stands in ``carriage``, mails around them in ``carriage_mail``. Nothing here uses the
network: what an import queues is sent at the next sync.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poc.client.carriage import (
    Carried,
    addressees_of,
    export_answers,
    export_log,
    export_message,
    header_of,
    mail_address,
    take_file,
)
from poc.client.carriage_mail import Kind, carriage_in, write_mail
from poc.client.home import locked
from poc.client.known import Known
from poc.client.view import marking
from poc.errors import RefusedError
from poc.limits import CARRIAGE_BYTES_MAX, SNAPSHOT_BYTES_MAX


class Carrying:
    """What a desk does without the hub. Mixed into ``Desk``, which has these members."""

    home: Path
    known: Known

    def export_message(
        self, message: str, contacts: Sequence[str] = (), *, early: bool = False, mail: bool = False
    ) -> tuple[dict[str, bytes], dict[str, str]]:
        """A message sent from here as one file for each addressee, and why others have none (codes).

        All addressees whose part may leave now by default; ``early`` adds the held parts of alternates.
        ``mail`` gives each as a mail ready to send. Raises ``unknown-message``, and, where a contact was
        named or none has a file, ``not-an-addressee``, ``held-for-later``, ``part-cancelled``.
        """
        files: dict[str, bytes] = {}
        left_out: dict[str, str] = {}
        last = RefusedError("nothing-to-carry", message)
        for contact in contacts or addressees_of(self.known, message):
            try:
                data = export_message(self.known, message, contact, early=early)
            except RefusedError as error:
                if contacts:
                    raise
                last, left_out[contact] = error, error.code
                continue
            files[contact] = self._mail("message", data, message, contact) if mail else data
        if not files:
            raise last
        return files, left_out

    def export_answers(self, message: str, *, mail: bool = False) -> bytes:
        """What this desk answered to a message, for its sender. Raises ``nothing-to-carry``."""
        data = export_answers(self.known, message)
        if not mail:
            return data
        return self._mail("answers", data, message, header_of(self.known, message).sender.contact)

    def export_log(self, since: int = 0) -> bytes:
        """The log verified here from a size on, for another desk. Raises ``not-synced``, ``log-gap``."""
        return export_log(self.known, since)

    async def import_file(self, data: bytes) -> Carried:
        """Take a carriage file, or a mail that holds one. Raises ``bad-mail`` or as ``take_file``."""
        async with locked(self.home):
            return await take_file(self.known, carriage_in(data), CARRIAGE_BYTES_MAX)

    async def sync_from(self, data: bytes) -> Carried:
        """Take a log update or a snapshot, as large as those may be. Raises as ``take_file``."""
        async with locked(self.home):
            return await take_file(self.known, data, SNAPSHOT_BYTES_MAX)

    def _mail(self, kind: Kind, data: bytes, message: str, contact: str) -> bytes:
        to, sender = mail_address(self.known, contact), mail_address(self.known, self.known.party or "")
        shown = marking(header_of(self.known, message).status)
        return write_mail(kind, data, shown or {}, self.known.now(), to=to, sender=sender)
