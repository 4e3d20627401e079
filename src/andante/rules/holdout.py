"""The holdout: users who are never pushed, so that what pushes bring can be measured against them."""

import numpy as np

from andante import draw
from andante.compiled import kernel
from andante.vocabulary.state import NEVER_S
from andante.zones.table import Zones


@kernel
def holdout(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return never for the share of users that a draw from their key, the same at every decision, holds out.

    Raising the share keeps the users who were held out before (3-methods, Learning).
    """
    share = np.float64(parameters.holdout)
    if share > 0.0 and draw.uniform(parameters.seed, user.key, draw.HOLDOUT) < share:
        return np.int64(NEVER_S)
    return np.int64(at_s)
