"""Satisfaction S in [0, 1] as a curve over pushes per week, per user, and the plan that loses least of it.

First seed, sections 4.2 and 4.4: S(f) = a·f for f < theta_s and b·f + c for f >= theta_s, with b < a. Its
example (a = 2, b = 1, c = 0) is neither bounded nor continuous, and with b > 0 the best pace is always the
greatest. Here S is clamped to [0, 1], the curve is continuous (c = (a - b)·theta_s) unless asked otherwise,
and b may be negative: that is fatigue, and what makes an optimum.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from andante.frequency import pooling
from andante.frequency.plan import F_MAX, F_MIN, FloatArray, check_bounds
from andante.vocabulary.fault import NotEnoughData, SettingsFault

ROUNDING = 1e-12
"""Satisfactions nearer than this are equal, and then the fewer pushes win."""
SPENT = 1e-10
"""A budget with less than this share of it left is spent."""


class Curves(NamedTuple):
    """Satisfaction curves, one per entry of four arrays of one length; f and theta_s in pushes per week.

    >>> curve = Curves.continuous(a=[0.3], b=[-0.1], theta_s=[2.0])
    >>> curve.at(np.array([1.0, 2.0, 4.0, 9.0])).round(9).tolist()
    [0.3, 0.6, 0.4, 0.0]
    >>> [round(float(best[0]), 9) for best in curve.optimum()]
    [2.0, 0.6]
    """

    a: FloatArray
    b: FloatArray
    c: FloatArray
    theta_s: FloatArray

    @classmethod
    def continuous(cls, a: npt.ArrayLike, b: npt.ArrayLike, theta_s: npt.ArrayLike) -> Self:
        """Return curves with c = (a - b)·theta_s, so that both pieces meet."""
        a, b, knee = (np.atleast_1d(np.asarray(part, dtype=np.float64)) for part in (a, b, theta_s))
        return cls(a, b, (a - b) * knee, knee)

    def at(self, f: FloatArray) -> FloatArray:
        """Return S in [0, 1] at f pushes per week, one f per curve (or what broadcasts with them)."""
        return np.clip(np.where(f < self.theta_s, self.a * f, self.b * f + self.c), 0.0, 1.0)

    def optimum(self, f_min: float = F_MIN, f_max: float = F_MAX) -> tuple[FloatArray, FloatArray]:
        """Return f*, the (least) pace in [f_min, f_max] with the greatest S, and S* = S(f*), per curve.

        Where b < 0 that is theta_s, where b > 0 it is f_max, both subject to the bounds; and where S is 1
        earlier, it is where S gets there. A maximum of a piecewise linear curve is at an end of a piece, so
        those few paces are all that is compared.
        """
        check_bounds(f_min, f_max)
        before_a_fall = np.where(
            self.a * self.theta_s > self.b * self.theta_s + self.c + ROUNDING,
            np.nextafter(self.theta_s, 0.0),  # S falls at theta_s, so the best is just before it
            self.theta_s,
        )
        full = np.full_like(self.a, f_max)
        full_at = np.divide(1 - self.c, self.b, out=full.copy(), where=self.b > 0)
        ends = np.stack([np.zeros_like(self.a), before_a_fall, self.theta_s, 1 / self.a, full_at, full])
        ends = np.sort(np.clip(ends, f_min, f_max), axis=0)
        satisfied = self.at(ends)
        first_best = np.argmax(satisfied >= satisfied.max(axis=0) - ROUNDING, axis=0)[np.newaxis]
        f_star = np.take_along_axis(ends, first_best, axis=0)[0]
        return f_star, self.at(f_star)

    def take(self, index: npt.NDArray[np.intp]) -> "Curves":
        """Return the curves at these indices."""
        return Curves(*(part[index] for part in self))


def loss(s_star: npt.ArrayLike, s: npt.ArrayLike) -> float:
    """Return L, the sum of (S* - S)² over users. Source: first seed, section 4.4.

    >>> round(loss([1.0, 0.8], [0.9, 0.8]), 9)
    0.01
    """
    return float(np.sum((np.asarray(s_star, dtype=np.float64) - np.asarray(s, dtype=np.float64)) ** 2))


@dataclass(frozen=True, slots=True)
class SatisfactionPlan:
    """The paces that lose least satisfaction, and what they give."""

    f: FloatArray  # pushes per week, per user
    s: FloatArray  # satisfaction at f
    s_star: FloatArray  # satisfaction without a budget
    loss: float  # L, the sum of (S* - S)²
    shadow_price: float  # how much L would fall for one more push a week; 0 where the budget does not bind


def optimal_plan(
    curves: Curves, budget: float | None = None, f_min: float = F_MIN, f_max: float = F_MAX
) -> SatisfactionPlan:
    """Return the paces in [f_min, f_max] that minimise L = sum of (S* - S(f))², with mean pace <= budget.

    Without a budget everybody has f*, and L = 0. With one that binds, L is a sum of one convex term per user
    (S is concave up to f*, and beyond f* nobody goes), so the minimum is where every user's pace minimises
    his own (S* - S(f))² + mu·f under one shadow price mu, found by bisection because the paces fall as it
    rises. A curve that jumps *up* at theta_s is not concave: then the plan is still the best for what it
    spends (Everett, 1963), but may leave some of the budget unspent.

    Raises ``SettingsFault`` when the budget is below f_min.

    >>> curves = Curves.continuous(a=[0.3, 0.2], b=[-0.1, -0.1], theta_s=[2.0, 4.0])
    >>> optimal_plan(curves).f.tolist()
    [2.0, 4.0]
    >>> optimal_plan(curves, budget=2.0).f.round(6).tolist()
    [1.384615, 2.615385]
    """
    f_star, s_star = curves.optimum(f_min, f_max)
    if budget is not None and not budget >= f_min:
        raise SettingsFault("budget", budget, f"is below f_min ({f_min})", "raise the budget or lower f_min")
    f, price = f_star, 0.0
    if budget is not None and float(f_star.mean()) > budget:
        price = _shadow_price(curves, f_star, s_star, f_min, budget)
        f = _best_response(curves, f_star, s_star, f_min, price)
    s = curves.at(f)
    return SatisfactionPlan(f, s, s_star, loss(s_star, s), price)


def _shadow_price(curves: Curves, f_star: FloatArray, s_star: FloatArray, f_min: float, budget: float) -> float:
    """Return the least price at which the best responses keep the budget, to 1e-10 of the budget."""

    def over(price: float) -> float:
        return float(_best_response(curves, f_star, s_star, f_min, price).mean()) / (budget + ROUNDING) - 1

    low, high = 0.0, 1.0
    while over(high) > ROUNDING:  # at some price nobody leaves f_min, for every S* - S is at most 1
        low, high = high, 2 * high
    while high - low > ROUNDING * high and over(high) < -SPENT:
        middle = (low + high) / 2
        low, high = (middle, high) if over(middle) > ROUNDING else (low, middle)
    return high


def _best_response(curves: Curves, f_star: FloatArray, s_star: FloatArray, f_min: float, price: float) -> FloatArray:
    """Return, per curve, the f in [f_min, f*] that minimises (S* - S(f))² + price·f."""
    rising_end = np.maximum(np.minimum(curves.theta_s, f_star), f_min)
    rising = np.clip((s_star - price / (2 * curves.a)) / curves.a, f_min, rising_end)
    bent_start = np.minimum(np.maximum(curves.theta_s, f_min), f_star)  # f* itself where it lies before theta_s
    half_price = np.divide(price, 2 * curves.b, out=np.zeros_like(curves.b), where=curves.b > 0)
    stationary = np.divide(s_star - curves.c - half_price, curves.b, out=bent_start.copy(), where=curves.b > 0)
    bent = np.clip(stationary, bent_start, f_star)
    costs = [(s_star - curves.at(f)) ** 2 + price * f for f in (rising, bent)]
    return np.where(costs[1] < costs[0], bent, rising)


class SatisfactionCurve(BaseEstimator):
    """Satisfaction curves from ratings: one per user, pulled to the segment's, and that to the population's.

    ``fit`` takes one row per rating: the pace f (pushes per week) the user had, and the satisfaction s in [0,
    1] stated (map stars 1 to 5 by (stars - 1) / 4). Few ratings cannot fix a user's own curve, and one curve
    for all is wrong for most: so a user's curve minimises squared error plus his squared distance from the
    segment's curve, in units of how much users differ. How that is estimated is said in ``pooling.py``. This
    is no classifier or regressor on a feature matrix (f is the treatment, users are groups), so of
    scikit-learn's interface it has parameters, ``clone`` and ``fit``; ``check_estimator`` does not apply.

    ``continuous=False`` lets S jump at theta_s; then theta_s is one for all, because where a jump lies, a few
    ratings of one user cannot say.

    Learns ``population_curve_``, ``segment_curves_`` (in the order of ``segments_``), ``user_curves_`` (in
    the order of ``users_``), ``noise_`` (standard deviation of a rating about its user's curve) and
    ``spread_`` (standard deviations between users of log a, log (a - b), log theta_s and, if any, the jump).
    """

    def __init__(self, *, continuous: bool = True, max_iter: int = 300, tol: float = 1e-3) -> None:
        """Store the parameters; estimation stops when variances change by less than ``tol`` of themselves."""
        self.continuous = continuous
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, f: npt.ArrayLike, s: npt.ArrayLike, users: Any = None, segments: Any = None) -> Self:
        """Learn curves from n ratings s at paces f, by n users in n segments (a user's last one counts).

        Raises ``NotEnoughData`` when there are fewer than 10 ratings or fewer than 3 different paces above 0.
        """
        f, s = _ratings(f, s)
        population = pooling.fit_curve(f, s, continuous=self.continuous)
        self.population_curve_ = _curves(population[np.newaxis])
        grouped_by_segment = users is None
        if grouped_by_segment:  # the curves of segments are then pooled as those of users are, towards the population's
            users, segments = segments, None
        self.segments_, segment = _codes(segments, f.size)
        self.users_, user = _codes(users, f.size)
        segment_of_user = np.zeros(self.users_.size, dtype=np.intp)
        segment_of_user[user] = segment
        inhabited, segment_of_user = np.unique(segment_of_user, return_inverse=True)
        self.segments_ = self.segments_[inhabited]
        pooled = pooling.pool(f, s, user, segment_of_user, population, max_iter=self.max_iter, tol=self.tol)
        self.user_curves_, self.segment_curves_ = _curves(pooled.users), _curves(pooled.segments)
        if grouped_by_segment:
            self.segments_, self.segment_curves_ = self.users_, self.user_curves_
            self.users_, self.user_curves_ = self.users_[:0], _curves(pooled.users[:0])
        self.noise_, self.spread_, self.n_iter_ = pooled.noise, pooled.spread, pooled.iterations
        return self

    def curves(self, users: Any, segments: Any = None) -> Curves:
        """Return one curve per name in users: the user's own, else the segment's, else the population's."""
        check_is_fitted(self)
        names = np.asarray(users)
        every = Curves(
            *(
                np.concatenate(parts)
                for parts in zip(self.user_curves_, self.segment_curves_, self.population_curve_, strict=True)
            )
        )
        index = np.full(names.size, every.a.size - 1)
        if segments is not None:
            place, known = _find(self.segments_, np.asarray(segments))
            index[known] = self.user_curves_.a.size + place[known]
        if self.user_curves_.a.size:
            place, known = _find(self.users_, names)
            index[known] = place[known]
        return every.take(index)

    def predict(self, f: npt.ArrayLike, users: Any, segments: Any = None) -> FloatArray:
        """Return S in [0, 1] of each user at pace f (one per user, or one for all)."""
        return self.curves(users, segments).at(np.asarray(f, dtype=np.float64))


def _ratings(f: npt.ArrayLike, s: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    paces, ratings = np.asarray(f, dtype=np.float64), np.asarray(s, dtype=np.float64)
    if paces.shape != ratings.shape or paces.ndim != 1:
        raise SettingsFault(
            "f and s", f"{paces.shape}, {ratings.shape}", "are not two equal rows", "give one pace per rating"
        )
    if not (np.isfinite(paces) & (paces >= 0)).all():
        raise SettingsFault("f", None, "holds a pace that is negative or unknown", "leave out ratings without a pace")
    if not ((ratings >= 0) & (ratings <= 1)).all():
        raise SettingsFault("s", None, "leaves [0, 1]", "map stars 1 to 5 by (stars - 1) / 4")
    if paces.size < 10 or np.unique(paces[paces > 0]).size < 3:  # noqa: PLR2004  three parameters, with some room
        action = "collect at least 10 ratings at 3 or more different paces"
        raise NotEnoughData("ratings", paces.size, "cannot fix a curve", action)
    return paces, ratings


def _codes(names: Any, n: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return the distinct names and the index of each row's name among them; None is one nameless group."""
    if names is None:
        return np.array(["all"]), np.zeros(n, dtype=np.intp)
    distinct, codes = np.unique(np.asarray(names), return_inverse=True)
    return distinct, codes.astype(np.intp)


def _find(known: npt.NDArray[Any], names: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return each name's place among the known ones (ascending), and whether it is there."""
    place = np.minimum(np.searchsorted(known, names), known.size - 1)
    return place, known[place] == names


def _curves(phi: FloatArray) -> Curves:
    """Return the curves of parameters (log a, log (a - b), log theta_s[, jump]), one row each."""
    a, bend, knee = np.exp(phi[:, :3]).T
    jump = phi[:, 3] if phi.shape[1] > 3 else 0.0  # noqa: PLR2004  three parameters without a jump
    return Curves(a, a - bend, bend * knee + jump, knee)
