"""The clock on the wall: a zone's local time at an instant, when its offset changes next, and where its days begin.

Local time is written as the seconds since 1970-01-01 00:00 that the wall clock shows. A zone that the table does not
hold keeps UTC, so that an unset zone is never a wild read.
"""

import numpy as np

from andante.compiled import kernel
from andante.vocabulary.state import NEVER_S
from andante.zones.table import Zones

DAY_S = 86_400
_DAY = np.uint64(DAY_S)
_SHIFT_S = DAY_S * 2**32  # whole days, to lift what is divided above zero


@kernel
def offset_s(zones: Zones, zone: int, at_s: int) -> np.int64:
    """Return local time less UTC in this zone at this instant."""
    if not _holds(zones, zone):
        return np.int64(0)
    return np.int64(zones.offset_s[_place(zones, zone, at_s)])


@kernel
def local_s(zones: Zones, zone: int, at_s: int) -> np.int64:
    """Return the local time in this zone at this instant."""
    return np.int64(np.int64(at_s) + offset_s(zones, zone, at_s))


@kernel
def next_change_s(zones: Zones, zone: int, at_s: int) -> np.int64:
    """Return the first second after this one from which on another offset holds; NEVER_S where none is known."""
    if not _holds(zones, zone):
        return np.int64(NEVER_S)
    place = _place(zones, zone, at_s) + 1
    return np.int64(zones.at_s[place]) if place < zones.first[np.int64(zone) + 1] else np.int64(NEVER_S)


@kernel
def second_of_day(shown_s: int) -> np.int64:
    """Return how many seconds of its day a clock that shows this local time has shown."""
    # An unsigned remainder by a constant compiles to a multiplication; a signed one does not.
    return np.int64(np.uint64(np.int64(shown_s) + _SHIFT_S) % _DAY)


@kernel
def day_began_s(zones: Zones, zone: int, at_s: int) -> np.int64:
    """Return the first second that shows the same local date as this one: as a rule, the local midnight.

    Where a change skips the midnight, it is the second of the change. Where one shows a date again, the first time
    counts.
    """
    now_s = np.int64(at_s)
    shown_s = local_s(zones, zone, now_s)
    midnight_s = shown_s - second_of_day(shown_s)
    if not _holds(zones, zone):
        return np.int64(midnight_s)
    found_s, ends_s, place = now_s, now_s + 1, _place(zones, zone, now_s)
    while True:
        begins_s = np.int64(zones.at_s[place])
        first_s = max(begins_s, midnight_s - np.int64(zones.offset_s[place]))
        if first_s < ends_s:  # this offset, too, shows the date
            found_s = first_s
        ends_s, place = begins_s, place - 1
        if ends_s < now_s - 2 * DAY_S:  # no date lasts longer
            return found_s


@kernel
def next_day_s(zones: Zones, zone: int, at_s: int) -> np.int64:
    """Return the first second after this one that shows another local date: as a rule, the next local midnight."""
    now_s = np.int64(at_s)
    shown_s = local_s(zones, zone, now_s)
    midnight_s = shown_s - second_of_day(shown_s)
    while midnight_s <= shown_s < midnight_s + DAY_S:
        now_s = min(now_s + midnight_s + DAY_S - shown_s, next_change_s(zones, zone, now_s))
        shown_s = local_s(zones, zone, now_s)
    return now_s


@kernel
def _holds(zones: Zones, zone: int) -> bool:
    return bool(np.int64(zone) < np.int64(zones.count))


@kernel
def _place(zones: Zones, zone: int, at_s: int) -> np.int64:
    """Return the place of the zone's last change at or before this instant."""
    place, beyond = np.int64(zones.first[np.int64(zone)]), np.int64(zones.first[np.int64(zone) + 1])
    while beyond - place > 1:
        middle = (place + beyond) >> 1
        if np.int64(zones.at_s[middle]) <= at_s:
            place = middle
        else:
            beyond = middle
    return place
