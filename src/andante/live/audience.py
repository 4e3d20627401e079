"""Audience: whom a campaign may be asked about, a page at a time, and what the log has of pages that were asked.

Users are met in the order of their rows, which are given once and never again: a row that was passed is never met
twice, whoever comes or goes meanwhile, and no list of users has to be kept anywhere.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from andante.live.names import CATEGORY, CHANNEL
from andante.live.parameters import CAMPAIGN, GLOBAL, stopped
from andante.live.survey import AT_ONCE, PERSONAS, chunks, personas
from andante.stores.erasure import is_tombstone
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import Action, Reason
from andante.vocabulary.state import MEMBER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from numpy.typing import NDArray

    from andante.live.desk import Desk
    from andante.live.engine import Engine
    from andante.live.survey import Chunk, Seat

LEAST = 256
"""How many users are looked at together, at least."""

_REQUEST = int(Kind.REQUEST)


class Chosen(NamedTuple):
    """Whom a campaign is for: all who agree to its channel, or those among them that are named here."""

    channel: str
    member: bool | None = None  # members, or all others; None: both
    persona: str | None = None  # as a survey names them; None: all
    user_ids: frozenset[str] | None = None  # None: everybody


class Page(NamedTuple):
    """Some of an audience, and how many rows were looked at to find them."""

    user_ids: list[str]
    upto: int  # the row after the last one looked at


class Found(NamedTuple):
    """What the log has of candidates whose ids begin alike."""

    asked: int
    actions: Counter[str]
    reasons: Counter[str]  # of those that were not sent at once


class _Decided(msgspec.Struct):
    reason: int


class _Body(msgspec.Struct):
    decision: _Decided


_BODY = msgspec.json.Decoder(_Body)


class Reach:
    """What a launch asks of an engine beside its decisions. It reads, and holds nobody up for long."""

    def __init__(self, seat: Seat, now_us: Callable[[], int]) -> None:
        """Store how to sit at the desk for a moment, and the clock."""
        self._seat, self._now_us = seat, now_us

    @classmethod
    def of(cls, engine: Engine) -> Reach:
        """Return what reaches the users of an engine."""
        return cls(engine._seat, engine._clock.now_us)  # noqa: SLF001  a module of the engine's own room

    def rows(self) -> int:
        """Return how many users the engine has ever met."""
        with self._seat() as desk:
            return len(desk.population)

    def page(self, chosen: Chosen, first: int, bound: int, most: int) -> Page:
        """Return at most so many users of an audience, from a row on and below ``bound``; no ids where it is done.

        Raises InputFault for a persona that no survey knows.
        """
        found: list[str] = []
        step = min(max(most, LEAST), AT_ONCE)  # more would be copied for nothing, and copied again for the next page
        for start in range(first, bound, step):
            for row, user_id in self._some(chosen, np.arange(start, min(start + step, bound))):
                found.append(user_id)
                if len(found) == most:
                    return Page(found, row + 1)
        return Page(found, max(first, bound))

    def size(self, chosen: Chosen) -> int:
        """Return how many users an audience has now."""
        bound = self.rows()
        return sum(
            1 for start in range(0, bound, AT_ONCE) for _ in self._some(chosen, np.arange(start, bound)[:AT_ONCE])
        )

    def is_stopped(self, channel: str, category: str, campaign_id: str) -> bool:
        """Tell whether a kill switch holds what goes out on this channel, of this category or campaign."""
        thrown = {GLOBAL, f"{CHANNEL}:{channel}", f"{CATEGORY}:{category}", f"{CAMPAIGN}:{campaign_id}"}
        return not thrown.isdisjoint(self.thrown([campaign_id]))

    def thrown(self, campaign_ids: Collection[str] = ()) -> list[str]:
        """Return the scopes that a kill switch holds; of campaigns those given, as the engine keeps only hashes."""
        with self._seat() as desk:
            return list(stopped(desk.deciding(), desk.names, campaign_ids))

    def decided(self, after: int, begins: str) -> Found | None:
        """Return what the log has, after a position, of requests of one candidate whose id begins so.

        None where retention has dropped rows after that position, so that nobody can know.
        """
        with self._seat() as desk:
            store = desk.store
        cut, states = store.base()
        del states
        if cut > after:
            return None
        found = Found(0, Counter(), Counter())
        sign = f'"candidate_id":"{begins}'
        for rows in store.read(after):
            for row in rows:
                if row.kind == _REQUEST and row.action is not None and sign in row.body:
                    action, reason = Action(row.action), Reason(_BODY.decode(row.body).decision.reason)
                    found = found._replace(asked=found.asked + 1)
                    found.actions[action.name.lower()] += 1
                    if action != Action.SEND:
                        found.reasons[reason.name.lower()] += 1
        return found

    def _some(self, chosen: Chosen, rows: NDArray[np.int64]) -> Iterator[tuple[int, str]]:
        """Yield those of an audience who stand in these rows, at most ``AT_ONCE``."""
        now_s = self._now_us() // 1_000_000
        for chunk in chunks(self._seat, rows):
            with self._seat() as desk:
                fits = _fits(desk, chunk, chosen, now_s)
                ids = [(row, desk.population.ids[row]) for row in chunk.rows[fits].tolist()]
            named = chosen.user_ids
            yield from ((row, one) for row, one in ids if not is_tombstone(one) and (named is None or one in named))


def _fits(desk: Desk, chunk: Chunk, chosen: Chosen, now_s: int) -> NDArray[np.bool_]:
    """Return which users of a chunk agree to the channel and are those that are meant."""
    users, held = chunk.users, desk.deciding()
    code = desk.names.find(CHANNEL, chosen.channel)
    bit = np.uint8(0 if code is None else 1 << code)
    by_default = bool(held["allows_by_default"][0])
    agreed = np.full(len(users), by_default) | (users["channels_given"] & bit != 0)
    fits: NDArray[np.bool_] = agreed & (users["channels_refused"] & bit == 0)
    if chosen.member is not None:
        fits &= (users["flags"] & MEMBER != 0) == chosen.member
    if chosen.persona is not None:
        if chosen.persona not in PERSONAS:
            raise InputFault("persona", chosen.persona, "is none", f"use one of {', '.join(PERSONAS)}")
        fits &= personas(users, held, np.maximum(now_s, users["now_s"])) == PERSONAS.index(chosen.persona)
    return fits
