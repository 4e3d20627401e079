"""Caps: the configured maxima of pushes in sliding windows, over all pushes, of a category, or of a channel.

They count the capped sends of the record, in UTC. Each cap has its own window, and all that apply must have room.
"""

import numpy as np

from andante.compiled import kernel
from andante.rules import window
from andante.vocabulary.parameters import CAP_CATEGORY, CAP_CHANNEL, CAP_GLOBAL
from andante.vocabulary.state import CHANNEL_SHIFT
from andante.zones.table import Zones


@kernel
def global_(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return when every global cap has room: it counts all capped sends."""
    earliest_s = np.int64(at_s)
    for cap in range(parameters.caps):
        if parameters.cap_kind[cap] == CAP_GLOBAL:
            limit, window_s = np.int64(parameters.cap_limit[cap]), parameters.cap_window_s[cap]
            earliest_s = max(earliest_s, window.room_s(user, window.ANY_MASK, 0, limit, window_s, at_s))
    return earliest_s


@kernel
def category(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return when every cap on the candidate's category has room: it counts capped sends of that category."""
    earliest_s, code = np.int64(at_s), np.int64(candidate.category)
    for cap in range(parameters.caps):
        if parameters.cap_kind[cap] == CAP_CATEGORY and np.int64(parameters.cap_code[cap]) == code:
            limit, window_s = np.int64(parameters.cap_limit[cap]), parameters.cap_window_s[cap]
            earliest_s = max(earliest_s, window.room_s(user, window.OF_CATEGORY_MASK, code, limit, window_s, at_s))
    return earliest_s


@kernel
def channel(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return when every cap on the candidate's channel has room: it counts capped sends on that channel."""
    earliest_s, code = np.int64(at_s), np.int64(candidate.channel)
    scope = code << CHANNEL_SHIFT
    for cap in range(parameters.caps):
        if parameters.cap_kind[cap] == CAP_CHANNEL and np.int64(parameters.cap_code[cap]) == code:
            limit, window_s = np.int64(parameters.cap_limit[cap]), parameters.cap_window_s[cap]
            earliest_s = max(earliest_s, window.room_s(user, window.OF_CHANNEL_MASK, scope, limit, window_s, at_s))
    return earliest_s
