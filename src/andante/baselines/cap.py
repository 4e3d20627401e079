"""A fixed cap for all: what comes goes out, first come, first served, up to so many in a sliding window.

This is how most shops limit pushes today. It learns nothing. The *best single cap* is this policy with the cap that a
sweep over training worlds found best (``andante.baselines.sweep``): hard to beat, as it holds all that can be known
about everybody at once.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from andante.baselines.memory import Memory
from andante.baselines.purse import Purse
from andante.baselines.sender import Sender, nothing
from andante.vocabulary.fault import InputFault
from andante.worlds.contract import WEEK_S, Crowd, Tick

CAPS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 14.0)
"""Caps, in pushes a week, among which the best single one is sought."""

_NEAR = 0.5, 2.0  # of a budget: caps further from it send far too little, or far too much

_WINDOWS = (1, 2, 4)  # weeks: the shortest in which the cap is a whole number


@dataclass(slots=True)
class FixedCap:
    """Sends up to ``per_week`` pushes to each user in a sliding window: 7 days, or 14 or 28 for quarters of a push.

    Raises InputFault for a cap that is negative or no multiple of a quarter.
    """

    per_week: float
    seed: int
    budget: float | None = None
    _memory: Memory = field(init=False, repr=False)
    _sender: Sender = field(init=False, repr=False)
    _purse: Purse = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the cap."""
        if self.per_week < 0 or self.per_week * max(_WINDOWS) % 1 != 0:
            raise InputFault("cap", self.per_week, "is no number of pushes a week", "give 0 or more, in quarters")

    def begin(self, crowd: Crowd) -> None:
        """Get ready for these users."""
        self._memory, self._sender = Memory(crowd), Sender(crowd, self.seed)
        self._purse = Purse(crowd, self.budget)

    def decide(self, tick: Tick) -> NDArray[np.void]:
        """Return what goes out in this tick."""
        if self.per_week == 0:
            return nothing()
        self._memory.observe(tick)
        limit, window_s = window(self.per_week)
        wanted = self._memory.reachable[tick.requests["user"]]
        return self._purse.pay(self._sender.capped(tick, limit, window_s, wanted=wanted, room=self._purse.left))


def caps_near(budget: float | None) -> tuple[float, ...]:
    """Return the caps that are worth trying under a budget: those between half and twice of it.

    >>> caps_near(1.0)
    (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
    """
    if budget is None:
        return CAPS
    near = tuple(cap for cap in CAPS if _NEAR[0] * budget <= cap <= _NEAR[1] * budget)
    return near or (min(CAPS, key=lambda cap: abs(cap - budget)),)


def window(per_week: float) -> tuple[int, int]:
    """Return the cap as a whole number of pushes, and the window in which it holds, in seconds.

    >>> window(3.0), window(0.25)
    ((3, 604800), (1, 2419200))
    """
    weeks = next(weeks for weeks in _WINDOWS if per_week * weeks % 1 == 0)
    return round(per_week * weeks), weeks * WEEK_S
