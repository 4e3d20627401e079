"""Whether a log can say anything about a policy: how much of what the policy would do the log has tried.

The least effective sample stands on measured coverage (docs/off-policy.md): below it 95 % intervals hold less often
than they say. The other limits are choices, and only the three answers as a whole were measured.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from andante.evaluation.offpolicy import spread
from andante.evaluation.offpolicy.decisions import SLACK, Decisions

Answer = Literal["answers", "weak", "cannot answer"]

EFFECTIVE_MIN, EFFECTIVE_WEAK = 30.0, 200.0
"""Effective decisions below which a log cannot answer, and below which it answers weakly."""
USERS_MIN, USERS_WEAK = 10.0, 30.0
"""The same of the users who carry the weight."""
OUTCOMES_MIN, OUTCOMES_WEAK = 3.0, 20.0
"""The same of weighted decisions that had the rarer outcome: clicks, or orders."""
UNSUPPORTED_MAX, UNSUPPORTED_WEAK = 0.2, 0.01
"""Shares of what the policy would do and the log could not have."""
SURE = 0.9999
"""How sure the weights' mean must be off before it is held against the log."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a log and a policy have in common."""

    decisions: int
    users: int
    effective: float  # decisions of equal weight that would say as much (Kish)
    effective_share: float  # of the decisions
    effective_users: float  # users of equal weight
    effective_outcomes: float  # decisions of equal weight with the rarer outcome
    weight_max: float
    weight_mean: float  # 1 less the unsupported share on average, if the propensities are right
    weight_mean_low: float  # its interval at the level SURE
    weight_mean_high: float
    zero_share: float  # of decisions that the policy would never have taken
    unsupported_share: float  # of what the policy would do and the log never does
    unsupported_known: bool  # told by the log, or only read from weights that are too light


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a log answers for a policy, and in a sentence why, or why not."""

    answer: Answer
    sentence: str


def diagnose(decisions: Decisions) -> Overlap:
    """Measure how much of what the judged policy would do the log has tried.

    Where the log does not know what it could never have done, the share is read from the weights: they average 1 where
    all was possible. It is 0 unless they are clearly lighter.

    >>> log = Decisions(reward=[1, 0, 1, 0], propensity=[0.5] * 4, target=[1, 1, 0, 0], user=[1, 2, 3, 4])
    >>> found = diagnose(log)
    >>> found.effective, found.weight_max, found.zero_share
    (2.0, 2.0, 0.5)
    """
    weight, cluster = decisions.weight, decisions.cluster
    mean = float(weight.mean())
    low, high = _mean_bounds(decisions, mean)
    known = decisions.unsupported is not None
    lacking = float(decisions.unsupported.mean()) if decisions.unsupported is not None else max(0.0, 1 - mean)
    values, counts = np.unique(decisions.reward, return_counts=True)
    rarer = decisions.reward != values[counts.argmax()]
    effective = spread.effective(weight)
    return Overlap(
        decisions=len(decisions),
        users=int(cluster.max()) + 1,
        effective=effective,
        effective_share=effective / len(decisions),
        effective_users=spread.effective(np.bincount(cluster, weight).astype(np.float64)),
        effective_outcomes=spread.effective(weight[rarer]),
        weight_max=float(weight.max()),
        weight_mean=mean,
        weight_mean_low=low,
        weight_mean_high=high,
        zero_share=float((weight == 0).mean()),
        unsupported_share=lacking if known or high < 1 - SLACK else 0.0,
        unsupported_known=known,
    )


def verdict(overlap: Overlap) -> Verdict:
    """Say whether the log answers: "answers", "weak" or "cannot answer", with the reasons in a sentence.

    >>> log = Decisions(reward=[1, 0], propensity=[0.5, 0.5], target=[0, 0], user=[1, 2])
    >>> print(verdict(diagnose(log)).sentence)
    This log cannot answer: nothing that the policy would do was tried in this log.
    """
    if overlap.weight_max == 0:
        return Verdict(
            "cannot answer", "This log cannot answer: nothing that the policy would do was tried in this log."
        )
    fatal, weak = [], []
    for value, least, enough, said in _measures(overlap):
        if value < least:
            fatal.append(said)
        elif value < enough:
            weak.append(said)
    if _contradicts(overlap):
        fatal.insert(0, _said_propensities(overlap))
    if fatal:
        return Verdict("cannot answer", f"This log cannot answer: {'; '.join(fatal + weak)}.")
    if weak:
        return Verdict("weak", f"This log answers weakly: {'; '.join(weak)}.")
    sample = f"the effective sample is {overlap.effective:,.0f} of {overlap.decisions:,} decisions"
    return Verdict("answers", f"This log answers: {sample}, of {overlap.effective_users:,.0f} effective users.")


def _measures(overlap: Overlap) -> list[tuple[float, float, float, str]]:
    """Return each measure with the least it must be, what is enough, and what to say of too little."""
    about = "" if overlap.unsupported_known else "about "
    supported = 1 - overlap.unsupported_share
    return [
        (
            supported,
            1 - UNSUPPORTED_MAX,
            1 - UNSUPPORTED_WEAK,
            f"{about}{overlap.unsupported_share:.0%} of what the policy would do was never tried in this log",
        ),
        (
            overlap.effective,
            EFFECTIVE_MIN,
            EFFECTIVE_WEAK,
            f"the effective sample is {overlap.effective:,.0f} of {overlap.decisions:,} decisions",
        ),
        (
            overlap.effective_users,
            USERS_MIN,
            USERS_WEAK,
            f"the weight lies on {overlap.effective_users:,.0f} effective users of {overlap.users:,}",
        ),
        (
            overlap.effective_outcomes,
            OUTCOMES_MIN,
            OUTCOMES_WEAK,
            f"only {overlap.effective_outcomes:,.0f} effective decisions had the rarer outcome",
        ),
    ]


def _contradicts(overlap: Overlap) -> bool:
    """Tell whether the weights' mean is one that right propensities cannot lead to."""
    expected = 1 - overlap.unsupported_share
    too_light = overlap.unsupported_known and overlap.weight_mean_high < expected - SLACK
    return too_light or overlap.weight_mean_low > expected + SLACK


def _said_propensities(overlap: Overlap) -> str:
    expected = 1 - overlap.unsupported_share
    return f"its propensities are wrong, as the weights average {overlap.weight_mean:.2f} instead of {expected:.2f}"


def _mean_bounds(decisions: Decisions, mean: float) -> tuple[float, float]:
    """Return the interval of the weights' mean."""
    cluster = decisions.cluster
    if cluster.max() == 0:
        return 0.0, np.inf
    pull = (decisions.weight - mean) / len(decisions)
    return spread.bounds(mean, pull, cluster, np.ones(len(decisions)), level=SURE)
