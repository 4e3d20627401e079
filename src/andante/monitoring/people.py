"""What each user came to in each of the last weeks: for figures whose interval needs users, not counts.

Weeks are of 7 days since 1970 (they turn on Thursdays at 00:00 UTC), as everywhere in the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from andante.monitoring.rings import NEVER, Floats, Int64s

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY_US = 86_400_000_000
WEEK_US = 7 * DAY_US
WEEKS = 6
_FIRST_USERS = 1_024


class People:
    """Sends, days with a visit and purchases per user and week: 7 bytes each, 42 a user, for the first ``most`` users.

    A visit is a day of UTC with any event: whether a shop logs a visit as one event or as twenty, it is one. Days are
    bits, so that the order in which events come changes nothing.
    """

    def __init__(self, most: int) -> None:
        """Begin with nobody."""
        self.most, self.users = most, 0
        self._numbers = np.full(WEEKS, NEVER, np.int64)
        self._head = NEVER
        self._days: NDArray[np.uint8] = np.zeros((WEEKS, 0), np.uint8)
        self._bought: NDArray[np.float32] = np.zeros((WEEKS, 0), np.float32)
        self._sends: NDArray[np.uint16] = np.zeros((WEEKS, 0), np.uint16)

    @property
    def nbytes(self) -> int:
        """The memory that it takes now."""
        return self._days.nbytes + self._bought.nbytes + self._sends.nbytes

    def turn(self, newest_us: int) -> None:
        """Take weeks up to this event time from here on."""
        self._head = max(self._head, newest_us // WEEK_US)

    def send(self, at_us: Int64s, users: Int64s) -> None:
        """Count pushes that asked the plan. Shape of both: [n]."""
        weeks, rows, _, _ = self._places(at_us, users)
        np.add.at(self._sends, (weeks, rows), np.uint16(1))

    def visit(self, at_us: Int64s, users: Int64s, bought: Floats) -> None:
        """Count events, and the money of those that are purchases (0 for others). Shape of all: [n]."""
        weeks, rows, days, kept = self._places(at_us, users)
        np.bitwise_or.at(self._days, (weeks, rows), (1 << days).astype(np.uint8))
        np.add.at(self._bought, (weeks, rows), bought[kept].astype(np.float32))

    def since(self, first: int) -> tuple[Floats, Floats, Floats]:
        """Return sends, visits and purchases since the week of this number. Shape of all: [weeks, users]."""
        numbers = np.arange(first, self._head + 1)
        places = numbers % WEEKS
        known = (self._numbers[places] == numbers)[:, None]
        visits = np.bitwise_count(self._days[places, : self.users])
        tables = (self._sends[places, : self.users], visits, self._bought[places, : self.users])
        sends, visited, bought = (np.where(known, table, 0).astype(np.float64) for table in tables)
        return sends, visited, bought

    def _places(self, at_us: Int64s, users: Int64s) -> tuple[Int64s, Int64s, Int64s, NDArray[np.bool_]]:
        """Return where each of them is counted, their days of the week, and which of them are counted at all."""
        numbers = at_us // WEEK_US
        kept = (numbers <= self._head) & (numbers > self._head - WEEKS) & (users >= 0) & (users < self.most)
        numbers, rows = numbers[kept], users[kept]
        if len(rows):
            self._grow(int(rows.max()) + 1)
        wanted = np.unique(numbers)
        new = wanted[self._numbers[wanted % WEEKS] != wanted]
        for table in (self._days, self._bought, self._sends):
            table[new % WEEKS] = 0
        self._numbers[new % WEEKS] = new
        return numbers % WEEKS, rows, at_us[kept] // DAY_US - numbers * 7, kept

    def _grow(self, users: int) -> None:
        self.users = max(self.users, users)
        held = self._days.shape[1]
        if users <= held:
            return
        width = min(self.most, max(_FIRST_USERS, 2 * held, users))
        more = ((0, 0), (0, width - held))
        self._days, self._bought = np.pad(self._days, more), np.pad(self._bought, more)
        self._sends = np.pad(self._sends, more)
