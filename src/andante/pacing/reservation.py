"""Reservation: what this user's slot is worth if it is kept for a better push, or the same one for a better hour.

One user, one slot, the 24 hours ahead: optimal stopping by backward induction. Let X be what a push brings,
exponential with mean m(k) = ``moment.usual`` times the activity of hour k; by then it costs ``moment.cost`` and the
rent C(k) of the slot. An offer comes within an hour with probability a = 1 − exp(−offers / 24). Then, from V(25) = 0
back to hour 1,

    S(k) = max(own(k), V(k + 1))               what is certain in hour k
    V(k) = S(k) + a·m(k)·exp(−(S(k) + cost + C(k)) / m(k))

because E max(X − z, S) = S + m·exp(−(S + z) / m) for an exponential X. The candidate itself stays on offer until it
expires, and what it brings rises and falls with the hours.

*Rent.* Credit beyond ``burst`` is lost, so once the bucket is full, every hour of waiting wastes what would have
gathered: the pace times what a usual push brings, but no more than offers could use. Without it a candidate that
never expires would wait for ever, as tomorrow is always as good as today. With it, and steady offers, the best
threshold x of this problem is where an hour's hope equals an hour's rent, offers·m·exp(−x / m) = pace·m: just as many
offers exceed it as the plan pays for.

*Refill.* Once credit for the next push is there, that push serves the offers that come: from then on only the
candidate itself is worth waiting for. Where pushes are plenty, keeping a slot is worth little.
"""

import numpy as np

from andante.compiled import kernel
from andante.exponential import exp
from andante.pacing import rhythm
from andante.pacing.credit import credit_at
from andante.pacing.response import Moment
from andante.vocabulary.state import NEVER_S, NO_CLOCK
from andante.zones.table import Zones

HOURS_AHEAD = 24
HOURS_PER_DAY, HOURS_PER_WEEK = 24.0, 168.0
_MINUTES = 60
_NEXT_PUSH = 2.0  # credit for this push and for one more


@kernel
def reservation(
    user: np.record,
    moment: Moment,
    parameters: np.record,
    zones: Zones,  # noqa: ARG001  the moment knows the wall clock
    candidate: np.record,
    index_now: float,
    at_s: int,
    per_week: float,
) -> tuple[float, np.int64]:
    """Return what waiting is worth, in money, and the start of the hour in which the candidate should be asked again.

    The latter is the first hour in which the candidate is worth at least what waiting is worth by then; NEVER_S where
    it expires before. The former is weighed with ``patience``: 0 never waits.
    """
    patience = np.float64(parameters.patience)
    arrival, rent = _arrival(moment), _rent(moment, per_week)
    slack_h, refill_h = _slack_and_refill_h(user, parameters, at_s, per_week)
    brings = (index_now + moment.cost) / moment.hour if moment.hour > 0.0 else 0.0
    today, tomorrow = _weekday_factors(user, parameters, moment)
    quiet_from, quiet_to = _quiet_hours(user, parameters)
    hour_now = rhythm.hour_of(moment.shown_s)
    starts_s = np.int64(at_s) - (moment.shown_s - np.int64(rhythm.HOUR_S) * (moment.shown_s // rhythm.HOUR_S))
    starts_s += (HOURS_AHEAD + 1) * rhythm.HOUR_S
    expires_s = np.int64(candidate.expires_s)

    waiting, later_s = 0.0, np.int64(NEVER_S)
    for ahead in range(HOURS_AHEAD, 0, -1):
        starts_s -= rhythm.HOUR_S
        hour, weekday = hour_now + ahead, today
        if hour >= rhythm.HOURS:
            hour, weekday = hour - rhythm.HOURS, tomorrow
        if _is_quiet(hour, quiet_from, quiet_to):
            continue
        activity = weekday
        if moment.hour_scale > 0.0:
            activity *= moment.hour_scale * rhythm.hour_weight(user, parameters, moment.still, hour)
        cost = moment.cost + rent * max(ahead - slack_h, 0.0)
        if starts_s < expires_s:
            own = brings * activity - cost
            if own >= patience * waiting:
                later_s = starts_s
            waiting = max(waiting, own)
        mean = moment.usual * activity
        if ahead <= refill_h and mean > 0.0:
            waiting += arrival * mean * _shrunk((waiting + cost) * (0.0625 / mean))
    return patience * waiting, later_s


@kernel
def _shrunk(part: float) -> float:
    """Return about e^(-16·part) for part ≥ 0: each hour waits for the next one's, so it is short rather than exact.

    It is the 16th power of the series of e^-part up to the cube: off by at most 0.00006, and below 2.4e-8 beyond a
    part of 1.
    """
    part = min(part, 1.0)
    power = (1.0 - part) + part * part * (0.5 - part * (1.0 / 6.0))
    power *= power
    power *= power
    power *= power
    return power * power


@kernel
def _arrival(moment: Moment) -> float:
    """Return the probability that a better-or-worse offer comes within an hour."""
    return float(1.0 - exp(-moment.offers / HOURS_PER_DAY))


@kernel
def _rent(moment: Moment, per_week: float) -> float:
    """Return what an hour of a full bucket wastes, in money."""
    return min(per_week / HOURS_PER_WEEK, moment.offers / HOURS_PER_DAY) * moment.usual


@kernel
def _slack_and_refill_h(user: np.record, parameters: np.record, at_s: int, per_week: float) -> tuple[float, float]:
    """Return in how many hours the bucket is full, and in how many there is credit for a push besides this one."""
    if per_week <= 0.0:
        return np.float64(HOURS_AHEAD), np.float64(HOURS_AHEAD)
    credit = credit_at(user, parameters, at_s, per_week)
    hours_per_push = HOURS_PER_WEEK / per_week
    slack_h = max(np.float64(parameters.burst) - credit, 0.0) * hours_per_push
    return slack_h, max(_NEXT_PUSH - credit, 0.0) * hours_per_push


@kernel
def _weekday_factors(user: np.record, parameters: np.record, moment: Moment) -> tuple[float, float]:
    """Return how active the user's weekday of today is, and that of tomorrow."""
    if moment.weekday_scale <= 0.0:
        return 1.0, 1.0
    weekday = rhythm.weekday_of(moment.shown_s)
    today = moment.weekday_scale * rhythm.weekday_weight(user, parameters, moment.still, weekday)
    next_day = (weekday + 1) % rhythm.WEEKDAYS
    return today, moment.weekday_scale * rhythm.weekday_weight(user, parameters, moment.still, next_day)


@kernel
def _quiet_hours(user: np.record, parameters: np.record) -> tuple[np.int64, np.int64]:
    """Return the user's quiet minutes of the day, else the configured ones; equal where there are none."""
    start_min, end_min = np.int64(user.quiet_start_min), np.int64(user.quiet_end_min)
    if NO_CLOCK in (start_min, end_min):
        start_min, end_min = np.int64(parameters.quiet_start_min), np.int64(parameters.quiet_end_min)
    if NO_CLOCK in (start_min, end_min):
        return np.int64(0), np.int64(0)
    return start_min, end_min


@kernel
def _is_quiet(hour: int, quiet_from: int, quiet_to: int) -> bool:
    """Tell whether this local hour begins in quiet hours. The rules are asked again when the time has come."""
    minute = hour * _MINUTES
    if quiet_from <= quiet_to:
        return quiet_from <= minute < quiet_to
    return minute >= quiet_from or minute < quiet_to
