"""Alarms: what an operator has to know of without looking for it.

An alarm is a function of the counts and of now: nothing is kept of it, so a watch that was started anew says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import numpy as np

from andante.monitoring.columns import ALL, COHORT, OF_COHORT, PLACES
from andante.monitoring.excess import Excess, above, excess
from andante.monitoring.series import PER, instant
from andante.monitoring.tally import DAY_US, FINE_US, HOUR_US, MINUTE_US
from andante.vocabulary.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from andante.monitoring.rings import Floats
    from andante.monitoring.tally import Tally

FALSE_ALARMS = 0.002
"""How often the opt-outs of one campaign, category or the whole raise an alarm in a week without cause: at most once
in ten years each, however often one looks. Half of it is spent on the week, half on its days."""

RATIO_MIN = 1.5
"""An excess below this is none that anybody would act on, however sure."""

FAILED_TOLERABLE = 0.05
BASELINE_US = 21 * DAY_US
MATURING_US = DAY_US
"""Between baseline and epoch: opt-outs of the last day before it are still coming in."""

BUDGET_TOLERANCE = 0.1
QUIET_MIN_US = 10 * MINUTE_US
FLOW_MIN = 100
REFERENCE_US = DAY_US + HOUR_US  # one night at least
GAPS = 2
"""A flow has stopped when it is silent for so many times the longest silence of the day before."""

Kind = Literal["optouts", "failed", "budget", "stopped"]


class Alarm(Record, frozen=True, omit_defaults=False):
    """Something that wants a person."""

    kind: Kind
    scope: Literal["all", "campaign", "category", "channel", "flow"]
    name: str | None  # of the campaign, category, channel or flow; None of all
    since: datetime  # of event time: when it could first be seen
    words: str  # key of the sentence: alarm.KIND.SCOPE
    evidence: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Epoch:
    """A stretch of event time that is tested by itself, in hours since 1970."""

    first: int
    last: int  # the last hour that is over
    level: float
    current: bool


def alarms(tally: Tally, now_us: int, *, users: int, budget: float | None) -> tuple[Alarm, ...]:
    """Return what is wrong now, the latest first.

    ``users`` are all of the log, ``budget`` is in pushes per user-week, None where there is none.
    """
    found = [*_optouts(tally, now_us), *_failed(tally, now_us), *_stopped(tally, now_us)]
    if budget is not None:
        found += _overrun(tally, now_us, users * budget)
    return tuple(sorted(found, key=lambda alarm: (alarm.since, alarm.words, alarm.name or ""), reverse=True))


def _optouts(tally: Tally, now_us: int) -> Iterator[Alarm]:
    """Compare each stream with its own past; a campaign with the past of its category."""
    keys = tally.keys
    yield from _risen(tally, now_us, "all", None, ALL, (ALL,))
    for name, key in keys.categories.items():
        yield from _risen(tally, now_us, "category", name, key, (key,))
    for name, key in keys.campaigns.items():
        if (category := keys.category_of.get(name)) is not None:
            yield from _risen(tally, now_us, "campaign", name, key, (keys.categories[category], ALL))


def _risen(  # noqa: PLR0913, PLR0917  who is tested against whom
    tally: Tally,
    now_us: int,
    scope: Literal["all", "campaign", "category"],
    name: str | None,
    key: int,
    against: tuple[int, ...],
) -> Iterator[Alarm]:
    shown: list[tuple[int, Excess, float, float]] = []
    for epoch in _epochs(now_us, days=True, weeks=True):
        sends, optouts = _cohort(tally, key, "optouts", epoch.first, epoch.last)
        if not optouts.any():
            continue
        m, y = _baseline(tally, against, epoch.first)
        risen = excess(
            sends,
            optouts,
            baseline_pushes=m,
            baseline_events=y,
            false_alarms=epoch.level,
            ratio_min=RATIO_MIN,
        )
        if risen is not None and (
            _stands(epoch, risen, now_us) or _goes_on(tally, now_us, key, "optouts", RATIO_MIN * y / m)
        ):
            shown.append((epoch.first + risen.bucket, risen, m, y))
    if shown:
        hour, risen, m, y = min(shown, key=lambda one: one[0])
        more = {"baseline_pushes": m, "baseline_optouts": y, "baseline_per_1000": PER * y / m}
        yield _alarm("optouts", scope, name, (hour + 1) * HOUR_US, _evidence(risen, "optouts") | more)


def _failed(tally: Tally, now_us: int) -> Iterator[Alarm]:
    """Compare the share of pushes that reached nobody with what is tolerable, by channel and day."""
    for name, key in tally.keys.channels.items():
        for epoch in _epochs(now_us, days=True, weeks=False):
            sends, failed = _cohort(tally, key, "failed", epoch.first, epoch.last)
            found = above(sends, failed, tolerable=FAILED_TOLERABLE, false_alarms=epoch.level)
            if found is not None and (
                _stands(epoch, found, now_us) or _goes_on(tally, now_us, key, "failed", FAILED_TOLERABLE)
            ):
                evidence = _evidence(found, "failed") | {"tolerable_share": FAILED_TOLERABLE}
                yield _alarm("failed", "channel", name, (epoch.first + found.bucket + 1) * HOUR_US, evidence)
                break


def _overrun(tally: Tally, now_us: int, per_week: float) -> Iterator[Alarm]:
    """Compare the pushes of a week, or of what there is of it, with what the budget allows in that time."""
    if tally.first_decision_us is None:
        return
    last = now_us // HOUR_US
    hours = min(7 * 24, last - tally.first_decision_us // HOUR_US + 1)
    if hours < DAY_US // HOUR_US:
        return
    sends = tally.hours.rows(last - hours + 1, last)[:, PLACES["paced"]].cumsum()
    allowed = per_week * hours / (7 * 24)
    if sends[-1] <= (1 + BUDGET_TOLERANCE) * allowed + 3 * np.sqrt(allowed):
        return
    spent = int(np.argmax(sends > allowed))
    evidence = {"pushes": float(sends[-1]), "allowed": allowed, "hours": float(hours), "ratio": sends[-1] / allowed}
    yield _alarm("budget", "all", None, (last - hours + 1 + spent) * HOUR_US, evidence)


def _stopped(tally: Tally, now_us: int) -> Iterator[Alarm]:
    """Compare the silence of each flow with the longest of the day before it."""
    for flow, latest_us in tally.latest_us.items():
        silent_us = now_us - latest_us
        if not QUIET_MIN_US < silent_us < tally.history_us:
            continue
        first_us = max(latest_us - REFERENCE_US, now_us - FINE_US)
        minutes = np.arange(first_us // MINUTE_US, latest_us // MINUTE_US + 1)
        column = _flow(tally, flow, minutes)
        busy = minutes[column > 0]
        longest_us = int(np.diff(busy).max()) * MINUTE_US if len(busy) > 1 else 0
        is_known = len(busy) > 1 and column.sum() >= FLOW_MIN and (busy[-1] - busy[0]) * MINUTE_US >= DAY_US // 2
        week = _week(tally, flow, latest_us) if silent_us >= DAY_US // 2 else 0.0
        if (is_known and silent_us > GAPS * longest_us) or (week >= FLOW_MIN and silent_us >= DAY_US):
            evidence = {"silent_s": silent_us / 1e6, "longest_silence_s": longest_us / 1e6}
            yield _alarm("stopped", "flow", flow, latest_us, evidence)


def _flow(tally: Tally, flow: str, minutes: np.ndarray) -> Floats:
    if not len(minutes):
        return np.zeros(0)
    rows = tally.minutes.rows(int(minutes[0]), int(minutes[-1]))
    return _counted(rows, flow)


def _week(tally: Tally, flow: str, latest_us: int) -> float:
    last = latest_us // HOUR_US
    return float(_counted(tally.hours.rows(last - 7 * 24 + 1, last), flow).sum())


def _counted(rows: Floats, flow: str) -> Floats:
    if flow != "outcomes":
        return np.asarray(rows[:, PLACES[flow]])
    first = PLACES["delivered"]
    return np.asarray(rows[:, first : PLACES["failed"] + 1].sum(axis=1))


def _epochs(now_us: int, *, days: bool, weeks: bool) -> Iterator[_Epoch]:
    """Yield the epochs that an alarm may stand on: the present ones, and those before them."""
    over = now_us // HOUR_US - 1  # the hour that runs would be looked at twice
    for hours, level, wanted in ((7 * 24, FALSE_ALARMS / 2, weeks), (24, FALSE_ALARMS / 14, days)):
        first = now_us // HOUR_US // hours * hours
        if wanted:
            yield _Epoch(first, over, level, current=True)
            yield _Epoch(first - hours, first - 1, level, current=False)


def _stands(epoch: _Epoch, found: Excess, now_us: int) -> bool:
    """Tell whether an alarm stands anyway: as long as its epoch lasts, and a day at least."""
    return epoch.current or now_us - (epoch.first + found.bucket + 1) * HOUR_US < DAY_US


def _goes_on(tally: Tally, now_us: int, key: int, what: str, rate: float) -> bool:
    """Tell whether an alarm of the epoch before stands because the pushes of the last day are no better."""
    last = now_us // HOUR_US
    sends, came = _cohort(tally, key, what, last - DAY_US // HOUR_US, last)
    return bool(came.any() and came.sum() > rate * sends.sum())


def _cohort(tally: Tally, key: int, what: str, first: int, last: int) -> tuple[Floats, Floats]:
    """Return pushes of these hours, and what came of them. Shape of both: [hours]."""
    if last < first:
        return np.zeros(0), np.zeros(0)
    place = key * len(COHORT)
    rows = tally.cohorts.rows(first, last, slice(place, place + len(COHORT)))
    return rows[:, 0], rows[:, OF_COHORT[what]]


def _baseline(tally: Tally, keys: tuple[int, ...], epoch_first: int) -> tuple[float, float]:
    """Return pushes and opt-outs before an epoch, under the first of these keys that had any."""
    last = epoch_first - MATURING_US // HOUR_US - 1
    for key in keys:
        sends, optouts = _cohort(tally, key, "optouts", last - BASELINE_US // HOUR_US + 1, last)
        if sends.any():
            return float(sends.sum()), float(optouts.sum())
    return 0.0, 0.0


def _evidence(found: Excess, what: str) -> dict[str, float]:
    rate = PER * found.events / found.pushes
    return {
        "pushes": float(found.pushes),
        what: float(found.events),
        "per_1000": rate,
        "p_value": found.p_value,
        "level": found.level,
    }


def _alarm(
    kind: Kind,
    scope: Literal["all", "campaign", "category", "channel", "flow"],
    name: str | None,
    since_us: int,
    evidence: dict[str, float],
) -> Alarm:
    told = {key: float(number) for key, number in evidence.items()}
    return Alarm(
        kind=kind, scope=scope, name=name, since=instant(since_us), words=f"alarm.{kind}.{scope}", evidence=told
    )
