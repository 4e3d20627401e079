"""Planning: the slow clock of a demonstration, which says how often each shopper is to be pushed.

Interest is the first seed's ``I = alpha n + beta p`` (section 4.3), in which what is long ago counts for less; pace and
theta are those of :mod:`andante.frequency.plan`, as for ``andante run``. It is told what shoppers did, and nothing else
of them: not who is a member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import Struct

from andante.vocabulary.event import EventType
from andante.vocabulary.flow import EVENT_CODES
from andante.worlds.contract import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.settings import Settings

ALPHA, BETA = 0.05, 0.3
"""The interest that one more thing done brings, and that one more purchase does. Choice: one in fifty reaches 1."""

HALF_LIFE_S = 7 * DAY_S
"""After how long something counts for half. Choice."""

EVERY_S = DAY_S
"""How often it is planned anew."""

_PURCHASE = EVENT_CODES[EventType.PURCHASE]


class Terms(Struct, frozen=True):
    """What the settings say of plans, in pushes per user-week but for theta."""

    budget: float | None = None
    theta: float | None = None
    f_base: float = 3.0
    f_min: float = 0.0
    f_max: float = 14.0


class Plan(NamedTuple):
    """A plan for everybody, by row, and the theta that it was made with."""

    per_week: NDArray[np.float64]
    interest: NDArray[np.float64]
    theta: float


def terms_of(settings: Settings) -> Terms:
    """Return what settings say of plans."""
    asked = settings.plan
    bounds = (asked.f_base_per_week, asked.f_min_per_week, asked.f_max_per_week)
    return Terms(settings.budget.per_user_week, asked.theta, *bounds)


class Planner:
    """Keeps for each shopper one number, which what they do adds to and time takes from."""

    def __init__(self, shoppers: int, begin_s: int) -> None:
        """Begin with nothing known, at a moment."""
        self._begin_s = begin_s
        self._score = np.zeros(shoppers)  # as if all were still the beginning: in later terms it is halved and halved

    def saw(self, events: NDArray[np.void]) -> None:
        """Take in what shoppers did: rows of ``user``, ``type`` and ``at_s``, in any order."""
        worth = np.where(events["type"] == _PURCHASE, BETA, ALPHA) * np.exp2(self._lives(events["at_s"]))
        self._score += np.bincount(events["user"], worth, len(self._score))

    def interest(self, at_s: int) -> NDArray[np.float64]:
        """Return the interest of each shopper at a moment, in [0, 1]."""
        return np.clip(self._score * np.exp2(-self._lives(np.asarray(at_s))), 0.0, 1.0)

    def plan(self, at_s: int, terms: Terms) -> Plan:
        """Return pushes per week for each shopper: theta is given, or solved for the budget, or the mean interest.

        Raises NotEnoughData where nobody did anything, and SettingsFault for a budget out of the bounds.
        """
        from andante.frequency.plan import pace, solve_theta  # noqa: PLC0415  SciPy is slow to import

        interest, bounds = self.interest(at_s), (terms.f_base, terms.f_min, terms.f_max)
        theta = terms.theta
        if theta is None and terms.budget is not None:
            theta = solve_theta(interest, terms.budget, *bounds)
        theta = float(interest.mean()) if theta is None else theta
        return Plan(pace(interest, theta, *bounds), interest, theta)

    def _lives(self, at_s: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray((at_s - self._begin_s) / HALF_LIFE_S, np.float64)
