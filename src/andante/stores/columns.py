"""States as columns: what a recovery copies into its arrays without looking at each."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from andante.stores.contract import Checkpoints

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STATES_AT_ONCE = 1_000
"""How many states are held at once: few enough to stay in the cache of the processor."""


def in_columns(entries: Iterable[tuple[int, int, bytes]]) -> Iterator[Checkpoints]:
    """Yield entries (user, position, state) as columns, a block for each run of states of one width."""
    for width, alike in groupby(entries, key=lambda entry: len(entry[2])):
        users, positions, states = zip(*alike, strict=True)
        matrix = np.frombuffer(b"".join(states), np.uint8).reshape(len(states), width)
        yield Checkpoints(np.array(users, np.int64), np.array(positions, np.int64), matrix)
