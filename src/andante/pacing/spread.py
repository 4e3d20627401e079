"""Spread: a time of its own for every deferred push, so that quiet hours do not end in a herd at 08:00:00."""

import numpy as np

from andante.compiled import kernel
from andante.draw import SPREAD, uniform


@kernel
def spread(parameters: np.record, number: int, earliest_s: int, latest_s: int) -> np.int64:
    """Return a second drawn by a decision's number, uniform from the earliest to ``spread_s`` later, or to the latest.

    The latest is no earlier than the earliest; where it is, the earliest is returned.
    """
    from_s = np.int64(earliest_s)
    seconds = min(np.int64(parameters.spread_s), np.int64(latest_s) - from_s)
    if seconds <= np.int64(0):
        return from_s
    chance = uniform(np.uint64(parameters.seed), np.uint64(number), SPREAD)
    return from_s + np.int64(np.floor(chance * (seconds + 1)))
