"""The dial: the user's own maximum of pushes."""

import numpy as np

from andante.compiled import kernel
from andante.rules import window
from andante.vocabulary.state import NO_DIAL
from andante.zones.table import Zones

DAY_S = 86_400
WEEK_S = 7 * DAY_S


@kernel
def dial(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return when the user has fewer pushes than their own maximum in the last 24 hours and in the last 7 days.

    Counts every capped send, on every channel; both windows slide; 0 means none at all.
    """
    earliest_s = np.int64(at_s)
    per_day, per_week = np.int64(user.max_per_day), np.int64(user.max_per_week)
    if per_day != NO_DIAL:
        earliest_s = max(earliest_s, window.room_s(user, window.ANY_MASK, 0, per_day, DAY_S, at_s))
    if per_week != NO_DIAL:
        earliest_s = max(earliest_s, window.room_s(user, window.ANY_MASK, 0, per_week, WEEK_S, at_s))
    return earliest_s
