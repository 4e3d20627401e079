"""The kill switch: an operator has stopped everything, a channel, a category or a campaign."""

import numpy as np

from andante.compiled import kernel
from andante.vocabulary.parameters import STOPPED_CAMPAIGNS_MAX
from andante.vocabulary.state import NEVER_S
from andante.zones.table import Zones


@kernel
def kill_switch(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return never while an operator's stop names this candidate; it binds transactional messages too.

    Counts nothing and asks no clock: it holds until new parameters lift it.
    """
    if parameters.stopped != 0:
        return np.int64(NEVER_S)
    if np.int64(parameters.stopped_channels) >> np.int64(candidate.channel) & 1 != 0:
        return np.int64(NEVER_S)
    if np.uint64(parameters.stopped_categories) >> np.uint64(candidate.category) & np.uint64(1) != 0:
        return np.int64(NEVER_S)
    stopped = False
    for place in range(STOPPED_CAMPAIGNS_MAX):
        stopped |= parameters.stopped_campaigns[place] == candidate.campaign
    return np.int64(NEVER_S) if stopped and candidate.campaign != 0 else np.int64(at_s)
