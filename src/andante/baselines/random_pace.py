"""Random k: every user gets a pace by chance, and keeps it. What a plan that knows nothing of users comes to."""

from dataclasses import dataclass

import numpy as np

from andante.baselines.memory import Memory
from andante.baselines.planned import scaled
from andante.worlds.contract import Floats

PACES = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Paces, in pushes a week, that random and learned plans choose from."""


@dataclass(frozen=True, slots=True)
class RandomPace:
    """Gives each user one of the paces, each as likely; under a budget all are scaled alike until it is met."""

    seed: int
    paces: tuple[float, ...] = PACES

    def plan(self, memory: Memory, allowance: float | None) -> Floats:
        """Return pushes a week by user, the same every time but for the scale."""
        drawn = np.random.default_rng([self.seed, 2]).choice(np.array(self.paces), memory.crowd.users)
        return scaled(drawn, memory.reachable, allowance)
