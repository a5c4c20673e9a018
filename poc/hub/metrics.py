"""What the hub counts, in a registry of its own: docs/metrics.md describes each.

No label but a witness's is an id.
"""

from __future__ import annotations

import contextlib
from collections import Counter as Counts
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from poc.core.due import KINDS, THRESHOLDS, Due

_BATCH_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_LATE_BUCKETS: Final = (0.5, 1, 2, 5, 10, 30, 60, 300, 3600)
_SECONDS_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The hub's counters and gauges; every label has few values, all of the program's own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        told: dict[str, Any] = {"registry": self.registry}
        self._count_messages(told)
        self._count_log(told)
        self._count_machine(told)
        self.build = Info("poc_build", "Version of the program and of SQLite.", **told)

    def _count_messages(self, told: dict[str, Any]) -> None:
        self.requests = Counter("poc_requests", "Requests answered.", ["route", "method", "status"], **told)
        self.messages_accepted = Counter("poc_messages_accepted", "Envelopes accepted.", ["status"], **told)
        self.messages_rejected = Counter(
            "poc_messages_rejected", "Envelopes refused for good.", ["status"], **told
        )
        self.evidence_recorded = Counter(
            "poc_evidence_recorded", "Signed records of recipients taken.", ["kind"], **told
        )
        self.refused_later = Counter(
            "poc_refused_for_now", "Requests to come again later.", ["code", "kind"], **told
        )
        self.due_done = Counter("poc_due_done", "Steps done when their time had come.", ["step"], **told)
        self.due_lateness_seconds = Histogram(
            "poc_due_lateness_seconds",
            "From when a step was due until it was done.",
            buckets=_LATE_BUCKETS,
            **told,
        )
        self.inbox_pages = Counter("poc_inbox_pages", "Pages of inboxes given.", **told)
        self.streams_open = Gauge("poc_streams_open", "Streams of inboxes open now.", **told)
        self.nudges_sent = Counter("poc_nudges_sent", "Notices taken by the next server.", ["kind"], **told)
        self.nudges_failed = Counter(
            "poc_nudges_failed", "Notices that did not go out.", ["kind", "code"], **told
        )

    def _count_log(self, told: dict[str, Any]) -> None:
        self.statement_batch = Histogram(
            "poc_statement_batch_size", "Statements of one log step.", buckets=_BATCH_BUCKETS, **told
        )
        self.commit_batch = Histogram(
            "poc_commit_batch_size", "Writes of one commit.", buckets=_BATCH_BUCKETS, **told
        )
        self.commit_seconds = Histogram(
            "poc_commit_seconds", "Seconds of one commit.", buckets=_SECONDS_BUCKETS, **told
        )
        self.log_size = Gauge("poc_log_size", "Entries of the log.", **told)
        self.proposals_open = Gauge("poc_proposals_open", "Proposals that wait for signatures.", **told)
        self.entry_age_seconds = Gauge("poc_last_entry_age_seconds", "Since the newest entry.", **told)
        self.witness_lag = Gauge(
            "poc_witness_lag_entries", "Entries a witness has not cosigned.", ["witness"], **told
        )
        self.witness_cosigned = Gauge(
            "poc_witness_cosigned_seconds", "When a witness cosigned last, Unix time.", ["witness"], **told
        )
        self.published_size = Gauge("poc_published_size", "Entries of the head that is shown.", **told)
        self.reminders = Gauge("poc_reminders", "What falls due, by the days left.", ["kind", "days"], **told)
        self.read_only = Gauge("poc_read_only", "1 while the hub takes nothing, else 0.", **told)

    def _count_machine(self, told: dict[str, Any]) -> None:
        self.check_state = Gauge(
            "poc_check_state", "Of /readyz: 0 sound, 1 warning, 2 failed.", ["check"], **told
        )
        self.disk_free_bytes = Gauge("poc_disk_free_bytes", "Free on the disk of the home.", **told)
        self.database_bytes = Gauge("poc_database_bytes", "Size of the database file.", **told)
        self.wal_bytes = Gauge("poc_wal_bytes", "Size of its write-ahead log.", **told)
        self.backup_seconds = Gauge(
            "poc_backup_seconds", "When the newest backup was made, Unix time.", **told
        )
        self.connections_open = Gauge("poc_connections_open", "Connections of clients.", **told)
        self.connections_ended = Counter(
            "poc_connections_ended",
            "Connections the hub closed for a deadline or for room.",
            ["reason"],
            **told,
        )

    def commit(self, writes: int, seconds: float) -> None:
        """Count one commit of the store."""
        self.commit_batch.observe(writes)
        self.commit_seconds.observe(seconds)

    def refuse(self, code: str, kind: str) -> None:
        """Count a request that was asked to come again later: for which code, of which kind."""
        self.refused_later.labels(code, kind).inc()

    def connection_ended(self, reason: str) -> None:
        """Count a connection that the hub closed, and why."""
        self.connections_ended.labels(reason).inc()

    def witness(self, witness: str, lag: int, cosigned_at: datetime | None) -> None:
        """Say how far a witness is behind, and when it cosigned last."""
        self.witness_lag.labels(witness).set(lag)
        self.witness_cosigned.labels(witness).set(0 if cosigned_at is None else cosigned_at.timestamp())

    def remind(self, found: Iterable[Due]) -> None:
        """Say how much falls due, by the threshold it has reached."""
        counts = Counts((due.kind, due.days) for due in found)
        for kind in KINDS:
            for days in (0, *THRESHOLDS):
                self.reminders.labels(kind, str(days)).set(counts[kind, days])

    def forget_witness(self, witness: str) -> None:
        """Show nothing more of a witness that left."""
        for gauge in (self.witness_lag, self.witness_cosigned):
            with contextlib.suppress(KeyError):
                gauge.remove(witness)

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        return generate_latest(self.registry)
