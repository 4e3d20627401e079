"""What a model expects of every action, learned from the log without the user who is judged.

A model that has seen a decision's reward repeats its luck, and the correction of the doubly robust estimators vanishes.
So users are split into folds, and each fold's rewards are expected by a model of the other folds' users.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold

from andante.evaluation.offpolicy.decisions import Floats, Ints
from andante.vocabulary.fault import InputFault, NotEnoughData

FOLDS = 5


class Expectation(NamedTuple):
    """The two columns that Decisions takes. Shape [decisions]."""

    taken: Floats  # q(x, a): of the action taken
    target: Floats  # Σ_a π(a|x) q(x, a): of the judged policy


def crossfit(  # noqa: PLR0913  a log has its columns
    context: ArrayLike,
    action: ArrayLike,
    reward: ArrayLike,
    policy: ArrayLike,
    user: ArrayLike,
    *,
    model: BaseEstimator,
    seed: int,
    folds: int = FOLDS,
) -> Expectation:
    """Learn the expected reward by folds of users, for the action taken and for the judged policy.

    ``context`` is [decisions, features] of float, ``action`` whole numbers from 0, ``policy`` the judged policy's
    probabilities [decisions, actions]. ``model`` is any scikit-learn regressor, or a classifier of rewards 0 and 1; it
    is cloned, and given the context beside one column an action (1 for the one taken).

    Raises InputFault for columns that do not match, NotEnoughData for fewer users than folds. Source: Chernozhukov et
    al. 2018 (cross-fitting); 3-methods D.

    >>> draw = np.random.default_rng(1)
    >>> action = draw.integers(2, size=200)
    >>> found = crossfit(
    ...     np.zeros((200, 1)), action, 3.0 * action, [[0.5, 0.5]] * 200, np.arange(200), model=ridge(), seed=1
    ... )
    >>> bool(np.allclose(found.taken, 3 * action, atol=0.1)), bool(np.allclose(found.target, 1.5, atol=0.1))
    (True, True)
    """
    features, chosen = np.asarray(context, dtype=np.float64), np.asarray(action).ravel()
    outcome, chances = np.asarray(reward, dtype=np.float64).ravel(), np.asarray(policy, dtype=np.float64)
    owner = np.asarray(user).ravel()
    _refuse(features, chosen, outcome, chances, owner)
    people = len(np.unique(owner))
    if people < folds:
        raise NotEnoughData("the log", f"{people} users", f"cannot be split into {folds} folds", "bring more users")
    taken, target = np.empty(len(chosen)), np.zeros(len(chosen))
    for learned, held in GroupKFold(folds, shuffle=True, random_state=seed).split(features, groups=owner):
        fitted = clone(model).fit(_rows(features[learned], chosen[learned], chances.shape[1]), outcome[learned])
        for one in range(chances.shape[1]):
            expected = _expect(fitted, _rows(features[held], np.full(len(held), one), chances.shape[1]))
            target[held] += chances[held, one] * expected
            mine = chosen[held] == one
            taken[held[mine]] = expected[mine]
    return Expectation(taken, target)


def ridge() -> BaseEstimator:
    """Return a linear model, its penalty chosen by leaving one out: fast, and hard to overfit."""
    return RidgeCV(np.logspace(-2, 4, 7))


def boosted(seed: int) -> BaseEstimator:
    """Return boosted trees, for logs of many thousand decisions whose rewards depend on more than sums."""
    from lightgbm import LGBMRegressor  # noqa: PLC0415  slow to import, and needed by few

    return LGBMRegressor(
        n_estimators=100,
        learning_rate=0.05,
        num_leaves=15,
        min_child_samples=50,
        random_state=seed,
        n_jobs=1,
        verbose=-1,
    )


def _rows(features: Floats, action: Ints, actions: int) -> Floats:
    """Return the context beside one column an action."""
    return np.hstack([features, np.eye(actions)[action]])


def _expect(model: Any, rows: Floats) -> Floats:
    if not is_classifier(model):
        return np.asarray(model.predict(rows), dtype=np.float64)
    if len(model.classes_) == 1:  # the fold knows one outcome only
        return np.full(len(rows), float(model.classes_[0]))
    return np.asarray(model.predict_proba(rows) @ model.classes_, dtype=np.float64)


def _refuse(features: Floats, action: Ints, reward: Floats, policy: Floats, user: Ints) -> None:
    """Refuse columns that do not match."""
    rows = len(reward)
    lengths = {"context": len(features), "action": len(action), "policy": len(policy), "user": len(user)}
    for name, found in lengths.items():
        if found != rows:
            problem = f"does not match the {rows} rewards"
            raise InputFault(f"the column {name!r}", f"{found} values", problem, "give one row per decision")
    if not np.issubdtype(action.dtype, np.integer) or action.min() < 0 or action.max() >= policy.shape[1]:
        span, remedy = f"{action.min()} to {action.max()}", f"number the actions from 0 to {policy.shape[1] - 1}"
        raise InputFault("the actions", span, "do not match the policy's columns", remedy)
