"""Slots: the sends that the record remembers, for the caps that count them and the outcomes that come of them.

There are 32. When they are full the oldest transactional send makes room, and only then the oldest capped one:
``forgotten_s`` then says so, and every rule whose window it lies in refuses rather than guess. So forgetting can cost
a push, and never a cap.
"""

import numpy as np

from andante.compiled import kernel
from andante.vocabulary.state import SENT_TRANSACTIONAL, SLOTS

NO_SLOT = -1
_LOW_HALF = np.uint64(0xFFFFFFFF)


@kernel
def find(user: np.record, number: int) -> int:
    """Return the slot of the send with this decision's number, or NO_SLOT where the record has forgotten it."""
    low = np.int64(np.uint64(number) & _LOW_HALF)
    for slot in range(SLOTS):
        if np.int64(user.sent_number[slot]) == low and np.int64(user.sent_s[slot]) != 0:
            return slot
    return NO_SLOT


@kernel
def take(user: np.record) -> int:
    """Return the slot that the next send is to use, and forget the send in it, if there is one."""
    capped, transactional = NO_SLOT, NO_SLOT
    for slot in range(SLOTS):
        sent_s = np.int64(user.sent_s[slot])
        if sent_s == 0:
            return slot
        if np.int64(user.sent_scope[slot]) & SENT_TRANSACTIONAL:
            if transactional == NO_SLOT or sent_s < np.int64(user.sent_s[transactional]):
                transactional = slot
        elif capped == NO_SLOT or sent_s < np.int64(user.sent_s[capped]):
            capped = slot
    if transactional != NO_SLOT:
        return transactional
    user.forgotten_s = max(np.int64(user.forgotten_s), np.int64(user.sent_s[capped]))
    return capped


@kernel
def write(user: np.record, slot: int, sent_s: int, number: int, content: int, scope: int) -> None:
    """Write a send into a slot, with no outcome yet."""
    user.sent_s[slot] = sent_s
    user.sent_number[slot] = np.uint64(number) & _LOW_HALF
    user.sent_content[slot] = content
    user.sent_scope[slot] = scope
    user.sent_outcomes[slot] = 0
