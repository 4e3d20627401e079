"""Consent: what the user has agreed to, by channel and by category."""

import numpy as np

from andante.compiled import kernel
from andante.vocabulary.state import NEVER_S
from andante.zones.table import Zones


@kernel
def channel(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return never unless the user has agreed to this channel; transactional messages need it too.

    A refusal always holds. One who was never asked counts as refusing, unless the configuration says
    ``consent.default = "allow"``.
    """
    code = np.int64(candidate.channel)
    if np.int64(user.channels_refused) >> code & 1 != 0:
        return np.int64(NEVER_S)
    if np.int64(user.channels_given) >> code & 1 != 0 or parameters.allows_by_default != 0:
        return np.int64(at_s)
    return np.int64(NEVER_S)


@kernel
def category(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return never when the user has refused this category; one who was never asked has not refused."""
    if np.uint64(user.categories_refused) >> np.uint64(candidate.category) & np.uint64(1) != 0:
        return np.int64(NEVER_S)
    return np.int64(at_s)
