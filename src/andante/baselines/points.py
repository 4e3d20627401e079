"""Decision points: requests of a pilot, whether a push went out then, and how soon the user came afterwards.

What the survival rule learns from. Only requests by day are written down, as no baseline pushes at night, and only of
some users: hundreds of thousands of points say enough.

A visit belongs to the point before it only as long as no other push comes between: at the next push the wait is
censored. Points in the half day after a push are left out, as that push still brings visits.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andante.baselines.memory import FEATURES, Memory
from andante.baselines.planned import receivers
from andante.baselines.sender import by_day
from andante.vocabulary.event import EventType
from andante.vocabulary.flow import EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.worlds.contract import DAY_S, HOUR_S, Crowd, Floats, Ints, Mask, Tick

USERS_MAX = 3000
_SPAN = 2**40  # seconds: longer than any world
WITHIN_DAYS = 1.0
"""How long a visit is waited for."""

QUIET_S = 12 * HOUR_S
"""How long after a push the next point is written down."""


@dataclass(frozen=True, slots=True)
class Points:
    """Requests of a pilot. Shape [points] unless said."""

    features: Floats  # [points, features]: of the user's day
    hour: Floats  # local
    relevance: Floats  # of the best candidate
    sent: Mask
    days: Floats  # until the next visit, the next push or WITHIN_DAYS, whatever is first
    seen: Mask  # it was the visit
    per_user_day: float = 0.0  # requests by day, those in the half day after a push included


@dataclass(slots=True)
class Scribe:
    """Writes down the decision points of some users of a crowd."""

    crowd: Crowd
    _stride: int = field(init=False, repr=False)
    _day: int = field(default=-1, init=False, repr=False)
    _known: Floats = field(init=False, repr=False)  # features of the day, [users written down, features]
    _rows: list[tuple[NDArray[Any], ...]] = field(default_factory=list, init=False, repr=False)
    _visits: list[tuple[Ints, Ints]] = field(default_factory=list, init=False, repr=False)
    _pushes: list[tuple[Ints, Ints]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        """Choose whom to write down: every so-manieth user."""
        self._stride = -(-self.crowd.users // USERS_MAX)

    def write(self, tick: Tick, memory: Memory, sends: NDArray[np.void]) -> None:
        """Write down the requests of a tick, and who came in it."""
        day = (tick.from_s - self.crowd.start_s) // DAY_S
        if day != self._day:
            self._day, self._known = day, memory.features()[:: self._stride]
        self._visited(tick)
        to = receivers(tick, sends)
        mine = to % self._stride == 0
        self._pushes.append((to[mine], sends["at_s"][mine]))
        asked = tick.requests
        wanted = asked["user"] % self._stride == 0
        wanted &= by_day(asked["at_s"], self.crowd.offset_s[asked["user"]]) & memory.reachable[asked["user"]]
        rows = np.flatnonzero(wanted)
        users, at_s = asked["user"][rows], asked["at_s"][rows]
        local = (at_s + self.crowd.offset_s[users]) % DAY_S / HOUR_S
        features = self._known[users // self._stride]
        self._rows.append((users, at_s, local, relevance(tick)[rows], features))

    def points(self) -> Points:
        """Return the points written down so far."""
        if not self._rows:
            none = np.zeros(0)
            return Points(np.zeros((0, len(FEATURES))), none, none, none > 0, none, none > 0)
        user, at_s, hour, best, features = (np.concatenate(column) for column in zip(*self._rows, strict=True))
        point, pushes, visits = self._line(user, at_s), self._sorted(self._pushes), self._sorted(self._visits)
        sent = np.isin(point, pushes)
        before = np.append(np.int64(-_SPAN), pushes)[np.searchsorted(pushes, point, side="left")]
        kept = point - before >= QUIET_S
        wait = np.minimum(_until(point, pushes), round(WITHIN_DAYS * DAY_S))
        came = _until(point, visits)
        days = np.maximum(np.minimum(came, wait), 1) / DAY_S
        asked = len(user) / (-(-self.crowd.users // self._stride) * (self._day + 1))
        return Points(features[kept], hour[kept], best[kept], sent[kept], days[kept], (came < wait)[kept], asked)

    def _visited(self, tick: Tick) -> None:
        visit = tick.events[tick.events["type"] == EVENT_CODES[EventType.VISIT]]
        opened = tick.outcomes[tick.outcomes["type"] == OUTCOME_CODES[OutcomeType.OPENED]]
        for came in (visit, opened):
            mine = came["user"] % self._stride == 0
            self._visits.append((came["user"][mine], came["at_s"][mine]))

    def _line(self, user: Ints, at_s: Ints) -> Ints:
        """Return instants of all users as points of one line, on which users lie far apart."""
        return np.asarray(user * _SPAN + (at_s - self.crowd.start_s), np.int64)

    def _sorted(self, found: list[tuple[Ints, Ints]]) -> Ints:
        user, at_s = (np.concatenate(column) for column in zip(*found, strict=True))
        return np.unique(self._line(user, at_s))


def _until(point: Ints, instants: Ints) -> Ints:
    """Return the seconds to the next of the instants after each point: of another user, they are very many."""
    following = np.append(instants, np.int64(2**62))[np.searchsorted(instants, point, side="right")]
    return np.asarray(following - point)


def relevance(tick: Tick) -> Floats:
    """Return the relevance of the best candidate of each request, by value times relevance."""
    asked, candidates = tick.requests, tick.candidates
    best = np.ones(len(asked))
    if len(candidates) and len(asked):
        worth = candidates["value"] * candidates["relevance"]
        most = int(asked["count"].max())
        places = asked["first"][:, None] + np.arange(most)
        inside = np.arange(most) < asked["count"][:, None]
        offered = np.where(inside, worth[np.minimum(places, len(candidates) - 1)], -np.inf)
        best = candidates["relevance"][np.minimum(asked["first"] + offered.argmax(axis=1), len(candidates) - 1)]
    return np.asarray(best, np.float64)
