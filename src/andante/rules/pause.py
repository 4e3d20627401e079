"""The pause: the user wants no pushes for a while."""

import numpy as np

from andante.compiled import kernel
from andante.zones.table import Zones


@kernel
def pause(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return the end of the user's pause, or ``at_s`` when there is none any more."""
    return max(np.int64(at_s), np.int64(user.paused_until_s))
