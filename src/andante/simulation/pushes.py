"""Pushes that a shop sent, and what came of them: responses tire, ratings fall with too few or too many.

The number of pushes of each user-week is drawn at random, independent of the user, so a log of it can teach
what another number would have done. Shapes follow what is published (click rates, fatigue, opt-outs); levels
are raised so that a log of some thousand users already shows them.
"""

from dataclasses import dataclass

import numpy as np

from andante.simulation.attendance import Attendance
from andante.simulation.chance import Floats, Ints, pick
from andante.simulation.outcomes import Sent, leaving, ratings, responses
from andante.simulation.trail import DAY_US, Place
from andante.simulation.visits import taste
from andante.vocabulary.fault import SettingsFault
from andante.vocabulary.message import SENT, OutcomeType

ROW_TYPES = (
    SENT,
    OutcomeType.DELIVERED,
    OutcomeType.OPENED,
    OutcomeType.CLICKED,
    OutcomeType.CONVERTED,
    OutcomeType.UNSUBSCRIBED,
    OutcomeType.RATED,
)
"""The types of rows that a log of pushes holds, in the order in which they can follow each other."""
FROM_HOUR, TO_HOUR = 8, 22
"""Pushes go out at these hours of the local day."""
TASTE_SHARE = 0.5
"""Share of pushes in a category that is drawn by the user's taste; the others are on any category."""


@dataclass(frozen=True, slots=True)
class Pushes:
    """How a shop pushed: each reachable user got 0 to ``per_week_max`` pushes, drawn evenly every week."""

    per_week_max: int = 10
    reachable: float = 0.8  # share of users that take pushes at all
    rated: float = 0.1  # share of user-weeks with a push that end in a rating from 1 to 5

    def __post_init__(self) -> None:
        """Refuse numbers that make no log."""
        if self.per_week_max < 1:
            raise SettingsFault("pushes.per_week_max", self.per_week_max, "is too small", "give at least 1")
        for name in ("reachable", "rated"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsFault(f"pushes.{name}", getattr(self, name), "is no share", "give a number from 0 to 1")


@dataclass(frozen=True, slots=True)
class History:
    """Rows of a message log as columns of numbers, in the order of time."""

    push: Ints  # counts the pushes of the block
    user: Ints  # within the block
    kind: Ints  # an index of ROW_TYPES
    at_us: Ints  # UTC
    category: Ints
    rating: Floats  # NaN where a row has none


def push_history(place: Place, crowd: Attendance, pushes: Pushes, categories: int) -> History:
    """Return every push of a block of users and its outcomes, as far as they lie in the log's window.

    Who unsubscribes gets no more pushes. Opening takes minutes to hours, converting days.
    """
    sent = _schedule(place, crowd, pushes, categories)
    leaves, still = leaving(place, sent)
    sent, leaves = sent.take(still), leaves[still]
    delivered, opened, clicked, converted = responses(place, crowd, sent)
    delivered_us = sent.at_us + _delay_us(place, "deliver", sent, 5.0, 1.0)
    opened_us = delivered_us + _delay_us(place, "open", sent, 3600.0, 1.3)
    clicked_us = opened_us + _delay_us(place, "click", sent, 20.0, 0.8)
    converted_us = clicked_us + _delay_us(place, "convert", sent, 86_400.0, 1.0)
    left_us = delivered_us + _delay_us(place, "leave", sent, 600.0, 1.0)
    rated, rated_us, rating = ratings(place, crowd, sent, leaves, pushes.rated)
    every = np.ones(sent.user.size, dtype=np.bool_)
    instants = (sent.at_us, delivered_us, opened_us, clicked_us, converted_us, left_us, rated_us)
    happened = (every, delivered, opened, clicked, converted, leaves, rated)
    push = np.concatenate([np.flatnonzero(which) for which in happened])
    at_us = np.concatenate([at[which] for at, which in zip(instants, happened, strict=True)])
    kind = np.repeat(np.arange(len(ROW_TYPES)), [int(which.sum()) for which in happened])
    order = np.argsort(at_us, kind="stable")
    order = order[place.within(at_us[order])]
    push, kind = push[order], kind[order]
    scores = np.where(kind == ROW_TYPES.index(OutcomeType.RATED), rating[push], np.nan)
    return History(push, sent.user[push], kind, at_us[order], sent.category[push], scores)


def _schedule(place: Place, crowd: Attendance, pushes: Pushes, categories: int) -> Sent:
    """Draw who is pushed when, with a number per user-week that depends on nothing but chance."""
    rng = place.chance("pushes")
    users, weeks = crowd.activity.size, -(-place.days // 7)
    known = np.floor(crowd.joined_day / 7)[:, None] < np.arange(weeks)  # newcomers are pushed from their next week on
    reached = (rng.random((users, 1)) < pushes.reachable) & known
    counts = np.where(reached, rng.integers(0, pushes.per_week_max + 1, (users, weeks)), 0)
    user, week = np.nonzero(counts)
    repeats = counts[user, week]
    user, week = np.repeat(user, repeats), np.repeat(week, repeats)
    day = 7 * week + rng.integers(0, 7, user.size)
    local_us = (rng.uniform(FROM_HOUR, TO_HOUR, user.size) * 3_600_000).astype(np.int64) * 1000
    at_us = place.begin_us + day * DAY_US + (local_us - place.offset_us) % DAY_US
    suits = rng.random(user.size) < TASTE_SHARE
    tastes = taste(place.chance("taste"), users, categories)
    category = np.where(suits, pick(tastes, user, rng.random(user.size)), rng.integers(0, categories, user.size))
    order = np.lexsort((at_us, user))
    order = order[place.within(at_us[order])]
    return Sent(user, at_us, week, category, suits).take(order)


def _delay_us(place: Place, name: str, sent: Sent, median_s: float, sigma: float) -> Ints:
    """Draw lognormal delays, at least a millisecond."""
    seconds = median_s * np.exp(sigma * place.chance(f"delay {name}").standard_normal(sent.user.size))
    return 1000 * (1 + (seconds * 1000).astype(np.int64))
