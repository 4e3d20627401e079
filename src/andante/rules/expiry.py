"""Expiry: a push that comes too late is worse than none."""

import numpy as np

from andante.compiled import kernel
from andante.vocabulary.state import NEVER_S
from andante.zones.table import Zones


@kernel
def expiry(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return never from the candidate's expiry on; before that second it allows."""
    return np.int64(at_s) if np.int64(at_s) < np.int64(candidate.expires_s) else np.int64(NEVER_S)
