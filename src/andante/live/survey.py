"""Survey: all users counted, as they are at one moment: whom pushes can reach, and how often by plan and by pace."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from andante.live.appraisal import appraise
from andante.live.instants import LAST, utc
from andante.vocabulary.event import EventType
from andante.vocabulary.flow import EVENT_CODES
from andante.vocabulary.records import Record
from andante.vocabulary.state import KNOWN, MEMBER, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from andante.live.desk import Desk
    from andante.live.waiting import Waiter
    from andante.zones.table import Zones

    Seat = Callable[[], AbstractContextManager[Desk]]
    Array = NDArray[np.void]

PLAN_EDGES = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 14.0)
"""The bins of a histogram, by their lower edges, in pushes a week: each ends where the next begins."""

PERSONAS = ("new", "quiet", "browser", "buyer")
"""What a user's record makes of them: see :func:`personas`."""

GROUPS = {"all": ("all",), "member": ("member", "other"), "persona": PERSONAS, "holdout": ("holdout", "treated")}
"""The groups of a survey: the names of each ``by``, in order."""

NEW_DAYS = 14
"""For how long a user of whom hardly anything is known counts as new, and not as quiet."""

BOUGHT = 0.5
"""How much of a purchase must be left of all purchases, as they fade, for a buyer: one half-life after one."""

SEEN = 1.0
"""How much of an event must be left of all events, as they fade, for a browser."""

AT_ONCE = 2048
"""How many users are copied while callers wait: about a millisecond."""

LOOKED_AT = 65_536
"""How many users are looked at, and not copied, while callers wait."""

_DAY_S = 86_400
_PURCHASE = EVENT_CODES[EventType.PURCHASE]


class Group(Record, frozen=True, omit_defaults=False):
    """Some of the users. Means are None where there is nobody to take them over."""

    by: str  # what tells the groups apart: all | member | persona | holdout
    name: str  # all · member, other · new, quiet, browser, buyer · holdout, treated
    users: int
    known: int  # have a consent record
    reachable: int  # agree to at least one channel; under consent.default = "allow": do not refuse all
    planned: int  # have a published plan
    plan_mean: float | None  # pushes a week, over those who have one
    pace_mean: float | None  # pushes a week, as followed now
    satisfaction_mean: float | None  # S in [0, 1]
    refusal_rate_mean: float | None  # h: opt-outs per push, unpressed
    open_rate_mean: float | None  # q: opens per push of usual relevance at a usual hour, unpressed
    plan_histogram: tuple[int, ...]  # users by published plan, in the bins of PLAN_EDGES; adds up to ``planned``
    pace_histogram: tuple[int, ...]  # users by pace; adds up to ``users``
    paused: int  # by themselves, at the moment
    waiting: int  # deferred pushes


class Survey(Record, frozen=True, omit_defaults=False):
    """All users of a log. The groups of each ``by`` hold every user once."""

    at: datetime
    policy_version: str
    users: int  # erased ones never
    budget_per_user_week: float | None
    shadow_price: float  # mu, in money
    groups: tuple[Group, ...]


class Chunk(NamedTuple):
    """Users as they were copied, and what they were held against."""

    rows: NDArray[np.int64]
    users: Array
    zones: Zones
    channels: np.uint8  # bits of the channels that were seen so far
    waiting: list[Waiter]


def survey(seat: Seat, at_s: int) -> Survey:
    """Count all users as of a second; each is seen whole, as they are when their turn comes.

    The desk is held only while a chunk is copied, so decisions go on meanwhile; users who come meanwhile are not
    counted.
    """
    with seat() as desk:
        parameters, settings = desk.deciding(), desk.settings
        policy, count = desk.policies[int(parameters["version"][0])], len(desk.population)
    parts = [_columns(chunk, parameters, at_s) for chunk in chunks(seat, np.arange(count))]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    return Survey(
        at=utc(at_s) or LAST,
        policy_version=policy,
        users=len(columns["pace"]) if columns else 0,
        budget_per_user_week=settings.budget.per_user_week,
        shadow_price=float(parameters["shadow_price"][0]),
        groups=tuple(_group(by, name, columns) for by, names in GROUPS.items() for name in names),
    )


def living(seat: Seat) -> NDArray[np.int64]:
    """Return the rows of all users who are not erased."""
    found, start = [np.zeros(0, np.int64)], 0
    while True:
        with seat() as desk:
            positions = desk.population.users["position"][start : start + LOOKED_AT]
            found.append(start + np.flatnonzero(positions > 0))  # an erased user's record has folded in nothing
            if start + LOOKED_AT >= len(desk.population):
                return np.concatenate(found)
        start += LOOKED_AT


def chunks(seat: Seat, rows: NDArray[np.int64]) -> Iterator[Chunk]:
    """Yield copies of the users in these rows who are not erased, so many at a time as callers can wait for."""
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        with seat() as desk:
            some = some[some < len(desk.population)]  # who came with a commit that failed is gone again
            users = desk.population.raw[some].view(USER)
            room, zones, channels = desk.waiting, desk.zones, np.uint8((1 << len(desk.names.channels)) - 1)
            waiting = [waiter for row in some.tolist() for waiter in room.of_user(row)] if len(room) else []
        here = users["position"] > 0  # an erased user's record has folded in nothing
        yield Chunk(some[here], users[here], zones, channels, waiting)


def personas(users: Array, parameters: Array, at_s: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what each user's events, as they have faded, make of them: places in ``PERSONAS``, (n,).

    A *buyer* has bought lately, a *browser* has done something lately, a *new* one was first heard of lately, and who
    is none of these is *quiet*. The first that fits counts; what is lately follows from ``learning.counts_half_life``.
    """
    elapsed_s = np.maximum(at_s - users["counts_anchor_s"], 0)
    left = np.exp2(-elapsed_s / float(parameters["counts_half_life_s"][0]))
    bought = users["counts"][:, _PURCHASE] * left >= BOUGHT
    seen = users["counts"].sum(axis=1) * left >= SEEN
    young = (users["born_s"] == 0) | (at_s - users["born_s"] < NEW_DAYS * _DAY_S)
    order = [PERSONAS.index(name) for name in ("buyer", "browser", "new")]
    return np.select([bought, seen, young], order, PERSONAS.index("quiet"))


def _columns(chunk: Chunk, parameters: Array, at_s: int) -> dict[str, NDArray[np.float64]]:
    users = chunk.users
    seconds = np.maximum(at_s, users["now_s"])
    known = appraise(users, seconds, parameters, chunk.zones)
    asked = chunk.channels if parameters["allows_by_default"][0] else users["channels_given"]
    waiting = dict.fromkeys(chunk.rows.tolist(), 0)
    for waiter in chunk.waiting:
        if waiter.user in waiting:
            waiting[waiter.user] += _pushes(waiter)
    return {
        "all": np.zeros(len(users)),
        "member": np.where(users["flags"] & MEMBER, 0, 1),
        "persona": personas(users, parameters, seconds),
        "holdout": np.where(known["held_out"], 0, 1),
        "known": users["flags"] & KNOWN != 0,
        "reachable": asked & ~users["channels_refused"] != 0,
        "plan": users["plan_per_week"].astype(float),
        "pace": known["pace_per_week"],
        "satisfaction": known["satisfaction"],
        "refusal_rate": known["refusal_rate"],
        "open_rate": known["open_rate"],
        "paused": users["paused_until_s"] > seconds,
        "waiting": np.array(list(waiting.values()), float),
    }


def _pushes(waiter: Waiter) -> int:
    """Return how many pushes wait in a request; to count them, none of its candidates need be made."""
    return len(waiter.offered) if isinstance(waiter.offered, tuple) else waiter.pushes


def _group(by: str, name: str, columns: dict[str, NDArray[np.float64]]) -> Group:
    place = GROUPS[by].index(name)
    mine = {key: column[columns[by] == place] for key, column in columns.items()}
    plans = mine.get("plan", _NONE)
    plans = plans[~np.isnan(plans)]
    paces = mine.get("pace", _NONE)
    return Group(
        by=by,
        name=name,
        users=len(paces),
        **{key: int(mine.get(key, _NONE).sum()) for key in ("known", "reachable", "paused", "waiting")},
        planned=len(plans),
        plan_mean=_mean(plans),
        pace_mean=_mean(paces),
        satisfaction_mean=_mean(mine.get("satisfaction", _NONE)),
        refusal_rate_mean=_mean(mine.get("refusal_rate", _NONE)),
        open_rate_mean=_mean(mine.get("open_rate", _NONE)),
        plan_histogram=_histogram(plans),
        pace_histogram=_histogram(paces),
    )


_NONE = np.zeros(0)


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _histogram(per_week: NDArray[np.float64]) -> tuple[int, ...]:
    bins = np.searchsorted(PLAN_EDGES, per_week, side="right") - 1
    return tuple(np.bincount(bins, minlength=len(PLAN_EDGES)).tolist())
