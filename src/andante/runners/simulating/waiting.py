"""The waiting room of a simulation: the one of :mod:`andante.live.waiting`, as columns.

It keeps a row for each candidate that waits. What comes out is the same in the same order: all that is due for one user
as one question, of one campaign and item the newest, and of more than a question can hold the newest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from andante.vocabulary.flow import CANDIDATE, CANDIDATES_MAX
from andante.vocabulary.state import NEVER_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.worlds.contract import Ints

WAITING = np.dtype(
    [
        ("origin", "i8"),  # number of the decision that deferred it; candidates of one origin wait as one request
        ("user", "i8"),
        ("last_s", "i8"),  # it is stale at this second
        ("place", "i8"),  # within its request
        ("number", "i8"),  # of the candidate in its world
        ("candidate", CANDIDATE),
    ],
    align=True,
)
"""A candidate that waits."""

_FIRST_ROOM = 1024
_UNNAMED = np.uint64(1 << 63)


class Due(NamedTuple):
    """What is asked again: a row a candidate, those of one user together, in the order of asking."""

    rows: NDArray[np.void]  # WAITING
    users: Ints  # one an asked user
    first: Ints  # where the candidates of each begin
    many: Ints  # and how many there are


class WaitingColumns:
    """Deferred candidates of many users."""

    def __init__(self, users: int) -> None:
        """Begin with nobody waiting."""
        self._rows = np.zeros(_FIRST_ROOM, WAITING)
        self._due_s = np.full(_FIRST_ROOM, NEVER_S)  # of a free place: never
        self._free = np.arange(_FIRST_ROOM)[::-1].copy()  # a stack: the first free places are taken first
        self._free_count = _FIRST_ROOM
        self._of_user = np.zeros(users, np.int64)

    def __len__(self) -> int:
        """Return how many candidates wait."""
        return len(self._rows) - self._free_count

    def add(self, rows: NDArray[np.void], due_s: Ints) -> None:
        """Let candidates wait, each until it is due."""
        while self._free_count < len(rows):
            self._grow()
        self._free_count -= len(rows)
        places = self._free[self._free_count : self._free_count + len(rows)]
        self._rows[places], self._due_s[places] = rows, due_s
        np.add.at(self._of_user, rows["user"], 1)

    def take_due(self, now_s: int) -> Due | None:
        """Take out what is due by now, merged by user; None where nothing is.

        Users come in the order of the time at which the first of theirs was due.
        """
        places = np.flatnonzero(self._due_s <= now_s)
        if not len(places):
            return None
        users, turns = _turns(self._rows["user"][places], self._due_s[places], self._rows["origin"][places])
        places = self._with_crowded(places)
        rows = self._leave(places)
        turn = turns[np.searchsorted(users, rows["user"])]
        rows = rows[np.lexsort((rows["place"], rows["origin"], turn))]
        rows["candidate"]["expires_s"] = np.minimum(rows["candidate"]["expires_s"], rows["last_s"])
        return _asked(_newest(rows))

    def _with_crowded(self, places: Ints) -> Ints:
        """Add everything that waits for those for whom more waits than one question can hold."""
        users = self._rows["user"][places]
        crowded = np.unique(users[self._of_user[users] > CANDIDATES_MAX])
        if not len(crowded):
            return places
        waiting = np.flatnonzero(self._due_s < NEVER_S)
        theirs = waiting[np.isin(self._rows["user"][waiting], crowded)]
        return np.union1d(places, theirs)

    def _leave(self, places: Ints) -> NDArray[np.void]:
        rows = self._rows[places]
        self._due_s[places] = NEVER_S
        self._free[self._free_count : self._free_count + len(places)] = places
        self._free_count += len(places)
        np.subtract.at(self._of_user, rows["user"], 1)
        return rows

    def _grow(self) -> None:
        room = len(self._rows)
        self._rows = np.concatenate([self._rows, np.zeros(room, WAITING)])
        self._due_s = np.concatenate([self._due_s, np.full(room, NEVER_S)])
        free = self._free[: self._free_count]
        self._free = np.empty(2 * room, np.int64)
        self._free[: room + len(free)] = np.concatenate([np.arange(room, 2 * room)[::-1], free])
        self._free_count += room


def _turns(users: Ints, due_s: Ints, origin: Ints) -> tuple[Ints, Ints]:
    """Return users, sorted, and the turn of each: by what was due first, of equals by what was deferred first."""
    known, first = np.unique(users[np.lexsort((origin, due_s))], return_index=True)
    return known, np.argsort(np.argsort(first))


def _newest(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Keep, of one user's candidates of the same campaign and item, the newest. Users stand together."""
    content = rows["candidate"]["content"].astype(np.uint64)
    campaign = rows["candidate"]["campaign"].astype(np.uint64)
    named = np.where(content == 0, _UNNAMED | rows["number"].astype(np.uint64), campaign << np.uint64(32) | content)
    order = np.lexsort((named, rows["user"]))  # stable: the newest is the last of its name
    same = (np.diff(named[order]) == 0) & (np.diff(rows["user"][order]) == 0)
    if not same.any():
        return rows
    kept = np.ones(len(rows), bool)
    kept[order[:-1][same]] = False
    return rows[kept]


def _asked(rows: NDArray[np.void]) -> Due:
    """Cut rows into one question a user, each of at most so many candidates: the newest."""
    first = np.flatnonzero(np.append(True, np.diff(rows["user"]) != 0))
    count = np.diff(np.append(first, len(rows)))
    if count.max() > CANDIDATES_MAX:
        ends = np.repeat(first + count, count)
        rows = rows[ends - np.arange(len(rows)) <= CANDIDATES_MAX]
        count = np.minimum(count, CANDIDATES_MAX)
        first = np.cumsum(count) - count
    return Due(rows, rows["user"][first], first, count)
