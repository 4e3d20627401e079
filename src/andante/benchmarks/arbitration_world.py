"""A world in which the least valuable pushes of a day come first, and what comes of each push that is sent in it.

The world is drawn before anybody decides anything: who opens how readily, in which hours, what is offered when, and for
every offer the draws that say whether it is opened, whether it then converts, and after how long. So two policies that
send the same push in the same hour see the same outcome, and whatever differs between them is their own doing. It knows
nothing of how the engine thinks: its numbers are its own.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

START_S = 1_767_571_200  # Monday 2026-01-05 00:00 UTC
DAY_S, HOUR_S = 86_400, 3600

OFFERS_PER_DAY = 3
FROM_HOUR, TO_HOUR = 8.0, 21.0  # offers come between these
LAST_HOUR = 22.0  # and are over at this hour of the same day
VALUE_SPREAD = 1.0  # standard deviation of the logarithm of what a conversion brings
OPENS, SPREAD_OF_OPENS = 0.15, 12.0  # mean open rate at a usual hour, and how alike users are in it
CONVERTS = 0.5  # of what is opened
VISITS_PER_DAY = 1.0
OPENS_AFTER_S, CONVERTS_AFTER_S = 2 * HOUR_S, HOUR_S  # means


class Offer(NamedTuple):
    """One push that could be sent, by user, day and turn within the day."""

    user: int
    day: int
    turn: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of one push: when it is opened and when it converts, None where it does not."""

    opened_s: int | None
    converted_s: int | None


@dataclass(frozen=True, slots=True)
class World:
    """Everything that will happen, and everything that could. Shapes: u users, d days, o offers a day."""

    opens: NDArray[np.float64]  # (u,): probability that a push is opened at a usual hour
    rhythm: NDArray[np.float64]  # (u, 24): how active the user is in each hour; its mean is 1
    visits: list[tuple[int, int]]  # (second, user), in order
    offered_s: NDArray[np.int64]  # (u, d, o), ascending within a day
    value: NDArray[np.float64]  # (u, d, o): what a conversion brings; ascending within a day, unless asked otherwise
    chance: NDArray[np.float64]  # (u, d, o, 2): draws of opening and of converting
    delay_s: NDArray[np.int64]  # (u, d, o, 2): of opening, and of converting after it

    def expires_s(self, offer: Offer) -> int:
        """Return when an offer is over: the evening of its day."""
        return START_S + offer.day * DAY_S + int(LAST_HOUR * HOUR_S)

    def open_rate(self, user: int, at_s: int) -> float:
        """Return the true probability that this user opens a push at this time."""
        return min(1.0, float(self.opens[user] * self.rhythm[user, at_s // HOUR_S % 24]))

    def worth(self, offer: Offer, at_s: int) -> float:
        """Return what a push at this time brings on average."""
        return float(self.value[offer]) * CONVERTS * self.open_rate(offer.user, at_s)

    def outcome(self, offer: Offer, at_s: int) -> Outcome:
        """Return what comes of a push at this time."""
        opening, converting = self.chance[offer]
        if opening >= self.open_rate(offer.user, at_s):
            return Outcome(None, None)
        opened_s = at_s + int(self.delay_s[offer][0])
        return Outcome(opened_s, opened_s + int(self.delay_s[offer][1]) if converting < CONVERTS else None)


def world(users: int, days: int, seed: int, *, rising: bool = True) -> World:
    """Return the world of a seed. Its values rise within each day, or come in any order."""
    draw = np.random.default_rng(seed)
    shape = (users, days, OFFERS_PER_DAY)
    rhythm = _rhythms(users, draw)
    value = draw.lognormal(0.0, VALUE_SPREAD, shape)
    midnight_s = START_S + np.arange(days)[None, :, None] * DAY_S
    offered_s = midnight_s + np.sort(draw.uniform(FROM_HOUR, TO_HOUR, shape), axis=2) * HOUR_S
    return World(
        opens=draw.beta(OPENS * SPREAD_OF_OPENS, (1 - OPENS) * SPREAD_OF_OPENS, users),
        rhythm=rhythm,
        visits=_visits(rhythm, days, draw),
        offered_s=offered_s.astype(np.int64),
        value=np.sort(value, axis=2) if rising else value,
        chance=draw.random((*shape, 2)),
        delay_s=np.rint(draw.exponential((OPENS_AFTER_S, CONVERTS_AFTER_S), (*shape, 2))).astype(np.int64),
    )


def _rhythms(users: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """Return a profile of hours for each user: one peak, between noon and late evening, more or less pronounced."""
    peak_h, sharpness = draw.uniform(11.0, 22.0, (users, 1)), draw.uniform(0.3, 1.5, (users, 1))
    profile = np.exp(sharpness * np.cos(2 * np.pi * (np.arange(24) + 0.5 - peak_h) / 24))
    normal: NDArray[np.float64] = profile / profile.mean(axis=1, keepdims=True)
    return normal


def _visits(rhythm: NDArray[np.float64], days: int, draw: np.random.Generator) -> list[tuple[int, int]]:
    """Return the visits that users make of their own accord, each in an hour of their rhythm."""
    counts = draw.poisson(VISITS_PER_DAY / 24 * np.tile(rhythm, days))  # (u, d * 24)
    user, hour = np.nonzero(counts)
    many = counts[user, hour]
    user, hour = np.repeat(user, many), np.repeat(hour, many)
    at_s = START_S + hour * HOUR_S + draw.integers(0, HOUR_S, len(hour))
    return sorted(zip(at_s.tolist(), user.tolist(), strict=True))
