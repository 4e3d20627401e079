"""The agenda: what will happen or become known later, by the hour in which it is due.

Each hour has a linked list through columns of entries, so that compiled code writes and takes in constant time. What
falls due after the end of the world is lost, under every policy alike.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from andante.vocabulary.flow import OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.worlds.compiling import kernel
from andante.worlds.contract import HOUR_S, Floats, Ints

# What is due: an outcome by its own code, or one of these. OPENED brings a visit with it.
OPENED = OUTCOME_CODES[OutcomeType.OPENED]
DELIVERED = OUTCOME_CODES[OutcomeType.DELIVERED]
CLICKED = OUTCOME_CODES[OutcomeType.CLICKED]
DISMISSED = OUTCOME_CODES[OutcomeType.DISMISSED]
COMPLAINED = OUTCOME_CODES[OutcomeType.COMPLAINED]
UNSUBSCRIBED = OUTCOME_CODES[OutcomeType.UNSUBSCRIBED]
CONVERTED = OUTCOME_CODES[OutcomeType.CONVERTED]
RATED = OUTCOME_CODES[OutcomeType.RATED]
ORDER, LEAVE, OFFER = 64, 65, 66

NONE = -1

DUE = np.dtype([("candidate", "i8"), ("user", "i8"), ("at_s", "i8"), ("value", "f8"), ("type", "u1")])
"""The layout of OUTCOME; ``candidate`` is -1 where it has to do with none."""


class Agenda(NamedTuple):
    """Entries in columns of equal length, and where the lists begin."""

    candidate: Ints
    user: Ints
    at_s: Ints
    value: Floats
    type: NDArray[np.uint8]
    following: Ints  # the next entry of the same hour, or of the free ones
    first: Ints  # [hours]: the latest entry of each hour
    free: Ints  # [2]: the first free entry, and how many are free


def agenda(hours: int) -> Agenda:
    """Return an agenda of so many hours, with no room yet."""
    return Agenda(
        candidate=np.zeros(0, np.int64),
        user=np.zeros(0, np.int64),
        at_s=np.zeros(0, np.int64),
        value=np.zeros(0),
        type=np.zeros(0, np.uint8),
        following=np.zeros(0, np.int64),
        first=np.full(hours, NONE),
        free=np.array([NONE, 0]),
    )


def with_room(old: Agenda, wanted: int) -> Agenda:
    """Return the agenda with room for so many more entries: the same one, or one of at least twice its length."""
    if old.free[1] >= wanted:
        return old
    length = len(old.at_s)
    more = max(wanted, length, 1024)
    grown = {
        name: np.concatenate([column, np.zeros(more, column.dtype)])
        for name, column in old._asdict().items()
        if name not in {"first", "free"}
    }
    grown["following"][length:] = np.arange(length + 1, length + more + 1)
    grown["following"][-1] = old.free[0]
    return old._replace(**grown, free=np.array([length, old.free[1] + more]))


@kernel
def put(agenda: Agenda, hour: int, start_s: int, kind: int, candidate: int, user: int, at_s: int, value: float) -> None:  # noqa: PLR0913, PLR0917
    """Write down what is due at a time, known from the hour after ``hour`` on. There must be room.

    What is due within the hour itself has been passed: it becomes known in the next one.
    """
    due_h = max(hour + 1, (at_s - start_s) // HOUR_S)
    if due_h >= agenda.first.size:
        return
    place = agenda.free[0]
    agenda.free[0] = agenda.following[place]
    agenda.free[1] -= 1
    agenda.candidate[place] = candidate
    agenda.user[place] = user
    agenda.at_s[place] = at_s
    agenda.value[place] = value
    agenda.type[place] = kind
    agenda.following[place] = agenda.first[due_h]
    agenda.first[due_h] = place


@kernel
def listed(agenda: Agenda, hour: int, places: NDArray[np.int64]) -> int:
    """Free the entries of an hour, write their places, and return how many there are. What they hold stays readable."""
    place, count = agenda.first[hour], 0
    while place != NONE:
        places[count] = place
        count += 1
        following = agenda.following[place]
        agenda.following[place] = agenda.free[0]
        agenda.free[0] = place
        place = following
    agenda.free[1] += count
    agenda.first[hour] = NONE
    return count
