"""Sums that fade: what happened weighs half as much after each half-life, in whatever order it is learned.

A group of sums stands as it was at its anchor, the latest instant added. What is later moves the anchor and fades the
group; what is earlier is added as faded as it would be by now. So any order gives the same sums, up to the rounding
of float32.
"""

import numpy as np

from andante.compiled import kernel
from andante.exponential import halved
from andante.vocabulary.state import EVENT_TYPES

HOURS, WEEKDAYS = 24, 7


@kernel
def evidence_weight(user: np.record, parameters: np.record, at_s: int) -> float:
    """Bring the sums of evidence to this second, if it is past their anchor; return what one of it weighs in them."""
    half_life_s = np.float64(parameters.evidence_half_life_s)
    later_s = np.int64(at_s) - np.int64(user.evidence_anchor_s)
    if later_s <= 0:
        return float(halved(-later_s, half_life_s))
    left = halved(later_s, half_life_s)
    user.opens = np.float64(user.opens) * left
    user.open_exposure = np.float64(user.open_exposure) * left
    user.visits = np.float64(user.visits) * left
    user.opened_sends = np.float64(user.opened_sends) * left
    user.conversions = np.float64(user.conversions) * left
    user.refusals = np.float64(user.refusals) * left
    user.refusal_exposure = np.float64(user.refusal_exposure) * left
    user.satisfaction_sum = np.float64(user.satisfaction_sum) * left
    user.satisfaction_weight = np.float64(user.satisfaction_weight) * left
    user.offers = np.float64(user.offers) * left
    user.offer_value = np.float64(user.offer_value) * left
    user.evidence_anchor_s = at_s
    return 1.0


@kernel
def add_count(user: np.record, parameters: np.record, code: int, at_s: int) -> None:
    """Count one event of this type."""
    half_life_s = np.float64(parameters.counts_half_life_s)
    later_s = np.int64(at_s) - np.int64(user.counts_anchor_s)
    weight = halved(max(-later_s, 0), half_life_s)
    if later_s > 0:
        left = halved(later_s, half_life_s)
        for other in range(EVENT_TYPES):
            user.counts[other] = np.float64(user.counts[other]) * left
        user.counts_anchor_s = at_s
    user.counts[code] = np.float64(user.counts[code]) + weight


@kernel
def add_rhythm(user: np.record, parameters: np.record, hour: int, weekday: int, at_s: int) -> None:
    """Count one event in its local hour and on its local weekday."""
    half_life_s = np.float64(parameters.rhythm_half_life_s)
    later_s = np.int64(at_s) - np.int64(user.rhythm_anchor_s)
    weight = halved(max(-later_s, 0), half_life_s)
    if later_s > 0:
        left = halved(later_s, half_life_s)
        for other in range(HOURS):
            user.hours[other] = np.float64(user.hours[other]) * left
        for other in range(WEEKDAYS):
            user.weekdays[other] = np.float64(user.weekdays[other]) * left
        user.rhythm_anchor_s = at_s
    user.hours[hour] = np.float64(user.hours[hour]) + weight
    user.weekdays[weekday] = np.float64(user.weekdays[weekday]) + weight
