"""Feedback: interest as the answers to pushes have moved it, and the seed's two formulas that move a pace with it.

The plan publishes an interest; every push since then was answered or met with silence. Moving interest a little with
each answer, I ← (1 − r)·I + r·y, would depend on the order in which answers arrive. So nothing is moved: the record's
slots hold which pushes were answered, and interest is derived when it is read, as a mean in which the published one
weighs (1 − r) / r answers. After one answer both are the same.
"""

import numpy as np

from andante.compiled import kernel
from andante.vocabulary.flow import OUTCOME_CODES
from andante.vocabulary.message import RESPONSES
from andante.vocabulary.parameters import ADJUST_ADDITIVE, ADJUST_MULTIPLICATIVE
from andante.vocabulary.state import SENT_TRANSACTIONAL, SLOTS

ANSWERED = sum(1 << OUTCOME_CODES[outcome] for outcome in RESPONSES)
"""The bits of a slot's outcomes of which one means that the push was answered."""

SENT_UNLEARNED = 0x4000
"""The bit of a slot's scope that says that its exposure is in no sum: its user objected to profiling."""

TEACHES_NOTHING = SENT_TRANSACTIONAL | SENT_UNLEARNED
"""Slots with one of these bits are joined with their outcomes, but nothing is learned of them."""


@kernel
def answers(user: np.record, since_s: int, until_s: int) -> tuple[int, int]:
    """Return how many remembered pushes of [since, until) were answered, and how many there were."""
    answered, sent = 0, 0
    for slot in range(SLOTS):
        sent_s = np.int64(user.sent_s[slot])
        counts = sent_s != 0 and np.int64(user.sent_scope[slot]) & TEACHES_NOTHING == 0
        if counts and since_s <= sent_s < until_s:
            sent += 1
            if np.int64(user.sent_outcomes[slot]) & ANSWERED:
                answered += 1
    return answered, sent


@kernel
def interest_after(published: float, answered: int, sent: int, rate: float) -> float:
    """Return the interest in [0, 1] that so many answers to so many pushes leave of the published one.

    ``((1 − r)·I + r·answered) / (1 − r + r·sent)``: the rate r is what one answer or silence moves it by.
    """
    weight = 1.0 - rate + rate * sent
    if weight <= 0.0:
        return published
    return ((1.0 - rate) * published + rate * answered) / weight


@kernel
def adjusted(pace: float, interest: float, theta: float, parameters: np.record) -> float:
    """Return the pace, in pushes per week, that the chosen formula makes of this one, within the bounds.

    ``f·(1 + α(I − θ))`` (first seed, 3.5) or ``f ± ε`` by the sign of I − θ (4.5); or the pace as it was.
    """
    least, most = np.float64(parameters.least_per_week), np.float64(parameters.most_per_week)
    rate, surprise = np.float64(parameters.adjust_rate), interest - theta
    if np.int64(parameters.adjusts) == ADJUST_MULTIPLICATIVE:
        return float(min(max(pace * (1.0 + rate * surprise), least), most))
    if np.int64(parameters.adjusts) == ADJUST_ADDITIVE:
        return float(min(max(pace + rate * np.sign(surprise), least), most))
    return pace
