"""Whether what was predicted came true, by decile of the prediction and by pushes per week.

`evaluation.ranking.calibration` gives the error and its parts for 0/1 outcomes, with rows as independent. Here users
are resampled, outcomes may be amounts, and groups may be anything: a model may be right on the whole and wrong for
those who are pushed often, which is where it decides.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andante.evaluation.interval import RESAMPLES, Interval, divided, interval_of, resampled_totals, summed_by_user
from andante.vocabulary.fault import InputFault

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Group:
    """What was predicted and what came true in one group of rows."""

    label: float
    rows: int
    predicted: float
    observed: Interval
    off: Interval  # predicted - observed: above zero, the model promises too much


def calibration_by(  # noqa: PLR0913  four columns, and a bootstrap two numbers
    predicted: ArrayLike,
    observed: ArrayLike,
    groups: ArrayLike,
    users: ArrayLike,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> list[Group]:
    """Compare predicted with observed means in each group, in the order of its label; one value of each per row.

    ``groups`` are `deciles(predicted)`, or the pushes per week that each row was given. Raises InputFault for unequal
    lengths or unknown values; NotEnoughData for a group of so few users that resamples miss it.

    >>> found = calibration_by([0.5] * 8, [0, 1] * 4, [1] * 8, range(8), seed=1)
    >>> found[0].observed.value, found[0].off.value
    (0.5, 0.0)
    """
    told, came = np.asarray(predicted, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    labels, place = np.unique(np.asarray(groups, dtype=np.float64), return_inverse=True)
    owner = np.asarray(users)
    if not told.shape == came.shape == place.shape == owner.shape:
        value = f"{told.shape}, {came.shape}, {place.shape}, {owner.shape}"
        raise InputFault("predicted, observed, groups and users", value, "do not match", "give one of each per row")
    inside = place == np.arange(len(labels))[:, None]
    rows = [inside * column for column in (np.ones(len(told)), told, came)]
    columns = summed_by_user(owner, list(np.concatenate(rows)))
    n, said, true = np.split(resampled_totals(columns, seed=seed, resamples=resamples), 3, axis=1)
    means, actual = divided(said, n), divided(true, n)
    return [
        Group(
            label=float(label),
            rows=int(n[0, k]),
            predicted=float(means[0, k]),
            observed=interval_of(actual[:, k]),
            off=interval_of(means[:, k] - actual[:, k]),
        )
        for k, label in enumerate(labels)
    ]


def deciles(predicted: ArrayLike, bins: int = 10) -> NDArray[np.int64]:
    """Return the decile of each prediction, from 1 for the lowest; equal predictions share one.

    >>> deciles([0.1, 0.2, 0.2, 0.9], bins=2).tolist()
    [1, 1, 1, 2]
    """
    values = np.asarray(predicted, dtype=np.float64)
    edges = np.unique(np.quantile(values, np.arange(1, bins) / bins))
    return np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)[1].astype(np.int64) + 1
