"""The ledger: what has come of it all, counted by user and week."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from andante.worlds.contract import Floats, Ints, Lived, Mask
from andante.worlds.moods import Moods
from andante.worlds.people import People

WEEK_H = 168


class Counts(NamedTuple):
    """Columns of ``Lived``, shape [users, weeks]; ``undelivered`` [users]."""

    sends: NDArray[np.uint16]
    opens: NDArray[np.uint16]
    visits: NDArray[np.uint16]
    orders: NDArray[np.uint16]
    value: NDArray[np.float32]
    night_sends: NDArray[np.uint16]
    complaints: NDArray[np.uint16]
    rating_sum: NDArray[np.float32]
    ratings: NDArray[np.uint16]
    subscribed: Mask
    installed: Mask
    present: Mask
    undelivered: Ints


def counts(users: int, weeks: int) -> Counts:
    """Return empty counts."""
    shape = users, weeks
    return Counts(
        sends=np.zeros(shape, np.uint16),
        opens=np.zeros(shape, np.uint16),
        visits=np.zeros(shape, np.uint16),
        orders=np.zeros(shape, np.uint16),
        value=np.zeros(shape, np.float32),
        night_sends=np.zeros(shape, np.uint16),
        complaints=np.zeros(shape, np.uint16),
        rating_sum=np.zeros(shape, np.float32),
        ratings=np.zeros(shape, np.uint16),
        subscribed=np.zeros(shape, np.bool_),
        installed=np.zeros(shape, np.bool_),
        present=np.zeros(shape, np.bool_),
        undelivered=np.zeros(users, np.int64),
    )


def add(column: NDArray[Any], user: Ints, week: int, amount: Floats | int = 1) -> None:
    """Add to the counts of these users in a week; a user named twice counts twice."""
    np.add.at(column[:, week], user, np.asarray(amount).astype(column.dtype))


def close_week(counts: Counts, moods: Moods, people: People, week: int) -> None:
    """Write down how users stand at the end of a week."""
    present = people.joined_h < (week + 1) * WEEK_H
    counts.subscribed[:, week] = moods.subscribed & present
    counts.installed[:, week] = moods.installed & present
    counts.present[:, week] = present


def lived(counts: Counts, people: People) -> Lived:
    """Return the counts as they are: copies, so that a world can go on."""
    columns: dict[str, Any] = {name: column.copy() for name, column in counts._asdict().items()}
    return Lived(**columns, band_low=people.band_low.copy(), band_high=people.band_high.copy())
