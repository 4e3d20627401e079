"""How far an estimate may be off by chance: an interval from what each user has added to it.

The pull of a decision is how much the estimate moves, at first order, by its being in the log. Decisions of one user
stand or fall together, so pulls are added up by user before they are squared (the sandwich of Liang and Zeger 1986).
Two corrections make the interval hold where samples are small, and both were chosen by measuring
(``andante.benchmarks.estimators``, docs/off-policy.md):

* Student's quantile instead of the normal one, with as many degrees of freedom as there are users who carry the weight
  (Kish's effective number, less one): a few heavy users are few, however long the log is.
* Hall's cubic transformation (1992): weighted outcomes are skewed to the right, and the usual symmetric interval
  then misses values above it five times as often as values below.
"""

import math

import numpy as np
from scipy import stats

from andante.evaluation.offpolicy.decisions import Floats, Ints
from andante.vocabulary.fault import NotEnoughData

LEVEL = 0.95
SKEW_MIN = 1e-6
"""Below this skewness the correction is less than rounding."""


def bounds(value: float, pull: Floats, cluster: Ints, load: Floats, *, level: float = LEVEL) -> tuple[float, float]:
    """Return the interval around a value: ``pull`` and ``load`` (its weight, ≥ 0) are one per decision.

    Raises NotEnoughData where fewer than two users carry any weight: nothing then says how far users differ.
    Source: Hall 1992, "On the removal of skewness by transformation", JRSS B 54.

    >>> import numpy as np
    >>> reward = np.array([0.0, 1.0, 2.0, 3.0])
    >>> low, high = bounds(1.5, (reward - 1.5) / 4, np.arange(4), np.ones(4))
    >>> round(low, 2), round(high, 2)  # of one decision a user: Student's interval
    (-0.55, 3.55)
    """
    carried = np.bincount(cluster, load).astype(np.float64)
    carrying = int(np.count_nonzero(carried))
    if carrying < 2:  # noqa: PLR2004  two are the fewest that can differ
        found = f"{carrying} users with any weight"
        raise NotEnoughData("the log", found, "tells nothing of chance", "bring decisions of more users")
    moved = np.bincount(cluster, pull).astype(np.float64)
    most = float(np.abs(moved).max())
    if most == 0:
        return value, value
    moved /= most  # cubes of small pulls would underflow
    square = float(moved @ moved)
    error = most * math.sqrt(square * len(moved) / (len(moved) - 1))
    skew = float((moved**3).sum() / square**1.5)
    quantile = float(stats.t.ppf((1 + level) / 2, max(effective(carried) - 1, 1)))
    return value - error * _unskewed(quantile, skew), value - error * _unskewed(-quantile, skew)


def effective(weight: Floats) -> float:
    """Return Kish's effective number of equally weighted ones: (Σw)² / Σw²; 0 without weight.

    >>> effective(np.ones(10)), effective(np.array([1.0, 0.0, 0.0]))
    (10.0, 1.0)
    """
    most = float(weight.max(initial=0.0))
    if most <= 0:
        return 0.0
    share = weight / most  # squares of huge weights would overflow
    return float(share.sum() ** 2 / (share @ share))


def _unskewed(quantile: float, skew: float) -> float:
    """Return where the studentised error has this quantile, when its sum has this skewness (Hall's inverse)."""
    if abs(skew) < SKEW_MIN:
        return quantile
    return 3 / skew * (float(np.cbrt(1 + skew * (quantile - skew / 6))) - 1)
