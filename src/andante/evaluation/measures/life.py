"""What a measure needs to know of what was lived through: columns by user and week."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from andante.vocabulary.fault import InputFault

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Life(Protocol):
    """What came of a policy, by user and week: `worlds.contract.Lived` is one. Shape [users, weeks] unless said."""

    @property
    def sends(self) -> NDArray[np.uint16]:
        """Pushes delivered."""

    @property
    def opens(self) -> NDArray[np.uint16]:
        """Pushes opened."""

    @property
    def value(self) -> NDArray[np.float32]:
        """The margin of all orders, in money."""

    @property
    def night_sends(self) -> NDArray[np.uint16]:
        """Pushes between 23:00 and 07:00 of the user's clock."""

    @property
    def complaints(self) -> NDArray[np.uint16]:
        """Complaints."""

    @property
    def rating_sum(self) -> NDArray[np.float32]:
        """The sum of the survey's answers, 1 to 5."""

    @property
    def ratings(self) -> NDArray[np.uint16]:
        """How many answers there were."""

    @property
    def subscribed(self) -> Mask:
        """Who was subscribed at the end of the week."""

    @property
    def installed(self) -> Mask:
        """Who still had the app at the end of the week."""

    @property
    def present(self) -> Mask:
        """Who had joined by the end of the week."""

    @property
    def band_low(self) -> Floats:
        """Pushes a week from which the user feels the frequency as right: [users]."""

    @property
    def band_high(self) -> Floats:
        """And up to which: [users]."""


def reachable(life: Life) -> Mask:
    """Return who could be pushed at the end of each week: present, installed and subscribed. Shape [users, weeks]."""
    return np.asarray(life.present & life.installed & life.subscribed)


def totals(column: NDArray[Any], weeks: int | None = None) -> Floats:
    """Return a column's total per user over the first ``weeks``, or all. Shape [users]."""
    return np.asarray(column[:, :weeks].sum(axis=1, dtype=np.float64))


def weeks_present(life: Life, weeks: int | None = None) -> Floats:
    """Return for how many weeks each user had joined, whether pushes were still possible or not. Shape [users].

    It does not depend on the policy, so that nobody looks better by losing users.
    """
    return totals(life.present, weeks)


def check_same_users(*lives: Life) -> None:
    """Raise InputFault where lives are not of the same users in the same weeks."""
    first, *others = lives
    for other in others:
        if other.present.shape != first.present.shape or not np.array_equal(other.present, first.present):
            value = f"{first.present.shape} and {other.present.shape}"
            problem = "are not of the same users and weeks"
            raise InputFault("two policies' outcomes", value, problem, "live both in one world with one seed")
