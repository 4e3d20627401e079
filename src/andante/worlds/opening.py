"""Opening: how probable it is that a push is opened."""

import math

from andante.worlds.compiling import kernel
from andante.worlds.laws import Laws


@kernel
def freshness(laws: Laws, fatigue: float, habituation: float) -> float:
    """Return by how much F and H lower opens: exp(−.22 F − .03 H), and less beyond a cliff where there is one."""
    left = math.exp(-laws.open_fatigue * fatigue - laws.open_habituation * habituation)
    return left * laws.beyond if fatigue > laws.cliff else left


@kernel
def open_probability(laws: Laws, propensity: float, multiplier: float, fatigue: float, habituation: float) -> float:
    """Return the probability of an open; the multiplier is that of relevance times that of the hour."""
    return min(laws.open_most, propensity * multiplier * freshness(laws, fatigue, habituation))
