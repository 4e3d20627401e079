"""Retracing: the numbers of one decision once more, by the formulas of ``andante.pacing``, on the record before it.

The step writes down what it decided; this writes down what it came from. It follows the step's movements, and asks the
same functions in the same order, so every number that both have is the same to the bit.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from andante.compiled import as_records, entry, kernel
from andante.draw import CANDIDATE as OF_CANDIDATE
from andante.draw import SEND as OF_SEND
from andante.draw import uniform
from andante.exponential import halved
from andante.pacing import rhythm
from andante.pacing.credit import WEEK_S, credit_at, in_random_week, pace_per_week, ready_s, settle, turn_week
from andante.pacing.explore import chance_of, choose, send_probability
from andante.pacing.feedback import answers, interest_after
from andante.pacing.index import index
from andante.pacing.reservation import reservation
from andante.pacing.response import Moment, exposure_days, moment, satisfaction, wear
from andante.rules.judge import earliest_by_rule, is_transactional, judge
from andante.vocabulary.flow import NO_CHOICE, VERDICT
from andante.vocabulary.reason import RULES
from andante.vocabulary.state import PROFILING_REFUSED, new_users
from andante.zones.table import ZONES

_DAY_S = 86_400
if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from andante.zones.table import Zones

    Array = NDArray[np.void]

KNOWN = (
    *("at_s", "pace_per_week", "credit", "random_week", "ready_s", "shown_s"),
    *("fatigue", "habituation", "pressure", "annoyance"),
    *("hour", "open", "organic", "conversion", "refusal", "worth", "gain", "usual", "offers", "satisfaction"),
    *("hazard", "loss", "refusal_cost", "wear", "cost"),
    *("evidence_left", "counts_left", "known_days", "asked_days", "interest", "answered", "sent"),
    *("hour_scale", "weekday_scale", "still"),
)
"""What is known of the user at the moment, by name."""

CHOSEN = ("eligible", "best", "urgent", "draw_candidate", "draw_send", "chosen", "likely", "reservation", "later_s")
"""What was drawn and weighed, by name; NaN or NO_CHOICE where the decision did not come so far."""


class Retraced(NamedTuple):
    """One decision of k candidates, in numbers."""

    user: Array  # (1,) of USER: the record when its week has turned and its credit is settled
    known: dict[str, float]  # KNOWN
    choice: dict[str, float]  # CHOSEN
    verdicts: Array  # (k,) of VERDICT, without reasons
    earliest_s: NDArray[np.int64]  # (k, rules): from when on each rule by itself allows
    weights: NDArray[np.float64]  # (k, 3): what the push brings, chance of being chosen, probability of being sent
    hours: NDArray[np.float64]  # (24,): how active the user is in each local hour; their mean is 1
    weekdays: NDArray[np.float64]  # (7,), Monday first


def retrace(before: Array, record: Array, offered: Array, parameters: Array, zones: Zones) -> Retraced:
    """Retrace a request or a release: the user's record (1,) before it, its record (1,), its candidates (k,)."""
    count = len(offered)
    known, choice = np.zeros(len(KNOWN)), np.full(len(CHOSEN), np.nan)
    found = Retraced(
        new_users(1),
        {},
        {},
        np.zeros(count, VERDICT),
        np.zeros((count, len(RULES)), np.int64),
        np.zeros((count, 3)),
        np.zeros(rhythm.HOURS),
        np.zeros(rhythm.WEEKDAYS),
    )
    found.user[:] = before
    table = as_records(np.frombuffer(zones, ZONES))
    held, told = as_records(parameters), as_records(found.verdicts)
    _moment()(as_records(found.user), as_records(record), held, table, known, found.hours, found.weekdays)
    _weighing()(
        *(as_records(found.user), as_records(record), as_records(offered), held, table, known),
        *(told, found.earliest_s, found.weights, choice),
    )
    return found._replace(
        known=dict(zip(KNOWN, known.tolist(), strict=True)), choice=dict(zip(CHOSEN, choice.tolist(), strict=True))
    )


@cache
def _moment() -> Callable[..., None]:
    loop: Callable[..., None] = entry(_make_moment)
    return loop


@cache
def _weighing() -> Callable[..., None]:
    loop: Callable[..., None] = entry(_make_weighing)
    return loop


def _make_moment(digest: str) -> Callable[..., None]:
    def bring_up(  # noqa: PLR0913, PLR0917  a kernel is given its whole world, and numba knows no keyword-only arguments
        users: Any, records: Any, parameters: Any, zones: Any, known: Any, hours: Any, weekdays: Any
    ) -> None:
        _ = len(digest)  # part of the cache's key: see andante.compiled
        user, held = users[0], parameters[0]
        at_s = max(np.int64(records[0].at_s), np.int64(user.now_s))
        week_before = np.int64(user.arm_week)
        user.now_s = at_s
        if np.int64(user.born_s) == 0:
            user.born_s = at_s
        turn_week(user, held, at_s)
        per_week = pace_per_week(user, held, at_s)
        credit = credit_at(user, held, at_s, per_week)
        settle(user, credit, at_s)
        now = moment(user, held, zones[0], at_s, per_week)
        unpressed = now.conversion * now.worth * now.open * now.gain
        loss = np.float64(held.refusal_loss) + np.float64(held.refusal_loss_pushes) * unpressed
        hazard = min(now.refusal * now.annoyance, 1.0)
        left = halved(max(at_s - np.int64(user.evidence_anchor_s), np.int64(0)), held.evidence_half_life_s)
        counts_left = halved(max(at_s - np.int64(user.counts_anchor_s), np.int64(0)), held.counts_half_life_s)
        watched = np.int64(user["flags"]) & PROFILING_REFUSED == 0
        since_s = week_before * WEEK_S - _DAY_S
        answered, sent = answers(user, since_s, at_s + 1)
        published = np.float64(user.interest)
        interest = interest_after(published, answered, sent, np.float64(held.interest_rate))
        first = (
            np.float64(at_s),
            per_week,
            credit,
            np.float64(in_random_week(user, at_s)),
            np.float64(ready_s(credit, per_week, at_s)),
            np.float64(now.shown_s),
            now.fatigue,
            now.habituation,
            now.pressure,
            now.annoyance,
            now.hour,
            now.open,
            now.organic,
            now.conversion,
            now.refusal,
            now.worth,
            now.gain,
            now.usual,
            now.offers,
        )
        for place, value in enumerate(first):
            known[place] = value
        then = (  # two tuples: compiled code takes no longer ones
            satisfaction(user, held, at_s),
            hazard,
            loss,
            hazard * loss,
            wear(held, per_week, unpressed, now.refusal, loss),
            now.cost,
            left,
            counts_left,
            exposure_days(user.born_s, held, at_s) if watched else 0.0,
            exposure_days(np.int64(user.asked_day) * _DAY_S, held, at_s),
            interest,
            np.float64(answered),
            np.float64(sent),
            now.hour_scale,
            now.weekday_scale,
            now.still,
        )
        for place, value in enumerate(then):
            known[len(first) + place] = value
        for hour in range(hours.size):
            active = now.hour_scale * rhythm.hour_weight(user, held, now.still, hour)
            hours[hour] = active if now.hour_scale > 0.0 else 1.0
        for weekday in range(weekdays.size):
            active = now.weekday_scale * rhythm.weekday_weight(user, held, now.still, weekday)
            weekdays[weekday] = active if now.weekday_scale > 0.0 else 1.0

    return bring_up


def _make_weighing(digest: str) -> Callable[..., None]:
    def weigh(  # noqa: PLR0913, PLR0917  the same
        users: Any,
        records: Any,
        offered: Any,
        parameters: Any,
        zones: Any,
        known: Any,
        verdicts: Any,
        earliest_s: Any,
        weights: Any,
        choice: Any,
    ) -> None:
        _ = len(digest)  # the same
        user, record, held, table = users[0], records[0], parameters[0], zones[0]
        at_s, per_week, credit = np.int64(known[0]), known[1], known[2]
        now = moment(user, held, table, at_s, per_week)
        eligible, best, urgent = _asked(user, offered, held, table, at_s, now, verdicts, earliest_s, weights)
        choice[0], choice[1], choice[2] = eligible, best, urgent
        if urgent != NO_CHOICE:
            verdicts[urgent].propensity = 1.0
            choice[5] = urgent
            return
        if eligible == 0:
            return
        chance = uniform(held.seed, record.number, OF_CANDIDATE)
        chosen = choose(chance, verdicts, eligible, best, held)
        choice[3], choice[5] = chance, chosen
        for place in range(offered.size):
            if not np.isnan(verdicts[place].index):
                weights[place, 1] = chance_of(place, eligible, best, held)
        if credit < 1.0:
            return
        best_index = np.float64(verdicts[best].index)
        worth, later_s = reservation(user, now, held, table, offered[best], best_index, at_s, per_week)
        for place in range(offered.size):
            if not np.isnan(verdicts[place].index):
                likely = send_probability(np.float64(verdicts[place].index), worth, now, held)
                weights[place, 2] = likely
                verdicts[place].propensity = likely * weights[place, 1]
        choice[4] = uniform(held.seed, record.number, OF_SEND)
        choice[6], choice[7], choice[8] = weights[chosen, 2], worth, later_s

    return weigh


@kernel
def _asked(  # noqa: PLR0913, PLR0917  the same
    user: np.record,
    offered: np.ndarray,
    held: np.record,
    zones: Zones,
    at_s: int,
    now: Moment,
    verdicts: np.ndarray,
    earliest_s: np.ndarray,
    weights: np.ndarray,
) -> tuple[int, int, int]:
    """Ask the rules of every candidate, and the index of those that they allow; return eligible, best and urgent."""
    eligible, best, urgent = 0, NO_CHOICE, NO_CHOICE
    for place in range(offered.size):
        candidate, verdict = offered[place], verdicts[place]
        verdict.index, verdict.open, verdict.propensity = np.nan, 0.0, 0.0
        judge(user, candidate, held, zones, at_s, verdict)
        for code, until_s in enumerate(earliest_by_rule(user, candidate, held, zones, at_s)):
            earliest_s[place, code] = until_s
        if np.int64(verdict.refused) != 0:
            continue
        verdict.index, opened = index(now, held, candidate)
        verdict.open = opened
        weights[place, 0] = now.conversion * np.float64(candidate.value) * opened * now.gain
        if is_transactional(candidate, held):
            if urgent == NO_CHOICE or verdict.index > verdicts[urgent].index:
                urgent = place
        else:
            eligible += 1
            if best == NO_CHOICE or verdict.index > verdicts[best].index:
                best = place
    return eligible, best, urgent
