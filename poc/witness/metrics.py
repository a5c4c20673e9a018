"""What a witness counts, in a registry of its own: docs/metrics.md describes each."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from poc.witness.store import WatchedLog


class WitnessMetrics:
    """The counters and gauges of a witness. ``origin`` is that of a log its operator added."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        told: dict[str, Any] = {"registry": self.registry}
        self.cosigned = Counter("poc_cosigned", "Cosignatures given.", **told)
        self.refused = Counter("poc_not_cosigned", "Checkpoints not cosigned.", ["code"], **told)
        self.size = Gauge("poc_watched_size", "Entries of the tree last cosigned.", ["origin"], **told)
        self.age_seconds = Gauge("poc_watched_age_seconds", "Since the last cosignature.", ["origin"], **told)
        self.notices = Gauge("poc_watched_notices", "Notices held.", ["origin"], **told)
        self.conflicts = Gauge("poc_watched_conflicts", "Checkpoints kept against logs.", **told)

    def show(self, log: WatchedLog, now: int, notices: int) -> None:
        """Bring the gauges of one log up to date; the age of one never cosigned is 0."""
        self.size.labels(log.origin).set(log.tree.size)
        self.age_seconds.labels(log.origin).set(now - log.cosigned_at if log.cosigned_at else 0)
        self.notices.labels(log.origin).set(notices)

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        return generate_latest(self.registry)
