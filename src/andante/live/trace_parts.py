"""The parts of a trace, each made of what was retraced of one decision."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from andante.live.answers import verdicts as verdicts_of
from andante.live.instants import utc
from andante.live.trace_shapes import Choice, Interest, Offered, Pace, Posterior, Profile, Rule, Terms
from andante.pacing import rhythm
from andante.vocabulary.flow import NO_CHOICE
from andante.vocabulary.reason import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from andante.live.explanation import Moment
    from andante.live.retracing import Retraced
    from andante.stores.contract import Row
    from andante.vocabulary.records import Candidate

_POSTERIORS = {
    # name: (mean, count and exposure of the record, prior's field); an exposure that is no field of the record is known
    "open": ("open", "opens", "open_exposure", "open"),
    "visit": ("", "visits", "known_days", "visit"),
    "conversion": ("conversion", "conversions", "opened_sends", "conversion"),
    "refusal": ("refusal", "refusals", "refusal_exposure", "refusal"),
    "satisfaction": ("satisfaction", "satisfaction_sum", "satisfaction_weight", "satisfaction"),
    "offer": ("offers", "offers", "asked_days", "offer"),
}


class Found(NamedTuple):
    """A decision, what was heard of its user before it, and its numbers."""

    row: Row
    heard: list[Row]
    moment: Moment
    numbers: Retraced


def profile(found: Found) -> Profile:
    """Return what was known of how the user answers."""
    known = found.numbers.known
    shown_s = int(known["shown_s"])
    return Profile(
        local_hour=shown_s // rhythm.HOUR_S % rhythm.HOURS,
        weekday=(shown_s // rhythm.DAY_S + rhythm.THURSDAY) % rhythm.WEEKDAYS,
        hours=tuple(found.numbers.hours.tolist()),
        weekdays=tuple(found.numbers.weekdays.tolist()),
        g=known["hour"],
        A=known["organic"],
        v=known["worth"],
        F=known["fatigue"],
        H=known["habituation"],
        pressure=known["pressure"],
        annoyance=known["annoyance"],
        posteriors={name: _posterior(found, *fields) for name, fields in _POSTERIORS.items()},
    )


def _posterior(found: Found, mean: str, count: str, exposure: str, prior: str) -> Posterior:
    """Return a posterior whose mean is the pacing functions' own where they return it."""
    user, known, held = found.numbers.user[0], found.numbers.known, found.moment.parameters[0]
    left = known["evidence_left"]
    counted = left * float(user[count])
    exposed = known[exposure] if exposure in known else left * float(user[exposure])
    a, b = float(held[f"{prior}_a"]), float(held[f"{prior}_b"])
    return Posterior(
        mean=known[mean] if mean else (a + counted) / (b + exposed),
        count=counted,
        exposure=exposed,
        prior_count=a,
        prior_exposure=b,
    )


def interest(found: Found) -> Interest:
    """Return interest as published and as answers have moved it."""
    user, known = found.numbers.user[0], found.numbers.known
    return Interest(
        published=known_or_none(user["interest"]),
        now=known_or_none(known["interest"]),
        theta=known_or_none(user["theta"]),
        answered=int(known["answered"]),
        sent=int(known["sent"]),
    )


def pace(found: Found) -> Pace:
    """Return the plan, and the credit that had filled."""
    user, known, held = found.numbers.user[0], found.numbers.known, found.moment.parameters[0]
    random = bool(known["random_week"])
    return Pace(
        plan_per_week=known_or_none(user["plan_per_week"]),
        adjustment=float(user["adjustment"]),
        random_per_week=float(user["arm_per_week"]) if random else None,
        default_per_week=float(held["default_per_week"]),
        pace_per_week=known["pace_per_week"],
        credit=known["credit"],
        burst=float(held["burst"]),
        ready_at=at_or_none(known["ready_s"]),
    )


def candidates(found: Found, offered: Sequence[Candidate]) -> Iterator[Offered]:
    """Yield each candidate with what rules and index say of it."""
    numbers, logged = found.numbers, found.moment.run.logged
    stepped = numbers.verdicts.copy()
    stepped["reason"] = logged.verdicts["reason"]
    (verdicts,) = verdicts_of([tuple(offered)], stepped)
    at_s = int(numbers.known["at_s"])
    transactional = int(found.moment.parameters["transactional"][0])
    for place, (candidate, verdict) in enumerate(zip(offered, verdicts, strict=True)):
        code = int(found.moment.run.candidates["category"][place])
        brings, chance, likely = numbers.weights[place].tolist()
        yield Offered(
            given=candidate,
            transactional=bool(transactional >> code & 1),
            rules=tuple(
                Rule(rule=rule.name.lower(), refuses=until_s > at_s, until=at_or_none(until_s))
                for rule, until_s in zip(RULES, numbers.earliest_s[place].tolist(), strict=True)
            ),
            verdict=verdict,
            terms=None if verdict.index is None else _terms(found, place, brings, verdict.index),
            chance=chance,
            send_probability=likely,
        )


def _terms(found: Found, place: int, brings: float, index: float) -> Terms:
    known, held = found.numbers.known, found.moment.parameters[0]
    candidate = found.moment.run.candidates[place]
    return Terms(
        c=known["conversion"],
        value=float(candidate["value"]),
        q=known["open"],
        g=known["hour"],
        relevance=float(candidate["relevance"]),
        pressure=known["pressure"],
        p=float(found.numbers.verdicts["open"][place]),
        A=known["organic"],
        carry_over=float(held["carry_over"]),
        gain=known["gain"],
        brings=brings,
        h=known["hazard"],
        loss=known["loss"],
        refusal_cost=known["refusal_cost"],
        wear=known["wear"],
        kappa=float(held["message_cost"]),
        mu=float(held["shadow_price"]),
        cost=known["cost"],
        index=index,
    )


def choice(found: Found, offered: Sequence[Candidate]) -> Choice:
    """Return how one of them was chosen and weighed."""
    drawn, held = found.numbers.choice, found.moment.parameters[0]
    logged = found.moment.run.logged.decisions[0]

    def named(place: float) -> str | None:
        return None if isnan(place) or place == NO_CHOICE else offered[int(place)].candidate_id

    later_s = drawn["later_s"]
    return Choice(
        eligible=int(drawn["eligible"]),
        best=named(drawn["best"]),
        transactional=named(drawn["urgent"]),
        draw_candidate=known_or_none(drawn["draw_candidate"]),
        drawn=named(drawn["chosen"]),
        reservation=known_or_none(drawn["reservation"]),
        patience=float(held["patience"]),
        softness=float(held["temperature"]) * found.numbers.known["usual"],
        floor=float(held["floor"]),
        send_probability=known_or_none(drawn["likely"]),
        draw_send=known_or_none(drawn["draw_send"]),
        better_from=None if isnan(later_s) else at_or_none(later_s),
        chosen=named(float(logged["chosen"])),
    )


def at_or_none(at_s: float) -> datetime | None:
    """Return whole seconds as a time, or None where no calendar reaches that far."""
    return utc(int(at_s))


def known_or_none(number: float | np.floating[Any]) -> float | None:
    """Return a number, or None for one that is not known."""
    return None if np.isnan(number) else float(number)
