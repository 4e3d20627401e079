"""Visiting: when users come of their own accord, and what each visit leaves: events, orders, triggered pushes."""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from andante.vocabulary.event import EventType
from andante.vocabulary.flow import EVENT_CODES
from andante.worlds.agenda import OFFER, ORDER, Agenda, put
from andante.worlds.buying import order_probability
from andante.worlds.chance import (
    BROUGHT,
    BUY,
    BUY_AT,
    CART,
    LOOK,
    MARGIN_A,
    MARGIN_B,
    RIVAL,
    SEARCH,
    TRIGGER,
    TRIGGER_AT,
    VISIT,
    VISIT_AT,
    exponential,
    normal,
    uniform,
)
from andante.worlds.compiling import entry, kernel
from andante.worlds.contract import HOUR_S, Floats, Ints
from andante.worlds.laws import Laws
from andante.worlds.moods import Moods, fade_pressure, faded
from andante.worlds.people import People

VIEWS_MAX = 4
EVENTS_MAX = 3 + VIEWS_MAX
"""Most events of one visit: the visit, a search, a cart, and views."""

ENTRIES_MAX = 2
"""Most entries that one visit makes in the agenda: an order and a triggered push."""

STEP_S = 20
"""Between two events of a visit."""

_VISIT, _VIEW = EVENT_CODES[EventType.VISIT], EVENT_CODES[EventType.VIEW]
_SEARCH, _CART = EVENT_CODES[EventType.SEARCH], EVENT_CODES[EventType.CART]


class Visits(NamedTuple):
    """Visits of one hour."""

    user: Ints
    at_s: Ints
    candidate: Ints  # that brought it, or -1
    worth: Floats  # what its order's margin is multiplied by; 0: it cannot end in an order


class Traces(NamedTuple):
    """Room for the events of visits."""

    user: Ints
    at_s: Ints
    type: NDArray[np.uint8]


@kernel
def own_rate(laws: Laws, at_rest: float, carry_over: float, age_s: float) -> float:
    """Return the rate of a user's own visits: raised by pushes, and for a while after joining."""
    raised = at_rest * (1.0 + carry_over)
    return raised * (1.0 + laws.honeymoon * math.exp(-laws.honeymoon_rate * age_s)) if laws.honeymoon > 0.0 else raised


@cache
def coming() -> Callable[..., int]:
    """Return the compiled search for who comes of their own accord in an hour.

    ``found`` and ``found_at_s`` take the users, in order, and their times; the number of them is returned.
    """
    search: Callable[..., int] = entry(_make_coming)
    return search


def _make_coming(digest: str) -> Callable[..., int]:
    def search(  # noqa: PLR0913, PLR0917  a compiled loop is given its whole world
        laws: Laws,
        people: People,
        moods: Moods,
        shape: np.ndarray,
        season: float,
        hour: int,
        start_s: int,
        found: np.ndarray,
        found_at_s: np.ndarray,
    ) -> int:
        _ = len(digest)
        count, now_s = 0, start_s + hour * HOUR_S
        ceiling = (1.0 + laws.carry_over_max) * (1.0 + laws.honeymoon) * season / 24.0
        for user in range(found.size):
            if not moods.installed[user] or people.joined_h[user] > hour:
                continue
            drawn = uniform(people.key[user], hour, VISIT)
            at_rest = people.visits_per_day[user] * shape[user]
            if drawn >= at_rest * ceiling:  # most need no more than this
                continue
            raised = faded(moods.carry_over[user], laws.carry_over_rate, max(0.0, now_s - moods.pressed_s[user]))
            age_s = float(hour - people.joined_h[user]) * HOUR_S
            # One visit an hour at most, as probable as the rate says: so the mean is the rate.
            if drawn >= own_rate(laws, at_rest, raised, age_s) * season / 24.0:
                continue
            at_s = now_s + int(HOUR_S * uniform(people.key[user], hour, VISIT_AT))
            if at_s < moods.displaces_until_s[user]:
                moods.displaces_until_s[user] = 0
                continue
            found[count], found_at_s[count] = user, at_s
            count += 1
        return count

    return search


@cache
def lived_through() -> Callable[..., int]:
    """Return the compiled course of visits: writes events and entries of the agenda, returns the number of events."""
    course: Callable[..., int] = entry(_make_lived_through)
    return course


def _make_lived_through(digest: str) -> Callable[..., int]:
    def course(  # noqa: PLR0913, PLR0917  a compiled loop is given its whole world
        laws: Laws,
        people: People,
        moods: Moods,
        agenda: Agenda,
        visits: Visits,
        season: float,
        hour: int,
        start_s: int,
        traces: Traces,
    ) -> int:
        _ = len(digest)
        count = 0
        for place in range(visits.user.size):
            user = visits.user[place]
            brought = visits.candidate[place] >= 0
            moment = hour + BROUGHT if brought else hour
            if brought:
                moods.displaces_until_s[user] = visits.at_s[place] + laws.displaces_s
            ordered = _order(laws, people, moods, agenda, visits, place, season, hour, moment, start_s)
            count = _trace(laws, people, agenda, visits, place, ordered, hour, moment, start_s, traces, count)
        return count

    return course


@kernel
def _order(  # noqa: PLR0913, PLR0917  a kernel is given its whole world
    laws: Laws,
    people: People,
    moods: Moods,
    agenda: Agenda,
    visits: Visits,
    place: int,
    season: float,
    hour: int,
    moment: int,
    start_s: int,
) -> bool:
    """Let a visit end in an order or not; return whether it does."""
    user, at_s = visits.user[place], visits.at_s[place]
    key = people.key[user]
    left = faded(moods.depletion[user], laws.depletion_rate, max(0.0, at_s - moods.bought_s[user]))
    if visits.worth[place] <= 0.0:
        return False
    if uniform(key, moment, BUY) >= order_probability(laws, people.buying[user] * season, left):
        return False
    moods.depletion[user] = left + 1.0
    moods.bought_s[user] = at_s
    due_s = at_s + int(laws.order_delay_s * exponential(key, moment, BUY_AT))
    due_s = max(due_s, start_s + (hour + 1) * HOUR_S)  # the hour's events are about to be told
    margin = math.exp(people.margin_log[user] + laws.margin_spread * normal(key, moment, MARGIN_A, MARGIN_B))
    put(agenda, hour, start_s, ORDER, visits.candidate[place], user, due_s, margin * visits.worth[place])
    return True


@kernel
def _trace(  # noqa: PLR0913, PLR0917  a kernel is given its whole world
    laws: Laws,
    people: People,
    agenda: Agenda,
    visits: Visits,
    place: int,
    ordered: bool,  # noqa: FBT001  numba knows no keyword-only arguments
    hour: int,
    moment: int,
    start_s: int,
    traces: Traces,
    count: int,
) -> int:
    """Write the events of a visit, and the triggered push that may follow it; return the number of events so far."""
    user, at_s = visits.user[place], visits.at_s[place]
    key, last_s = people.key[user], start_s + (hour + 1) * HOUR_S - 1
    searched = uniform(key, moment, SEARCH) < laws.searches
    carted = ordered or uniform(key, moment, CART) < laws.carts
    views = 1 + int(VIEWS_MAX * uniform(key, moment, LOOK))
    for turn in range(EVENTS_MAX):
        if turn == 0:
            kind = _VISIT
        elif turn == 1:
            kind = _SEARCH
        elif turn == EVENTS_MAX - 1:
            kind = _CART
        else:
            kind = _VIEW
        if (turn == 1 and not searched) or (kind == _VIEW and turn - 1 > views) or (kind == _CART and not carted):
            continue
        traces.user[count], traces.type[count] = user, kind
        traces.at_s[count] = min(last_s, at_s + STEP_S * turn)
        count += 1
    if (searched or carted) and not ordered and uniform(key, moment, TRIGGER) < laws.triggers:
        due_s = at_s + HOUR_S + int(HOUR_S * uniform(key, moment, TRIGGER_AT))
        put(agenda, hour, start_s, OFFER, -1, user, due_s, 0.0)
    return count


@cache
def rivals() -> Callable[..., None]:
    """Return the compiled pushes of other senders in an hour: they tire a user as ours do, and bring us nothing."""
    push: Callable[..., None] = entry(_make_rivals)
    return push


def _make_rivals(digest: str) -> Callable[..., None]:
    def push(  # noqa: PLR0913, PLR0917  a compiled loop is given its whole world
        laws: Laws, people: People, moods: Moods, per_hour: float, hour: int, start_s: int
    ) -> None:
        _ = len(digest)
        for user in range(people.key.size):
            if moods.installed[user] and uniform(people.key[user], hour, RIVAL) < per_hour:
                fade_pressure(laws, people, moods, user, start_s + hour * HOUR_S)
                moods.fatigue[user] += 1.0
                moods.habituation[user] += 1.0

    return push
