"""Holdout lift: what pushes brought, from users who got them beside users who, by lot, got none.

CUPED (Deng, Xu, Kohavi & Walker 2013) subtracts from each outcome what was foreseeable from the same user *before* the
trial: y - θ (x - mean x), with θ = cov(x, y) / var(x) within groups. It removes the share ρ² of the variance, with ρ
the correlation, and no effect, because lots know nothing of x. θ is estimated anew in each resample, so that the
interval knows that it was estimated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andante.evaluation.interval import RESAMPLES, Interval, divided, interval_of, resampled_totals
from andante.vocabulary.fault import InputFault, NotEnoughData

Floats = NDArray[np.float64]

GROUP_MIN = 2


@dataclass(frozen=True, slots=True)
class Lift:
    """How much more treated users came to than held out ones, per user.

    ``relative`` is the difference as a share of what held out users came to: None where that is not clearly above zero,
    for a share of nothing has no size. ``variance_removed`` is the share of the variance of the difference that the
    past explained; None without a past.
    """

    difference: Interval
    relative: Interval | None
    treated: Interval
    held: Interval
    users_treated: int
    users_held: int
    variance_removed: float | None


def lift(
    outcome: ArrayLike,
    treated: ArrayLike,
    *,
    seed: int,
    before: ArrayLike | None = None,
    resamples: int = RESAMPLES,
) -> Lift:
    """Compare treated users with held out ones: one row per user, assigned by lot. Shape of all: [users].

    ``before`` is what is known of each user before the trial began, such as the same outcome in earlier weeks: what
    came later must not enter, since the pushes may have changed it. Raises InputFault for unequal lengths or unknown
    values, NotEnoughData below two users in a group. Source: 3-methods E.

    >>> found = lift([3.0, 4.0, 5.0, 1.0, 2.0, 3.0] * 20, [1, 1, 1, 0, 0, 0] * 20, seed=1)
    >>> found.difference.value, found.difference.low > 1
    (2.0, True)
    """
    y, pushed = np.asarray(outcome, dtype=np.float64), np.asarray(treated, dtype=bool)
    x = np.zeros(len(y)) if before is None else np.asarray(before, dtype=np.float64)
    if not y.shape == pushed.shape == x.shape:
        value = f"{y.shape}, {pushed.shape}, {x.shape}"
        raise InputFault("outcome, treated and before", value, "do not match", "give one value of each per user")
    users = int(pushed.sum()), int((~pushed).sum())
    if min(users) < GROUP_MIN:
        value = f"{users[0]} treated, {users[1]} held out"
        raise NotEnoughData("the trial", value, "cannot show a lift", "wait for two users in each group")
    x = x - x.mean()  # the same for all resamples: it only keeps the sums small
    columns = [column * group for group in (pushed, ~pushed) for column in (np.ones(len(y)), y, x, x * x, x * y)]
    drawn = resampled_totals(columns, seed=seed, resamples=resamples)
    means = _adjusted(drawn, adjust=before is not None)
    held = interval_of(means[:, 1])
    return Lift(
        difference=interval_of(means[:, 0] - means[:, 1]),
        relative=interval_of(divided(means[:, 0], means[:, 1]) - 1) if held.low > 0 else None,
        treated=interval_of(means[:, 0]),
        held=held,
        users_treated=users[0],
        users_held=users[1],
        variance_removed=None if before is None else _removed(y, pushed, x, drawn[:1]),
    )


def _adjusted(drawn: Floats, *, adjust: bool) -> Floats:
    """Return the means of treated and held out users in each resample, less what the past explains: [resamples, 2]."""
    groups = [drawn[:, :5], drawn[:, 5:]]
    means = np.stack([divided(group[:, 1], group[:, 0]) for group in groups], axis=1)
    if not adjust:
        return means
    past = np.stack([divided(group[:, 2], group[:, 0]) for group in groups], axis=1)
    all_past = divided(drawn[:, 2] + drawn[:, 7], drawn[:, 0] + drawn[:, 5])
    return np.asarray(means - _slope(drawn)[:, None] * (past - all_past[:, None]), dtype=np.float64)


def _slope(drawn: Floats) -> Floats:
    """Return θ in each resample: from spreads within groups, so that the effect itself does not enter."""
    together = spread = np.zeros(len(drawn))
    for group in (drawn[:, :5], drawn[:, 5:]):
        count, y, x, xx, xy = group.T
        together = together + xy - divided(x * y, count)
        spread = spread + xx - divided(x * x, count)
    return np.nan_to_num(divided(together, spread))  # a past that is the same for all explains nothing


def _removed(y: Floats, pushed: NDArray[np.bool_], x: Floats, whole: Floats) -> float:
    """Return which share of the variance of the difference the past explained."""
    adjusted = y - _slope(whole)[0] * x
    plain, left = (sum(float(z[g].var(ddof=1)) / g.sum() for g in (pushed, ~pushed)) for z in (y, adjusted))
    return 1 - left / plain if plain else 0.0
