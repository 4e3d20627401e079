"""The world itself: an hour at a time, what falls due, who comes, what is offered, and what sending does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from andante.vocabulary.event import EventType
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import CANDIDATE, EVENT_CODES
from andante.worlds.agenda import (
    COMPLAINED,
    CONVERTED,
    DUE,
    LEAVE,
    OFFER,
    OPENED,
    ORDER,
    RATED,
    UNSUBSCRIBED,
    Agenda,
    agenda,
    listed,
    put,
    with_room,
)
from andante.worlds.compiling import entry
from andante.worlds.contract import EVENT, HOUR_S, OUTCOME, REQUEST, Crowd, Ints, Lived, Tick
from andante.worlds.laws import Laws, laws
from andante.worlds.ledger import WEEK_H, Counts, add, close_week, counts, lived
from andante.worlds.moods import Moods, moods
from andante.worlds.nature import Nature
from andante.worlds.offers import Sheet, Terms, as_candidates, as_requests, offered, sheet, terms
from andante.worlds.people import People, people
from andante.worlds.rhythm import Hours, hours
from andante.worlds.seasons import Seasons, seasons
from andante.worlds.sending import ENTRIES_MAX as ENTRIES_OF_A_PUSH
from andante.worlds.sending import Pushes, sent
from andante.worlds.shelf import Shelf
from andante.worlds.survey import answers
from andante.worlds.visiting import ENTRIES_MAX as ENTRIES_OF_A_VISIT
from andante.worlds.visiting import EVENTS_MAX, Traces, Visits, coming, lived_through, rivals

START_S = 1_767_571_200
"""Worlds begin on Monday 2026-01-05, 00:00 UTC."""

_PURCHASE = EVENT_CODES[EventType.PURCHASE]


@dataclass(slots=True)
class Reality:
    """A world of ``andante.worlds.contract.World`` with these parameters. It is lived through once."""

    nature: Nature
    users: int
    weeks: int
    seed: int
    crowd: Crowd = field(init=False)
    _people: People = field(init=False)
    _moods: Moods = field(init=False)
    _laws: Laws = field(init=False)
    _terms: Terms = field(init=False)
    _hours: Hours = field(init=False)
    _seasons: Seasons = field(init=False)
    _agenda: Agenda = field(init=False)
    _counts: Counts = field(init=False)
    _shelf: Shelf = field(init=False)
    _sheet: Sheet = field(init=False)
    _room: tuple[Ints, Ints] = field(init=False)  # for those who come within an hour: user, time
    _hour: int = field(init=False, default=-1)

    def __post_init__(self) -> None:
        """Draw the people, to whom nothing has happened yet."""
        users, weeks = self.users, self.weeks
        drawn = people(self.nature, users, weeks, self.seed)
        offset_s = drawn.offset_h * HOUR_S
        self.crowd = Crowd(users, START_S, weeks, offset_s, drawn.member.copy(), drawn.segment.copy())
        self._people, self._moods = drawn, moods(drawn, START_S, self.nature.population.rivals_per_week)
        self._laws, self._terms = laws(self.nature), terms(self.nature)
        self._hours = hours(self.nature.rhythm, drawn.shift_h, drawn.offset_h)
        self._seasons = seasons(self.nature.calendar, weeks)
        self._agenda, self._counts = agenda(weeks * WEEK_H), counts(users, weeks)
        self._shelf, self._sheet = Shelf(), sheet(users, 0)
        self._room = np.zeros(users, np.int64), np.zeros(users, np.int64)

    def ticks(self) -> Iterator[Tick]:
        """Yield the hours in order; each answer must be taken before the next."""
        for hour in range(self.weeks * WEEK_H):
            self._hour = hour
            with np.errstate(over="ignore"):  # the hash of chance wraps around, compiled or not
                tick = self._live()
            yield tick
            if (hour + 1) % WEEK_H == 0:
                self._end_week(hour // WEEK_H)

    def take(self, sends: NDArray[np.void]) -> None:
        """Let what is sent in this tick have its effect.

        Raises InputFault for a candidate that was never shown, has expired, is sent twice, or for a time outside the
        tick.
        """
        from_s = self._now_s()
        at_s = np.ascontiguousarray(sends["at_s"])
        outside = (at_s < from_s) | (at_s >= from_s + HOUR_S)
        if outside.any():
            raise InputFault(
                "at_s of a send", int(at_s[outside][0]), "is outside the tick", "send within [from_s, until_s)"
            )
        if (np.diff(at_s) < 0).any():
            raise InputFault("sends", None, "are not sorted by at_s", "sort them")
        number = np.ascontiguousarray(sends["candidate"])
        shown = self._shelf.take(number, at_s)
        if not len(number):
            return
        pushes = Pushes(number, shown.user, at_s, shown.multiplier, shown.worth, shown.leaving)
        self._agenda = with_room(self._agenda, len(number) * ENTRIES_OF_A_PUSH)
        appeal = self._hours.opens[self._hour % 24]
        state = self._laws, self._people, self._moods, self._agenda, self._counts
        with np.errstate(over="ignore"):
            sent()(*state, pushes, appeal, self._hour, START_S)

    def lived(self) -> Lived:
        """Return what has come of it so far."""
        return lived(self._counts, self._people)

    def _now_s(self) -> int:
        return START_S + self._hour * HOUR_S

    def _live(self) -> Tick:
        """Let an hour happen."""
        due = self._due()
        leaving = due[due["type"] == LEAVE]
        self._moods.subscribed[leaving["user"]] = False
        self._moods.installed[leaving["user"][leaving["value"] > 0]] = False
        orders = due[due["type"] == ORDER]
        events = self._visits(due, orders)
        outcomes = self._outcomes(due, leaving, orders)
        self._count(outcomes, orders)
        requests, candidates, first = self._offers(due[due["type"] == OFFER])
        from_s = self._now_s()
        return Tick(from_s, from_s + HOUR_S, events, outcomes, requests, candidates, first)

    def _due(self) -> NDArray[np.void]:
        """Return what is due in this hour, by time. Who has uninstalled opens and answers nothing any more."""
        places = np.zeros(len(self._agenda.at_s), np.int64)
        count = _listed()(self._agenda, self._hour, places)
        places = places[:count][::-1]  # as it was written down
        due = np.zeros(count, DUE)
        for name in DUE.names or ():
            due[name] = getattr(self._agenda, name)[places]
        due = due[np.argsort(due["at_s"], kind="stable")]
        gone = ~self._moods.installed[due["user"]]
        return np.asarray(due[~gone | (due["type"] == ORDER) | (due["type"] == LEAVE) | (due["type"] == UNSUBSCRIBED)])

    def _visits(self, due: NDArray[np.void], orders: NDArray[np.void]) -> NDArray[np.void]:
        """Let users come, of their own accord or by a push, and return all events of the hour."""
        hour = self._hour
        state = self._laws, self._people, self._moods
        if self.nature.population.rivals_per_week > 0:
            rivals()(*state, self.nature.population.rivals_per_week / WEEK_H, hour, START_S)
        season = self._seasons
        own = coming()(*state, self._hours.visits[hour % 24], season.visits[hour], hour, START_S, *self._room)
        brought = due[due["type"] == OPENED]
        user = np.concatenate([brought["user"], self._room[0][:own]])
        at_s = np.concatenate([brought["at_s"], self._room[1][:own]])
        candidate = np.concatenate([brought["candidate"], np.full(own, -1)])
        worth = np.concatenate([brought["value"], np.ones(own)])
        order = np.argsort(at_s, kind="stable")
        visits = Visits(user[order], at_s[order], candidate[order], worth[order])
        add(self._counts.visits, user, hour // WEEK_H)
        most = len(user) * EVENTS_MAX
        traces = Traces(np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most, np.uint8))
        self._agenda = with_room(self._agenda, len(user) * ENTRIES_OF_A_VISIT)
        found = lived_through()(*state, self._agenda, visits, season.orders[hour], hour, START_S, traces)
        events = np.zeros(found + len(orders), EVENT)
        events["user"][:found], events["at_s"][:found] = traces.user[:found], traces.at_s[:found]
        events["type"][:found] = traces.type[:found]
        events["user"][found:], events["at_s"][found:] = orders["user"], orders["at_s"]
        events["value"][found:], events["type"][found:] = orders["value"], _PURCHASE
        return events[np.argsort(events["at_s"], kind="stable")]

    def _outcomes(self, due: NDArray[np.void], leaving: NDArray[np.void], orders: NDArray[np.void]) -> NDArray[np.void]:
        """Return the outcomes that become known in this hour."""
        heard = due[due["type"] < ORDER].astype(OUTCOME)
        heard["value"][heard["type"] != RATED] = 0.0  # an open carries the worth of its visit there
        said = leaving[leaving["value"] == 0].astype(OUTCOME)
        said["type"] = UNSUBSCRIBED
        converted = orders[orders["candidate"] >= 0].astype(OUTCOME)
        converted["type"] = CONVERTED
        outcomes = np.concatenate([heard, said, converted])
        return outcomes[np.argsort(outcomes["at_s"], kind="stable")]

    def _count(self, outcomes: NDArray[np.void], orders: NDArray[np.void]) -> None:
        """Count what became known in the week in which it did."""
        week = self._hour // WEEK_H
        add(self._counts.orders, orders["user"], week)
        add(self._counts.value, orders["user"], week, orders["value"])
        add(self._counts.opens, outcomes["user"][outcomes["type"] == OPENED], week)
        add(self._counts.complaints, outcomes["user"][outcomes["type"] == COMPLAINED], week)

    def _offers(self, due: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.void], int]:
        """Return the requests and candidates of the hour, and the number of the first candidate."""
        if len(self._sheet.user) < self.users + len(due):
            self._sheet = sheet(self.users, 2 * len(due))
        triggered = np.ascontiguousarray(due["user"]), np.ascontiguousarray(due["at_s"])
        state = self._terms, self._people, self._moods
        requests, candidates = offered()(*state, *triggered, self._hour, START_S, self._sheet)
        first = self._shelf.until
        self._shelf.drop(self._now_s())
        if not requests:
            return np.zeros(0, REQUEST), np.zeros(0, CANDIDATE), first
        leaving = self.nature.offering.bait_leaving
        shown, truth = as_candidates(self._terms, self._sheet, requests, candidates, self._hour, leaving)
        self._shelf.put(truth)
        return as_requests(self._sheet, requests), shown, first

    def _end_week(self, week: int) -> None:
        """Write down how users stand, and ask some of them. Policies hear the answers in the next hour."""
        close_week(self._counts, self._moods, self._people, week)
        user, stars = answers(self.nature.survey, self._people, self._counts.sends[:, week], week)
        keep = self._moods.installed[user]
        user, stars = user[keep], stars[keep]
        add(self._counts.ratings, user, week)
        add(self._counts.rating_sum, user, week, stars)
        self._agenda = with_room(self._agenda, len(user))
        at_s = self._now_s() + HOUR_S
        _rated()(self._agenda, self._hour, START_S, self._moods.last_number[user], user, at_s, stars)


@cache
def _listed() -> Callable[..., int]:
    """Return the compiled taking of an hour's entries."""
    taking: Callable[..., int] = entry(_make_listed)
    return taking


def _make_listed(digest: str) -> Callable[..., int]:
    def taking(agenda: Agenda, hour: int, places: np.ndarray) -> int:
        _ = len(digest)
        return listed(agenda, hour, places)

    return taking


@cache
def _rated() -> Callable[..., None]:
    """Return the compiled writing of the survey's answers."""
    writing: Callable[..., None] = entry(_make_rated)
    return writing


def _make_rated(digest: str) -> Callable[..., None]:
    def writing(  # noqa: PLR0913, PLR0917  a compiled loop is given its whole world
        agenda: Agenda, hour: int, start_s: int, candidate: np.ndarray, user: np.ndarray, at_s: int, stars: np.ndarray
    ) -> None:
        _ = len(digest)
        for place in range(user.size):
            put(agenda, hour, start_s, RATED, candidate[place], user[place], at_s, stars[place])

    return writing
