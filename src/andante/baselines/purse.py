"""A purse: what may still be sent under a budget in pushes per user-week."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from andante.worlds.contract import WEEK_S, Crowd


@dataclass(slots=True)
class Purse:
    """Holds ``budget * users * weeks`` pushes for a crowd, or without a budget any number."""

    crowd: Crowd
    budget: float | None
    spent: int = field(default=0, init=False)

    @property
    def left(self) -> int | None:
        """How many pushes may still go out; None: any number."""
        if self.budget is None:
            return None
        return int(self.budget * self.crowd.users * self.crowd.weeks) - self.spent

    def allowance(self, at_s: int) -> float | None:
        """Return pushes per user-week from now on that use up what is left; None: any number."""
        left = self.left
        if left is None:
            return None
        weeks = max(self.crowd.weeks - (at_s - self.crowd.start_s) / WEEK_S, 1e-9)
        return left / (self.crowd.users * weeks)

    def pay(self, sends: NDArray[np.void]) -> NDArray[np.void]:
        """Return the sends that can be paid for, the earliest first, and pay for them."""
        going = sends if self.left is None else sends[: max(self.left, 0)]
        self.spent += len(going)
        return going
