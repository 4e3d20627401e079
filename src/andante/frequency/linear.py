"""Linear interest: I = alpha * n + beta * p for n views and p purchases, with the weights given or fitted."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils.validation import check_non_negative

from andante.frequency.interest import Column, ColumnInterest, FloatArray
from andante.vocabulary.fault import SettingsFault


def score_linear(n: npt.ArrayLike, p: npt.ArrayLike, alpha: float, beta: float) -> FloatArray:
    """Return the raw score ``alpha * n + beta * p`` of n views and p purchases: unclipped, no probability.

    Source: first seed, section 4.3. The example of its section 4.6, with the sums right (it prints 6 and
    3.5):

    >>> score_linear([10, 5], [2, 1], alpha=0.5, beta=0.3).round(12).tolist()
    [5.6, 2.8]
    """
    return np.asarray(alpha * np.asarray(n, dtype=np.float64) + beta * np.asarray(p, dtype=np.float64))


class LinearInterest(ColumnInterest):
    """Interest by the first seed's section 4.3: ``I = clip(alpha * n + beta * p, 0, 1)``.

    ``alpha`` and ``beta`` are the interest that one more view and one more purchase bring, each >= 0. A
    weight that is None is fitted by least squares, never below 0, with no constant: with no event there is no
    interest. ``views`` and ``purchases`` choose the columns of X by index or name; they hold counts >= 0,
    where NaN counts as none. Other columns are not read.

    ``calibrate``: given weights, such as the seed's 0.5 and 0.3, soon leave [0, 1] (10 views make 5), and
    clipping then calls every active user 1 and loses their order. With ``calibrate=True`` the score keeps its
    order and is mapped to the probability observed at it, ``I = sigmoid(u + v * log(1 + score))``, with u and
    v by logistic regression and v >= 0: one increasing curve, for a step-wise (isotonic) one would make ties,
    and ties make equal paces of unequal users. The logarithm is there because counts have long tails.

    Learns ``alpha_``, ``beta_``, ``classes_``, and ``calibration_``, the pair (u, v) or None.

    Raises ``SettingsFault`` for a negative weight or an unknown column, and scikit-learn's ``ValueError`` for
    unusable X or y.

    >>> X = [[0, 0], [1, 0], [2, 1], [4, 1]]
    >>> model = LinearInterest(alpha=0.1, beta=0.4).fit(X, [0, 0, 1, 1])
    >>> model.predict_proba(X)[:, 1].round(12).tolist()
    [0.0, 0.1, 0.6, 0.8]
    """

    def __init__(
        self,
        alpha: float | None = None,
        beta: float | None = None,
        *,
        views: Column = 0,
        purchases: Column = 1,
        calibrate: bool = False,
    ) -> None:
        """Store the parameters; ``fit`` checks them."""
        self.alpha = alpha
        self.beta = beta
        self.views = views
        self.purchases = purchases
        self.calibrate = calibrate

    def fit(self, X: Any, y: Any) -> Self:
        """Learn what was not given from X (n users by features) and y (n labels of two classes)."""
        X, engaged = self._learn_classes(X, y)
        counts = self._counts(X)
        self.alpha_, self.beta_ = self._weights(counts, engaged)
        self.calibration_ = _calibration(self._score(counts), engaged) if self.calibrate else None
        return self

    def _interest(self, X: FloatArray) -> FloatArray:
        score = self._score(self._counts(X))
        if self.calibration_ is None:
            return np.clip(score, 0.0, 1.0)
        u, v = self.calibration_
        return np.asarray(expit(u + v * np.log1p(score)))

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: counts are never negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def _counts(self, X: FloatArray) -> FloatArray:
        counts = np.column_stack((self._column(X, self.views), self._column(X, self.purchases)))
        check_non_negative(counts, "LinearInterest (counts of views and purchases)")
        return np.nan_to_num(counts, nan=0.0)

    def _score(self, counts: FloatArray) -> FloatArray:
        return score_linear(counts[:, 0], counts[:, 1], self.alpha_, self.beta_)

    def _weights(self, counts: FloatArray, engaged: FloatArray) -> tuple[float, float]:
        """Return alpha and beta: as given, or by least squares >= 0 on what a given one leaves."""
        given = (self.alpha, self.beta)
        for name, weight in zip(("alpha", "beta"), given, strict=True):
            if weight is not None and not (np.isfinite(weight) and weight >= 0):
                raise SettingsFault(name, weight, "is not a finite number >= 0", "give the interest of one more event")
        free = [weight is None for weight in given]
        weights = np.array([0.0 if weight is None else weight for weight in given])
        if any(free):
            line = LinearRegression(positive=True, fit_intercept=False).fit(counts[:, free], engaged - counts @ weights)
            weights[free] = line.coef_
        return float(weights[0]), float(weights[1])


def _calibration(score: FloatArray, engaged: FloatArray) -> tuple[float, float]:
    """Return (u, v >= 0) of the probability sigmoid(u + v * log(1 + score))."""
    curve = LogisticRegression().fit(np.log1p(score)[:, np.newaxis], engaged)
    u, v = float(curve.intercept_[0]), float(curve.coef_[0, 0])
    if v >= 0:
        return u, v
    rate = float(
        engaged.mean()
    )  # the score ranks the wrong way: better the same interest for all than a reversed order
    return float(np.log(rate / (1 - rate))), 0.0
