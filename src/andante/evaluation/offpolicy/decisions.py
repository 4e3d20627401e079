"""Decisions: what a log knows of each decision, and what another policy would have done there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andante.vocabulary.fault import InputFault

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLACK = 1e-9
"""How far sums of probabilities may miss their bounds by rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Logged decisions, one a row. All columns have the shape [decisions].

    A judged policy may do what the log could never have done. What it would do so at each decision is
    ``unsupported``, where that is known; otherwise it can only be estimated, from weights that are too light on
    average. The two expected rewards come from a model that did not learn from the row's own user
    (``expectation.crossfit``).

    Raises InputFault for columns of unequal lengths, none at all, values that are not finite, a propensity outside
    (0, 1] or a probability outside [0, 1]; it names the first row at fault, counted from 0. Source: 3-methods E.

    >>> Decisions(reward=[1, 0], propensity=[0.5, 0.0], target=[1, 1], user=[7, 8])
    Traceback (most recent call last):
    ...
    andante.vocabulary.fault.InputFault: the propensity at row 1 (0) is not within (0, 1]: give the probability with \
which the log's policy took the action, or leave the row out
    """

    reward: Floats
    propensity: Floats  # of the action taken, under the policy that wrote the log
    target: Floats  # the probability that the judged policy gives the action taken
    user: Ints  # whose decisions stand or fall together
    expected_taken: Floats | None = None  # q(x, a): the reward that a model expects of the action taken
    expected_target: Floats | None = None  # Σ_a π(a|x) q(x, a): what it expects of the judged policy
    unsupported: Floats | None = None  # Σ_a π(a|x) over actions that the log could never have taken here

    def __post_init__(self) -> None:
        """Make every column an array of its type, and refuse what cannot be meant."""
        rows = np.size(self.reward)
        if rows == 0:
            raise InputFault("the log", "0 decisions", "cannot be judged", "give at least one decision")
        for name in ("reward", "propensity", "target", "expected_taken", "expected_target", "unsupported"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, _column(name, values, rows))
        object.__setattr__(self, "user", _users(self.user, rows))
        _bounded("propensity", self.propensity, above=0.0)
        _bounded("target", self.target)
        if self.unsupported is not None:
            _bounded("unsupported", self.unsupported)
        if (self.expected_taken is None) != (self.expected_target is None):
            lacking = "expected_taken" if self.expected_taken is None else "expected_target"
            raise InputFault("the model", f"without {lacking}", "is half a model", "give both expectations, or neither")

    def __len__(self) -> int:
        """Return the number of decisions."""
        return len(self.reward)

    @property
    def weight(self) -> Floats:
        """How often the judged policy would take the action for once that the log did: [decisions]."""
        return self.target / self.propensity

    @property
    def cluster(self) -> Ints:
        """The number of each decision's user, counted from 0: [decisions]."""
        return numbered(self.user)


def numbered(users: Ints) -> Ints:
    """Return each one's user as a number counted from 0, without gaps."""
    return np.asarray(np.unique(users, return_inverse=True)[1], dtype=np.int64)


def _column(name: str, values: ArrayLike, rows: int) -> Floats:
    column = np.asarray(values, dtype=np.float64).ravel()
    _as_long(name, len(column), rows)
    strange = np.flatnonzero(~np.isfinite(column))
    if len(strange):
        row = int(strange[0])
        raise InputFault(f"the {name} at row {row}", column[row], "is not a number", "give it, or leave the row out")
    return column


def _users(values: ArrayLike, rows: int) -> Ints:
    column = np.asarray(values).ravel()
    _as_long("user", len(column), rows)
    if not np.issubdtype(column.dtype, np.integer):
        raise InputFault("the users", column.dtype, "are not whole numbers", "number the users")
    return column.astype(np.int64)


def _as_long(name: str, found: int, rows: int) -> None:
    if found != rows:
        problem = f"does not match the {rows} rewards"
        raise InputFault(f"the column {name!r}", f"{found} values", problem, "give one value per decision")


def _bounded(name: str, column: Floats, *, above: float | None = None) -> None:
    low = column <= above if above is not None else column < -SLACK
    strange = np.flatnonzero(low | (column > 1 + SLACK))
    if len(strange):
        row = int(strange[0])
        if above is None:
            problem, action = "is not within [0, 1]", "give a probability"
        else:
            problem = "is not within (0, 1]"
            action = "give the probability with which the log's policy took the action, or leave the row out"
        raise InputFault(f"the {name} at row {row}", f"{column[row]:g}", problem, action)
