"""Buying: how probable it is that a visit ends in an order."""

import math

from andante.worlds.compiling import kernel
from andante.worlds.laws import Laws


@kernel
def order_probability(laws: Laws, at_rest: float, depletion: float) -> float:
    """Return the probability of an order: who has just bought needs less, exp(−.5 D)."""
    return min(1.0, at_rest * math.exp(-laws.depletion * depletion))
