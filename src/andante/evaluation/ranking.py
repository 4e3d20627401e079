"""The quality of a score against what came next: how it ranks users, how it is calibrated, how bands agree.

Intervals come from a bootstrap over *users*, not rows: the same user in several weeks is one piece of
evidence, and resampling rows would call it several and draw the intervals too narrow. A resample is a count
per user, which weights that user's rows; the order of the scores stays the same, so that a resample is one
pass over the rows and no sort. That is why the weighted AUC and rank correlation stand here, checked against
the libraries' in the tests: those sort anew each time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, brier_score_loss, precision_recall_fscore_support

from andante.evaluation.interval import Interval as Interval  # noqa: PLC0414  a ranking is made of them
from andante.vocabulary.fault import Fault, NotEnoughData

Verdict = Literal["better", "worse", "no clear difference"]
Floats = NDArray[np.float64]

LEVEL = 0.95
MEASURES = ("auc", "spearman", "spearman_untied")
ROWS_RESAMPLED_MAX = 100_000_000
"""Rows times resamples: larger data get fewer resamples, which their narrow intervals need less."""
RESAMPLES_MIN = 200
"""The fewest resamples of large data: the ends of an interval then rest on five resamples each."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the first score is ahead of another one, on the same resamples.

    ``verdicts`` are about the first score, one a measure: "better" or "worse" only where the interval lies beyond zero.
    """

    auc: Interval
    spearman: Interval
    spearman_untied: Interval
    verdicts: Mapping[str, Verdict]


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well one score ranks: AUC for outcome > 0 and Spearman's correlation with the outcome.

    Spearman's usual form gives equal scores their mean rank, which narrows the spread that it divides by: a
    score with few values looks better than one that ranks as well and leaves no ties. ``spearman_untied``
    divides by the spread without ties: it is what is to be expected when equal scores are put in random
    order, as anybody must who can push only some of them.

    ``first_ahead`` compares the first score with this one; it is None for the first score itself.
    """

    score: str
    auc: Interval
    spearman: Interval
    spearman_untied: Interval
    first_ahead: Difference | None
    rows: int
    users: int
    engaged: int
    resamples: int


def compare(
    scores: Mapping[str, ArrayLike],
    outcome: ArrayLike,
    users: ArrayLike,
    *,
    seed: int,
    resamples: int = 1000,
) -> list[Ranking]:
    """Compare scores by how well they rank what came next; the first one against each other.

    Each score and the outcome (a count ≥ 0 or an amount) hold one value per row, ``users`` the row's user; a
    user may have many rows. Where rows times resamples exceed ROWS_RESAMPLED_MAX there are fewer resamples,
    and ``Ranking.resamples`` says how many. Equal scores count half in the AUC and share their mean rank.

    Raises NotEnoughData without both engaged and idle rows, and Fault for unequal lengths or unknown values
    (NaN). Source: 3-methods A.2 and E.

    >>> scores = {"good": [0.1, 0.2, 0.3, 0.4], "flat": [1, 1, 1, 1]}
    >>> first, other = compare(scores, [0, 0, 1, 2], ["ann", "bob", "cy", "di"], seed=0)
    >>> first.auc.value, other.auc.value, first.spearman.value > 0.9
    (1.0, 0.5, True)
    """
    target = _column("the outcome", outcome, None)
    columns = {name: _column(f"score {name!r}", values, len(target)) for name, values in scores.items()}
    owner = _owners(users, len(target))
    engaged = int(np.count_nonzero(target > 0))
    if not 0 < engaged < len(target):
        found = f"{engaged} engaged of {len(target)} rows"
        raise NotEnoughData(
            "the outcome", found, "cannot tell a good ranking from a bad one", "give rows of both kinds"
        )
    count = min(resamples, max(RESAMPLES_MIN, ROWS_RESAMPLED_MAX // len(target)))
    draws = _bootstrap(list(columns.values()), target, owner, count, seed)
    point, resampled = draws[0], draws[1:]
    return [
        Ranking(
            score=score,
            **{name: _interval(point[place, k], resampled[:, place, k]) for k, name in enumerate(MEASURES)},
            first_ahead=_difference(point, resampled, place) if place else None,
            rows=len(target),
            users=int(owner.max()) + 1,
            engaged=engaged,
            resamples=count,
        )
        for place, score in enumerate(columns)
    ]


def _column(name: str, values: ArrayLike, rows: int | None) -> Floats:
    """Take a column of floats, or refuse it."""
    column = np.asarray(values, dtype=np.float64).ravel()
    if rows is not None and len(column) != rows:
        problem = f"does not match the other columns ({rows} rows)"
        raise Fault(name, f"{len(column)} values", problem, "give one value per row")
    unknown = int(np.count_nonzero(np.isnan(column)))
    if unknown:
        problem = "has unknown values, which have no rank"
        raise Fault(name, f"{unknown} NaN", problem, "replace them, or leave the rows out")
    return column


def _owners(users: ArrayLike, rows: int) -> NDArray[np.int32]:
    """Replace each row's user by the user's number."""
    ids = np.asarray(users).ravel()
    if len(ids) != rows:
        problem = f"does not match the outcome ({rows} rows)"
        raise Fault("users", f"{len(ids)} values", problem, "give one user per row")
    return _groups(ids)


def _groups(column: NDArray[Any]) -> NDArray[np.int32]:
    """Replace each value by its place among the distinct values."""
    return np.unique(column, return_inverse=True)[1].astype(np.int32)


class _Sorted(NamedTuple):
    """The rows in the order of one score, so that a resample walks through them once."""

    group: NDArray[np.int32]
    level: NDArray[np.int32]
    owner: NDArray[np.int32]
    engaged: NDArray[np.bool_]


def _bootstrap(
    scores: Sequence[Floats], outcome: Floats, owner: NDArray[np.int32], resamples: int, seed: int
) -> Floats:
    """Return the measures: (1 + resamples, scores, 3), the first row for the data as they are."""
    rng = np.random.default_rng(seed)
    people = int(owner.max()) + 1
    level = _groups(outcome)
    ordered = []
    for score in scores:
        group = _groups(score)
        order = np.argsort(group, kind="stable")
        ordered.append(_Sorted(group[order], level[order], owner[order], outcome[order] > 0))
    found = np.empty((1 + resamples, len(scores), len(MEASURES)))
    for draw in range(1 + resamples):
        drawn = rng.integers(people, size=people) if draw else np.arange(people)
        times = np.bincount(drawn, minlength=people).astype(np.float64)
        mass = np.bincount(level, times[owner]).astype(np.float64)
        rank = mass.cumsum() - (mass + mass.sum()) / 2  # mean ranks of equal outcomes, centred
        for place, rows in enumerate(ordered):
            found[draw, place] = _quality(*rows, times, rank, mass.sum(), mass @ rank**2)
    return found


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _quality(  # noqa: PLR0913, PLR0917  a compiled kernel takes arrays, not objects
    group: NDArray[np.int32],
    level: NDArray[np.int32],
    owner: NDArray[np.int32],
    engaged: NDArray[np.bool_],
    times: Floats,
    level_rank: Floats,
    total: float,
    level_spread: float,
) -> tuple[float, float, float]:
    """Return the measures where each user counts so many times; a row counted twice is two equal rows.

    One pass over rows in the order of the score. At the end of each group of equal scores, its engaged rows
    win against all idle rows below and half of those beside them, and all its rows share their mean rank.
    """
    below = idle_below = engaged_below = wins = spread = together = 0.0
    mass = hits = pull = 0.0
    for row in range(len(group)):
        weight = times[owner[row]]
        mass += weight
        pull += weight * level_rank[level[row]]
        if engaged[row]:
            hits += weight
        if row + 1 == len(group) or group[row + 1] != group[row]:
            idle = mass - hits
            rank = below + (mass - total) / 2
            wins += hits * (idle_below + idle / 2)
            spread += mass * rank * rank
            together += rank * pull
            below, idle_below, engaged_below = below + mass, idle_below + idle, engaged_below + hits
            mass = hits = pull = 0.0
    pairs, width = engaged_below * idle_below, math.sqrt(spread * level_spread)
    untied = math.sqrt(total * (total * total - 1) / 12 * level_spread)
    # Without both kinds of rows there is no AUC; a constant score ranks nobody.
    return (
        wins / pairs if pairs else math.nan,
        together / width if width else 0.0,
        together / untied if untied else 0.0,
    )


def _interval(value: float, resampled: Floats) -> Interval:
    """Take the percentiles of the resamples, at the places that are unbiased for few resamples."""
    known = resampled[~np.isnan(resampled)]  # a resample without both kinds of rows has no AUC
    if not len(known):
        found = f"{len(resampled)} resamples"
        raise NotEnoughData("the users", found, "never gave both kinds of rows", "give more users")
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(known, (tail, 1 - tail), method="weibull")
    return Interval(float(value), float(low), float(high))


def _difference(point: Floats, resampled: Floats, place: int) -> Difference:
    """Compare the first score with another, resample by resample."""
    ahead = point[0] - point[place]
    spread = resampled[:, 0] - resampled[:, place]
    found = {name: _interval(ahead[k], spread[:, k]) for k, name in enumerate(MEASURES)}
    return Difference(**found, verdicts={name: _verdict(interval) for name, interval in found.items()})


def _verdict(ahead: Interval) -> Verdict:
    return "better" if ahead.low > 0 else "worse" if ahead.high < 0 else "no clear difference"


@dataclass(frozen=True, slots=True)
class Reliability:
    """One bin of predicted interest: its rows, the mean predicted, the observed share and its 95 % interval.

    The interval (Wilson 1927) takes the rows as independent.
    """

    rows: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far predicted interest is from what is observed.

    ``error`` is the expected calibration error: the mean distance of predicted from observed over bins, by rows. Noise
    of about sqrt(p(1 - p) / rows of a bin) biases it upwards. ``brier`` is about reliability - resolution +
    uncertainty (Murphy 1973), exactly so where all predictions in a bin are equal.
    """

    error: float
    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    bins: tuple[Reliability, ...]


def calibration(interest: ArrayLike, engaged: ArrayLike, bins: int = 10) -> Calibration:
    """Compare interest in [0, 1] with who was engaged (0 or 1), in bins of equal numbers of rows.

    Equal predictions share a bin, so there may be fewer bins than asked for. Raises Fault for unequal
    lengths, NaN or an interest outside [0, 1], NotEnoughData without rows. Source: 3-methods A.3 and E.
    """
    actual = _column("engaged", engaged, None) > 0
    predicted = _column("interest", interest, len(actual))
    if not len(actual):
        raise NotEnoughData("interest", "0 rows", "cannot be calibrated", "give at least one row")
    if predicted.min() < 0 or predicted.max() > 1:
        span = f"{predicted.min():g} to {predicted.max():g}"
        raise Fault("interest", span, "is not within 0 to 1", "give probabilities")
    edges = np.unique(np.quantile(predicted, np.arange(1, bins) / bins))
    numbers = _groups(np.searchsorted(edges, predicted, side="left"))
    rows = np.bincount(numbers)
    mean, observed = np.bincount(numbers, predicted) / rows, np.bincount(numbers, actual) / rows
    share, base = rows / len(actual), actual.mean()
    return Calibration(
        error=float(share @ np.abs(mean - observed)),
        brier=float(brier_score_loss(actual, predicted, pos_label=True)),
        reliability=float(share @ (mean - observed) ** 2),
        resolution=float(share @ (observed - base) ** 2),
        uncertainty=float(base * (1 - base)),
        bins=tuple(_reliability(*line) for line in zip(rows, mean, observed, strict=True)),
    )


def _reliability(rows: int, predicted: float, observed: float) -> Reliability:
    hits = round(observed * rows)
    wilson = binomtest(hits, int(rows)).proportion_ci(LEVEL, method="wilson")
    return Reliability(int(rows), float(predicted), float(observed), float(wilson.low), float(wilson.high))


@dataclass(frozen=True, slots=True)
class Band:
    """How well one band is found: precision is None if it was never predicted, recall if it never was."""

    name: str
    rows: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class BandAgreement:
    """How well bands are found: accuracy, that of always saying the commonest band, and each band."""

    accuracy: float
    accuracy_of_commonest: float
    bands: tuple[Band, ...]


def bands(actual: ArrayLike, predicted: ArrayLike, names: Sequence[str]) -> BandAgreement:
    """Compare predicted with actual frequency bands, given as whole numbers: 0 is the first of ``names``.

    Raises Fault for unequal lengths or numbers without a name, NotEnoughData without rows.
    Source: 3-methods A.2.

    >>> found = bands([0, 0, 1, 2], [0, 1, 1, 1], ["rarely", "weekly", "daily"])
    >>> found.accuracy, found.bands[2]
    (0.5, Band(name='daily', rows=1, precision=None, recall=0.0))
    """
    truth = _column("the actual bands", actual, None)
    guess = _column("the predicted bands", predicted, len(truth))
    if not len(truth):
        raise NotEnoughData("the actual bands", "0 rows", "cannot be compared", "give at least one row")
    numbers = range(len(names))
    strange = np.setdiff1d(np.concatenate([truth, guess]), [*numbers])
    if len(strange):
        raise Fault("bands", f"{strange[0]:g}", "has no name", f"use whole numbers from 0 to {len(names) - 1}")
    precision, recall, _, rows = precision_recall_fscore_support(truth, guess, labels=[*numbers], zero_division=np.nan)
    found = (Band(names[n], int(rows[n]), _known(precision[n]), _known(recall[n])) for n in numbers)
    return BandAgreement(float(accuracy_score(truth, guess)), float(rows.max() / len(truth)), tuple(found))


def _known(share: float) -> float | None:
    return None if np.isnan(share) else float(share)
