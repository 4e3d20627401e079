"""Exploration: what is left to chance, with the exact probability of everything that can happen.

A decision draws twice: which of the eligible candidates (the best, or now and then any of them), and whether it goes
out or is held. What is logged is read from the distribution that was drawn from.
"""

import numpy as np

from andante.compiled import kernel
from andante.exponential import sigmoid
from andante.pacing.response import Moment
from andante.vocabulary.flow import NO_CHOICE


@kernel
def send_probability(index: float, worth: float, moment: Moment, parameters: np.record) -> float:
    """Return the probability of sending what is worth ``index`` where waiting is worth ``worth``, both in money.

    ``clip(σ((index − worth) / (temperature·usual)), floor, 1 − floor)``. A temperature of 0 sends exactly what is
    worth at least as much as waiting, but for the floor.
    """
    softness = np.float64(parameters.temperature) * moment.usual
    advantage = index - worth
    likely = 1.0 if advantage >= 0.0 else 0.0
    if softness > 0.0:
        likely = sigmoid(advantage / softness)
    floor = np.float64(parameters.floor)
    return float(min(max(likely, floor), 1.0 - floor))


@kernel
def choose(chance: float, verdicts: np.ndarray, eligible: int, best: int, parameters: np.record) -> int:
    """Return the place of the chosen candidate: any eligible one in a share ``explore_candidates``, else the best.

    ``chance`` is a draw in [0, 1); eligible are the ``eligible`` candidates whose index is known. One draw does both:
    below the share it is uniform within the share.
    """
    share = np.float64(parameters.explore_candidates)
    if eligible <= 1 or chance >= share:
        return best
    rank = min(np.int64(np.floor(chance / share * eligible)), np.int64(eligible) - 1)
    for place in range(verdicts.size):
        if not np.isnan(np.float64(verdicts[place].index)):
            if rank == 0:
                return place
            rank -= 1
    return NO_CHOICE


@kernel
def chance_of(place: int, eligible: int, best: int, parameters: np.record) -> float:
    """Return the probability with which ``choose`` returns this place, which is an eligible candidate's."""
    if eligible <= 1:
        return 1.0
    share = np.float64(parameters.explore_candidates)
    return share / eligible + (1.0 - share if place == best else 0.0)
