"""The catalogue: every world by its name. Each but the first is a reason why a policy may be wrong."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from andante.vocabulary.fault import InputFault
from andante.worlds.contract import World
from andante.worlds.nature import Nature
from andante.worlds.reality import Reality


class Entry(NamedTuple):
    """A world: one sentence on it, and how it differs from the reference world."""

    sentence: str
    change: Callable[[Nature], Nature]


def _no_fatigue(nature: Nature) -> Nature:
    opening = replace(nature.opening, fatigue=0.0, habituation=0.0)
    return replace(nature, opening=opening, leaving=replace(nature.leaving, fatigue=0.0))


def _threshold_fatigue(nature: Nature) -> Nature:
    """Nothing up to a fatigue of about four pushes a week, and then most is lost. Choice."""
    opening = replace(nature.opening, fatigue=0.0, habituation=0.0, cliff=2.5, beyond=0.2)
    return replace(nature, opening=opening, leaving=replace(nature.leaving, fatigue=0.0, cliff_factor=6.0))


def _mixed_half_lives(nature: Nature) -> Nature:
    """Half-lives from a third to three times as long for two thirds of users. Choice."""
    return replace(nature, opening=replace(nature.opening, half_life_spread=1.0))


def _seasons(nature: Nature) -> Nature:
    """Retail weeks with strong weekends, and each fourth week a promotion. Choice."""
    weekdays = (0.9, 0.85, 0.85, 0.9, 1.0, 1.25, 1.25)
    calendar = replace(
        nature.calendar, weekdays=weekdays, promotion_every_weeks=4, promotion_visits=1.5, promotion_buying=1.3
    )
    return replace(nature, calendar=calendar)


def _drift(nature: Nature) -> Nature:
    """Stronger tastes that half a year turns into unrelated ones, while the shop still goes by the first. Choice."""
    return replace(nature, opening=replace(nature.opening, taste_spread=0.8, taste_turn=90.0 / 26))


def _delivery_loss(nature: Nature) -> Nature:
    return replace(nature, population=replace(nature.population, lost=0.1))


def _bots(nature: Nature) -> Nature:
    return replace(nature, population=replace(nature.population, bots=0.03))


def _newcomers(nature: Nature) -> Nature:
    """All users join within the first three quarters of the weeks, and come twice as often at first. Choice."""
    return replace(nature, population=replace(nature.population, joining=0.75, honeymoon=1.0))


def _other_senders(nature: Nature) -> Nature:
    """Four pushes a week of others, such as transactional ones, on the same screen. Choice."""
    return replace(nature, population=replace(nature.population, rivals_per_week=4.0))


def _clicks_without_value(nature: Nature) -> Nature:
    return replace(nature, offering=replace(nature.offering, bait=0.3))


_ENTRIES: dict[str, Entry] = {
    "reference": Entry(
        "Pushes bring visits, tire, and make some users leave, as published figures say.", lambda one: one
    ),
    "no-fatigue": Entry("Pushes never tire anybody: a cautious policy sends too few.", _no_fatigue),
    "threshold-fatigue": Entry(
        "Pressure does nothing up to a cliff, and beyond it opens collapse and users leave.", _threshold_fatigue
    ),
    "mixed-half-lives": Entry("Each user recovers from pushes at a pace of their own.", _mixed_half_lives),
    "seasons": Entry("Visits and orders follow weekdays and promotion weeks, whatever is sent.", _seasons),
    "drift": Entry("Tastes turn within half a year; what the shop declares as relevant does not.", _drift),
    "delivery-loss": Entry("One push in ten never arrives.", _delivery_loss),
    "bots": Entry("Three users in a hundred open everything within seconds, and never buy.", _bots),
    "newcomers": Entry("Nobody was known before: users join over the weeks, eager at first.", _newcomers),
    "other-senders": Entry(
        "Four pushes a week of other senders tire users, and nobody tells the policy.", _other_senders
    ),
    "clicks-without-value": Entry(
        "Three plain pushes in ten are bait: opened four times as often, never bought from, and resented.",
        _clicks_without_value,
    ),
}

WORLDS: Mapping[str, str] = {name: entry.sentence for name, entry in _ENTRIES.items()}
"""One sentence on each world, by its name."""


def nature(name: str) -> Nature:
    """Return the parameters of a world. Raises InputFault for a name that is none.

    >>> nature("delivery-loss").population.lost
    0.1
    """
    if name not in _ENTRIES:
        raise InputFault("world", name, "is not in the catalogue", f"take one of {', '.join(_ENTRIES)}")
    return _ENTRIES[name].change(Nature())


def world(name: str, users: int, weeks: int, seed: int) -> World:
    """Return a world of this name, with so many users and weeks; equal arguments give equal draws.

    Raises InputFault for a name that is none, and where there is no user or no week.
    """
    for thing, value in (("users", users), ("weeks", weeks)):
        if value < 1:
            raise InputFault(f"number of {thing}", value, "is below 1", "ask for at least one")
    return Reality(nature(name), users, weeks, seed)
