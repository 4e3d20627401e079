"""Retention: the old part of the log goes, and a replay begins with the users' records instead of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andante.stores.contract import Retained as Retaining
from andante.vocabulary.fault import StoreFault
from andante.vocabulary.flow import Kind
from andante.vocabulary.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from andante.live.desk import Desk

STATES_AT_ONCE = 10_000

_CLOCKED = frozenset({Kind.PARAMETERS, Kind.PLAN, Kind.NOTE})
"""Rows that carry the engine's clock, not the time of what happened: in a log of old events they look young."""


class Retained(Record, frozen=True, omit_defaults=False):
    """What was forgotten."""

    rows: int
    keys: int


def retain(desk: Desk, now_us: int) -> Retained:
    """Drop rows and keys that are older than the settings keep them; every record must be checkpointed.

    Rows are dropped from the beginning up to the first one that is young enough, but for publications of parameters and
    for what still waits. No record loses anything: each is kept as it is now, and a later replay begins with these.
    """
    store, log = desk.store, desk.settings.log
    if not isinstance(store, Retaining):
        raise StoreFault("store", type(store).__name__, "cannot forget", "open the log with a store that can")
    cut = _last_old(desk, now_us - _micros(log.retention.total_seconds()))
    rows = store.retain(cut, _states(desk)) if cut else 0
    return Retained(rows=rows, keys=store.prune_keys(now_us - _micros(log.keys.total_seconds())))


def _last_old(desk: Desk, before_us: int) -> int:
    """Return the position before the first row that is not old; 0 where there is nothing old."""
    last = 0
    after, _ = desk.store.base()
    for rows in desk.store.read(after):
        for position, kind, _, at_us, *_ in rows:
            if at_us >= before_us and kind not in _CLOCKED:
                return last
            last = position
    return last


def _states(desk: Desk) -> Iterator[tuple[int, int, bytes]]:
    """Yield every record as it is now: (user, position, state)."""
    for first in range(0, len(desk.population), STATES_AT_ONCE):
        part = desk.population.raw[first : first + STATES_AT_ONCE]
        positions = desk.population.users["position"][first : first + STATES_AT_ONCE].tolist()
        yield from zip(range(first, first + len(part)), positions, map(bytes, part), strict=True)


def _micros(seconds: float) -> int:
    return int(seconds * 1_000_000)
