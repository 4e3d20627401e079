"""Attendance: who comes to the shop in which week, how much, and what a visit should leave in the log.

Drawn apart from everything else, so that a log can be scaled to a wanted number of events before any exists.
"""

from dataclasses import dataclass

import numpy as np

from andante.simulation.chance import Floats, Mask

VISITS_PER_DAY_MEDIAN = 0.055
VISITS_SIGMA = 1.15
"""Visits per day are lognormal over users, near what CDNOW shows: many come seldom, a few come daily."""
STEPS_MEAN = 5.0
SEARCH_FIRST, SEARCH_LATER = 0.35, 0.10
"""Probability that the first step of a visit, and any later one, is a search; every other step is a view."""
FAVORITE_SHARE = 0.03
CART_SHARE = 0.045
CHECKOUT_LOGIT = -0.7
_STAY = 0.85
"""Week-to-week correlation of a user's drifting log intensity."""
_DRIFT_SIGMA = 0.45


@dataclass(frozen=True, slots=True)
class Attendance:
    """A block of users: how often they come week by week, and their way through the shop."""

    activity: Floats  # (users,) standard normal latent behind visits
    visits_per_day: Floats  # (users,) while present
    visits_per_week: Floats  # (users, weeks); 0 in weeks of absence
    joined_day: Floats  # (users,) days after the first day of week 0; -inf: before the log begins
    steps: Floats  # (users,) mean views and searches of a visit
    cart_share: Floats  # (users,) of views
    checkout: Floats  # (users,) probability that a visit with a cart ends in a purchase

    def events_per_visit(self) -> Floats:
        """Return the mean number of events that one visit of each user leaves."""
        views = self.steps - SEARCH_FIRST - (self.steps - 1) * SEARCH_LATER
        return self.steps + views * (FAVORITE_SHARE + self.cart_share * (1 + self.checkout))

    def visits(self, log_days: int) -> Floats:
        """Return the visits expected of each user in a log of ``log_days`` days from day 1 of week 0 on."""
        week_day = 7.0 * np.arange(self.visits_per_week.shape[1])
        begins = np.maximum(week_day, np.maximum(self.joined_day, 1.0)[:, None])
        ends = np.minimum(week_day + 7, log_days + 1.0)
        within = np.clip(ends - begins, 0, 7) / 7
        visits: Floats = (self.visits_per_week * within).sum(axis=1)
        return visits


def attendance(rng: np.random.Generator, users: int, log_days: int, newcomers: float) -> Attendance:
    """Draw the attendance of ``users`` users, a share ``newcomers`` of whom join while the log runs."""
    weeks = -(-(log_days + 2) // 7)  # a day of margin on both sides, for local days that reach into the log
    activity, depth, wish = rng.standard_normal((3, users))
    conversion = 0.3 * activity + np.sqrt(1 - 0.3**2) * wish
    joins = rng.random(users) < newcomers
    joined_day = np.where(joins, 1 + log_days * rng.random(users), -np.inf)
    visits_per_day = VISITS_PER_DAY_MEDIAN * np.exp(VISITS_SIGMA * activity)
    present = _presence(rng, joined_day, weeks)
    return Attendance(
        activity=activity,
        visits_per_day=visits_per_day,
        visits_per_week=7 * visits_per_day[:, None] * present * _drift(rng, users, weeks),
        joined_day=joined_day,
        steps=1 + (STEPS_MEAN - 1) * np.exp(0.4 * depth - 0.08),
        cart_share=np.minimum(CART_SHARE * np.exp(0.5 * conversion - 0.125), 0.5),
        checkout=1 / (1 + np.exp(-CHECKOUT_LOGIT - 0.8 * conversion)),
    )


def _presence(rng: np.random.Generator, joined_day: Floats, weeks: int) -> Mask:
    """Return the weeks in which users are around: they lapse and return with their own probabilities."""
    lapse = rng.beta(1.2, 14, joined_day.size)
    back = rng.beta(1.2, 8, joined_day.size)
    joined_week = np.floor(np.maximum(joined_day, 0) / 7)
    present = np.empty((joined_day.size, weeks), dtype=np.bool_)
    now = rng.random(joined_day.size) < back / (lapse + back)
    for week in range(weeks):
        chance = rng.random(joined_day.size)
        now = np.where(now, chance >= lapse, chance < back)
        now = np.where(np.isfinite(joined_day) & (week <= joined_week), week == joined_week, now)
        present[:, week] = now
    return present


def _drift(rng: np.random.Generator, users: int, weeks: int) -> Floats:
    """Return factors of mean 1 that wander from week to week (an autoregression of their logarithm)."""
    level = rng.standard_normal(users)
    factors = np.empty((users, weeks))
    for week in range(weeks):
        factors[:, week] = np.exp(_DRIFT_SIGMA * level - _DRIFT_SIGMA**2 / 2)
        level = _STAY * level + np.sqrt(1 - _STAY**2) * rng.standard_normal(users)
    return factors
