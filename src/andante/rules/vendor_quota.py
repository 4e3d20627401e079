"""The vendor's quota: how many pushes the maker of the phone takes from one app for one device in a day, and when."""

import numpy as np

from andante.compiled import kernel
from andante.rules import window
from andante.rules.quiet_hours import awake_s
from andante.vocabulary.parameters import NO_QUOTA
from andante.vocabulary.state import CHANNEL_SHIFT, NEVER_S
from andante.zones.clock import day_began_s, next_day_s
from andante.zones.table import Zones


@kernel
def vendor_quota(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return when the vendor of this channel takes another push, on the vendor's wall clock.

    Counts capped sends on this channel since the vendor's midnight. Categories of news have a quota of their own.
    A vendor may also have quiet hours, in which it takes none (5-promises, vendor quotas).
    """
    channel, now_s = np.int64(candidate.channel), np.int64(at_s)
    is_news = np.uint64(parameters.news) >> np.uint64(candidate.category) & np.uint64(1) != 0
    limit = np.int64(parameters.quota_news[channel] if is_news else parameters.quota[channel])
    start_min = np.int64(parameters.quota_quiet_start_min[channel])
    end_min = np.int64(parameters.quota_quiet_end_min[channel])
    if limit == NO_QUOTA and start_min == end_min:
        return now_s
    if limit == 0:
        return np.int64(NEVER_S)
    zone = np.int64(parameters.quota_zone[channel])
    while True:
        taken_s = awake_s(zones, zone, start_min, end_min, now_s)
        if limit != NO_QUOTA:
            taken_s = _room_s(user, channel, limit, zones, zone, taken_s)
        if taken_s == now_s:
            return now_s
        now_s = taken_s


@kernel
def _room_s(user: np.record, channel: int, limit: int, zones: Zones, zone: int, at_s: int) -> np.int64:
    """Return the first second from ``at_s`` on whose local day saw fewer than ``limit`` sends on the channel."""
    now_s, scope, forgotten_s = np.int64(at_s), np.int64(channel) << CHANNEL_SHIFT, np.int64(user.forgotten_s)
    began_s = day_began_s(zones, zone, now_s)
    sent = window.sends_since(user, window.OF_CHANNEL_MASK, scope, began_s - 1)
    if sent < limit and forgotten_s < began_s:
        return now_s
    # Room comes with the first day that begins after this send, which is the last one too many.
    binding_s = max(window.latest_s(user, window.OF_CHANNEL_MASK, scope, limit), forgotten_s)
    while binding_s >= began_s:
        now_s = next_day_s(zones, zone, max(now_s, binding_s))
        began_s = day_began_s(zones, zone, now_s)
    return now_s
