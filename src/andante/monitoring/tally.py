"""The tally: what a chunk of the log adds to the counts."""

from __future__ import annotations

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
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from andante.monitoring.tail import Candidate, Chunk, Decided, Outcome

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
FINE_US = 2 * DAY_US
"""How far back minutes are kept; hours are kept for the whole history."""

AHEAD_US = HOUR_US
"""How far ahead of now an event time may be and still count: senders' clocks are not all right."""

_ACTIONS = {Action.SEND: "sends", Action.DEFER: "defers", Action.SUPPRESS: "suppresses"}
_ACTION_PLACES: Int64s = np.array([PLACES[_ACTIONS[action]] for action in sorted(_ACTIONS)])
_REASON_PLACES: Int64s = np.array([REASON_PLACES.get(reason, -1) for reason in range(max(REASON_PLACES) + 1)])
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

    def take(self, chunk: Chunk, costs: Floats, sent: Mapping[int, tuple[int, Candidate]]) -> None:
        """Count a chunk. ``costs`` says what a message cost at each decision, ``sent`` what outcomes came of."""
        self._decisions(chunk, costs)
        self._events(chunk)
        self._outcomes(chunk, sent)

    def _decisions(self, chunk: Chunk, costs: Floats) -> None:
        """Count decisions column by column, and what went out by its channel, category and campaign as well."""
        at_us: Int64s = np.array([one.at_us for one in chunk.decisions], np.int64)
        counted = self._counted(at_us, "decisions")
        if not counted.any():
            return
        if self.first_decision_us is None:
            self.first_decision_us = int(at_us[counted][0])
        for held, places, amounts in _of_decisions(chunk.decisions, costs):
            for ring in (self.minutes, self.hours):
                ring.add(at_us[counted & held], places[counted & held], amounts[counted & held])
        self._sends([one for one, kept in zip(chunk.decisions, counted, strict=True) if kept and one.push is not None])

    def _sends(self, sent: list[Decided]) -> None:
        """Count pushes under their keys; pushes of one campaign, channel and category are one addition."""
        alike: dict[tuple[str, str, str | None], list[int]] = {}
        for one in sent:
            if one.push is not None:
                push = one.push
                alike.setdefault((push.channel, push.category, push.campaign_id), []).append(one.at_us)
        for under, times in alike.items():
            at_us: Int64s = np.array(times, np.int64)
            for key in self._keys_of(*under, max(times)):
                for ring in (self.minutes, self.hours):
                    ring.add(at_us, SENDS_BASE + key)
                self.cohorts.add(at_us, key * _WIDTH)
        paced = [(one.at_us, one.user) for one in sent if one.reason != Reason.TRANSACTIONAL]
        if paced:
            at_us, users = np.array(paced, np.int64).T
            self.people.send(at_us, users)

    def _events(self, chunk: Chunk) -> None:
        counted = self._counted(np.array([one.at_us for one in chunk.events], np.int64), "events")
        events = [one for one, kept in zip(chunk.events, counted, strict=True) if kept]
        if not events:
            return
        at_us: Int64s = np.array([one.at_us for one in events], np.int64)
        users: Int64s = np.array([one.user for one in events], np.int64)
        bought = np.array([one.type == EventType.PURCHASE for one in events])
        money: Floats = np.where(bought, [one.value or 0.0 for one in events], 0.0)
        for ring in (self.minutes, self.hours):
            ring.add(at_us, PLACES["events"])
            ring.add(at_us[bought], PLACES["purchases"])
            ring.add(at_us[bought], PLACES["purchase_value"], money[bought])
        self.people.visit(at_us, users, money)

    def _outcomes(self, chunk: Chunk, sent: Mapping[int, tuple[int, Candidate]]) -> None:
        """Count outcomes when they came, and again under the push that they came of, when that was sent."""
        adds, cohorts = _Adds(), _Adds()
        counted = self._counted(np.array([one.at_us for one in chunk.outcomes], np.int64), "outcomes")
        for outcome, kept in zip(chunk.outcomes, counted, strict=True):
            if kept:
                adds.all(outcome.at_us, _of_outcome(outcome))
            push_us, push = sent.get(outcome.decision, (NEVER, None))
            column = COHORT_OF_OUTCOME.get(OutcomeType(outcome.type))
            if push is None or column is None or not self._oldest_us < push_us <= self._newest_us:
                continue
            for key in self._keys_of(push.channel, push.category, push.campaign_id, push_us):
                cohorts.one(push_us, key * _WIDTH + column)
                if outcome.value:
                    cohorts.one(push_us, key * _WIDTH + OF_COHORT["value"], outcome.value)
        adds.into(self.minutes, self.hours)
        cohorts.into(self.cohorts)

    def _counted(self, at_us: Int64s, flow: str) -> NDArray[np.bool_]:
        """Tell which records of these times count, and note that their flow goes on. Shape [n]."""
        counted: NDArray[np.bool_] = (at_us > self._oldest_us) & (at_us <= self._newest_us)
        self.dropped += len(at_us) - int(np.count_nonzero(counted))
        if counted.any():
            self.latest_us[flow] = max(self.latest_us[flow], int(at_us[counted].max()))
        return counted

    def _keys_of(self, channel: str, category: str, campaign: str | None, at_us: int) -> tuple[int, ...]:
        found = self.keys.of(channel, category, campaign, at_us, self._oldest_us)
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


def _of_decisions(taken: list[Decided], costs: Floats) -> Iterator[tuple[NDArray[np.bool_], Int64s, Floats]]:
    """Yield what decisions add to a series: of which of them, under which columns, and how much. Shape of all: [n]."""
    size = len(taken)
    actions: Int64s = np.array([one.action for one in taken], np.int64)
    reasons: Int64s = np.array([one.reason for one in taken], np.int64)
    plans: Floats = np.array([one.plan_per_week for one in taken], np.float64)  # None is NaN
    explored = np.array([bool(one.explored) for one in taken])
    everybody, planned, sent = np.ones(size, bool), ~np.isnan(plans), actions == Action.SEND
    paced = sent & (reasons != Reason.TRANSACTIONAL)
    one: Floats = np.ones(size)
    yield everybody, np.full(size, PLACES["decisions"]), one
    yield everybody, _ACTION_PLACES[actions], one
    yield everybody, _REASON_PLACES[reasons], one
    yield explored, np.full(size, PLACES["explored"]), one
    yield planned, np.full(size, PLACES["plan_sum"]), plans
    yield planned, np.full(size, PLACES["plan_known"]), one
    yield planned, PLAN_BASE + np.searchsorted(PLAN_EDGES, plans), one
    yield sent, np.full(size, PLACES["cost"]), costs
    yield paced, np.full(size, PLACES["paced"]), one


def _of_outcome(outcome: Outcome) -> list[tuple[int, float]]:
    added = [(PLACES[outcome.type], 1.0)]
    if outcome.value:
        added.append((PLACES["value"], outcome.value))
    if outcome.rating:
        added.append((PLACES["rating_sum"], outcome.rating))
    return added
