"""An estimate with its interval, by a bootstrap over users.

The same user in several weeks, or in many decisions, is one piece of evidence: resampling rows would call it several
and draw the interval too narrow. So a resample is a count per user (multinomial), which weights all that is known of
that user, and every figure here is a function of weighted *totals* of one column per user: a mean, a ratio, a
difference of two policies with the same users, a share of a gap. One set of resampled totals serves many figures.

Ends are percentiles. That is right where the estimate is about symmetric, which a total over many users is; with some
dozens of users, or one user who holds most of a total, an interval is too narrow, and `measures.concentration` says so.
Source: Efron & Tibshirani 1993, ch. 13; for clusters, Field & Welsh 2007.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andante.vocabulary.fault import InputFault, NotEnoughData

Floats = NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 2000
USERS_RESAMPLED_MAX = 200_000_000
"""Users times resamples: more users get fewer resamples, which their narrow intervals need less."""
RESAMPLES_MIN = 400
"""The fewest resamples of many users: the ends of an interval then rest on ten resamples each."""
UNKNOWN_MAX = 0.05
"""The share of resamples in which a figure may be undefined (nothing to divide by) before there is no interval."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its interval: 95 % and by bootstrap percentiles, unless said."""

    value: float
    low: float
    high: float


def mean_over_users(x: ArrayLike, *, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> Interval:
    """Return the mean of one number per user. Raises InputFault for unknown values, NotEnoughData below two users.

    >>> found = mean_over_users([1.0, 2.0, 3.0, 4.0], seed=1)
    >>> found.value, found.low < 2.5 < found.high
    (2.5, True)
    """
    column = np.asarray(x, dtype=np.float64)
    return ratio_over_users(column, np.ones(len(column)), seed=seed, resamples=resamples, level=level)


def ratio_over_users(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """Return the ratio of two totals over users, such as opens per push. Shape of both: [users].

    Raises InputFault for unequal lengths or unknown values, NotEnoughData below two users or where the denominators
    are zero in total.
    """
    drawn = resampled_totals([numerator, denominator], seed=seed, resamples=resamples)
    return interval_of(divided(drawn[:, 0], drawn[:, 1]), level=level)


def difference_over_users(
    one: ArrayLike, other: ArrayLike, *, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """Return the mean of ``one - other``, paired by user: what the same users came to under two policies.

    Pairing keeps what is common to both, the luck of the same draws, out of the interval. Shape: [users].
    Raises as `mean_over_users`.
    """
    drawn = resampled_totals([one, other, np.ones(len(np.asarray(one)))], seed=seed, resamples=resamples)
    return interval_of((drawn[:, 0] - drawn[:, 1]) / drawn[:, 2], level=level)


def over_users(
    columns: Sequence[ArrayLike],
    figure: Callable[[Floats], Floats],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """Return any figure of weighted totals: ``figure`` takes totals [resamples + 1, columns], returns [resamples + 1].

    >>> sends, opens, users = [4.0, 6.0, 8.0], [1.0, 0.0, 2.0], [1.0, 1.0, 1.0]
    >>> over_users([sends, opens, users], lambda t: (t[:, 0] - t[:, 1]) / t[:, 2], seed=1).value
    5.0
    """
    return interval_of(figure(resampled_totals(columns, seed=seed, resamples=resamples)), level=level)


def resampled_totals(columns: Sequence[ArrayLike], *, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Return totals of the columns (each [users]): [1 + resamples, columns], the first row for the users as they are.

    Equal seeds and numbers of users give equal resamples, so that figures of two calls may be subtracted row by row.
    """
    table = _table(columns)
    return np.stack([times @ table for times in resampled_users(len(table), seed=seed, resamples=resamples)])


def resampled_users(users: int, *, seed: int, resamples: int = RESAMPLES) -> Iterator[Floats]:
    """Yield how often each user counts: first once each, then as drawn with replacement. Shape: [users].

    Raises NotEnoughData below two users.
    """
    if users < 2:  # noqa: PLR2004  one user has no spread
        raise NotEnoughData("the users", users, "cannot give an interval", "give at least two users")
    rng = np.random.default_rng(seed)
    yield np.ones(users)
    for _ in range(min(resamples, max(RESAMPLES_MIN, USERS_RESAMPLED_MAX // users))):
        drawn = rng.integers(users, size=users, dtype=np.int32)
        yield np.bincount(drawn, minlength=users).astype(np.float64)


def interval_of(drawn: Floats, *, level: float = LEVEL) -> Interval:
    """Return the interval of a figure: ``drawn[0]`` for the users as they are, the others for the resamples.

    Raises NotEnoughData where the figure is undefined (NaN) for the users as they are, or in too many resamples.
    """
    unknown = np.isnan(drawn[1:])
    if np.isnan(drawn[0]) or unknown.mean() > UNKNOWN_MAX:
        found = f"undefined in {unknown.mean():.0%} of resamples"
        raise NotEnoughData("the figure", found, "has no interval", "give more users of the kind that it divides by")
    tail = (1 - level) / 2
    low, high = np.quantile(drawn[1:][~unknown], (tail, 1 - tail), method="weibull")
    return Interval(float(drawn[0]), float(low), float(high))


def known_interval_of(drawn: Floats, *, level: float = LEVEL) -> Interval | None:
    """Return the same, or None where there is too little to divide by: for one of many figures, such as a segment's."""
    unknown = np.isnan(drawn[1:]).mean() > UNKNOWN_MAX
    return None if unknown or np.isnan(drawn[0]) else interval_of(drawn, level=level)


def divided(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where there is nothing to divide by."""
    safe = np.where(denominator == 0, np.nan, denominator)
    return np.asarray(numerator / safe, dtype=np.float64)


def summed_by_user(users: ArrayLike, columns: Sequence[ArrayLike]) -> list[Floats]:
    """Sum rows to users: one total per distinct user and column, in the order of the sorted users.

    >>> [column.tolist() for column in summed_by_user([7, 3, 7], [[1, 2, 3], [1, 1, 1]])]
    [[2.0, 4.0], [1.0, 2.0]]
    """
    place = np.unique(np.asarray(users), return_inverse=True)[1]
    return [np.bincount(place, column).astype(np.float64) for column in _table(columns, rows=len(place)).T]


def _table(columns: Sequence[ArrayLike], rows: int | None = None) -> Floats:
    """Stack columns [rows, columns], or refuse them."""
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    rows = len(arrays[0]) if rows is None else rows
    for place, array in enumerate(arrays):
        if array.shape != (rows,):
            problem = f"does not match the others ({rows} values)"
            raise InputFault(f"column {place}", f"shape {array.shape}", problem, "give one value per user")
        strange = np.flatnonzero(~np.isfinite(array))
        if len(strange):
            problem = f"holds no number for row {strange[0]}"
            raise InputFault(f"column {place}", array[strange[0]], problem, "leave the row out, or set what it counts")
    return np.column_stack(arrays)
