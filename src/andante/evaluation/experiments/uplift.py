"""Whether a score finds those whom a push changes: the Qini curve, uplift by decile, and their intervals.

Users are taken in the order of a score, highest first, from a trial in which everybody was treated with the same
probability. Curves are per user, so that trials of any size compare:

- Qini curve (Radcliffe 2007): q(φ) = (Y_t - Y_c N_t / N_c) / N. Of the share φ of users with the highest scores, Y_t
  and Y_c are the outcomes of the treated and the held out, N_t and N_c their numbers; N is the number of all treated.
  It is what treating these users brings, per user of the whole. The *Qini coefficient* is the area between the curve
  and the straight line to its end, which is what a random order brings: 0 for a score that knows nothing.
- Uplift curve: u(φ) = φ (Y_t / N_t - Y_c / N_c). AUUC is its area, and half the total effect for a random order.

These are the curves of scikit-uplift 0.5.1 (`qini_curve`, `uplift_curve`), divided by the users; its `qini_auc_score`
further divides by what a perfect order of 0/1 outcomes would have, which no score can know and continuous outcomes do
not have. causalml scales both curves to end at one, which is unstable where the total effect is small.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andante.evaluation.interval import Interval, divided, interval_of, resampled_totals, resampled_users
from andante.vocabulary.fault import InputFault, NotEnoughData

Floats = NDArray[np.float64]

RESAMPLES = 1000
POINTS = 100
"""How many points of a curve are kept to draw it."""


@dataclass(frozen=True, slots=True)
class Decile:
    """Users of about one score: their uplift, and how many were treated and not. The first has the highest scores."""

    uplift: Interval
    score_mean: float
    treated: int
    held: int


@dataclass(frozen=True, slots=True)
class Uplift:
    """How a score orders users by what a push changes."""

    qini: Interval  # the coefficient, in outcome per user
    auuc: Interval  # in outcome per user
    effect: Interval  # of treating everybody, per user
    curve: tuple[tuple[float, float], ...]  # points (share of users, Qini curve)
    deciles: tuple[Decile, ...]


def uplift(  # noqa: PLR0913  a trial has three columns, and a bootstrap two numbers
    score: ArrayLike,
    outcome: ArrayLike,
    treated: ArrayLike,
    *,
    seed: int,
    bins: int = 10,
    resamples: int = RESAMPLES,
) -> Uplift:
    """Judge a score by a trial with one row per user, treated by lot with one probability for all. Shapes: [users].

    The score must not have been learned from these users. Equal scores are taken together. Raises InputFault for
    unequal lengths or unknown values, NotEnoughData where a decile has no treated or no held out user.

    >>> found = uplift([4, 3, 2, 1] * 50, [1, 0, 0, 0] * 50, [1, 0, 1, 0] * 50, seed=1, bins=1)
    >>> found.effect.value, found.qini.value
    (0.5, 0.1875)
    """
    columns = [np.asarray(column, dtype=np.float64) for column in (score, outcome, np.asarray(treated, dtype=bool))]
    _check(columns)
    deciles = _deciles(*columns, bins=bins, seed=seed, resamples=resamples)
    points = _curves(*columns, seed=seed, resamples=resamples)
    return Uplift(
        qini=interval_of(points.qini),
        auuc=interval_of(points.auuc),
        effect=interval_of(points.effect),
        curve=points.curve,
        deciles=deciles,
    )


def qini_curve(score: Floats, outcome: Floats, treated: Floats) -> tuple[Floats, Floats]:
    """Return the Qini curve: shares of users, from 0, and what treating those brings per user of the whole."""
    shares, q, _ = _order(score, outcome, treated).along(np.ones(len(score)))
    return shares, q


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """Users from the highest score, and where a group of equal scores ends."""

    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    outcome: Floats
    treated: Floats

    def along(self, times: Floats) -> tuple[Floats, Floats, Floats]:
        """Return shares of users, Qini curve and uplift curve, where each user counts so many times."""
        weight = times[self.order]
        pushed = weight * self.treated
        n, n_t = np.cumsum(weight)[self.ends], np.cumsum(pushed)[self.ends]
        y_t = np.cumsum(pushed * self.outcome)[self.ends]
        y_c = np.cumsum((weight - pushed) * self.outcome)[self.ends]
        per_held = np.nan_to_num(divided(y_c, n - n_t))
        both = n_t[-1] > 0 and n_t[-1] < n[-1]  # a resample may miss one group: it then has no curve
        q = (y_t - per_held * n_t) / (n_t[-1] if both else np.nan)
        u = (np.nan_to_num(divided(y_t, n_t)) - per_held) * n / n[-1]
        shares, q, u = (np.concatenate([[0.0], column]) for column in (n / n[-1], q, u))
        return shares, q, u


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    qini: Floats
    auuc: Floats
    effect: Floats
    curve: tuple[tuple[float, float], ...]


def _order(score: Floats, outcome: Floats, treated: Floats) -> _Order:
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    return _Order(order, ends, outcome[order], treated[order])


def _curves(score: Floats, outcome: Floats, treated: Floats, *, seed: int, resamples: int) -> _Points:
    ordered = _order(score, outcome, treated)
    found: list[tuple[float, float, float]] = []
    curve: tuple[tuple[float, float], ...] = ()
    for times in resampled_users(len(score), seed=seed, resamples=resamples):
        shares, q, u = ordered.along(times)
        curve = curve or _thinned(shares, q)
        area_q, area_u = float(np.trapezoid(q, shares)), float(np.trapezoid(u, shares))
        found.append((area_q - q[-1] / 2, area_u, float(q[-1])))
    qini, auuc, effect = np.array(found).T
    return _Points(qini, auuc, effect, curve)


def _thinned(shares: Floats, q: Floats) -> tuple[tuple[float, float], ...]:
    grid = shares if len(shares) <= POINTS + 1 else np.linspace(0, 1, POINTS + 1)
    return tuple(zip(grid.tolist(), np.interp(grid, shares, q).tolist(), strict=True))


def _deciles(  # noqa: PLR0913  as above
    score: Floats, outcome: Floats, treated: Floats, *, bins: int, seed: int, resamples: int
) -> tuple[Decile, ...]:
    edges = np.unique(np.quantile(-score, np.arange(1, bins) / bins))
    place = np.unique(np.searchsorted(edges, -score, side="left"), return_inverse=True)[1]
    inside = place == np.arange(place.max() + 1)[:, None]
    groups = [inside * weight for weight in (treated, treated * outcome, 1 - treated, (1 - treated) * outcome)]
    users = np.stack([groups[0].sum(axis=1), groups[2].sum(axis=1)], axis=1).astype(int)
    empty = np.flatnonzero(users.min(axis=1) == 0)
    if len(empty):
        value = f"{users[empty[0], 0]} treated, {users[empty[0], 1]} held out"
        raise NotEnoughData(
            f"decile {empty[0] + 1}", value, "shows no uplift", "ask for fewer bins, or give more users"
        )
    drawn = resampled_totals(np.concatenate(groups).tolist(), seed=seed, resamples=resamples)
    n_t, y_t, n_c, y_c = np.split(drawn, 4, axis=1)
    means = np.bincount(place, score) / np.bincount(place)
    uplifts = divided(y_t, n_t) - divided(y_c, n_c)
    return tuple(
        Decile(interval_of(uplifts[:, k]), float(means[k]), int(users[k, 0]), int(users[k, 1]))
        for k in range(len(users))
    )


def _check(columns: list[Floats]) -> None:
    shapes = {column.shape for column in columns}
    if len(shapes) > 1 or columns[0].ndim != 1:
        raise InputFault("score, outcome and treated", shapes, "do not match", "give one value of each per user")
    for name, column in zip(("score", "outcome"), columns, strict=False):
        strange = np.flatnonzero(~np.isfinite(column))
        if len(strange):
            raise InputFault(f"the {name} of row {strange[0]}", column[strange[0]], "is no number", "leave the row out")
    if not 0 < columns[2].sum() < len(columns[2]):
        value = f"{columns[2].sum():g} treated of {len(columns[2])}"
        raise NotEnoughData("the trial", value, "shows no uplift", "give treated and held out users")
