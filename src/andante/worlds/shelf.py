"""The shelf: candidates that were shown and can still be sent, with what the world alone knows of them."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from andante.vocabulary.fault import InputFault
from andante.worlds.contract import Floats, Ints, Mask


class Shown(NamedTuple):
    """Candidates, one a place."""

    user: Ints
    expires_s: Ints
    multiplier: Floats  # of the open propensity, in truth
    worth: Floats  # what an order's margin is multiplied by, in truth; 0: there is no order
    leaving: Floats  # what the hazard is multiplied by
    sent: Mask


@dataclass(slots=True)
class Shelf:
    """Candidates by number; those of old batches are dropped when they have all expired."""

    until: int = 0
    """The number of the next candidate."""

    _batches: list[tuple[int, int, Shown]] = field(default_factory=list)  # first number, last expiry, candidates

    def put(self, shown: Shown) -> None:
        """Add the candidates of a tick, and number them."""
        if len(shown.user):
            self._batches.append((self.until, int(shown.expires_s.max()), shown))
            self.until += len(shown.user)

    def drop(self, now_s: int) -> None:
        """Drop batches of which nothing can be sent from this time on."""
        self._batches = [batch for batch in self._batches if batch[1] > now_s]

    def take(self, number: Ints, at_s: Ints) -> Shown:
        """Return the candidates of these numbers, and mark them as sent.

        Raises InputFault, and marks nothing, for one that was never shown, has expired, or is sent twice.
        """
        if len(number) == 0:
            nothing = np.zeros(0, np.int64)
            return Shown(nothing, nothing, np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, np.bool_))
        self._refuse(number, (number < 0) | (number >= self.until), "was never shown", "send numbers that a tick gave")
        self._refuse(number, _repeated(number), "is sent twice in one answer", "send each candidate at most once")
        begins = np.array([begin for begin, _, _ in self._batches], np.int64)
        batch = np.searchsorted(begins, number, side="right") - 1
        found = [np.zeros(len(number), column) for column in (np.int64, np.int64, float, float, float, np.bool_)]
        for which in np.unique(batch):
            inside = batch == which
            if which < 0:
                continue
            begin, _, shown = self._batches[which]
            place = number[inside] - begin
            known = place < len(shown.user)
            rows = np.flatnonzero(inside)[known]
            for column, values in zip(found, shown, strict=True):
                column[rows] = values[place[known]]
        taken = Shown(*found)
        self._refuse(number, taken.expires_s <= at_s, "has expired", "send before expires_s")
        self._refuse(number, taken.sent, "was sent before", "send each candidate at most once")
        for which in np.unique(batch):
            begin, _, shown = self._batches[which]
            shown.sent[number[batch == which] - begin] = True
        return taken

    @staticmethod
    def _refuse(number: Ints, wrong: NDArray[np.bool_], problem: str, action: str) -> None:
        if wrong.any():
            raise InputFault("candidate", int(number[wrong][0]), problem, action)


def _repeated(number: Ints) -> Mask:
    """Return which numbers occurred before in the same array."""
    repeated = np.ones(len(number), np.bool_)
    repeated[np.unique(number, return_index=True)[1]] = False
    return repeated
