"""The shop between a world and an engine: its names, and what it tells the engine when.

A world knows rows and codes; an engine knows ids and names. And a shop does not tell everything at once: it asks when
it has something to send, and hands over what happened meanwhile every so often. Both policies that decide with the
engine (:mod:`~andante.runners.simulating.step_policy`, :mod:`~andante.runners.simulating.engine_policy`) are told the
same, in the same order, so that they decide the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from andante.vocabulary.fault import InputFault
from andante.worlds.contract import HOUR_S, WEEK_S
from andante.worlds.offers import CATEGORIES, CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from andante.worlds.contract import Crowd, Floats, Ints, Tick

TELLS_EVERY_S = 900
"""How often the shop hands over events and outcomes, and asks again what is due."""

Plan = Callable[[int], "Floats | None"]
"""Pushes a week by user, for a week from 0: shape [users], NaN for who is planned nothing. None: as it was."""

_WESTMOST_H, _EASTMOST_H = -12, 14


class Part(NamedTuple):
    """A part of a tick, ``[from_s, until_s)``, in the order in which the engine is told of it.

    First, what is due by ``from_s`` is asked again; then the requests are asked, each at its time; at the end the
    engine learns of the events and outcomes. So no decision knows what happened after it, and some do not yet know
    what happened a few minutes before, as behind any queue.
    """

    from_s: int
    until_s: int
    requests: NDArray[np.void]  # REQUEST
    events: NDArray[np.void]  # EVENT
    outcomes: NDArray[np.void]  # OUTCOME


class Greeted(NamedTuple):
    """Who is met for the first time in a part of a tick, and whose plan is to be published then."""

    new: Ints
    planned: Ints
    plan: Floats  # pushes a week by user, [users]


class Greeter:
    """Knows who has been met, and what is planned. Consent is given where a user is first seen, in an event or request.

    A plan is published for all who are known when its week begins, and for the others when they are met.
    """

    def __init__(self, crowd: Crowd, ask_plan: Plan | None) -> None:
        """Begin with nobody met."""
        self._start_s, self._ask = crowd.start_s, ask_plan
        self._met, self._week = np.zeros(crowd.users, bool), -1
        self._plan: Floats = np.full(crowd.users, np.nan)

    def greet(self, part: Part) -> Greeted:
        """Return who is new, and who gets which plan."""
        seen = np.unique(np.concatenate([part.requests["user"], part.events["user"]]))
        new = planned = seen[~self._met[seen]]
        self._met[new] = True
        week = (part.from_s - self._start_s) // WEEK_S
        if self._ask is not None and week != self._week:
            plan, self._week = self._ask(week), week
            if plan is not None:
                self._plan, planned = plan, np.flatnonzero(self._met)
        return Greeted(new, planned[~np.isnan(self._plan[planned])], self._plan)


def parts(tick: Tick, every_s: int) -> Iterator[Part]:
    """Cut a tick into parts of at most so many seconds."""
    starts = np.arange(tick.from_s, tick.until_s, every_s)
    known_s = np.maximum(tick.outcomes["at_s"], tick.from_s)  # what happened earlier became known in this tick
    times = tick.requests["at_s"], tick.events["at_s"], known_s
    cuts = [np.append(np.searchsorted(column, starts[1:]), len(column)) for column in times]
    begun = [0, 0, 0]
    for place, start in enumerate(starts.tolist()):
        ends = [int(cut[place]) for cut in cuts]
        asked, happened, came = (slice(first, end) for first, end in zip(begun, ends, strict=True))
        begun = ends
        until_s = min(start + every_s, tick.until_s)
        yield Part(start, until_s, tick.requests[asked], tick.events[happened], tick.outcomes[came])


def user_id(user: int) -> str:
    """Return the id of a user's row.

    >>> user_id(7)
    'user-7'
    """
    return f"user-{user}"


def channel_name(code: int) -> str:
    """Return the name of a world's channel: 0 is ``push``."""
    return CHANNELS[code] if code < len(CHANNELS) else f"channel-{code}"


def category_name(code: int) -> str:
    """Return the name of a world's category: 0 is ``promotion``, 1 ``recommendation``, 2 ``reminder``."""
    return CATEGORIES[code] if code < len(CATEGORIES) else f"category-{code}"


def zone_names(crowd: Crowd) -> dict[int, str]:
    """Return the name of a time zone without summer time for every offset of a crowd, in seconds.

    Raises InputFault for an offset that is no whole hour from -12 to 14.
    """
    return {int(offset_s): _zone_name(int(offset_s)) for offset_s in np.unique(crowd.offset_s)}


def flat(first: Ints, count: Ints) -> Ints:
    """Return the places of all candidates of requests, request by request.

    >>> flat(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(count) - count
    places: Ints = np.repeat(first - before, count) + np.arange(int(count.sum()))
    return places


def joined(pieces: Sequence[NDArray[Any]], kind: np.dtype[Any]) -> NDArray[Any]:
    """Return arrays of one kind of record as one: NumPy compares all fields of all of them first."""
    sizes = [len(piece) for piece in pieces]
    whole, end = np.zeros(sum(sizes), kind), 0
    for piece, size in zip(pieces, sizes, strict=True):
        whole[end : end + size] = piece
        end += size
    return whole


def _zone_name(offset_s: int) -> str:
    hours, rest = divmod(offset_s, HOUR_S)
    if rest or not _WESTMOST_H <= hours <= _EASTMOST_H:
        raise InputFault("a user's offset from UTC", offset_s, "is no whole hour from -12 to 14", "round it to an hour")
    return "Etc/GMT" if hours == 0 else f"Etc/GMT{-hours:+d}"  # by POSIX, the sign counts westwards
