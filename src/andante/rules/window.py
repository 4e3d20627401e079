"""The counting window: how many sends the record holds in the last so many seconds, and when there is room again.

Every rule that counts (dial, caps, gap, duplicates, quotas) counts here. A slot counts in a window of W seconds at
time t when its send is later than t − W, sends later than t included; slots are in no order. The record may have
forgotten sends: while the latest forgotten one is in the window, the count is unknown, and there is no room.
"""

import numpy as np

from andante.compiled import kernel
from andante.vocabulary.state import CATEGORY_MASK, CHANNEL_MASK, CHANNEL_SHIFT, NEVER_S, SENT_TRANSACTIONAL, SLOTS

# Which sends count: those whose scope, under the mask, equals the code. No mask lets a transactional send count.
ANY_MASK = SENT_TRANSACTIONAL
OF_CATEGORY_MASK = SENT_TRANSACTIONAL | CATEGORY_MASK
OF_CHANNEL_MASK = SENT_TRANSACTIONAL | CHANNEL_MASK << CHANNEL_SHIFT

_LAST_S = 2**32 - 1
_ONE = np.uint32(1)


@kernel
def room_s(user: np.record, mask: int, code: int, limit: int, window_s: int, at_s: int) -> np.int64:
    """Return the earliest second from ``at_s`` on with fewer than ``limit`` of the masked sends in the window."""
    since_s = max(np.int64(at_s) - np.int64(window_s), np.int64(0))
    if sends_since(user, mask, code, since_s) < limit and np.int64(user.forgotten_s) <= since_s:
        return np.int64(at_s)
    if limit == 0:
        return np.int64(NEVER_S)
    binding_s = max(latest_s(user, mask, code, limit), np.int64(user.forgotten_s))
    return max(np.int64(at_s), binding_s + np.int64(window_s))


@kernel
def sends_since(user: np.record, mask: int, code: int, since_s: int) -> np.int64:
    """Return how many of the masked sends are later than this second."""
    # The slots' own narrow types, compared like with like, let the compiler look at many slots at once.
    after_s, scope_mask, scope = np.uint32(min(max(since_s, 0), _LAST_S)), np.uint16(mask), np.uint16(code)
    counted = np.uint32(0)
    for slot in range(SLOTS):
        if user.sent_s[slot] > after_s and (user.sent_scope[slot] & scope_mask) == scope:
            counted += _ONE
    return np.int64(counted)


@kernel
def latest_s(user: np.record, mask: int, code: int, rank: int) -> np.int64:
    """Return when the ``rank``-th latest of the masked sends went out: the latest for 1; 0 where there are fewer."""
    scope_mask, scope, found_s = np.uint16(mask), np.uint16(code), np.int64(0)
    for slot in range(SLOTS):
        sent_s = np.int64(user.sent_s[slot])
        # This one and all later ones are at least ``rank``: the one we look for is no earlier.
        if (
            sent_s > found_s
            and (user.sent_scope[slot] & scope_mask) == scope
            and sends_since(user, mask, code, sent_s - 1) >= rank
        ):
            found_s = sent_s
    return found_s


@kernel
def left_s(sent_s: int, window_s: int, at_s: int) -> np.int64:
    """Return when a send leaves the window: the earliest second from ``at_s`` on; 0 is no send."""
    return np.int64(at_s) if sent_s == 0 else max(np.int64(at_s), np.int64(sent_s) + np.int64(window_s))
