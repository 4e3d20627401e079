"""Faults: what is wrong with real logs (repeats, robots, cancellations, broken lines), made on purpose."""

from dataclasses import dataclass, fields

import numpy as np

from andante.simulation.chance import Ints
from andante.simulation.trail import DAY_US, PURCHASE, VIEW, Place, Trail, joined
from andante.vocabulary.fault import SettingsFault


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of what goes wrong; the default is a clean log. Each is in [0, 1)."""

    duplicates: float = 0.0  # of the events; each is there twice, with the same event_id
    bots: float = 0.0  # of the rows; all by one account that looks at items day and night
    cancellations: float = 0.0  # of the purchase lines; each comes again, negative, within three days
    bad_rows: float = 0.0  # broken lines for every good one; CSV only

    def __post_init__(self) -> None:
        """Refuse shares outside [0, 1)."""
        for field in fields(self):
            share = getattr(self, field.name)
            if not 0 <= share < 1:
                raise SettingsFault(f"faults.{field.name}", share, "is no share", "give a number from 0 up to 1")


def with_bots(place: Place, trail: Trail, share: float, items: int) -> Trail:
    """Add views by one account after the block's users: this share of all rows, evenly over all hours."""
    rng = place.chance("bots")
    count = round(trail.user.size * share / (1 - share))
    at_us = place.begin_us + 1000 * rng.integers(0, place.days * DAY_US // 1000, count)
    nothing = np.full(count, -1)
    visits = Trail(
        user=np.full(count, place.users),
        at_us=at_us,
        kind=np.full(count, VIEW),
        item=rng.integers(0, items, count),
        phrase=nothing,
        value=np.full(count, np.nan),
    )
    return joined(trail, visits)


def with_cancellations(place: Place, trail: Trail, share: float) -> Trail:
    """Add a negative line for this share of the purchase lines, some hours or days later."""
    rng = place.chance("cancellations")
    lines = np.flatnonzero(trail.kind == PURCHASE)
    undone = trail.take(lines[rng.random(lines.size) < share])
    at_us = undone.at_us + 1000 * rng.integers(3_600_000, 3 * DAY_US // 1000, undone.at_us.size)
    negative = Trail(undone.user, at_us, undone.kind, undone.item, undone.phrase, -undone.value)
    return joined(trail, negative.take(place.within(at_us)))


def repeated(place: Place, rows: int, share: float) -> Ints:
    """Return the places of ``rows`` rows in order, where this share of them is there twice."""
    rng = place.chance("duplicates")
    return np.repeat(np.arange(rows), 1 + (rng.random(rows) < share))


def broken_lines(first: int, count: int) -> list[str]:
    """Return CSV lines that no reader can use: no user, no such time, type or number, or half a line.

    >>> broken_lines(0, 2)[1]
    'x00000001,u0000001,view,the day before,i0000001,audio,,'
    """
    kinds = (
        "x{n:08d},,view,2026-01-05 12:00:00Z,i0000001,audio,,",
        "x{n:08d},u0000001,view,the day before,i0000001,audio,,",
        "x{n:08d},u0000001,teleport,2026-01-05 12:00:00Z,i0000001,audio,,",
        "x{n:08d},u0000001,purchase,2026-01-05 12:00:00Z,i0000001,audio,,a lot",
        "x{n:08d},u000",
    )
    return [kinds[number % len(kinds)].format(n=number) for number in range(first, first + count)]
