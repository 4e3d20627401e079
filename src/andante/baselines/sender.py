"""A sender: which of the requests of a tick go out at a pace, or up to a cap, and with which candidate.

Every baseline sends through here, so that they differ in *whom* they push how often, and in nothing else. A request is
answered with the live candidate that promises most (value times relevance, as the shop gave them), and only by day:
fixed caps in the field come with quiet hours, and without them they would be weaker than they are.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from andante.worlds.contract import HOUR_S, SEND, WEEK_S, Crowd, Floats, Ints, Mask, Tick

FROM_HOUR, TO_HOUR = 9, 21
"""Local hours of the day between which baselines push."""

CREDIT_MAX = 2.0
"""Most pushes that a user's credit saves up: one that found no candidate, or came at night, is made up for."""

GAP_SHARE = 0.5
"""Of the mean distance of two pushes, the least that lies between them when one is made up for."""


@dataclass(slots=True)
class Sender:
    """Sends to the users of a crowd. Credit begins at random, so that not all are pushed at the first request."""

    crowd: Crowd
    seed: int
    _credit: Floats = field(init=False, repr=False)
    _credit_at_s: Ints = field(init=False, repr=False)
    _last_s: Ints = field(init=False, repr=False)
    _recent_s: Ints = field(init=False, repr=False)  # [users, limit]: a ring of the latest sends, for caps
    _oldest: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Begin with nobody pushed."""
        users = self.crowd.users
        self._credit = np.random.default_rng([self.seed, 1]).random(users)
        self._credit_at_s = np.full(users, self.crowd.start_s)
        self._last_s = np.full(users, self.crowd.start_s - 52 * WEEK_S)
        self._recent_s, self._oldest = np.zeros((users, 0), np.int64), np.zeros(users, np.int64)

    def paced(self, tick: Tick, per_week: Floats, *, wanted: Mask | None = None) -> NDArray[np.void]:
        """Return what goes out where every user is pushed so often a week, evenly.

        ``wanted`` says of each request of the tick whether it may be answered; what it refuses keeps its credit.
        """
        chosen = _paced(
            *_columns(tick),
            _all(tick) if wanted is None else wanted,
            per_week,
            self.crowd.offset_s,
            self._credit,
            self._credit_at_s,
            self._last_s,
        )
        return _sends(tick, chosen)

    def capped(
        self, tick: Tick, limit: int, window_s: int, *, wanted: Mask | None = None, room: int | None = None
    ) -> NDArray[np.void]:
        """Return what goes out first come, first served: at most ``limit`` to a user in any ``window_s``.

        At most ``room`` go out in all, where it is given.
        """
        if self._recent_s.shape[1] != limit:
            self._recent_s = np.full((self.crowd.users, limit), self.crowd.start_s - 52 * WEEK_S)
            self._oldest[:] = 0
        chosen = _capped(
            *_columns(tick),
            _all(tick) if wanted is None else wanted,
            self.crowd.offset_s,
            self._recent_s,
            self._oldest,
            window_s,
            np.iinfo(np.int64).max if room is None else room,
        )
        return _sends(tick, chosen)


def by_day(at_s: Ints, offset_s: Ints) -> Mask:
    """Return whether these instants lie in the hours of the day in which baselines push.

    >>> by_day(np.array([8, 9, 20, 21]) * 3600, np.zeros(4, np.int64)).tolist()
    [False, True, True, False]
    """
    hour = (at_s + offset_s) // HOUR_S % 24
    return np.asarray((hour >= FROM_HOUR) & (hour < TO_HOUR))


def nothing() -> NDArray[np.void]:
    """Return no sends."""
    return np.zeros(0, SEND)


def _columns(tick: Tick) -> tuple[NDArray[Any], ...]:
    requests, candidates = tick.requests, tick.candidates
    names = ("user", "at_s", "first", "count")
    return (
        *(np.ascontiguousarray(requests[name]) for name in names),
        np.ascontiguousarray(candidates["value"] * candidates["relevance"]),
        np.ascontiguousarray(candidates["expires_s"]),
    )


def _all(tick: Tick) -> Mask:
    return np.ones(len(tick.requests), np.bool_)


def _sends(tick: Tick, chosen: Ints) -> NDArray[np.void]:
    """Return sends of the chosen places of candidates (-1: none), one for each request."""
    going = chosen >= 0
    sends = np.zeros(int(going.sum()), SEND)
    sends["candidate"] = tick.number_first + chosen[going]
    sends["at_s"] = tick.requests["at_s"][going]
    return sends


def _choose(worth: Floats, expires_s: Ints, first: int, count: int, at_s: int) -> int:
    """Return the place of the candidate that promises most of those that have not expired, or -1."""
    best = -1
    for place in range(first, first + count):
        if expires_s[place] > at_s and (best < 0 or worth[place] > worth[best]):
            best = place
    return best


_best: Callable[..., int] = njit(cache=True)(_choose)


def _pace(  # noqa: PLR0913, PLR0917  a compiled loop is given its columns one by one
    user: Ints,
    at_s: Ints,
    first: Ints,
    count: Ints,
    worth: Floats,
    expires_s: Ints,
    wanted: Mask,
    per_week: Floats,
    offset_s: Ints,
    credit: Floats,
    credit_at_s: Ints,
    last_s: Ints,
) -> Ints:
    chosen = np.full(len(user), -1)
    for place in range(len(user)):
        who, now_s = user[place], at_s[place]
        rate = per_week[who] / WEEK_S
        credit[who] = min(CREDIT_MAX, credit[who] + rate * (now_s - credit_at_s[who]))
        credit_at_s[who] = now_s
        hour = (now_s + offset_s[who]) // HOUR_S % 24
        if rate <= 0 or credit[who] < 1 or not wanted[place] or hour < FROM_HOUR or hour >= TO_HOUR:
            continue
        if now_s - last_s[who] < GAP_SHARE / rate:
            continue
        chosen[place] = _best(worth, expires_s, first[place], count[place], now_s)
        if chosen[place] >= 0:
            credit[who] -= 1
            last_s[who] = now_s
    return chosen


def _cap(  # noqa: PLR0913, PLR0917  a compiled loop is given its columns one by one
    user: Ints,
    at_s: Ints,
    first: Ints,
    count: Ints,
    worth: Floats,
    expires_s: Ints,
    wanted: Mask,
    offset_s: Ints,
    recent_s: Ints,
    oldest: Ints,
    window_s: int,
    room: int,
) -> Ints:
    chosen = np.full(len(user), -1)
    limit = recent_s.shape[1]
    for place in range(len(user)):
        who, now_s = user[place], at_s[place]
        hour = (now_s + offset_s[who]) // HOUR_S % 24
        if room <= 0 or limit == 0 or not wanted[place] or hour < FROM_HOUR or hour >= TO_HOUR:
            continue
        if now_s - recent_s[who, oldest[who]] < window_s:
            continue
        chosen[place] = _best(worth, expires_s, first[place], count[place], now_s)
        if chosen[place] >= 0:
            recent_s[who, oldest[who]] = now_s
            oldest[who] = (oldest[who] + 1) % limit
            room -= 1
    return chosen


_paced: Callable[..., Ints] = njit(cache=True)(_pace)
_capped: Callable[..., Ints] = njit(cache=True)(_cap)
