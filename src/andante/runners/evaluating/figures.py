"""What an evaluation is made of: figures with intervals in sections, and checks that say whether to trust them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import numpy as np

from andante.evaluation.interval import Interval, divided, over_users
from andante.vocabulary.fault import NotEnoughData

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SEED = 7
"""Of the bootstrap: the same log gives the same intervals."""

Answer = Literal["good", "look", "bad", "unknown"]


class Unit(StrEnum):
    """How a figure is to be read."""

    COUNT = "count"
    SHARE = "share"
    NUMBER = "number"
    PER_1000 = "per 1,000"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, with a 95 % interval by users where there is one."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: Unit = Unit.NUMBER
    expected: float | None = None  # what it should be, where that is known


@dataclass(frozen=True, slots=True)
class Check:
    """Whether something can be relied on: "good", "look" (at it), "bad", or "unknown" where the log cannot tell."""

    name: str
    answer: Answer
    sentence: str


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together."""

    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a log shows."""

    shape: str  # "engine", "open_bandit" or "hillstrom"
    title: str
    sections: tuple[Section, ...]
    checks: tuple[Check, ...]
    verdict: str


def counted(name: str, count: float) -> Figure:
    """Return a count."""
    return Figure(name, float(count), unit=Unit.COUNT)


def ratio(
    name: str, numerator: ArrayLike, denominator: ArrayLike, *, unit: Unit = Unit.NUMBER, expected: float | None = None
) -> Figure:
    """Return a ratio of two totals over users, [users] each, with its interval; no value where it has none."""
    return _figure(name, interval_of_ratio(numerator, denominator), unit=unit, expected=expected)


def interval_of_ratio(numerator: ArrayLike, denominator: ArrayLike) -> Interval | None:
    """Return a ratio of two totals over users, [users] each; None where there are too few, or nothing to divide by."""
    try:
        return over_users([numerator, denominator], lambda t: divided(t[:, 0], t[:, 1]), seed=SEED)
    except NotEnoughData:
        return None


def shown(name: str, found: Interval | None, *, unit: Unit = Unit.NUMBER) -> Figure:
    """Return an interval as a figure."""
    return _figure(name, found, unit=unit)


def summary(checks: tuple[Check, ...]) -> str:
    """Say in a sentence what the checks came to."""
    bad = [check.name for check in checks if check.answer == "bad"]
    look = [check.name for check in checks if check.answer == "look"]
    if bad:
        return f"Do not rely on this log before this is explained: {', '.join(bad)}."
    if look:
        return f"Nothing contradicts this log; look at: {', '.join(look)}."
    if all(check.answer == "unknown" for check in checks):
        return "This log holds too little to check anything."
    return "Nothing contradicts this log."


def crosses(figure: Figure, value: float) -> bool:
    """Tell whether a value lies within a figure's interval; a figure without one excludes nothing."""
    return figure.low is None or figure.high is None or bool(figure.low <= value <= figure.high)


def _figure(name: str, found: Interval | None, *, unit: Unit = Unit.NUMBER, expected: float | None = None) -> Figure:
    if found is None:
        return Figure(name, None, unit=unit, expected=expected)
    scale = 1000.0 if unit is Unit.PER_1000 else 1.0
    value, low, high = (np.array([found.value, found.low, found.high]) * scale).tolist()
    return Figure(name, value, low, high, unit=unit, expected=expected)
