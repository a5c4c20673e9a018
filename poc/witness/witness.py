"""What a witness does with one submission: check, record, cosign, in this order. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from poc.core.checkpoint import Cosigner
from poc.core.submission import admit, moved, parse_submission
from poc.errors import RefusedError, UnreachableError
from poc.limits import COSIGNED_AHEAD_SECONDS_MAX
from poc.witness.store import WatchedLog, WitnessStore


class Witness:
    """A witness of the logs in its record, under one key.

    Of two trees it cosigned of one log, the larger continues the smaller, and is of no earlier time: also
    after a crash at any point, and whatever came at once.
    """

    def __init__(self, store: WitnessStore, cosigner: Cosigner, now: Callable[[], datetime]) -> None:
        self._store = store
        self._cosigner = cosigner
        self.now = now

    async def add_checkpoint(self, body: bytes) -> str:
        """The cosignature line for a submitted checkpoint (C2SP tlog-witness ``add-checkpoint``).

        Raises:
            RefusedError: ``bad-submission``, ``unknown-log``, ``not-by-the-log``, ``old-size-moved`` with
                the ``size`` last cosigned, ``bad-proof``.
            UnreachableError: ``witness-clock``, ``storage-failed``; nothing was cosigned.
        """
        submission = parse_submission(body)
        log = await self._store.log(submission.stated.origin)
        if log is None:
            raise RefusedError("unknown-log")
        checkpoint = admit(submission, log.tree, log.keys)
        at = await self._store.advance(log, checkpoint, self._time(log))
        if at is None:
            raise moved(await self._size(log.origin))
        return str(self._cosigner.cosign(submission.text, at))

    def _time(self, log: WatchedLog) -> int:
        now = int(self.now().timestamp())
        if log.cosigned_at > now + COSIGNED_AHEAD_SECONDS_MAX:
            raise UnreachableError("witness-clock", log.origin)
        return now

    async def _size(self, origin: str) -> int:
        log = await self._store.log(origin)
        if log is None:
            raise RefusedError("unknown-log")
        return log.tree.size
