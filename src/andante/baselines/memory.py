"""What a shop remembers of its users while it pushes them: counts of what they did, and rates that are shrunk.

The features are what any shop has: visits, opens, orders, how long it has known somebody, and how much it pushed them
of late. Rates are shrunk by empirical Bayes, so that a user with little behind them looks like their segment.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from andante.vocabulary.event import EventType
from andante.vocabulary.flow import EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.worlds.contract import WEEK_S, Crowd, Floats, Ints, Mask, Tick

FEATURES = ("segment", "member", "visits", "opens", "spend", "weeks", "pushes", "away")
"""Columns of the matrix of features, in order.

``visits``, ``opens`` and ``spend`` are logarithms of shrunk rates (visits a week, opens a push, money a week),
``weeks`` the logarithm of 1 and the weeks since the start, ``pushes`` a fading rate of pushes a week, ``away`` the
logarithm of 1 and the weeks without a visit.
"""

_HALF_LIFE_WEEKS = 2.0  # of what ``pushes`` remembers
_LEAST_VISITS, _LEAST_OPENS, _LEAST_SPEND = 0.02, 0.001, 0.01  # added before a logarithm is taken


@dataclass(slots=True)
class Memory:
    """Counts of the users of a crowd since its start, shape [users]."""

    crowd: Crowd
    visits: Floats = field(init=False, repr=False)
    opens: Floats = field(init=False, repr=False)
    sent: Floats = field(init=False, repr=False)
    orders: Floats = field(init=False, repr=False)
    spend: Floats = field(init=False, repr=False)
    reachable: Mask = field(init=False, repr=False)  # nobody has said no
    visited_s: Ints = field(init=False, repr=False)  # the latest visit
    pushes: Floats = field(init=False, repr=False)  # fading
    at_s: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Begin with empty counts."""
        users = self.crowd.users
        for name in ("visits", "opens", "sent", "orders", "spend", "pushes"):
            setattr(self, name, np.zeros(users))
        self.reachable = np.ones(users, np.bool_)
        self.visited_s = np.full(users, self.crowd.start_s)
        self.at_s = self.crowd.start_s

    @property
    def weeks(self) -> float:
        """Weeks since the start."""
        return (self.at_s - self.crowd.start_s) / WEEK_S

    def observe(self, tick: Tick) -> None:
        """Take in what a tick shows."""
        faded = 0.5 ** ((tick.from_s - self.at_s) / WEEK_S / _HALF_LIFE_WEEKS)
        self.at_s = tick.from_s
        self.pushes *= faded
        visit = tick.events[tick.events["type"] == EVENT_CODES[EventType.VISIT]]
        np.add.at(self.visits, visit["user"], 1)
        np.maximum.at(self.visited_s, visit["user"], visit["at_s"])
        order = tick.events[tick.events["type"] == EVENT_CODES[EventType.PURCHASE]]
        np.add.at(self.orders, order["user"], 1)
        np.add.at(self.spend, order["user"], order["value"])
        opened = tick.outcomes[tick.outcomes["type"] == OUTCOME_CODES[OutcomeType.OPENED]]
        np.add.at(self.opens, opened["user"], 1)
        refused = tick.outcomes[tick.outcomes["type"] == OUTCOME_CODES[OutcomeType.UNSUBSCRIBED]]
        self.reachable[refused["user"]] = False

    def count(self, users: Ints) -> None:
        """Take in that these users were pushed, once for each time that they are named."""
        np.add.at(self.sent, users, 1)
        np.add.at(self.pushes, users, 1)

    def open_rates(self) -> Floats:
        """Return opens per push, shrunk to the mean of all. Shape [users]."""
        return shrunk(self.opens, self.sent)

    def visit_rates(self) -> Floats:
        """Return visits per week, shrunk to the mean of the segment. Shape [users]."""
        return self._by_segment(self.visits, np.full(self.crowd.users, max(self.weeks, 0.0)))

    def features(self) -> Floats:
        """Return the features of every user as they are now. Shape [users, len(FEATURES)]."""
        known = np.full(self.crowd.users, self.weeks)
        away = np.maximum(self.at_s - self.visited_s, 0) / WEEK_S
        spend = self.spend.sum() / max(self.orders.sum(), 1.0) * self._by_segment(self.orders, known)
        columns = (
            self.crowd.segment.astype(np.float64),
            self.crowd.member.astype(np.float64),
            np.log(self.visit_rates() + _LEAST_VISITS),
            np.log(self.open_rates() + _LEAST_OPENS),
            np.log(spend + _LEAST_SPEND),
            np.log1p(known),
            self.pushes * np.log(2) / _HALF_LIFE_WEEKS,
            np.log1p(away),
        )
        return np.column_stack(columns)

    def _by_segment(self, count: Floats, exposure: Floats) -> Floats:
        rates = np.zeros(self.crowd.users)
        for segment in np.unique(self.crowd.segment):
            inside = self.crowd.segment == segment
            rates[inside] = shrunk(count[inside], exposure[inside])
        return rates


def shrunk(count: NDArray[np.float64], exposure: NDArray[np.float64]) -> Floats:
    """Return rates by empirical Bayes: counts are Poisson, and rates spread about their mean as a gamma does.

    The spread is estimated by moments. Where counts vary no more than Poisson ones would, every rate is the mean.

    >>> shrunk(np.array([0.0, 0.0, 8.0, 8.0]), np.array([10.0, 10.0, 10.0, 10.0])).round(1).tolist()
    [0.1, 0.1, 0.7, 0.7]
    >>> shrunk(np.array([1.0, 2.0, 0.0]), np.array([2.0, 2.0, 0.0])).tolist()
    [0.75, 0.75, 0.75]
    """
    total = exposure.sum()
    if total <= 0:
        return np.zeros(len(count))
    mean = float(count.sum() / total)
    known = exposure > 0
    apart = float((exposure[known] * (count[known] / exposure[known] - mean) ** 2).sum())
    by_chance = (int(known.sum()) - 1) * mean
    weight = float(total - (exposure**2).sum() / total)
    spread = max(apart - by_chance, 0.0) / weight if weight > 0 else 0.0
    if spread == 0 or mean == 0:
        return np.full(len(count), mean)
    strength = mean / spread
    return np.asarray((count + mean * strength) / (exposure + strength))
