"""Visits: who comes when, and which two categories each visit is about."""

from dataclasses import dataclass

import numpy as np

from andante.simulation.attendance import Attendance
from andante.simulation.chance import Floats, Ints, Mask, pick, zipf_shares
from andante.simulation.rhythm import Habits, habits, moments
from andante.simulation.trail import DAY_US, Place

TASTE_CONCENTRATION = 4.0
"""Sum of the Dirichlet weights behind each user's taste: a handful of favourite categories each."""
CATEGORY_EXPONENT = 0.8


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits of a block, one per place."""

    user: Ints
    at_us: Ints  # UTC, of the first step
    steps: Ints  # views and searches, at least 1
    focus: Ints  # the category that the visit is about
    aside: Ints  # another one that it looks into


def taste(rng: np.random.Generator, users: int, categories: int) -> Floats:
    """Draw every user's running shares of the categories: Dirichlet around the shop's Zipf popularity."""
    popularity = zipf_shares(categories, CATEGORY_EXPONENT)
    weights = rng.standard_gamma(TASTE_CONCENTRATION * popularity, (users, categories))
    weights += 1e-9 * popularity  # gammas of small shape can all round to zero
    return np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)


def visits(place: Place, crowd: Attendance, tastes: Floats, scale: float) -> Visits:
    """Draw all visits of a block that begin in the log's window; ``scale`` multiplies how often people come.

    Nobody is in a log who left no trace: whom these draws never bring comes once, at any time.
    """
    rng = place.chance("visits")
    own = habits(place.chance("habits"), crowd.activity.size, place.first_weekday)
    counts = rng.poisson(crowd.visits_per_week * scale)
    user, week = np.nonzero(counts)
    repeats = counts[user, week]
    user, week = np.repeat(user, repeats), np.repeat(week, repeats)
    day, local_us = moments(rng, own, user, week)
    at_us = place.instant_us(day, local_us)
    kept = place.within(at_us) & (day >= np.floor(crowd.joined_day[user]))  # newcomers have no past
    once, once_us = _once(place, own, np.bincount(user[kept], minlength=crowd.activity.size) == 0)
    user = np.concatenate([user[kept], once])
    return Visits(
        user=user,
        at_us=np.concatenate([at_us[kept], once_us]),
        steps=rng.geometric(1 / crowd.steps[user]),
        focus=pick(tastes, user, rng.random(user.size)),
        aside=pick(tastes, user, rng.random(user.size)),
    )


def _once(place: Place, own: Habits, absent: Mask) -> tuple[Ints, Ints]:
    """Return the users who would leave no trace, and the one moment at which each comes."""
    rng = place.chance("one visit")
    user = np.flatnonzero(absent)
    _, local_us = moments(rng, own, user, np.zeros(user.size, dtype=np.int64))
    at_us = place.instant_us(rng.integers(1, place.days + 1, user.size), local_us)
    return user, place.begin_us + (at_us - place.begin_us) % (place.days * DAY_US)
