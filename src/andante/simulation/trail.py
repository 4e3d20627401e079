"""A trail: the events of a block of users as columns of numbers, and where they lie in time and chance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from andante.simulation.chance import Floats, Ints, Mask, named_generator
from andante.vocabulary.event import EventType

KINDS = (EventType.VIEW, EventType.SEARCH, EventType.CART, EventType.FAVORITE, EventType.PURCHASE)
VIEW, SEARCH, CART, FAVORITE, PURCHASE = range(len(KINDS))
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block of users lies: its log's window in time, and its own streams of chance."""

    seed: int
    block: int
    first_user: int  # counted over the whole log
    users: int
    begin_us: int  # UTC midnight of the log's first day
    days: int
    first_weekday: int  # of day 0, the day before the log begins; Monday is 0
    offset_us: int  # local time minus UTC

    def chance(self, name: str) -> np.random.Generator:
        """Return this block's generator for one purpose."""
        return named_generator(self.seed, name, self.block)

    def instant_us(self, day: Ints, local_us: Ints) -> Ints:
        """Return the UTC instants of local times on days; day 0 is the one before the log begins."""
        return self.begin_us + (day - 1) * DAY_US + local_us - self.offset_us

    def within(self, at_us: Ints) -> Mask:
        """Return which instants lie in the log's window."""
        return (at_us >= self.begin_us) & (at_us < self.begin_us + self.days * DAY_US)


@dataclass(frozen=True, slots=True)
class Trail:
    """Events, one per place of the columns; -1 (NaN for money) where an event has no such thing."""

    user: Ints  # within the block
    at_us: Ints  # UTC
    kind: Ints  # an index of KINDS
    item: Ints
    phrase: Ints
    value: Floats

    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """Return the columns in the order of the fields."""
        return self.user, self.at_us, self.kind, self.item, self.phrase, self.value

    def take(self, index: Ints | Mask) -> "Trail":
        """Return the events at these places."""
        return Trail(*(column[index] for column in self.columns()))


def joined(*trails: Trail) -> Trail:
    """Return the events of several trails as one."""
    return Trail(*(np.concatenate(parts) for parts in zip(*(trail.columns() for trail in trails), strict=True)))
