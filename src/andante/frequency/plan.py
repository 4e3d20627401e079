"""The plan: pushes per week for every user, as interest over a threshold theta that a budget can decide.

``pace = clip(f_base * I / theta, f_min, f_max)`` is the first seed's formula of section 3.4 with what it
leaves out: a base frequency, so that the result has a unit (pushes per week), and bounds, so that no user is
pushed without limit. Units here: ``theta`` is in units of interest; ``f_base``, ``f_min``, ``f_max`` and
budgets are in pushes per user-week.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, isfinite, log

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from andante.vocabulary.fault import NotEnoughData, SettingsFault

FloatArray = npt.NDArray[np.float64]

F_BASE, F_MIN, F_MAX = 3.0, 0.0, 14.0
"""Pushes per week of a user whose interest is theta, of the least interested and of the most."""

PACE_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles of pace that a ``BudgetPoint`` holds."""


def pace(
    interest: npt.ArrayLike,
    theta: npt.ArrayLike,
    f_base: float = F_BASE,
    f_min: float = F_MIN,
    f_max: float = F_MAX,
) -> FloatArray:
    """Return pushes per week, ``clip(f_base * I / theta, f_min, f_max)``, one for each interest.

    ``interest`` holds any finite numbers >= 0 (a probability, or a raw score); ``theta`` is one threshold >
    0, or one per user. Raises ``SettingsFault`` when a parameter or an interest is out of range. Source:
    first seed, section 3.4.

    >>> pace([0.1, 0.2, 0.9, 1.0], theta=0.2).tolist()
    [1.5, 3.0, 13.5, 14.0]
    """
    _check(f_base, f_min, f_max)
    thresholds = np.asarray(theta, dtype=np.float64)
    if not np.all(np.isfinite(thresholds) & (thresholds > 0)):
        raise SettingsFault("theta", theta, "is not above 0", "give a threshold above 0, such as the mean interest")
    with np.errstate(over="ignore"):  # an overflow is infinite, and the clip makes it f_max
        return np.clip(f_base * (_checked(interest) / thresholds), f_min, f_max)


def solve_theta(
    interest: npt.ArrayLike,
    budget: float,
    f_base: float = F_BASE,
    f_min: float = F_MIN,
    f_max: float = F_MAX,
) -> float:
    """Return the theta at which the mean pace over these users is the budget, to 1e-9 of it.

    The mean pace is continuous in theta and never rises with it, so a root finder on log(theta) meets every
    budget between its two limits; sorted interests with prefix sums make one evaluation O(log n), so ten
    million users cost one sort. At the limits:

    * budget above what f_max for every user with any interest would use: the budget cannot be spent, and
      theta saturates where all those users have f_max (the mean pace is then *below* the budget, which is a
      maximum and not a duty);
    * budget equal to f_min > 0: theta saturates where every user has f_min;
    * budget 0 with f_min = 0, below f_min or above f_max: ``SettingsFault``;
    * interest 0 for everybody: ``NotEnoughData``.

    Where users are at the bounds only, several thetas give the same paces; which of them is returned does not
    matter.

    >>> theta = solve_theta([0.1, 0.2, 0.3, 0.8], budget=2.0)
    >>> round(theta, 6), round(float(pace([0.1, 0.2, 0.3, 0.8], theta).mean()), 9)
    (0.525, 2.0)
    """
    _check(f_base, f_min, f_max)
    return _solve(_ranked(interest), budget, f_base, f_min, f_max)


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """What one budget would give: the answer to "what would change under another budget?"."""

    budget: float  # pushes per user-week asked for
    theta: float
    mean_pace: float  # pushes per user-week planned; below the budget only where it cannot be spent
    share_at_min: float  # of users, with pace f_min
    share_at_max: float  # of users, with pace f_max
    quantiles: tuple[float, ...]  # of pace, at PACE_QUANTILES
    engaged_pushes: float  # sum of interest x pace: pushes per week expected to reach a user who engages


def budget_curve(
    interest: npt.ArrayLike,
    budgets: Iterable[float],
    f_base: float = F_BASE,
    f_min: float = F_MIN,
    f_max: float = F_MAX,
) -> tuple[BudgetPoint, ...]:
    """Return one ``BudgetPoint`` for each budget, in the order given; interests are sorted once for all.

    ``engaged_pushes`` grows with the budget by less and less: the next push goes to users of lower interest,
    and those at f_max get no more. Raises what ``solve_theta`` raises.

    >>> for at in budget_curve([0.1, 0.2, 0.3, 0.8], [2.0, 8.0, 12.5]):
    ...     print(round(at.theta, 4), round(at.mean_pace, 9), at.share_at_max, round(at.engaged_pushes, 2))
    0.525 2.0 0.0 4.46
    0.1 8.0 0.25 15.4
    0.0375 12.5 0.75 19.0
    """
    _check(f_base, f_min, f_max)
    ranked = _ranked(interest)
    return tuple(_point(ranked, float(budget), f_base, f_min, f_max) for budget in budgets)


def check_bounds(f_min: float, f_max: float) -> None:
    """Raise ``SettingsFault`` unless 0 <= f_min <= f_max < infinity; unit: pushes per week."""
    if not (isfinite(f_max) and 0 <= f_min <= f_max):
        problem = "are not 0 <= f_min <= f_max, both finite"
        raise SettingsFault(
            "f_min and f_max", f"{f_min}, {f_max}", problem, "give the least and the most pushes per week"
        )


def _check(f_base: float, f_min: float, f_max: float) -> None:
    check_bounds(f_min, f_max)
    if not (isfinite(f_base) and f_base > 0):
        raise SettingsFault(
            "f_base", f_base, "is not a number above 0", "give the pace of a user whose interest is theta"
        )


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Interests in ascending order with prefix sums: the mean pace at any theta takes two binary searches."""

    values: FloatArray  # n interests
    sums: FloatArray  # n + 1: sums[k] is the sum of the k least

    def mean_pace(self, theta: float, f_base: float, f_min: float, f_max: float) -> float:
        """Return the mean of pace over all users."""
        n = self.values.size
        first_above_min = int(np.searchsorted(self.values, theta * (f_min / f_base), side="right"))
        first_at_max = int(np.searchsorted(self.values, theta * (f_max / f_base), side="left"))
        first_at_max = max(first_at_max, first_above_min)  # they cross by ties where f_min = f_max
        between = float(self.sums[first_at_max] - self.sums[first_above_min])
        return (first_above_min * f_min + f_base * (between / theta) + (n - first_at_max) * f_max) / n


def _checked(interest: npt.ArrayLike) -> FloatArray:
    values = np.asarray(interest, dtype=np.float64)
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        found = values[bad].flat[0]
        raise SettingsFault(
            "interest", found, "is not a finite number >= 0", "predict a probability for every user first"
        )
    return values


def _ranked(interest: npt.ArrayLike) -> _Ranked:
    values = np.sort(_checked(interest), axis=None)
    if values.size == 0:
        raise NotEnoughData("interest", None, "holds no user", "plan for at least one user")
    return _Ranked(values, np.concatenate(([0.0], np.cumsum(values))))


def _solve(ranked: _Ranked, budget: float, f_base: float, f_min: float, f_max: float) -> float:
    greatest = float(ranked.values[-1])
    if greatest == 0:
        action = "train on a period in which some users were active"
        raise NotEnoughData("interest", 0, "is 0 for every user, so no theta can meet a budget", action)
    if not f_min <= budget <= f_max:
        action = f"give a budget between f_min ({f_min}) and f_max ({f_max})"
        raise SettingsFault("budget", budget, "cannot be a mean of paces within their bounds", action)
    if budget == f_min:
        if f_min == 0:
            raise SettingsFault("budget", budget, "plans no push, which no finite theta does", "give a budget above 0")
        return f_base * greatest / f_min
    least = float(ranked.values[np.searchsorted(ranked.values, 0.0, side="right")])
    generous = max(f_base * (least / f_max), np.finfo(np.float64).tiny)  # every user with any interest has f_max
    if ranked.mean_pace(generous, f_base, f_min, f_max) <= budget:
        return generous
    # The mean pace is at most f_min + f_base * mean(I) / theta; the factor 2 is beyond all rounding.
    frugal = 2 * f_base * (float(ranked.sums[-1]) / ranked.values.size) / (budget - f_min)
    root = brentq(
        lambda log_theta: ranked.mean_pace(exp(log_theta), f_base, f_min, f_max) - budget,
        log(generous),
        log(frugal),
        xtol=1e-14,
        rtol=4 * np.finfo(np.float64).eps,
    )
    return exp(root)


def _point(ranked: _Ranked, budget: float, f_base: float, f_min: float, f_max: float) -> BudgetPoint:
    theta = _solve(ranked, budget, f_base, f_min, f_max)
    paces = pace(ranked.values, theta, f_base, f_min, f_max)  # ascending, as the interests are
    rounding = 1e-12 * f_max
    return BudgetPoint(
        budget=budget,
        theta=theta,
        mean_pace=float(paces.mean()),
        share_at_min=float(np.mean(paces <= f_min + rounding)),
        share_at_max=float(np.mean(paces >= f_max - rounding)),
        quantiles=tuple(float(q) for q in np.quantile(paces, PACE_QUANTILES)),
        engaged_pushes=float(ranked.values @ paces),
    )
