"""The rhythm of a shop: which day of the week and which minute of the day a visit falls on, in local time."""

from dataclasses import dataclass

import numpy as np

from andante.simulation.chance import Floats, Ints, pick

DAY_MINUTES = 1440
PEAKS_H = (12.5, 20.5)
"""Visits peak at lunch and after dinner: retail apps are busiest from eight to ten in the evening."""
_WEIGHTS = (0.44, 0.56)
_CONCENTRATIONS = (2.6, 3.4)
_FLOOR = 0.155
"""Share of the profile that is flat; with the users' own shifts, 3 to 5 am is at a tenth of the peak."""
WEEKDAYS = np.array([0.98, 0.96, 0.96, 0.97, 1.0, 1.09, 1.07])
"""Relative traffic from Monday to Sunday before a user's own weekend effect."""


def day_profile() -> Floats:
    """Return the share of visits in every minute of the local day: two von Mises peaks on a low floor.

    >>> profile = day_profile()
    >>> round(float(profile.sum()), 6), abs(int(profile.argmax()) / 60 - 20.5) < 0.2
    (1.0, True)
    """
    angle = 2 * np.pi * (np.arange(DAY_MINUTES) + 0.5) / DAY_MINUTES
    profile = np.full(DAY_MINUTES, _FLOOR / DAY_MINUTES)
    for peak_h, weight, concentration in zip(PEAKS_H, _WEIGHTS, _CONCENTRATIONS, strict=True):
        hump = np.exp(concentration * (np.cos(angle - 2 * np.pi * peak_h / 24) - 1))
        profile += (1 - _FLOOR) * weight * hump / hump.sum()
    return profile


@dataclass(frozen=True, slots=True)
class Habits:
    """When each user of a block comes: a shift of the day, and running sums over the days of a week."""

    shift_minutes: Floats  # (users,)
    weekdays_cumulative: Floats  # (users, 7), from the first weekday of the log's weeks


def habits(rng: np.random.Generator, users: int, first_weekday: int) -> Habits:
    """Draw habits: an hour's spread of shifts, and a weekend that each user loves or avoids."""
    weekend = np.exp(0.4 * rng.standard_normal((users, 1)))
    weights = WEEKDAYS * np.where(np.arange(7) >= 5, weekend, 1.0)  # noqa: PLR2004  Saturday is day 5
    weights = np.roll(weights, -first_weekday, axis=1)
    cumulative = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    return Habits(60 * rng.standard_normal(users), cumulative)


def moments(rng: np.random.Generator, own: Habits, user: Ints, week: Ints) -> tuple[Ints, Ints]:
    """Draw when each visit begins: the day (0 is the first of week 0) and the microsecond of that day."""
    day = 7 * week + pick(own.weekdays_cumulative, user, rng.random(user.size))
    minute = np.searchsorted(np.cumsum(day_profile()), rng.random(user.size)) + rng.random(user.size)
    wrapped = (minute + own.shift_minutes[user]) % DAY_MINUTES
    return day, (wrapped * 60e6).astype(np.int64)
