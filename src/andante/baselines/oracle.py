"""The oracle: for every user the best of all constant paces, from response curves that only a world can know.

It is no policy that anybody could have, but the yardstick: how far a plan of one pace a user can go. What it does not
know are the hours and candidates to prefer, so a policy that chooses these well may pass it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from andante.baselines.knapsack import knapsack
from andante.vocabulary.fault import InputFault
from andante.worlds.contract import Floats


class Best(NamedTuple):
    """The best plan: pushes a week and value of every user, shape [users], and the price of a push at the budget."""

    per_week: Floats
    value: Floats
    price: float


@dataclass(frozen=True, slots=True)
class Oracle:
    """Paces in pushes a week, shape [paces], of which each user gets one for good."""

    paces: Floats

    def best(self, curves: Floats, *, sends: Floats | None = None, budget: float | None = None) -> Best:
        """Return the best plan by curves of value, shape [users, paces].

        ``sends`` are those expected at each pace, in pushes per user-week over the horizon of the curves: fewer than
        the pace where users leave; without them, the paces themselves. ``budget`` is in pushes per user-week, of all
        users together. Raises InputFault for shapes that do not match.

        >>> curves = np.array([[0.0, 3.0, 1.0], [0.0, 1.0, 4.0]])
        >>> Oracle(np.array([0.0, 1.0, 2.0])).best(curves).per_week.tolist()
        [1.0, 2.0]
        """
        if curves.ndim != 2 or curves.shape[1] != len(self.paces):  # noqa: PLR2004  users and paces
            raise InputFault("curves", curves.shape, f"are not by {len(self.paces)} paces", "give one column a pace")
        sent = np.broadcast_to(self.paces, curves.shape) if sends is None else sends
        found = knapsack(curves, sent, None if budget is None else budget * len(curves))
        value = np.take_along_axis(curves, found.column[:, None], axis=1)[:, 0]
        return Best(self.paces[found.column], value, found.price)
