"""Learners of response curves: what comes of a user at each pace, by what is known of the user beforehand.

All are fitted to a randomised pilot, so that a curve's slope is an effect. From plain to rich: one curve for all, one a
segment, one by all features (a ridge whose penalty is chosen by leave-one-out), and that one with a boosted residual.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from sklearn.linear_model import RidgeCV

from andante.baselines.memory import FEATURES
from andante.worlds.contract import Floats

_PENALTIES = np.logspace(-1, 5, 13)
_SEGMENT = FEATURES.index("segment")
_PACE_SCALE = 10.0
_SPREAD_LEAST = 1e-6


class Curves(Protocol):
    """A learner of response curves. It must not use anything that is not known before the pace is assigned."""

    def fit(self, x: Floats, pace: Floats, y: Floats) -> None:
        """Learn from users with features ``x`` [users, features], their assigned pace and what came of it [users]."""

    def predict(self, x: Floats, paces: Floats) -> Floats:
        """Return what comes of each user at each pace, shape [users, paces]."""


@dataclass(slots=True)
class PooledCurve:
    """One curve for all users: a least-squares polynomial in the pace and its root."""

    weights: Floats = field(default_factory=lambda: np.zeros(0), init=False)

    def fit(self, x: Floats, pace: Floats, y: Floats) -> None:
        """Learn the mean at each pace, smoothed. What features explain is not told apart, as pace is random."""
        del x
        self.weights = np.asarray(np.linalg.lstsq(_with_constant(basis(pace)), y, rcond=None)[0], np.float64)

    def predict(self, x: Floats, paces: Floats) -> Floats:
        """Return the same curve for everybody."""
        curve = _with_constant(basis(paces)) @ self.weights
        return np.asarray(np.broadcast_to(curve, (len(x), len(paces))))


@dataclass(slots=True)
class RidgeCurves:
    """A curve by features: features, their squares, powers of the pace, and every product of one with the other.

    With ``by_segment`` the features are the segments alone.
    """

    by_segment: bool = False
    _model: Any = field(default=None, init=False, repr=False)
    _mean: Floats = field(default_factory=lambda: np.zeros(0), init=False, repr=False)
    _spread: Floats = field(default_factory=lambda: np.ones(0), init=False, repr=False)
    _segments: Floats = field(default_factory=lambda: np.zeros(0), init=False, repr=False)

    def fit(self, x: Floats, pace: Floats, y: Floats) -> None:
        """Learn by ridge regression."""
        self._segments = np.unique(x[:, _SEGMENT])
        self._mean, self._spread = x.mean(axis=0), x.std(axis=0)
        self._model = RidgeCV(alphas=_PENALTIES).fit(self._design(x, pace), y)

    def predict(self, x: Floats, paces: Floats) -> Floats:
        """Return a curve for each user."""
        columns = [self._model.predict(self._design(x, np.full(len(x), pace))) for pace in paces]
        return np.column_stack(columns)

    def _design(self, x: Floats, pace: Floats) -> Floats:
        powers = basis(pace)
        told = (x[:, [_SEGMENT]] == self._segments).astype(np.float64) if self.by_segment else self._told(x)
        crossed = (told[:, :, None] * powers[:, None, :]).reshape(len(x), -1)
        return np.hstack((told, powers, crossed))

    def _told(self, x: Floats) -> Floats:
        """Return scaled features and their squares; far-out ones are drawn in, as a curve must not run away there.

        A feature that was the same for everybody in the pilot (the weeks since the start) tells nothing, and is out.
        """
        varies = self._spread > _SPREAD_LEAST
        scaled = np.clip((x[:, varies] - self._mean[varies]) / self._spread[varies], -3, 3)
        return np.hstack((scaled, scaled**2 - 1))


@dataclass(slots=True)
class BoostedCurves:
    """Ridge curves, and boosted trees on what they leave, with the pace among their features."""

    seed: int
    _ridge: RidgeCurves = field(default_factory=RidgeCurves, init=False, repr=False)
    _trees: Any = field(default=None, init=False, repr=False)

    def fit(self, x: Floats, pace: Floats, y: Floats) -> None:
        """Learn the ridge first, then the rest."""
        from lightgbm import LGBMRegressor  # noqa: PLC0415  only those who plan need it

        self._ridge.fit(x, pace, y)
        rest = y - _at(self._ridge, x, pace)
        self._trees = LGBMRegressor(
            n_estimators=60,
            learning_rate=0.05,
            num_leaves=8,
            min_child_samples=max(20, len(x) // 50),
            random_state=self.seed,
            n_jobs=1,
            deterministic=True,
            force_row_wise=True,
            verbose=-1,
        ).fit(np.column_stack((x, pace)), rest)

    def predict(self, x: Floats, paces: Floats) -> Floats:
        """Return a curve for each user."""
        rest = [self._trees.predict(np.column_stack((x, np.full(len(x), pace)))) for pace in paces]
        return np.asarray(self._ridge.predict(x, paces) + np.column_stack(rest))


def basis(pace: Floats) -> Floats:
    """Return the root, the pace and its square, each scaled to about 1. Shape [rows, 3]."""
    share = np.asarray(pace, np.float64) / _PACE_SCALE
    return np.column_stack((np.sqrt(share), share, share**2))


def _with_constant(columns: Floats) -> Floats:
    return np.hstack((np.ones((len(columns), 1)), columns))


def _at(curves: Curves, x: Floats, pace: Floats) -> Floats:
    """Return what the curves say of each user at the user's own pace."""
    paces, place = np.unique(pace, return_inverse=True)
    return np.asarray(curves.predict(x, paces)[np.arange(len(x)), place])
