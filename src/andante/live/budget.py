"""The budget held live: a shadow price that rises while more goes out than is allowed, and falls while less does.

``μ ← max(0, μ + step · worth · (sent − allowed) / allowed)``, every few minutes of event time: dual descent.
``worth`` is the mean index of what went out meanwhile. The price enters the index of every push alike, so what gives
way first is what is worth least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from andante.live.parameters import next_shadow_price, with_shadow_price

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from andante.settings import Settings

WEEK_S = 604_800


class BudgetController:
    """Counts sends, and says when the price is due to move. One that is not switched on never says so."""

    def __init__(self, settings: Settings) -> None:
        """Take the budget from the settings."""
        budget = settings.budget
        self._per_user_week = budget.per_user_week
        self.on = budget.controller and budget.per_user_week is not None
        self._budget = budget
        self._every_s = int(budget.every.total_seconds())
        self._since_s: int | None = None
        self._sent = 0
        self._worth = 0.0  # sum of what the sends were worth

    def count(self, sent: int, worth: float, at_s: int) -> bool:
        """Count sends that asked the plan, worth so much money together; return whether the price is due to move."""
        if not self.on:
            return False
        self._sent += sent
        self._worth += worth
        if self._since_s is None:
            self._since_s = at_s
        return at_s - self._since_s >= self._every_s

    def moved(self, parameters: NDArray[np.void], users: int, at_s: int) -> NDArray[np.void] | None:
        """Return the parameters with the new price, and begin to count anew; None where the price stays."""
        if self._per_user_week is None or self._since_s is None:
            return None
        allowed = self._per_user_week * users * (at_s - self._since_s) / WEEK_S
        worth = self._worth / self._sent if self._worth > 0.0 else None
        price = next_shadow_price(parameters, self._budget, sent=self._sent, allowed=allowed, worth=worth)
        self._sent, self._worth, self._since_s = 0, 0.0, at_s
        return None if price == parameters["shadow_price"][0] else with_shadow_price(parameters, price)
