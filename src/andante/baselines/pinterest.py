"""Pinterest's notification volume: raise k while the marginal long-term activity, net of unsubscribes, is worth it.

Zhao, Narita, Orten and Egan, "Notification volume control and optimization system at Pinterest", KDD 2018. Every week
each user gets a budget of pushes: a model predicts the activity a(u, k) at each volume, another the probability of an
unsubscribe, which costs the activity that the user would have had with pushes over the one without them; k is raised
from the lowest while what one more push adds exceeds a threshold, and the threshold is set so that the volume of all
fits.

Chosen where the source is silent, or its text not within reach: *activity* is visits a week (the paper optimises active
days, and names any metric as possible); *models* are Poisson regressions on person-weeks of a pilot with random k; an
unsubscribe costs ``HORIZON_WEEKS`` weeks of the difference; steps of k are those of the pilot's paces.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import PoissonRegressor

from andante.baselines.curves import basis
from andante.baselines.memory import Memory
from andante.baselines.pilot import Pilot
from andante.baselines.random_pace import PACES
from andante.vocabulary.fault import NotEnoughData
from andante.worlds.contract import Floats

HORIZON_WEEKS = 26.0
ROWS_MAX = 150_000
"""Person-weeks that are learned from at most."""

_ROWS_MIN = 500
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Volumes:
    """The models of activity and of unsubscribes."""

    activity: Any
    unsubscribes: Any
    mean: Floats
    spread: Floats
    uninstalls: float  # share of those who unsubscribe who are gone altogether
    paces: Floats
    horizon_weeks: float = HORIZON_WEEKS

    def utility(self, features: Floats) -> Floats:
        """Return long-term activity, visits a week net of what unsubscribes cost, shape [users, paces]."""
        told = (features - self.mean) / self.spread
        rows = [_design(told, np.full(len(told), pace)) for pace in self.paces]
        active = np.column_stack([self.activity.predict(row) for row in rows])
        leaves = -np.expm1(-np.column_stack([self.unsubscribes.predict(row) for row in rows]))
        without = (1 - self.uninstalls) * active[:, [0]]
        return np.asarray(active - leaves * self.horizon_weeks * np.maximum(active - without, 0.0))

    def plan(self, memory: Memory, allowance: float | None) -> Floats:
        """Return pushes a week by user. Without an allowance the threshold is 0: what is net gain is sent."""
        who = np.flatnonzero(memory.reachable)
        paces = np.zeros(memory.crowd.users)
        if not len(who):
            return paces
        marginal = np.diff(self.utility(memory.features()[who]), axis=1) / np.diff(self.paces)
        threshold = 0.0
        if allowance is not None:
            threshold = self._threshold(marginal, max(allowance, 0.0) * memory.crowd.users)
        paces[who] = self.paces[raised(marginal, threshold)]
        return paces

    def _threshold(self, marginal: Floats, budget: float) -> float:
        """Return the lowest threshold, not below 0, at which the volume of all is within the budget."""
        low, high = 0.0, float(marginal.max(initial=0.0)) + 1e-9
        if self.paces[raised(marginal, 0.0)].sum() <= budget:
            return 0.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.paces[raised(marginal, middle)].sum() > budget else (low, middle)
        return high


def raised(marginal: Floats, threshold: float) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the volume of each user, as a column: raised while one more push adds more than the threshold.

    ``marginal`` has the shape [users, steps]. What comes after the first step that does not pay is not looked at.

    >>> raised(np.array([[3.0, 2.0, 1.0], [3.0, 0.5, 9.0], [0.0, 0.0, 0.0]]), 1.5).tolist()
    [2, 1, 0]
    """
    return np.asarray((np.cumprod(marginal > threshold, axis=1)).sum(axis=1), np.int64)


def fit_volumes(pilot: Pilot, *, seed: int) -> Volumes:
    """Fit both models to the person-weeks of a pilot in which the user could be pushed.

    Raises NotEnoughData where there are too few.
    """
    user, week = np.nonzero(pilot.reached)
    if len(user) < _ROWS_MIN:
        raise NotEnoughData("pilot", f"{len(user)} person-weeks", "is too small", f"give at least {_ROWS_MIN}")
    if len(user) > ROWS_MAX:
        some = np.sort(np.random.default_rng([seed, 5]).choice(len(user), ROWS_MAX, replace=False))
        user, week = user[some], week[some]
    x = pilot.features[user, week].astype(np.float64)
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    design = _design((x - mean) / spread, pilot.assigned[user, week])
    lived = pilot.lived
    left = ~(lived.subscribed & lived.installed)[user, week]
    activity = PoissonRegressor(alpha=1e-3, solver="newton-cholesky").fit(design, lived.visits[user, week])
    unsubscribes = PoissonRegressor(alpha=1e-3, solver="newton-cholesky").fit(design, left)
    gone = int((~lived.subscribed | ~lived.installed)[:, -1].sum())
    uninstalls = float((~lived.installed)[:, -1].sum()) / gone if gone else 0.0
    return Volumes(activity, unsubscribes, mean, spread, uninstalls, np.array(PACES))


def _design(told: Floats, pace: Floats) -> Floats:
    told = np.clip(told, -3, 3)
    powers = basis(pace)
    crossed = (told[:, :, None] * powers[:, None, :]).reshape(len(told), -1)
    return np.hstack((told, told**2, powers, crossed))
