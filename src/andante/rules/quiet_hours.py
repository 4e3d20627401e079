"""Quiet hours: the part of the day in which the user's phone stays silent."""

import numpy as np

from andante.compiled import kernel
from andante.vocabulary.state import NO_CLOCK
from andante.zones import clock
from andante.zones.table import Zones

_MINUTE_S = 60


@kernel
def quiet_hours(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return the first second that is not quiet on the user's wall clock; transactional messages wait too.

    The user's own hours, and own zone, win over the configured ones.
    """
    zone = np.int64(user.zone)
    if zone == NO_CLOCK:
        zone = np.int64(parameters.zone)
    start_min, end_min = np.int64(user.quiet_start_min), np.int64(user.quiet_end_min)
    if NO_CLOCK in (start_min, end_min):
        start_min, end_min = np.int64(parameters.quiet_start_min), np.int64(parameters.quiet_end_min)
    return np.int64(awake_s(zones, zone, start_min, end_min, at_s))


@kernel
def awake_s(zones: Zones, zone: int, start_min: int, end_min: int, at_s: int) -> np.int64:
    """Return the first second from ``at_s`` on whose local time of day is not in [start, end).

    The interval may pass midnight; equal ends, or NO_CLOCK, are no interval. Where the clock jumps, the local time on
    each side decides: an hour that is shown twice is quiet twice, and an end that is skipped has come with the jump.
    """
    now_s = np.int64(at_s)
    if start_min in (end_min, NO_CLOCK) or end_min == NO_CLOCK:
        return now_s
    start_s = np.int64(start_min) * _MINUTE_S
    quiet_s = np.int64(end_min) * _MINUTE_S - start_s
    if quiet_s < 0:
        quiet_s += clock.DAY_S  # it passes midnight
    while True:
        into_s = clock.second_of_day(clock.local_s(zones, zone, now_s) - start_s)
        if into_s >= quiet_s:
            return now_s
        over_s, change_s = now_s + quiet_s - into_s, clock.next_change_s(zones, zone, now_s)
        if over_s < change_s:
            return np.int64(over_s)
        now_s = change_s
