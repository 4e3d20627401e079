"""Why a user has this pace, and what would change it: an additive account of a prediction, in pushes per week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Interest(Protocol):
    """What is explained: a fitted interest estimator."""

    def predict_proba(self, X: Floats, /) -> Floats:
        """Return the chance of each class, shape (n, 2)."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One feature, its value for this user, and how many pushes per week it adds (or, below zero, takes away)."""

    feature: str
    value: float
    per_week: float


@dataclass(frozen=True, slots=True)
class Change:
    """One deed, by its code, and the pace that would follow."""

    deed: str
    per_week: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A user's pace and where it comes from.

    ``usual_per_week`` plus all drivers is ``uncapped_per_week``; ``per_week`` keeps it within the plan's bounds.
    ``drivers`` come strongest first and leave nothing out. ``method`` says how they were found.
    """

    user_id: str
    per_week: float
    uncapped_per_week: float
    interest: float
    usual_per_week: float
    drivers: tuple[Driver, ...]
    changes: tuple[Change, ...]
    method: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The line from interest to pace: f = f_base·I/θ within [f_min, f_max], in pushes per week."""

    f_base: float
    theta: float
    f_min: float
    f_max: float

    def uncapped(self, interest: float) -> float:
        """Return the pace before its bounds."""
        return self.f_base * interest / self.theta

    def pace(self, interest: float) -> float:
        """Return the pace within its bounds."""
        return min(max(self.uncapped(interest), self.f_min), self.f_max)


def explain(  # noqa: PLR0913  an explanation is about all of these
    user_id: str,
    values: Mapping[str, float],
    model: Interest,
    plan: Plan,
    *,
    usual: Sequence[float],
    scenarios: Mapping[str, Mapping[str, float]],
) -> Explanation:
    """Explain one user's pace.

    ``values`` are the user's features in the model's order, ``usual`` the median of each over all users (for
    models that do not account for themselves). A model with ``contributions`` (TreeSHAP: Lundberg, Erion &
    Lee 2018) is taken at its word; of any other, features are moved one after another from the usual value to
    the user's, and each gets the change that it makes.
    """
    names = list(values)
    x = np.array([[*values.values()]])
    interest = float(model.predict_proba(x)[0, 1])
    base, moves, method = _account(model, x, np.asarray(usual, dtype=np.float64))
    unit = plan.f_base / plan.theta
    drivers = [Driver(name, float(x[0, i]), float(moves[i] * unit)) for i, name in enumerate(names) if moves[i] != 0]
    return Explanation(
        user_id=user_id,
        per_week=plan.pace(interest),
        uncapped_per_week=plan.uncapped(interest),
        interest=interest,
        usual_per_week=float(base * unit),
        drivers=tuple(sorted(drivers, key=lambda driver: -abs(driver.per_week))),
        changes=tuple(_changes(model, plan, names, scenarios)),
        method=method,
    )


def _account(model: Any, x: Floats, usual: Floats) -> tuple[float, Floats, str]:
    """Split a prediction into the usual interest and each feature's part of the difference."""
    if hasattr(model, "contributions"):
        parts = model.contributions(x)[0]
        return float(parts[-1]), np.asarray(parts[:-1]), "TreeSHAP"
    path = np.repeat(usual[np.newaxis, :], len(usual) + 1, axis=0)
    for i in range(len(usual)):
        path[i + 1 :, i] = x[0, i]
    levels = model.predict_proba(path)[:, 1]
    return float(levels[0]), np.diff(levels), "one feature after another"


def _changes(
    model: Interest, plan: Plan, names: Sequence[str], scenarios: Mapping[str, Mapping[str, float]]
) -> list[Change]:
    """Predict the pace after each deed."""
    if not scenarios:
        return []
    X = np.array([[after[name] for name in names] for after in scenarios.values()])
    interest = model.predict_proba(X)[:, 1]
    return [Change(deed, plan.pace(float(i))) for deed, i in zip(scenarios, interest, strict=True)]
