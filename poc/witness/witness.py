"""What a witness does with what is sent to it: check, record, cosign, in this order. Knows no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from poc.client.api import HubClient
from poc.core.checkpoint import Checkpoint, Cosigner
from poc.core.directory import Directory
from poc.core.judge import log_verifiers, read_checkpoint
from poc.core.note import Verifier
from poc.core.notices import (
    check_notice,
    contradiction,
    has_ended,
    notice_bytes,
    notice_list,
    read_notice,
    signing_state,
)
from poc.core.submission import (
    Conflict,
    Submission,
    by_the_log,
    check_continues,
    conflict_of,
    moved,
    parse_submission,
)
from poc.errors import FaultError, PocError, RefusedError, UnreachableError
from poc.limits import COSIGNED_AHEAD_SECONDS_MAX
from poc.logs import log_event
from poc.witness.follower import Follower, Step
from poc.witness.metrics import WitnessMetrics
from poc.witness.store import Pinned, WatchedLog, WitnessStore

# Refusals that say something about the log, the hub or this witness, and not just about who asked.
_TOLD: Final = frozenset(
    {"two-roots", "entries-unread", "entries-not-of-root", "rules-broken", "rules-unknown",
     "another-genesis", "logged-ahead", "notice-contradicted", "witness-clock"}
)  # fmt: skip
_LOADED_AT_ONCE: Final = 1024


class Witness:
    """A witness of the logs in its record, under one key.

    Of two trees it cosigned of one log, the larger continues the smaller, and is of no earlier time: also
    after a crash at any point, and whatever came at once. Of a log that is pinned, it cosigned nothing whose
    entries break the rules, or that makes effective what a notice it holds stops.
    """

    def __init__(
        self,
        store: WitnessStore,
        cosigner: Cosigner,
        now: Callable[[], datetime],
        hub_at: Callable[[str], HubClient] | None = None,
    ) -> None:
        """``hub_at`` gives the way to the hub at an address: there is none without pinned logs."""
        self._store = store
        self._cosigner = cosigner
        self._hub_at = hub_at
        self._followers: dict[str, Follower] = {}
        self.now = now
        self.metrics = WitnessMetrics()

    async def load(self) -> None:
        """Apply what was verified and kept of each pinned log; logs added later are not known here.

        What does not prove itself any more is read from the hub again. Raises ``storage-failed``.
        """
        for log in await self._store.logs():
            if log.pinned is not None:
                self._followers[log.origin] = await self._loaded(log, log.pinned)

    async def add_checkpoint(self, body: bytes) -> str:
        """The cosignature line for a submitted checkpoint (C2SP tlog-witness ``add-checkpoint``).

        Raises:
            RefusedError: ``bad-submission``, ``unknown-log``, ``not-by-the-log``, ``old-size-moved`` with
                the ``size`` last cosigned, ``two-roots``, ``bad-proof``; of a pinned log also
                ``entries-not-of-root``, ``rules-broken``, ``another-genesis``, ``logged-ahead``,
                ``notice-contradicted``.
            UnreachableError: ``witness-clock``, ``storage-failed``, ``entries-unread``, ``rules-unknown``;
                nothing was cosigned.
        """
        try:
            line = await self._add_checkpoint(parse_submission(body))
        except PocError as error:
            self.metrics.refused.labels(error.code).inc()
            if error.code in _TOLD:
                log_event("not-cosigned", code=error.code)
            raise
        self.metrics.cosigned.inc()
        return line

    async def add_notice(self, body: bytes) -> bool:
        """Hold a brake of a pinned log; false if it is held already.

        Raises:
            RefusedError: ``not-a-brake``, ``unknown-log``, ``rules-not-checked``, ``window-passed``,
                ``notices-full``, or what the rules refuse the statement for.
            UnreachableError: ``entries-unread`` before the first checkpoint was cosigned, ``storage-failed``.
        """
        signed, statement = read_notice(body)
        follower = self._follower(await self._log(statement.origin))
        async with follower.recording:
            directory = _directory(follower)
            log = await self._log(statement.origin)
            clock = max(self.now(), datetime.fromtimestamp(log.cosigned_at, UTC))
            await asyncio.to_thread(check_notice, directory, signed, clock)
            state = signing_state(directory, signed)
            data = notice_bytes(signed)
            return await self._store.add_notice(log.origin, statement.sha256, state, data)

    async def notices(self, origin: str) -> bytes:
        """The notices held of a pinned log, as JSON (docs/spec/witness.md).

        Raises:
            RefusedError: ``unknown-log``, ``rules-not-checked``.
            UnreachableError: ``entries-unread`` before the first checkpoint was cosigned, ``storage-failed``.
        """
        log = await self._log(origin)
        directory = _directory(self._follower(log))
        return notice_list(origin, directory.size, await self._store.notices(origin))

    async def refresh_metrics(self) -> None:
        """Bring the gauges up to date. Raises ``storage-failed``."""
        for log in await self._store.logs():
            held = await self._store.notices(log.origin)
            self.metrics.show(log, self._seconds(), len(held))
        self.metrics.conflicts.set(len(await self._store.conflicts()))

    async def _loaded(self, log: WatchedLog, pinned: Pinned) -> Follower:
        if self._hub_at is None:
            raise FaultError("fault", "a log is pinned, and no way to its hub is given")
        follower = Follower(pinned.fingerprint, self._hub_at(pinned.hub))
        start = 0
        try:
            while leaves := await self._store.leaves(log.origin, start, start + _LOADED_AT_ONCE):
                await follower.load(leaves)
                start += len(leaves)
            _check_kept(log, follower.directory)
        except RefusedError as error:
            log_event("entries-damaged", code=error.code)
            follower.forget()
        return follower

    async def _add_checkpoint(self, submission: Submission) -> str:
        log, checkpoint = await self._admitted(submission)
        if log.pinned is None:
            return await self._cosigned(submission, log, checkpoint, None)
        follower = self._follower(log)
        async with follower.turn():
            log, checkpoint = await self._admitted(submission)  # the record may have moved meanwhile
            step = await self._followed(follower, log, checkpoint, submission)
            async with follower.recording:
                held = await self._store.notices(log.origin)
                against = await asyncio.to_thread(contradiction, follower.directory, step.leaves, held)
                if against is not None:
                    await self._keep(log, checkpoint, "notice-contradicted", submission, against.notice)
                    raise RefusedError(
                        "notice-contradicted", against.step, payload_sha256=against.payload_sha256
                    )
                line = await self._cosigned(submission, log, checkpoint, step)
                follower.advance(step)
                await self._drop_ended(log.origin, step.directory, held)
        return line

    async def _admitted(self, submission: Submission) -> tuple[WatchedLog, Checkpoint]:
        """The log and its own checkpoint, which continues the tree on record."""
        log = await self._log(submission.stated.origin)
        checkpoint = by_the_log(submission, self._keys(log, submission.stated.size))
        try:
            check_continues(submission, checkpoint, log.tree)
        except RefusedError as error:
            kind = conflict_of(checkpoint, log.tree, error.code)
            if kind is not None:
                await self._keep(log, checkpoint, kind, submission)
            raise
        return log, checkpoint

    async def _followed(
        self, follower: Follower, log: WatchedLog, checkpoint: Checkpoint, submission: Submission
    ) -> Step:
        """The verified step to a checkpoint, which a key in force there signed."""
        try:
            step = await follower.follow(checkpoint, self.now())
        except RefusedError as error:
            if error.code == "rules-broken":
                await self._keep(log, checkpoint, "rules-broken", submission)
            raise
        _check_key(submission, step.directory)
        return step

    def _keys(self, log: WatchedLog, size: int) -> tuple[Verifier, ...]:
        """The keys given for a log, and those its verified entries name, but for what had ended by a size."""
        follower = self._followers.get(log.origin)
        directory = None if follower is None else follower.directory
        if directory is None:
            return log.keys
        records = {vkey: directory.keys[kid] for kid, vkey in directory.log_vkeys.items()}
        ended = {v for v, key in records.items() if key.until is not None and not key.is_good_at(size)}
        named = dict.fromkeys([*(key.vkey() for key in log.keys), *records])
        return log_verifiers(tuple(vkey for vkey in named if vkey not in ended))

    async def _keep(
        self,
        log: WatchedLog,
        checkpoint: Checkpoint,
        kind: Conflict,
        submission: Submission,
        notice: bytes | None = None,
    ) -> None:
        await self._store.keep_conflict(log, checkpoint, kind, submission.note, notice, self._seconds())

    async def _drop_ended(self, origin: str, directory: Directory, held: Sequence[bytes]) -> None:
        ended = await asyncio.to_thread(has_ended, directory, held)
        if ended:
            await self._store.drop_notices(origin, ended)

    async def _cosigned(
        self, submission: Submission, log: WatchedLog, checkpoint: Checkpoint, step: Step | None
    ) -> str:
        start, leaves = (0, ()) if step is None else (step.start, step.leaves)
        at = await self._store.advance(log, checkpoint, self._time(log), submission.note, start, leaves)
        if at is None:
            raise moved((await self._log(log.origin)).tree.size)
        return str(self._cosigner.cosign(submission.text, at))

    def _time(self, log: WatchedLog) -> int:
        now = self._seconds()
        if log.cosigned_at > now + COSIGNED_AHEAD_SECONDS_MAX:
            raise UnreachableError("witness-clock", log.origin)
        return now

    def _seconds(self) -> int:
        return int(self.now().timestamp())

    async def _log(self, origin: str) -> WatchedLog:
        log = await self._store.log(origin)
        if log is None:
            raise RefusedError("unknown-log")
        return log

    def _follower(self, log: WatchedLog) -> Follower:
        follower = self._followers.get(log.origin)
        if follower is None:
            raise RefusedError("rules-not-checked", log.origin)
        return follower


def _directory(follower: Follower) -> Directory:
    if follower.directory is None:
        raise UnreachableError("entries-unread", "no checkpoint of the log was cosigned yet")
    return follower.directory


def _check_kept(log: WatchedLog, directory: Directory | None) -> None:
    """Refuse kept entries that do not give the tree last cosigned; fewer are those of a log pinned later."""
    if directory is None or directory.size < log.tree.size:
        return
    if (directory.size, directory.tree.root()) != (log.tree.size, log.tree.root):
        raise RefusedError("entries-not-of-root", f"size {log.tree.size}")


def _check_key(submission: Submission, directory: Directory) -> None:
    """Refuse a checkpoint signed by no key in force at its size: one of those that count may have ended."""
    try:
        read_checkpoint(submission.note, directory)
    except RefusedError as error:
        raise RefusedError("not-by-the-log", error.code) from None
