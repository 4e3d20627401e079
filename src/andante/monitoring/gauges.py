"""Gauges: what surveys said of the population, the latest of each hour, and how its plans have drifted.

The population stability index compares two histograms: Σ (a - b) log(a / b) over the bands' shares a now and b then.
Below 0.1 is usually called stable and from 0.25 on a shift (Siddiqi 2006, "Credit Risk Scorecards"). By chance alone
it is about (bands - 1) (1/n + 1/m) for n and m draws (Yurdakul & Naranjo 2020), so with few users it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from andante.live.instants import micros
from andante.monitoring.columns import PLAN_BASE, PLAN_EDGES
from andante.vocabulary.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from andante.monitoring.rings import Floats
    from andante.monitoring.tally import Tally

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
WEEK_US = 7 * DAY_US
STABLE, SHIFTED = 0.1, 0.25
CHANCE_MAX = 0.05
"""So large the index may be by chance alone before it is too early to tell."""

HALF = 0.5


class GroupLike(Protocol):
    """Users that a survey takes together."""

    @property
    def by(self) -> str:
        """What they have in common: "all" for everybody."""
        ...

    @property
    def reachable(self) -> int:
        """How many may be pushed on some channel."""
        ...

    @property
    def plan_mean(self) -> float | None:
        """Pushes per week that are planned."""
        ...

    @property
    def pace_mean(self) -> float | None:
        """Pushes per week that are followed."""
        ...

    @property
    def satisfaction_mean(self) -> float | None:
        """Between 0 and 1."""
        ...

    @property
    def plan_histogram(self) -> Sequence[int]:
        """Users by planned pushes per week."""
        ...


class SurveyLike(Protocol):
    """What is said of the population at a time."""

    @property
    def at(self) -> datetime:
        """Event time."""
        ...

    @property
    def budget_per_user_week(self) -> float | None:
        """Pushes, where there is a budget."""
        ...

    @property
    def shadow_price(self) -> float:
        """What one more push costs, in money."""
        ...

    @property
    def groups(self) -> Sequence[GroupLike]:
        """One of them is of all users."""
        ...


class Drift(Record, frozen=True, omit_defaults=False):
    """How far the plans of now are from those of a week ago."""

    words: Literal["drift.stable", "drift.watch", "drift.shifted", "drift.too_early"]
    index: float | None  # population stability index; None where it is too early
    by_chance: float | None  # what it is about where nothing changed
    source: Literal["surveys", "decisions", "none"]  # decisions count users as often as they are asked about
    now: tuple[float, ...]  # shares of the bands
    then: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Gauged:
    """One survey, in short."""

    at_us: int
    values: dict[str, float | None]
    histogram: tuple[int, ...]


GAUGES = ("plan_mean", "pace_mean", "satisfaction_mean", "shadow_price", "budget_per_user_week", "users_reachable")


class Gauges:
    """The latest survey of each minute of the last two days, and of each hour of the history: some 3,700 at most."""

    def __init__(self, history_us: int) -> None:
        """Begin without any."""
        self._history_us = history_us
        self._minutes: dict[int, Gauged] = {}
        self._hours: dict[int, Gauged] = {}
        self._latest: Gauged | None = None

    def note(self, survey: SurveyLike) -> None:
        """Keep what a survey says of all users."""
        everybody = next(group for group in survey.groups if group.by == "all")
        at_us = micros(survey.at)
        values = {
            **{name: getattr(everybody, name) for name in ("plan_mean", "pace_mean", "satisfaction_mean")},
            **{name: getattr(survey, name) for name in ("shadow_price", "budget_per_user_week")},
            "users_reachable": everybody.reachable,
        }
        gauged = Gauged(at_us, values, tuple(everybody.plan_histogram))
        for kept, width_us, back_us in (
            (self._minutes, MINUTE_US, 2 * DAY_US),
            (self._hours, HOUR_US, self._history_us),
        ):
            kept[at_us // width_us] = gauged
            for old in [number for number in kept if number < (at_us - back_us) // width_us]:
                del kept[old]
        if self._latest is None or at_us >= self._latest.at_us:
            self._latest = gauged

    def columns(self, starts_us: Sequence[int], width_us: int) -> dict[str, Any]:
        """Return each gauge as of the end of buckets that begin at these times; None where no survey was taken."""
        fine = starts_us[0] >= (max(self._minutes, default=0) - 2 * DAY_US // MINUTE_US) * MINUTE_US
        kept = sorted((self._minutes if fine else self._hours).values(), key=lambda one: one.at_us)
        times = np.array([one.at_us for one in kept], np.int64)
        last = np.searchsorted(times, np.array(starts_us, np.int64) + width_us) - 1
        found = [
            kept[place] if place >= 0 and kept[place].at_us >= start else None
            for place, start in zip(last.tolist(), starts_us, strict=True)
        ]
        return {name: tuple(None if one is None else one.values[name] for one in found) for name in GAUGES}

    def histogram(self) -> tuple[int, ...]:
        """Return the users by plan of the latest survey."""
        return () if self._latest is None else self._latest.histogram

    def pair(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Return the histograms of the latest survey and of the one nearest to a week before, within a day of it."""
        if self._latest is None:
            return None
        wanted = self._latest.at_us - WEEK_US
        near = [one for one in self._hours.values() if abs(one.at_us - wanted) <= DAY_US]
        if not near:
            return None
        return self._latest.histogram, min(near, key=lambda one: abs(one.at_us - wanted)).histogram


def drift(tally: Tally, gauges: Gauges, now_us: int) -> Drift:
    """Compare plans with those of a week of event time ago: of surveys, or of what decisions followed in a day."""
    pair = gauges.pair()
    if pair is not None and len(pair[0]) == len(pair[1]) and any(pair[0]) and any(pair[1]):
        return _drift(np.array(pair[0], float), np.array(pair[1], float), "surveys")
    last = now_us // HOUR_US
    days = [tally.hours.rows(end - 23, end).sum(axis=0) for end in (last, last - WEEK_US // HOUR_US)]
    now, then = (day[PLAN_BASE : PLAN_BASE + len(PLAN_EDGES) + 1] for day in days)
    return _drift(now, then, "decisions")


def stability(now: Floats, then: Floats) -> float:
    """Return the population stability index of two histograms; half a count is added to every band.

    >>> stability(np.array([50.0, 50.0]), np.array([50.0, 50.0]))
    0.0
    """
    a, b = ((counts + HALF) / (counts + HALF).sum() for counts in (now, then))
    return float(np.sum((a - b) * np.log(a / b)))


def _drift(now: Floats, then: Floats, source: Literal["surveys", "decisions"]) -> Drift:
    if not now.sum() or not then.sum():
        return Drift(words="drift.too_early", index=None, by_chance=None, source="none", now=(), then=())
    bands = int(((now + then) > 0).sum())
    chance = max(bands - 1, 1) * float(1 / now.sum() + 1 / then.sum())
    shares = tuple((now / now.sum()).tolist()), tuple((then / then.sum()).tolist())
    if chance > CHANCE_MAX:
        return Drift(
            words="drift.too_early", index=None, by_chance=chance, source=source, now=shares[0], then=shares[1]
        )
    index = stability(now, then)
    words: Literal["drift.stable", "drift.watch", "drift.shifted"] = "drift.stable"
    if index >= STABLE:
        words = "drift.watch" if index < SHIFTED else "drift.shifted"
    return Drift(words=words, index=index, by_chance=chance, source=source, now=shares[0], then=shares[1])
