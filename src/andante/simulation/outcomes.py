"""Outcomes of pushes: how interest, fatigue and a user's own band of right frequency make responses."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from andante.simulation.attendance import VISITS_PER_DAY_MEDIAN, VISITS_SIGMA, Attendance
from andante.simulation.chance import Floats, Ints, Mask, places
from andante.simulation.rhythm import DAY_MINUTES, day_profile
from andante.simulation.trail import DAY_US, Place

FATIGUE_HALF_LIFE_DAYS, HABITUATION_HALF_LIFE_DAYS = 3.0, 15.0
FATIGUE_EFFECT, HABITUATION_EFFECT = 0.22, 0.03
"""A response is multiplied by exp(-effect times pressure); a push presses by 1, less with its half-life."""
OPEN_LOGIT = -1.4
OPT_OUT = 0.0015
"""Probability to unsubscribe at a push without pressure; multiplied by exp(fatigue effect times fatigue)."""
DELIVERED_SHARE, CLICKED_SHARE, CONVERTED_SHARE = 0.97, 0.35, 0.15
"""Delivered of sent, clicked of opened, converted of clicked."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Pushes of a block, sorted by user, then time."""

    user: Ints
    at_us: Ints  # UTC
    week: Ints  # since the log's first day
    category: Ints
    suits: Mask  # whether the category was chosen by the user's taste

    def take(self, index: Ints | Mask) -> "Sent":
        """Return the pushes at these places."""
        return Sent(self.user[index], self.at_us[index], self.week[index], self.category[index], self.suits[index])


def bands(place: Place, crowd: Attendance) -> tuple[Floats, Floats]:
    """Return the weekly pushes that each user feels as right, from and to: more for those who come often."""
    noise = place.chance("bands").standard_normal(crowd.activity.size)
    middle = np.clip(np.exp(np.log(3.5) + 0.35 * crowd.activity + 0.25 * noise), 1.0, 8.0)
    return 0.75 * middle, 1.25 * middle


def pressure(user: Ints, at_us: Ints, half_life_days: float) -> Floats:
    """Return the decayed count of earlier pushes at every push; rows are sorted by user, then time.

    >>> pressure(np.array([0, 0, 0, 1]), DAY_US * np.array([0, 3, 6, 6]), 3.0).tolist()
    [0.0, 0.5, 0.75, 0.0]
    """
    felt = np.zeros(user.size)
    rank = places(np.unique(user, return_counts=True)[1])
    by_rank = np.argsort(rank, kind="stable")
    edges = np.cumsum(np.bincount(rank)) if user.size else np.zeros(1, dtype=np.int64)
    for begin, end in pairwise(edges):  # all users' second pushes, then all third ones
        now = by_rank[begin:end]
        passed_days = (at_us[now] - at_us[now - 1]) / DAY_US
        felt[now] = (felt[now - 1] + 1) * 0.5 ** (passed_days / half_life_days)
    return felt


def leaving(place: Place, sent: Sent) -> tuple[Mask, Mask]:
    """Return which pushes make their user unsubscribe, and which are sent because the user is still there."""
    fatigue = pressure(sent.user, sent.at_us, FATIGUE_HALF_LIFE_DAYS)
    leaves = place.chance("opt-out").random(sent.user.size) < OPT_OUT * np.exp(FATIGUE_EFFECT * fatigue)
    earlier: Ints = np.cumsum(leaves) - leaves
    own = np.repeat(*_firsts(sent.user, earlier))
    return leaves, earlier == own


def _firsts(user: Ints, running: Ints) -> tuple[Ints, Ints]:
    """Return the running value at each user's first row, and how many rows the user has."""
    first, counts = np.unique(user, return_index=True, return_counts=True)[1:]
    return running[first], counts


def responses(place: Place, crowd: Attendance, sent: Sent) -> tuple[Mask, Mask, Mask, Mask]:
    """Return which pushes were delivered, opened, clicked and converted, each among the one before.

    A push is opened by interest (how much the user comes in that week, an openness of the user's own, whether
    the category suits, the hour), less fatigue and habituation.
    """
    rng = place.chance("responses")
    fatigue = pressure(sent.user, sent.at_us, FATIGUE_HALF_LIFE_DAYS)
    habituation = pressure(sent.user, sent.at_us, HABITUATION_HALF_LIFE_DAYS)
    weary = np.exp(-FATIGUE_EFFECT * fatigue - HABITUATION_EFFECT * habituation)
    opens = _openness(place, crowd, sent) * weary
    delivered = rng.random(sent.user.size) < DELIVERED_SHARE
    opened = delivered & (rng.random(sent.user.size) < opens)
    clicked = opened & (rng.random(sent.user.size) < CLICKED_SHARE)
    converted = clicked & (rng.random(sent.user.size) < CONVERTED_SHARE)
    return delivered, opened, clicked, converted


def _openness(place: Place, crowd: Attendance, sent: Sent) -> Floats:
    """Return the probability that each push is opened by a user who is not weary."""
    own = place.chance("openness").standard_normal(crowd.activity.size)
    usual = np.log((crowd.visits_per_week + 0.02) / (7 * VISITS_PER_DAY_MEDIAN)) / VISITS_SIGMA
    coming = np.clip(usual, -2, 3)[sent.user, sent.week]
    relevance = np.where(sent.suits, 0.4, -0.4)
    profile = day_profile()
    minute = (sent.at_us + place.offset_us) % DAY_US // (DAY_US // DAY_MINUTES)
    hour = 0.6 + 0.4 * profile[minute] / profile.max()
    opens: Floats = hour / (1 + np.exp(-OPEN_LOGIT - 0.7 * coming - 0.5 * own[sent.user] - relevance))
    return opens


def ratings(place: Place, crowd: Attendance, sent: Sent, leaves: Mask, share: float) -> tuple[Mask, Ints, Floats]:
    """Return which pushes are rated, when, and how (1 to 5): a share of the user-weeks with a push.

    A rating falls with the distance of the week's pushes from the user's band, with noise. It stands on the
    last push of its week and is given before the week ends. A week in which the user left has none.
    """
    rng = place.chance("ratings")
    changes = (np.diff(sent.user) != 0) | (np.diff(sent.week) != 0)
    last = np.append(changes, np.ones(min(sent.user.size, 1), dtype=np.bool_))  # the last push of a user-week
    pushed = np.zeros(sent.user.size, dtype=np.int64)
    pushed[last] = np.diff(np.flatnonzero(last), prepend=-1)
    right_from, right_to = (edge[sent.user] for edge in bands(place, crowd))
    distance = 0.6 * np.maximum(right_from - pushed, 0) + 0.5 * np.maximum(pushed - right_to, 0)
    felt = 4.6 - distance + 0.5 * rng.standard_normal(sent.user.size)
    given = last & ~leaves & (rng.random(sent.user.size) < share)
    week_end_us = place.begin_us + (sent.week + 1) * 7 * DAY_US
    at_us = sent.at_us + 1 + (rng.random(sent.user.size) * (week_end_us - sent.at_us - 1)).astype(np.int64)
    return given, at_us, np.clip(np.round(felt), 1, 5)
