"""The people of a world: what each of them is like, drawn once. No policy ever sees it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from andante.worlds.chance import ONCE, drawn, keys, normals
from andante.worlds.contract import DAY_S, Floats, Ints, Mask
from andante.worlds.nature import Latents, Nature

# What is drawn once: purposes of the moment ONCE.
_ACTIVITY, _OPEN, _LEAVING, _BUYING, _MARGIN, _BAND, _SHIFT, _ZONE, _MEMBER, _KNOWN, _PATIENCE, _UNINSTALLS = range(12)
_FATIGUE_LIFE, _HABITUATION_LIFE, _BOT, _JOINED = range(12, 16)

SEGMENT_VISITS = (1, 4, 12)
"""Known visits from which a user is in segment 1, 2, 3; below, in 0."""

LN_2 = float(np.log(2.0))


class People(NamedTuple):
    """What each user is like, shape [users]. A user's row does not depend on how many others there are."""

    key: NDArray[np.uint64]
    visits_per_day: Floats  # of their own accord, at rest
    open: Floats  # propensity at rest, for a push of usual relevance
    hazard: Floats  # of leaving by one push, at rest
    patience: Floats  # sum of hazards at which the user leaves, exponential with mean 1
    uninstalls: Mask  # when leaving
    buying: Floats  # probability that a visit ends in an order
    margin_log: Floats  # mean of the logarithm of an order's margin
    fatigue_rate: Floats  # decay of F, per second
    habituation_rate: Floats  # decay of H, per second
    bot: Mask
    joined_h: Ints  # hour of the world
    offset_h: Ints
    shift_h: Floats
    band_low: Floats  # pushes a week that are felt as right
    band_high: Floats
    member: Mask
    segment: Ints


def people(nature: Nature, users: int, weeks: int, seed: int) -> People:
    """Draw the people of a seed."""
    key = keys(seed, users)
    active, opening, leaving, buys = _latents(nature.latents, key)
    crowd, visiting, buying = nature.population, nature.visiting, nature.buying
    per_day = visiting.per_day_median * np.exp(visiting.spread * active)
    bot = _once(key, _BOT) < crowd.bots
    middle = _band_middle(nature, key, active, leaving)
    margin_log = np.log(buying.margin_mean) + buying.margin_spread_users * _normal(key, _MARGIN)
    margin_log -= (buying.margin_spread_users**2 + buying.margin_spread_orders**2) / 2
    opening_logit = nature.opening.logit_mean + nature.opening.logit_spread * opening
    member_logit = crowd.member_logit + crowd.member_slope * active
    newcomers = crowd.joining > 0
    return People(
        key=key,
        visits_per_day=per_day,
        open=1 / (1 + np.exp(-opening_logit)),
        hazard=nature.leaving.scale * nature.leaving.hazard_median * np.exp(nature.leaving.hazard_spread * leaving),
        patience=np.where(bot, np.inf, -np.log(_once(key, _PATIENCE))),
        uninstalls=_once(key, _UNINSTALLS) < nature.leaving.uninstalls,
        buying=np.where(bot, 0.0, buying.per_visit * np.exp(buying.spread * buys - buying.spread**2 / 2)),
        margin_log=margin_log,
        fatigue_rate=_rate(nature.opening.fatigue_half_life, nature, key, _FATIGUE_LIFE),
        habituation_rate=_rate(nature.opening.habituation_half_life, nature, key, _HABITUATION_LIFE),
        bot=bot,
        joined_h=np.floor(_once(key, _JOINED) * crowd.joining * weeks * 168).astype(np.int64),
        offset_h=np.array(crowd.zones_h)[(_once(key, _ZONE) * len(crowd.zones_h)).astype(np.int64)],
        shift_h=nature.rhythm.shift_h * _normal(key, _SHIFT),
        band_low=nature.survey.low * middle,
        band_high=nature.survey.high * middle,
        member=_once(key, _MEMBER) < 1 / (1 + np.exp(-member_logit)),
        segment=np.zeros(users, np.int64) if newcomers else _segment(per_day * crowd.known_days, key),
    )


def _latents(latents: Latents, key: NDArray[np.uint64]) -> Floats:
    """Return the four correlated normals, shape [4, users]."""
    correlations = np.eye(4)
    for one, other, value in (
        (0, 1, latents.activity_open),
        (0, 2, latents.activity_leaving),
        (1, 2, latents.open_leaving),
        (0, 3, latents.activity_buying),
    ):
        correlations[one, other] = correlations[other, one] = value
    apart = np.stack([_normal(key, purpose) for purpose in (_ACTIVITY, _OPEN, _LEAVING, _BUYING)])
    # Not by a matrix product, whose rounding may depend on the number of users.
    return np.stack([sum(w * z for w, z in zip(row, apart, strict=True)) for row in np.linalg.cholesky(correlations)])


def _band_middle(nature: Nature, key: NDArray[np.uint64], active: Floats, leaving: Floats) -> Floats:
    """Return the middle of the band: active users bear more, those who leave easily less. Choice."""
    tolerance = 0.5 * active - 0.4 * leaving + 0.7 * _normal(key, _BAND)
    return np.asarray(nature.survey.right_median * np.exp(nature.survey.right_spread * tolerance))


def _rate(half_life_days: float, nature: Nature, key: NDArray[np.uint64], purpose: int) -> Floats:
    lives_s = half_life_days * DAY_S * np.exp(nature.opening.half_life_spread * _normal(key, purpose))
    return np.asarray(LN_2 / lives_s)


def _segment(expected: Floats, key: NDArray[np.uint64]) -> Ints:
    """Return the segment by how often a user was seen before: a Poisson count of what was expected."""
    seen = poisson.ppf(_once(key, _KNOWN), expected)
    return np.asarray(np.searchsorted(SEGMENT_VISITS, seen, side="right"), np.int64)


def _once(key: NDArray[np.uint64], purpose: int) -> Floats:
    return drawn(key, ONCE, purpose)


def _normal(key: NDArray[np.uint64], purpose: int) -> Floats:
    return normals(key, ONCE, purpose)
