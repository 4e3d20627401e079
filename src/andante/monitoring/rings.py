"""Rings of buckets: counts by event time, in a fixed number of rows, the oldest of which give way to the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]
Int64s = NDArray[np.int64]

NEVER = -(2**62)
EVERY = slice(None)


class Ring:
    """Counts per bucket of event time: ``buckets`` rows of ``columns`` numbers, 8 bytes each.

    A bucket has a number, its event time divided by its width; its row is that number modulo the rows. What is older
    than the ring is dropped, and so is what is newer than the head, which only ``turn`` moves: one record from a far
    future must not wipe out the present.
    """

    def __init__(self, width_us: int, buckets: int, columns: int) -> None:
        """Begin empty."""
        self.width_us, self.buckets = width_us, buckets
        self.counts: Floats = np.zeros((buckets, columns))
        self._numbers: Int64s = np.full(buckets, NEVER, np.int64)
        self.head = NEVER

    @property
    def nbytes(self) -> int:
        """The memory that it takes, now and ever."""
        return self.counts.nbytes + self._numbers.nbytes

    def turn(self, newest_us: int) -> None:
        """Take buckets up to this event time from here on; the head never goes back."""
        self.head = max(self.head, newest_us // self.width_us)

    def held(self, at_us: Int64s) -> NDArray[np.bool_]:
        """Return which of these times the ring takes. Shape [n]."""
        numbers = at_us // self.width_us
        return np.asarray((numbers <= self.head) & (numbers > self.head - self.buckets))

    def add(self, at_us: Int64s, columns: ArrayLike, amounts: ArrayLike = 1.0) -> None:
        """Add an amount at each of these times and columns, in their order. Shape of all: [n]."""
        kept = self.held(at_us)
        if not kept.any():
            return
        numbers = at_us[kept] // self.width_us
        self._begin(numbers)
        wide = np.broadcast_to(np.asarray(columns, np.int64), at_us.shape)[kept]
        amount = np.broadcast_to(np.asarray(amounts, np.float64), at_us.shape)[kept]
        np.add.at(self.counts, (numbers % self.buckets, wide), amount)

    def rows(self, first: int, last: int, columns: slice = EVERY) -> Floats:
        """Return the buckets with these numbers, both included; zeros where there is nothing. Shape [n, columns]."""
        numbers = np.arange(first, last + 1)
        places = numbers % self.buckets
        rows: Floats = self.counts[:, columns][places]
        rows[self._numbers[places] != numbers] = 0.0
        return rows

    def clear(self, column: int) -> None:
        """Forget a column, so that it may count something else."""
        self.counts[:, column] = 0.0

    def _begin(self, numbers: Int64s) -> None:
        """Empty the rows whose bucket is another one than they held."""
        wanted = np.unique(numbers)
        places = wanted % self.buckets
        new = self._numbers[places] != wanted
        self.counts[places[new]] = 0.0
        self._numbers[places[new]] = wanted[new]
