"""Duplicates: the same campaign and item again, too soon."""

import numpy as np

from andante.compiled import kernel
from andante.rules import window
from andante.vocabulary.state import SENT_TRANSACTIONAL, SLOTS
from andante.zones.table import Zones


@kernel
def duplicate(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return when the latest send of the same content leaves the window of duplicates, which slides.

    A candidate that names neither campaign nor item is no duplicate of anything. What the record has forgotten may have
    been this content, so it counts.
    """
    if candidate.content == 0 or parameters.duplicate_window_s <= 0:
        return np.int64(at_s)
    latest_s = np.int64(user.forgotten_s)
    for slot in range(SLOTS):
        if user.sent_content[slot] == candidate.content and np.int64(user.sent_scope[slot]) & SENT_TRANSACTIONAL == 0:
            latest_s = max(latest_s, np.int64(user.sent_s[slot]))
    return np.int64(window.left_s(latest_s, parameters.duplicate_window_s, at_s))
