"""Leaving: how probable it is that a push makes a user opt out."""

import math

from andante.worlds.compiling import kernel
from andante.worlds.laws import Laws


@kernel
def hazard(laws: Laws, at_rest: float, fatigue: float) -> float:
    """Return the probability that this push makes the user leave: 1.7·h₀·exp(.22 F), more beyond a cliff."""
    risen = at_rest * math.exp(laws.leaving_fatigue * fatigue)
    if fatigue > laws.cliff:
        risen *= laws.cliff_factor
    return min(laws.hazard_max, risen)
