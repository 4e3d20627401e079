"""Whether the groups are as large as they were meant to be: without that, no other figure of a trial can be believed.

A group that lost users lost *some* users: those whose page was slow, who were seldom there, whom a filter removed. A
lift measured on what is left is not an effect. Source: Fabijan et al. 2019, "Diagnosing sample ratio mismatch".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln

from andante.vocabulary.fault import InputFault, NotEnoughData

Floats = NDArray[np.float64]

FALSE_ALARMS = 0.01
"""How often the check after the end fires on a right split. 50.5 / 49.5 of 90,000 has p = 0.0027: a threshold of
0.001, which is usual where thousands of trials are checked, would let it pass."""

SPREAD = 0.005
"""The error of a share that the sequential check looks for first (a standard deviation, for a share of a half)."""

EXPECTED_MIN = 5
TWO = 2


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """How likely a split as uneven as this is, if users were assigned as planned.

    ``p_value`` is for one look after the end; ``p_value_any_time`` for a look whenever one likes: it is larger, and
    fires later. ``fires`` says that the one that was asked for is below ``FALSE_ALARMS``.
    """

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    p_value: float
    p_value_any_time: float
    fires: bool
    verdict: str


def sample_ratio(
    counts: Sequence[int], planned: Sequence[float], *, any_time: bool = False, false_alarms: float = FALSE_ALARMS
) -> SampleRatio:
    """Compare the users of each group with the planned shares, which are scaled to a sum of one.

    Two groups: exact binomial test. More: chi-square. ``any_time`` says that one looks more than once. Raises
    InputFault for shapes that differ, negative counts or shares that are not positive; NotEnoughData where a group can
    expect fewer than five users.

    >>> found = sample_ratio([45_450, 44_550], [0.5, 0.5])
    >>> round(found.p_value, 4), found.fires
    (0.0027, True)
    >>> sample_ratio([45_000, 45_000], [1, 1]).fires
    False
    """
    found, shares = _checked(counts, planned)
    expected = shares * found.sum()
    if expected.min() < EXPECTED_MIN:
        value = f"{expected.min():g} users expected in a group"
        raise NotEnoughData("the trial", value, "cannot show a wrong split", "wait for more users")
    two = len(found) == TWO
    exact = (
        stats.binomtest(int(found[0]), int(found.sum()), float(shares[0])) if two else stats.chisquare(found, expected)
    )
    p_value, any_p = float(exact.pvalue), float(sequential_p_values(found[None], shares)[0])
    fires = (any_p if any_time else p_value) < false_alarms
    counted = tuple(int(count) for count in found)
    verdict = _verdict(counted, expected, any_p if any_time else p_value, fires=fires)
    return SampleRatio(counted, tuple(map(float, expected)), p_value, any_p, fires, verdict)


def sequential_p_values(counts: NDArray[np.float64], shares: NDArray[np.float64], *, spread: float = SPREAD) -> Floats:
    """Return the p-value as at each look, from users per group up to that look: [looks, groups] → [looks].

    The smallest so far may be read at any look: on a right split, it ever falls below p with probability p at most. A
    Dirichlet mixture of multinomials around the planned shares against them (Lindon & Malek 2022, "Anytime-valid
    inference for multinomial count data"); ``spread`` says how wide the mixture is, and must be fixed before.
    """
    weight = shares * (0.25 / spread**2 - 1)  # a Beta's variance at a half is 1/4 / (weights + 1)
    total, mass = counts.sum(axis=1), weight.sum()
    evidence = gammaln(mass) - gammaln(mass + total)
    evidence += (gammaln(weight + counts) - gammaln(weight) - counts * np.log(shares)).sum(axis=1)
    return np.asarray(np.exp(-np.maximum.accumulate(np.maximum(evidence, 0.0))), dtype=np.float64)


def _checked(counts: Sequence[int], planned: Sequence[float]) -> tuple[Floats, Floats]:
    found, shares = np.asarray(counts, dtype=np.float64), np.asarray(planned, dtype=np.float64)
    if found.shape != shares.shape or found.ndim != 1 or len(found) < TWO:
        value = f"{found.shape} counts, {shares.shape} shares"
        raise InputFault("the split", value, "does not match", "give a count and a planned share for each group")
    if found.min() < 0 or not shares.min() > 0:
        raise InputFault("the split", f"{counts} of {planned}", "cannot be", "give counts ≥ 0 and shares > 0")
    return found, shares / shares.sum()


def _verdict(counts: tuple[int, ...], expected: Floats, p_value: float, *, fires: bool) -> str:
    groups = " / ".join(f"{count:,}" for count in counts)
    wanted = " / ".join(f"{count:,.0f}" for count in expected)
    if fires:
        return f"groups of {groups} instead of {wanted} (p = {p_value:.2g}): do not believe the lift, find the cause"
    return f"groups of {groups} are as planned ({wanted}), as far as such numbers can show (p = {p_value:.2g})"
