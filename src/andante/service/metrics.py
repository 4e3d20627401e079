"""Metrics: what Prometheus reads at ``/metrics``. They count; they name no user, no key and no candidate."""

from __future__ import annotations

from collections import Counter as Tally
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from andante.vocabulary.records import Decision, Receipt, Released

MEDIA_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)


class Metrics:
    """The counters of one service, in a registry of their own."""

    def __init__(self) -> None:
        """Make them."""
        own = self.registry = CollectorRegistry()
        self._requests = Counter("andante_http_requests", "Calls answered.", ("route", "status"), registry=own)
        self._seconds = Histogram(
            "andante_http_request_seconds", "How long an answer took.", ("route",), buckets=_SECONDS, registry=own
        )
        self._decisions = Counter("andante_decisions", "Decisions made.", ("action", "reason"), registry=own)
        self._released = Counter("andante_released", "Deferred pushes asked again.", ("action",), registry=own)
        self._records = Counter("andante_records", "Events and outcomes given.", ("kind", "taken"), registry=own)
        self._together = Histogram(
            "andante_commit_size", "Things that shared a turn.", ("kind",), buckets=_SIZES, registry=own
        )
        self._depth = Gauge("andante_queue_depth", "Things that wait for their turn.", ("kind",), registry=own)
        self._bodies = Gauge("andante_bodies_held_bytes", "Bytes of callers' bodies held now.", registry=own)
        self._position = Gauge("andante_engine_position", "Position of the last record of the log.", registry=own)
        self._waiting = Gauge("andante_waiting_pushes", "Deferred requests that wait for their time.", registry=own)
        self._answered = cache(lambda route, status: self._requests.labels(route, str(status)).inc)
        self._timed = cache(lambda route: self._seconds.labels(route).observe)
        self._gathered = cache(lambda kind: self._together.labels(kind).observe)
        self._decided = cache(lambda action, reason: self._decisions.labels(action, reason).inc)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._answered(route, status)()
        self._timed(route)(seconds)

    def gathered(self, kind: str, size: int) -> None:
        """Count what shared a turn."""
        self._gathered(kind)(size)

    def decided(self, decisions: Iterable[Decision]) -> None:
        """Count decisions by action and by the reason that binds."""
        for (action, reason), count in Tally((one.action, one.reasons[0]) for one in decisions).items():
            self._decided(action, reason)(count)

    def tallied(self, tally: Iterable[tuple[tuple[str, str], int]]) -> None:
        """Count decisions that were tallied already."""
        for (action, reason), count in tally:
            self._decided(action, reason)(count)

    def released(self, released: Sequence[Released]) -> None:
        """Count what became of deferred pushes."""
        for action, count in Tally(one.decision.action for one in released).items():
            self._released.labels(action).inc(count)

    def received(self, kind: str, receipt: Receipt) -> None:
        """Count events or outcomes by what became of them."""
        for taken, count in (
            ("accepted", receipt.accepted),
            ("duplicate", receipt.duplicates),
            ("rejected", len(receipt.rejected)),
        ):
            if count:
                self._records.labels(kind, taken).inc(count)

    def page(self, depths: dict[str, int], bodies_held: int, standing: tuple[int, int] | None) -> bytes:
        """Return everything as text. ``standing`` is the engine's position and how many requests wait."""
        for kind, depth in depths.items():
            self._depth.labels(kind).set(depth)
        self._bodies.set(bodies_held)
        if standing is not None:
            self._position.set(standing[0])
            self._waiting.set(standing[1])
        page: bytes = generate_latest(self.registry)
        return page
