"""Open-rate ranking: under a budget, those who open most readily are pushed, as often as they may be.

The usual practice of marketing tools ("send to the engaged"). Open rates are shrunk by empirical Bayes, without which
one lucky open would win; the first weeks go to everybody alike, or there would be nothing to rank by. How many pushes
one user gets at most is found by a sweep, as the practice is silent about it.
"""

from dataclasses import dataclass

import numpy as np

from andante.baselines.memory import Memory
from andante.baselines.planned import scaled
from andante.worlds.contract import Floats

MOST = (1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
"""Pushes a week of one user at most, among which a sweep chooses."""

WEEKS_ALIKE = 3.0
"""Weeks at the start in which everybody is pushed alike."""


@dataclass(frozen=True, slots=True)
class OpenRate:
    """Pushes the readiest openers ``most`` a week each, until the allowance is used up.

    ``volume`` is the allowance, in pushes per user-week, where there is no budget.
    """

    most: float
    volume: float

    def plan(self, memory: Memory, allowance: float | None) -> Floats:
        """Return pushes a week by user."""
        allowed = self.volume if allowance is None else allowance
        users = memory.crowd.users
        alike = np.minimum(scaled(np.ones(users), memory.reachable, allowed), self.most)
        if memory.weeks < WEEKS_ALIKE:
            return np.asarray(alike)
        readiness = np.where(memory.reachable, memory.open_rates(), -1.0)
        order = np.argsort(-readiness, kind="stable")
        left = allowed * users - self.most * np.arange(users)
        paces = np.zeros(users)
        paces[order] = np.clip(left, 0.0, self.most)
        return np.where(memory.reachable, paces, 0.0)
