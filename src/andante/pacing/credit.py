"""Credit: the plan of so many pushes a week, as a bucket that fills with time and that every push takes one out of.

It holds no more than ``burst`` pushes, so a user who was not pushed for a month is not owed a month's worth. A new
user has credit for one push, and a fraction of what the bucket holds beyond, drawn from their key: cohorts that
arrive together do not go on together.
"""

import numpy as np

from andante.compiled import kernel
from andante.draw import ARM, ARM_CHOICE, SPREAD, uniform
from andante.pacing.feedback import adjusted, answers, interest_after
from andante.vocabulary.parameters import ADJUST_NOT
from andante.vocabulary.state import NEVER_S

WEEK_S, DAY_S = 604_800, 86_400
FULL = 1.0
"""The credit that one push takes."""

_NEARLY = 1e-6  # credit is kept in 24 bits: less than this below a push is a push
_FAR_S = 2.0**40  # a wait beyond it is no answer
_WEEK_STEP = np.uint64(0x9E3779B1)  # odd; with a week of 32 bits the product stays within 64


@kernel
def pace_per_week(user: np.record, parameters: np.record, at_s: int) -> float:
    """Return the pace to follow: this week's random one if one was drawn, else the adjusted plan, else the default.

    It is clipped to the configured bounds, but 0 stays 0: a plan of no pushes is a plan.
    """
    if in_random_week(user, at_s):
        pace = np.float64(user.arm_per_week)
    elif np.isnan(np.float64(user.plan_per_week)):
        pace = np.float64(parameters.default_per_week)
    else:
        pace = np.float64(user.plan_per_week)
        if pace > 0.0:
            pace += np.float64(user.adjustment)
            return min(max(pace, np.float64(parameters.least_per_week)), np.float64(parameters.most_per_week))
    if pace <= 0.0:
        return 0.0
    return min(max(pace, np.float64(parameters.least_per_week)), np.float64(parameters.most_per_week))


@kernel
def in_random_week(user: np.record, at_s: int) -> int:
    """Return 1 in a week for which this user drew a random pace, else 0."""
    if np.int64(user.arm_week) != np.int64(at_s) // WEEK_S or np.isnan(np.float64(user.arm_per_week)):
        return 0
    return 1


@kernel
def credit_at(user: np.record, parameters: np.record, at_s: int, per_week: float) -> float:
    """Return the credit at this second, in pushes, if it has filled at this pace since it was last settled.

    A pace of 0 empties it: what was saved up under another pace is not sent under this one.
    """
    if per_week <= 0.0:
        return 0.0
    if np.int64(user.credit_s) == 0:
        beyond = max(np.float64(parameters.burst) - FULL, 0.0)
        return float(FULL + beyond * uniform(np.uint64(parameters.seed), np.uint64(user.key), SPREAD))
    elapsed_s = max(np.int64(at_s) - np.int64(user.credit_s), np.int64(0))
    credit = float(np.float64(user.credit) + per_week * np.float64(elapsed_s) / WEEK_S)
    if FULL - _NEARLY < credit < FULL:
        credit = FULL
    return min(credit, max(np.float64(parameters.burst), FULL))


@kernel
def ready_s(credit: float, per_week: float, at_s: int) -> np.int64:
    """Return the first second from ``at_s`` on at which there is credit for a push; NEVER_S at a pace of 0."""
    if per_week <= 0.0:
        return np.int64(NEVER_S)
    if credit >= FULL:
        return np.int64(at_s)
    wait_s = np.ceil((FULL - credit) * WEEK_S / per_week)
    return np.int64(at_s) + np.int64(wait_s) if wait_s < _FAR_S else np.int64(NEVER_S)


@kernel
def settle(user: np.record, credit: float, at_s: int) -> None:
    """Write down the credit as of this second: what was before is forgotten."""
    user.credit = credit
    user.credit_s = at_s


@kernel
def turn_week(user: np.record, parameters: np.record, at_s: int) -> None:
    """At the first decision of a week: settle the old one, let feedback move the pace, draw a random pace or none.

    Weeks are counted from 1970-01-01 UTC, so they turn on Thursdays at 00:00 UTC.
    """
    week, before = np.int64(at_s) // WEEK_S, np.int64(user.arm_week)
    if week <= before:
        return
    _settle_week(user, parameters, before)
    _adjust(user, parameters, before, week)
    _draw_arm(user, parameters, week)
    user.arm_week = week


@kernel
def _settle_week(user: np.record, parameters: np.record, week: int) -> None:
    """Fill the credit to the end of the week that is over at the pace that held in it."""
    end_s = (np.int64(week) + 1) * WEEK_S
    credit_s = np.int64(user.credit_s)
    if credit_s == 0 or credit_s >= end_s:
        return
    per_week = pace_per_week(user, parameters, end_s - 1)
    settle(user, credit_at(user, parameters, end_s, per_week), end_s)


@kernel
def _adjust(user: np.record, parameters: np.record, before: int, week: int) -> None:
    """Apply the formula of feedback once, if a push since the last turn was answered, or met with silence.

    A push has a day to be answered, so the sends that count are those from a day before the last turn to a day before
    this one: each counts in one turn. Without any there is no feedback, and the pace stays.
    """
    plan, theta = np.float64(user.plan_per_week), np.float64(user.theta)
    published = np.float64(user.interest)
    if np.int64(parameters.adjusts) == ADJUST_NOT or not plan > 0.0 or np.isnan(published) or np.isnan(theta):
        return
    answered, sent = answers(user, np.int64(before) * WEEK_S - DAY_S, np.int64(week) * WEEK_S - DAY_S)
    if sent == 0:
        return
    interest = interest_after(published, answered, sent, np.float64(parameters.interest_rate))
    pace = plan + np.float64(user.adjustment)
    user.adjustment = adjusted(pace, interest, theta, parameters) - plan


@kernel
def _draw_arm(user: np.record, parameters: np.record, week: int) -> None:
    """Draw whether the user's pace is random in this week, and which one it is."""
    seed = np.uint64(parameters.seed)
    # A different number for every user and week. Exclusive or, because it cannot overflow.
    number = np.uint64(user.key) ^ (np.uint64(week) * _WEEK_STEP)
    arms = np.int64(parameters.arms)
    user.arm_per_week = np.nan
    if arms > 0 and uniform(seed, number, ARM) < np.float64(parameters.explore):
        choice = np.int64(np.floor(uniform(seed, number, ARM_CHOICE) * arms))
        user.arm_per_week = parameters.arm_per_week[choice]
