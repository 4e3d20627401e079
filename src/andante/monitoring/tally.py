"""The tally: what a chunk of the log adds to the counts."""

from __future__ import annotations

from bisect import bisect_left
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from andante.monitoring.columns import (
    COHORT,
    COHORT_COLUMNS,
    COHORT_OF_OUTCOME,
    OF_COHORT,
    PLACES,
    PLAN_BASE,
    PLAN_EDGES,
    REASON_PLACES,
    SENDS_BASE,
    SERIES_COLUMNS,
    Keys,
)
from andante.monitoring.people import People
from andante.monitoring.rings import NEVER, Floats, Int64s, Ring
from andante.vocabulary.event import EventType
from andante.vocabulary.message import OutcomeType
from andante.vocabulary.reason import Action, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from andante.monitoring.tail import Candidate, Chunk, Decided, OutcomeBody
    from andante.stores.contract import Row

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
FINE_US = 2 * DAY_US
"""How far back minutes are kept; hours are kept for the whole history."""

AHEAD_US = HOUR_US
"""How far ahead of now an event time may be and still count: senders' clocks are not all right."""

_ACTIONS = {int(Action.SEND): "sends", int(Action.DEFER): "defers", int(Action.SUPPRESS): "suppresses"}
_WIDTH = len(COHORT)


class Tally:
    """All counts, each in a fixed number of bytes, but for people, who are bounded by their own maximum."""

    def __init__(self, history_us: int, users_max: int) -> None:
        """Begin with nothing."""
        hours = -(-(history_us + AHEAD_US) // HOUR_US) + 1
        self.history_us = history_us
        self.minutes = Ring(MINUTE_US, (FINE_US + AHEAD_US) // MINUTE_US + 1, SERIES_COLUMNS)
        self.hours = Ring(HOUR_US, hours, SERIES_COLUMNS)
        self.cohorts = Ring(HOUR_US, hours, COHORT_COLUMNS)
        self.people, self.keys = People(users_max), Keys()
        self.latest_us = {"decisions": NEVER, "events": NEVER, "outcomes": NEVER}
        self.first_decision_us: int | None = None
        self.dropped = 0  # records older than the history, or too far ahead
        self._oldest_us = NEVER
        self._newest_us = NEVER

    @property
    def nbytes(self) -> int:
        """The memory that the counts take now."""
        return self.minutes.nbytes + self.hours.nbytes + self.cohorts.nbytes + self.people.nbytes

    def turn(self, now_us: int) -> None:
        """Let it be this event time: what is older than the history is forgotten."""
        self._newest_us = max(self._newest_us, now_us + AHEAD_US)
        self._oldest_us = self._newest_us - AHEAD_US - self.history_us
        for counted in (self.minutes, self.hours, self.cohorts, self.people):
            counted.turn(self._newest_us)

    def take(self, chunk: Chunk, costs: list[float], sent: Mapping[int, tuple[int, Candidate]]) -> None:
        """Count a chunk. ``costs`` says what a message cost at each decision, ``sent`` what outcomes came of."""
        self._decisions(chunk, costs)
        self._events(chunk)
        self._outcomes(chunk, sent)

    def _decisions(self, chunk: Chunk, costs: list[float]) -> None:
        if not chunk.decisions:
            return
        adds = _Adds()
        sends: list[tuple[int, int]] = []
        cohorts = _Adds()
        for (row, decided, push), cost in zip(chunk.decisions, costs, strict=True):
            if not self._counts(row.at_us, "decisions"):
                continue
            if self.first_decision_us is None:
                self.first_decision_us = row.at_us
            adds.all(row.at_us, _of_decision(row, decided, cost))
            if push is None:
                continue
            for key in self._keys_of(push, row.at_us):
                adds.one(row.at_us, SENDS_BASE + key)
                cohorts.one(row.at_us, key * _WIDTH)
            if decided.reason != Reason.TRANSACTIONAL:
                sends.append((row.at_us, row.user))
        adds.into(self.minutes, self.hours)
        cohorts.into(self.cohorts)
        if sends:
            at_us, users = np.array(sends, np.int64).T
            self.people.send(at_us, users)

    def _events(self, chunk: Chunk) -> None:
        rows = [(row, event) for row, event in chunk.events if self._counts(row.at_us, "events")]
        if not rows:
            return
        at_us: Int64s = np.array([row.at_us for row, _ in rows], np.int64)
        users: Int64s = np.array([row.user for row, _ in rows], np.int64)
        bought = np.array([event.type == EventType.PURCHASE for _, event in rows])
        money: Floats = np.where(bought, [event.value or 0.0 for _, event in rows], 0.0)
        for ring in (self.minutes, self.hours):
            ring.add(at_us, PLACES["events"])
            ring.add(at_us[bought], PLACES["purchases"])
            ring.add(at_us[bought], PLACES["purchase_value"], money[bought])
        self.people.visit(at_us, users, money)

    def _outcomes(self, chunk: Chunk, sent: Mapping[int, tuple[int, Candidate]]) -> None:
        """Count outcomes when they came, and again under the push that they came of, when that was sent."""
        adds, cohorts = _Adds(), _Adds()
        for row, outcome in chunk.outcomes:
            if self._counts(row.at_us, "outcomes"):
                adds.all(row.at_us, _of_outcome(outcome))
            push_us, push = sent.get(outcome.decision, (NEVER, None))
            column = COHORT_OF_OUTCOME.get(OutcomeType(outcome.type))
            if push is None or column is None or not self._oldest_us < push_us <= self._newest_us:
                continue
            for key in self._keys_of(push, push_us):
                cohorts.one(push_us, key * _WIDTH + column)
                if outcome.value:
                    cohorts.one(push_us, key * _WIDTH + OF_COHORT["value"], outcome.value)
        adds.into(self.minutes, self.hours)
        cohorts.into(self.cohorts)

    def _counts(self, at_us: int, flow: str) -> bool:
        """Tell whether a record of this time counts, and note that its flow goes on."""
        if not self._oldest_us < at_us <= self._newest_us:
            self.dropped += 1
            return False
        self.latest_us[flow] = max(self.latest_us[flow], at_us)
        return True

    def _keys_of(self, push: Candidate, at_us: int) -> tuple[int, ...]:
        found = self.keys.of(push.channel, push.category, push.campaign_id, at_us, self._oldest_us)
        while self.keys.freed:
            key = self.keys.freed.pop()
            for ring in (self.minutes, self.hours):
                ring.clear(SENDS_BASE + key)
            for place in range(_WIDTH):
                self.cohorts.clear(key * _WIDTH + place)
        return found


class _Adds:
    """Additions that are gathered, and made together."""

    def __init__(self) -> None:
        self._at_us: list[int] = []
        self._places: list[int] = []
        self._amounts: list[float] = []

    def one(self, at_us: int, place: int, amount: float = 1.0) -> None:
        self._at_us.append(at_us)
        self._places.append(place)
        self._amounts.append(amount)

    def all(self, at_us: int, added: Iterable[tuple[int, float]]) -> None:
        places, amounts = zip(*added, strict=True)
        self._at_us.extend(repeat(at_us, len(places)))
        self._places.extend(places)
        self._amounts.extend(amounts)

    def into(self, *rings: Ring) -> None:
        at_us: Int64s = np.array(self._at_us, np.int64)
        for ring in rings:
            ring.add(at_us, np.array(self._places, np.int64), np.array(self._amounts))


def _of_decision(row: Row, decided: Decided, cost: float) -> list[tuple[int, float]]:
    """Return what one decision adds to a series: columns and amounts."""
    added = [(PLACES["decisions"], 1.0), (PLACES[_ACTIONS[int(row.action or 0)]], 1.0)]
    added.append((REASON_PLACES[decided.reason], 1.0))
    if decided.explored:
        added.append((PLACES["explored"], 1.0))
    if decided.plan_per_week is not None:
        plan = decided.plan_per_week
        band = bisect_left(PLAN_EDGES, plan)
        added += [(PLACES["plan_sum"], plan), (PLACES["plan_known"], 1.0), (PLAN_BASE + band, 1.0)]
    if row.action == Action.SEND:
        added.append((PLACES["cost"], cost))
        if decided.reason != Reason.TRANSACTIONAL:
            added.append((PLACES["paced"], 1.0))
    return added


def _of_outcome(outcome: OutcomeBody) -> list[tuple[int, float]]:
    added = [(PLACES[outcome.type], 1.0)]
    if outcome.value:
        added.append((PLACES["value"], outcome.value))
    if outcome.rating:
        added.append((PLACES["rating_sum"], outcome.rating))
    return added
