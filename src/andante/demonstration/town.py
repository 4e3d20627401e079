"""The town: the reference world, into which others may send too, and whose shoppers may come back after leaving.

What a push does to its shopper, whoever sent it, follows the world's own laws: opens, visits and orders, fatigue, and
leaving. A campaign says two things beside: how much it appeals, and how much it annoys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from andante.vocabulary.fault import InputFault
from andante.worlds.catalogue import nature
from andante.worlds.contract import DAY_S, HOUR_S, SEND
from andante.worlds.offers import CATEGORIES
from andante.worlds.reality import START_S, Reality
from andante.worlds.shelf import Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from andante.worlds.contract import Ints

WEEKS = 104
"""How long a life is, in weeks of the demonstration; then another one begins."""

AWAY_DAYS = 14.0
"""After how long, on average, who has left wants pushes again: a demonstration never runs out of them. Choice."""


class Reached(NamedTuple):
    """A push that has come to a shopper's phone."""

    user: int
    at_s: int
    number: int | None  # of a candidate that this world offered; None: somebody else's
    category: str = ""
    appeal: float = 1.0  # what its chance of being opened is multiplied by
    annoyance: float = 1.0  # what the hazard of leaving is multiplied by


class Town(Reality):
    """The reference world with other senders that are heard, lived through once."""

    def __init__(self, shoppers: int, seed: int, weeks: int = WEEKS) -> None:
        """Draw the people: equal seeds draw the same ones."""
        super().__init__(nature("reference"), shoppers, weeks, seed)
        self._chance = np.random.default_rng(seed)

    def reach(self, pushes: Sequence[Reached]) -> Ints:
        """Let pushes reach phones within the hour that is being lived; return the candidates' numbers, in order.

        A push whose own hour is over reaches its phone now. One that has expired, or came twice, is not looked at: its
        number is -1.
        """
        numbers = np.array([-1 if push.number is None else push.number for push in pushes], np.int64)
        others = np.array([push.number is None for push in pushes], np.bool_)
        numbers[others] = self._offered([push for push in pushes if push.number is None])
        from_s = self._now_s()
        for place in np.argsort([push.at_s for push in pushes], kind="stable"):
            at_s = min(max(pushes[place].at_s, from_s), from_s + HOUR_S - 1)
            try:
                self.take(np.array([(numbers[place], at_s)], SEND))
            except InputFault:  # it came too late
                numbers[place] = -1
        return numbers

    def left(self, rows: Iterable[int]) -> None:
        """Let shoppers be away from the beginning."""
        for row in rows:
            self._moods.subscribed[row] = False
            self._moods.wear[row] = np.inf

    def back(self) -> list[int]:
        """Return who of those who had left wants pushes again from this hour on."""
        moods = self._moods
        away = np.flatnonzero(~moods.subscribed | ~moods.installed)
        chance = HOUR_S / (AWAY_DAYS * DAY_S)
        rows = away[self._chance.random(len(away)) < chance]
        moods.subscribed[rows] = moods.installed[rows] = True
        moods.bounced[rows] = False
        moods.wear[rows] = 0.0
        return [int(row) for row in rows]

    def _offered(self, pushes: Sequence[Reached]) -> Ints:
        """Put what others sent on the shelf, and return the numbers that it got there."""
        first = self._shelf.until
        usual = [self._terms.multipliers[_kind(push.category)] * push.appeal for push in pushes]
        self._shelf.put(
            Shown(
                user=np.array([push.user for push in pushes], np.int64),
                expires_s=np.full(len(pushes), self._now_s() + HOUR_S),
                multiplier=np.array(usual, np.float64),
                worth=np.ones(len(pushes)),
                leaving=np.array([push.annoyance for push in pushes], np.float64),
                sent=np.zeros(len(pushes), np.bool_),
            )
        )
        return np.arange(first, first + len(pushes))


def start_s() -> int:
    """Return the moment that a town begins at, in its own time: a midnight, UTC."""
    return START_S


def compiled(seed: int = 7) -> None:
    """Compile all that a town runs on, or find it compiled: by a little one that nobody sees."""
    town = Town(2, seed, 1)
    for _ in town.ticks():
        town.reach([Reached(0, 0, None)])
        return


def _kind(category: str) -> int:
    """Return the kind of a push by its category; of an unknown one, a plain one."""
    return CATEGORIES.index(category) if category in CATEGORIES else 0
