"""A planned policy: a planner says now and then how often each user is to be pushed, and a sender keeps to it.

Random paces, open-rate ranking, Pinterest's volumes and uplift with a knapsack differ in their planner only.
What a budget has left is spread evenly over the weeks to come, so that sends that fell out (no candidate, a user who
left) are not lost: at the end a budget is used, and never passed.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from andante.baselines.memory import Memory
from andante.baselines.purse import Purse
from andante.baselines.sender import Sender
from andante.worlds.contract import WEEK_S, Crowd, Floats, Tick


class Planner(Protocol):
    """Says how often each user is to be pushed. It must not remember users: the memory does."""

    def plan(self, memory: Memory, allowance: float | None) -> Floats:
        """Return pushes a week by user, shape [users].

        Their sum over reachable users is at most ``allowance`` (pushes a week per user of the crowd), where there is
        one; what is planned for users who cannot be reached is not sent.
        """


@dataclass(slots=True)
class Planned:
    """Follows a planner, asked anew every so many weeks, within a budget in pushes per user-week."""

    planner: Planner
    seed: int
    budget: float | None = None
    every_weeks: int = 1
    per_week: Floats = field(init=False, repr=False)  # the plan in force, shape [users]
    _memory: Memory = field(init=False, repr=False)
    _sender: Sender = field(init=False, repr=False)
    _purse: Purse = field(init=False, repr=False)
    _planned_s: int = field(init=False, repr=False)

    def begin(self, crowd: Crowd) -> None:
        """Get ready for these users."""
        self._memory, self._sender = Memory(crowd), Sender(crowd, self.seed)
        self._purse = Purse(crowd, self.budget)
        self._planned_s = crowd.start_s - self.every_weeks * WEEK_S
        self.per_week = np.zeros(crowd.users)

    def decide(self, tick: Tick) -> NDArray[np.void]:
        """Return what goes out in this tick."""
        self._memory.observe(tick)
        if tick.from_s >= self._planned_s + self.every_weeks * WEEK_S:
            self._planned_s = tick.from_s
            self.per_week = self.planner.plan(self._memory, self._purse.allowance(tick.from_s))
        rates = np.where(self._memory.reachable, self.per_week, 0.0)
        sends = self._purse.pay(self._sender.paced(tick, rates))
        self._memory.count(receivers(tick, sends))
        return sends


def receivers(tick: Tick, sends: NDArray[np.void]) -> NDArray[np.int64]:
    """Return whom these sends of candidates of the tick go to, one user a send."""
    places = sends["candidate"] - tick.number_first
    order = np.argsort(tick.requests["first"], kind="stable")
    request = np.searchsorted(tick.requests["first"][order], places, side="right") - 1
    return np.asarray(tick.requests["user"][order][request])


def scaled(weights: Floats, reachable: NDArray[np.bool_], allowance: float | None) -> Floats:
    """Return paces in proportion to the weights whose sum over reachable users is what the allowance lets through.

    Without an allowance the weights are the paces.

    >>> scaled(np.array([1.0, 3.0, 9.0]), np.array([True, True, False]), 2.0).tolist()
    [1.5, 4.5, 13.5]
    """
    total = float(weights[reachable].sum())
    if allowance is None or total <= 0:
        return weights
    return weights * (allowance * len(weights) / total)
