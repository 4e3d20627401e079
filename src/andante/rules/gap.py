"""The gap: the least time between two pushes."""

import numpy as np

from andante.compiled import kernel
from andante.rules import window
from andante.zones.table import Zones


@kernel
def gap(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return when the configured gap since the latest capped send, on any channel, has passed."""
    if parameters.gap_s <= 0:
        return np.int64(at_s)
    return np.int64(window.room_s(user, window.ANY_MASK, 0, 1, parameters.gap_s, at_s))
