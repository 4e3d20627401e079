"""Latest: what was decided last, and how fast, as the log has it."""

from __future__ import annotations

import time
from contextlib import closing
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from andante.stores.connection import connect, faults
from andante.vocabulary.flow import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHOWN = 15
"""How many decisions are shown: as many as a person takes in within a second."""

BACK = 10_000
"""How far back in the log decisions are looked for: in a quiet night, what came last may lie behind many events."""

COUNTED_MAX = 50_000
"""Of more positions since the last look, the rate is left open until the next one."""

APART_S = 0.9
"""Looks nearer to each other than this share a rate."""

_LAST = "SELECT coalesce(max(position), 0) FROM log"
_COUNT = f"""SELECT count(*) FROM log
WHERE position > ? AND position <= ? AND kind IN ({Kind.REQUEST:d}, {Kind.RELEASE:d})"""
_LATEST = """SELECT decision_id, user_id, at, action, reason, channel, campaign_id FROM decisions
WHERE position > ? ORDER BY position DESC LIMIT ?"""


class Decided(NamedTuple):
    """One decision, in words of the log."""

    decision_id: str
    user_id: str
    at: str  # RFC 3339, in UTC
    action: str
    reason: str
    channel: str | None  # of what was chosen, as is the campaign
    campaign_id: str | None


class Seen(NamedTuple):
    """What one look found."""

    per_second: float | None  # of this server's own time; None until a second look
    decisions: tuple[Decided, ...]  # the latest first


class Latest:
    """Looks at the end of a log, from any thread, with a connection that lives for one look."""

    def __init__(self, database: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Store where the log is."""
        self._database, self._clock = database, clock
        self._guard = Lock()
        self._before: tuple[float, int] | None = None  # when the rate was last taken, and the position then
        self._per_second: float | None = None

    def look(self) -> Seen:
        """Return the latest decisions, and how many there were a second since the look before. Raises StoreFault."""
        with self._guard, closing(connect(self._database, write=False)) as connection, faults(self._database):
            (last,) = connection.execute(_LAST).fetchone()
            now_s = self._clock()
            if self._before is None or now_s - self._before[0] >= APART_S:
                if self._before is not None and last - self._before[1] <= COUNTED_MAX:
                    (count,) = connection.execute(_COUNT, (self._before[1], last)).fetchone()
                    self._per_second = count / (now_s - self._before[0])
                self._before = now_s, last
            rows = connection.execute(_LATEST, (last - BACK, SHOWN)).fetchall()
        return Seen(self._per_second, tuple(Decided(*row) for row in rows))
