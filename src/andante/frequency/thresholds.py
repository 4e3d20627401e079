"""Threshold rules: bands of users (hot, warm, cool, cold) by recency and count, and interest by band."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from andante.frequency.interest import Column, ColumnInterest, FloatArray
from andante.vocabulary.fault import SettingsFault

BANDS = ("hot", "warm", "cool", "cold")
"""The default names of the bands, the most interested first."""


class ThresholdInterest(ColumnInterest):
    """Interest by a ladder of rules that anybody can read, write and check.

    A user is in the first band whose rule holds: *recency <= its recency threshold and count >= its count
    threshold*. The last band has no rule and takes everybody else, so there is one threshold fewer than there
    are names. For example ``recency_thresholds=(7, 14, 30)`` days with ``count_thresholds=(10, 3, 1)``
    events: hot is active in the last 7 days with at least 10 events; cold is what is left.

    Thresholds that are None are learned: quantiles of X, evenly spaced, so that with four bands hot is the
    most recent quarter that is also the most active quarter. A recency of NaN means *never*, and keeps no
    rule; a count of NaN counts as none.

    Interest is the band's engaged share, shrunken to the share of all users: (k + m·r) / (n + m) for k
    engaged of the n users of the band, r = the share of all and m = ``shrinkage`` users, so that a small band
    says little and an empty one nothing.

    Learns ``recency_thresholds_``, ``count_thresholds_``, ``interests_`` (one per band), ``sizes_`` (users
    per band), ``classes_``.

    Raises ``SettingsFault`` when thresholds are not a ladder, and scikit-learn's ``ValueError`` for unusable
    X or y. Source: first seed, section 9.2 (rules by thresholds); second seed, section 2.2 (profiles by
    rules).

    >>> X = [[12, 2.0], [4, 9.0], [1, 25.0], [1, float("nan")]]  # events, days since the last
    >>> model = ThresholdInterest(count_thresholds=(10, 3, 1), recency_thresholds=(7, 14, 30), shrinkage=1)
    >>> model.fit(X, [1, 1, 0, 0]).bands(X).tolist()
    ['hot', 'warm', 'cool', 'cold']
    >>> model.predict_proba(X)[:, 1].tolist()
    [0.75, 0.75, 0.25, 0.25]
    """

    def __init__(  # noqa: PLR0913  two ladders, two columns, and how to name and to trust the bands
        self,
        *,
        count_thresholds: Sequence[float] | None = None,
        recency_thresholds: Sequence[float] | None = None,
        count: Column = 0,
        recency: Column = 1,
        names: Sequence[str] = BANDS,
        shrinkage: float = 20.0,
    ) -> None:
        """Store the parameters; ``fit`` checks them."""
        self.count_thresholds = count_thresholds
        self.recency_thresholds = recency_thresholds
        self.count = count
        self.recency = recency
        self.names = names
        self.shrinkage = shrinkage

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the thresholds not given, and each band's interest, from X (users by features) and y."""
        X, engaged = self._learn_classes(X, y)
        if not (np.isfinite(self.shrinkage) and self.shrinkage > 0):
            raise SettingsFault("shrinkage", self.shrinkage, "is not above 0", "give a number of users, such as 20")
        count, recency = self._count_and_recency(X)
        self.count_thresholds_ = self._ladder("count_thresholds", self.count_thresholds, count, rising=False)
        self.recency_thresholds_ = self._ladder("recency_thresholds", self.recency_thresholds, recency, rising=True)
        band = self._band(X)
        self.sizes_ = np.bincount(band, minlength=len(self.names))
        hits = np.bincount(band, weights=engaged, minlength=len(self.names))
        self.interests_ = (hits + self.shrinkage * engaged.mean()) / (self.sizes_ + self.shrinkage)
        return self

    def bands(self, X: Any) -> npt.NDArray[np.str_]:
        """Return the name of each user's band."""
        return np.asarray(self.names)[self._band(self._validated(X))]

    def _interest(self, X: FloatArray) -> FloatArray:
        return np.asarray(self.interests_[self._band(X)])

    def _count_and_recency(self, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        count, recency = self._column(X, self.count), self._column(X, self.recency)
        return np.where(np.isnan(count), 0.0, count), np.where(np.isnan(recency), np.inf, recency)

    def _band(self, X: FloatArray) -> npt.NDArray[np.intp]:
        """Return the index of each user's band: the first rule that holds, or the last band."""
        count, recency = self._count_and_recency(X)
        holds = (recency[:, np.newaxis] <= self.recency_thresholds_) & (count[:, np.newaxis] >= self.count_thresholds_)
        return np.where(holds.any(axis=1), holds.argmax(axis=1), len(self.names) - 1)

    def _ladder(self, name: str, given: Sequence[float] | None, seen: FloatArray, *, rising: bool) -> FloatArray:
        """Return one column's thresholds, most demanding first: as given, or quantiles of what was seen."""
        rungs = len(self.names) - 1
        if given is None:
            known = seen[np.isfinite(seen)]
            if known.size == 0:  # nobody has ever acted: no user is recent, whatever the threshold
                return np.zeros(rungs)
            levels = np.arange(1, rungs + 1) / (rungs + 1)
            return np.asarray(np.quantile(known, levels if rising else 1 - levels))
        ladder = np.asarray(given, dtype=np.float64)
        steps = np.diff(ladder) if rising else -np.diff(ladder)
        if ladder.shape != (rungs,) or np.isnan(ladder).any() or np.any(steps < 0):
            order = "never falling" if rising else "never rising"
            action = f"give {rungs} numbers, {order}, for the {rungs + 1} bands {', '.join(self.names)}"
            raise SettingsFault(name, given, "are not a ladder from the most to the least demanding", action)
        return ladder
