"""Events and outcomes as columns: what users did, and what came of decisions.

Each stands for itself: one that cannot be taken is rejected with its index, field and problem, and the others go on.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from andante.live import admission_shapes as shapes
from andante.live.admission_reading import Read, read_each, written
from andante.live.admission_refusals import Refusal, late, nearest, shown
from andante.live.instants import Int64s, OutOfRange, UInt8s, instants, is_taken, micros_or
from andante.vocabulary.event import EventType
from andante.vocabulary.flow import EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.vocabulary.records import Rejection

Float64s = npt.NDArray[np.float64]

S = TypeVar("S", shapes.Event, shapes.Outcome)

EVENT_TYPES: dict[str, int] = {name.value: code for name, code in EVENT_CODES.items()}
OUTCOME_TYPES: dict[str, int] = {name.value: code for name, code in OUTCOME_CODES.items()}
_DWELL, _RATED, _CONVERTED = EventType.DWELL.value, OutcomeType.RATED.value, OutcomeType.CONVERTED.value

_DECISION_ID = re.compile(r"([0-9a-f]{6})-([1-9a-f][0-9a-f]{0,15})-(0|[1-9a-f][0-9a-f]{0,15})")
_INT64_END = 1 << 63


class EventBody(Struct, omit_defaults=True, gc=False):
    """What the log says of an event beside its user and time."""

    type: str
    event_id: str | None = None
    item_id: str | None = None
    category: str | None = None
    query: str | None = None
    value: float | None = None


class OutcomeBody(Struct, omit_defaults=True, gc=False):
    """What the log says of an outcome beside its user and time."""

    decision: int
    type: str
    value: float | None = None
    rating: float | None = None


@dataclass(frozen=True, slots=True)
class AdmittedEvents:
    """Events as columns, in the order given, without those that were rejected. Shape [n]."""

    index: list[int]  # where each stood in what was given
    user_ids: list[str]
    event_ids: list[str | None]
    at_us: Int64s
    at_s: Int64s  # rounded down
    ceil: UInt8s
    types: UInt8s  # EVENT_CODES
    values: Float64s  # 0 where there is none
    bodies: list[str]  # JSON
    rejected: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class AdmittedOutcomes:
    """Outcomes as columns, in the order given, without those that were rejected. Shape [n]."""

    index: list[int]  # where each stood in what was given
    decision_ids: list[str]
    logs: list[str]  # name of the log that each decision is in
    decisions: Int64s  # its position there: the decision's number
    users: Int64s  # row number of its user
    at_us: Int64s
    at_s: Int64s  # rounded down
    ceil: UInt8s
    types: UInt8s  # OUTCOME_CODES
    values: Float64s  # money, or the rating of a rated one; 0 where there is none
    bodies: list[str]  # JSON
    rejected: tuple[Rejection, ...]


def admit_events(items: Sequence[object], *, now_us: int) -> AdmittedEvents:
    """Return events as columns, and the rejections of those that cannot be taken.

    An event without ``at`` happened at ``now_us``. Raises InputFault only where ``items`` is no list.
    """
    read, at_us = _timed(read_each(items, shapes.Event, "events", _event_refusal), now_us)
    events = read.things
    types = [event.type for event in events]
    event_ids = [event.event_id for event in events]
    values = [event.value for event in events]
    bodies = map(
        EventBody,
        types,
        event_ids,
        [event.item_id for event in events],
        [event.category for event in events],
        [event.query for event in events],
        values,
    )
    return AdmittedEvents(
        read.index,
        [event.user_id for event in events],
        event_ids,
        *instants(at_us),
        np.array(list(map(EVENT_TYPES.__getitem__, types)), np.uint8),
        np.array([value or 0.0 for value in values], np.float64),
        written(bodies),
        _rejections(read),
    )


def admit_outcomes(items: Sequence[object], *, now_us: int) -> AdmittedOutcomes:
    """Return outcomes as columns, and the rejections of those that cannot be taken.

    An outcome without ``at`` came at ``now_us``. Raises InputFault only where ``items`` is no list.
    """
    read, at_us = _timed(read_each(items, shapes.Outcome, "outcomes", _outcome_refusal), now_us)
    outcomes = read.things
    decision_ids = [outcome.decision_id for outcome in outcomes]
    parts = [decision_id.split("-") for decision_id in decision_ids]
    decisions = [int(part[1], 16) for part in parts]
    types = [outcome.type for outcome in outcomes]
    values = [outcome.value for outcome in outcomes]
    ratings = [outcome.rating for outcome in outcomes]
    return AdmittedOutcomes(
        read.index,
        decision_ids,
        [part[0] for part in parts],
        np.array(decisions, np.int64),
        np.array([int(part[2], 16) for part in parts], np.int64),
        *instants(at_us),
        np.array(list(map(OUTCOME_TYPES.__getitem__, types)), np.uint8),
        np.array([rating or value or 0.0 for rating, value in zip(ratings, values, strict=True)], np.float64),
        written(map(OutcomeBody, decisions, types, values, ratings)),
        _rejections(read),
    )


def _event_refusal(event: shapes.Event) -> Refusal | None:
    if event.type not in EVENT_TYPES:
        return _unknown_type(event.type, list(EVENT_TYPES))
    if event.type == _DWELL and (event.value is None or event.value < 0):
        return Refusal(("value",), shown(event.value), "is not how long a dwell took", "give its seconds, 0 or more")
    return None


def _outcome_refusal(outcome: shapes.Outcome) -> Refusal | None:
    if outcome.type not in OUTCOME_TYPES:
        return _unknown_type(outcome.type, list(OUTCOME_TYPES))
    match = _DECISION_ID.fullmatch(outcome.decision_id)
    if match is None or int(match[2], 16) >= _INT64_END or int(match[3], 16) >= _INT64_END:
        action = "give the decision_id that the decision came with, such as 3fa2c1-1b-7"
        return Refusal(("decision_id",), shown(outcome.decision_id), "is no decision's id", action)
    if (outcome.rating is None) == (outcome.type == _RATED):
        if outcome.rating is None:
            return Refusal(("rating",), None, "is missing", "give the rating of a rated outcome, from 1 to 5")
        return Refusal(("rating",), shown(outcome.rating), f"belongs to no {outcome.type} outcome", "send it as rated")
    if outcome.value is not None and outcome.type != _CONVERTED:
        action = "send it as converted, or leave the value out"
        return Refusal(("value",), shown(outcome.value), f"belongs to no {outcome.type} outcome", action)
    return None


def _unknown_type(given: str, types: list[str]) -> Refusal:
    return Refusal(("type",), shown(given), "is no known type", nearest(given, types, "use one of"))


def _timed(read: Read[S], now_us: int) -> tuple[Read[S], list[int]]:
    """Return things with their times in microseconds; one with a time out of range is refused."""
    times = [thing.at for thing in read.things]
    try:
        return read, micros_or(times, now_us)
    except OutOfRange:
        read = read.without([None if at is None or is_taken(at) else late(at, "at") for at in times])
        return read, micros_or([thing.at for thing in read.things], now_us)


def _rejections(read: Read[S]) -> tuple[Rejection, ...]:
    return tuple(refusal.rejection(index) for index, refusal in read.refused)
