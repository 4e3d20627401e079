"""The tail of the log: what it newly holds, of each record what is counted, from a connection that lives for one look.

A look never holds a snapshot: every statement is read to its end at once, so that the writer can start its write-ahead
log over whenever it likes. SQLite itself takes the few figures out of the bodies and hands all rows over as one text:
it does so without Python's lock, which whoever decides needs.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from andante.live.checkpoints import parameters_in
from andante.live.policies import SETTINGS
from andante.live.refolding import published
from andante.stores.connection import connect, faults
from andante.stores.contract import Row
from andante.stores.erasure import is_tombstone
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import Action

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

SPAN = 20_000
"""How many positions one step back through the log takes, while the first look seeks where to begin."""

_SEND, _ASKED = int(Action.SEND), f"{Kind.REQUEST:d}, {Kind.RELEASE:d}"
_CHOSEN = "'$.candidates[' || json_extract(body, '$.decision.chosen') || ']"
_PUSH = f"json_extract(body, {_CHOSEN}.category', {_CHOSEN}.channel', {_CHOSEN}.campaign_id')"
_DECISIONS = f"""position, user, at_us, action, json_extract(body, '$.decision.reason'),
coalesce(json_extract(body, '$.decision.explored'), 0), json_extract(body, '$.decision.plan_per_week'),
CASE WHEN action = {_SEND} THEN {_PUSH} END"""
_OUTCOMES = """at_us, json_extract(body, '$.decision'), json_extract(body, '$.type'),
json_extract(body, '$.value'), json_extract(body, '$.rating')"""
_EVENTS = "at_us, user, json_extract(body, '$.type'), json_extract(body, '$.value')"

_UP_TO = "SELECT max(position), count(*) FROM (SELECT position FROM log WHERE position > ? ORDER BY position LIMIT ?)"
_OF = """SELECT json_group_array(json_array({fields})) FROM (
SELECT * FROM log WHERE position > ? AND position <= ? AND {which} ORDER BY position)"""
_PUBLISHED = f"""SELECT position, kind, user, at_us, action, body FROM log WHERE position > ? AND position <= ?
AND kind = {Kind.PARAMETERS:d} ORDER BY position"""
_LAST = "SELECT coalesce(max(position), 0) FROM log"
_META = "SELECT key, value FROM meta WHERE key IN ('log_name', 'parameters', ?)"
_NEWEST = f"""SELECT max(at_us) FROM log WHERE position > ? AND position <= ?
AND kind IN ({_ASKED})"""
_USERS = "SELECT coalesce(max(number) + 1, 0) FROM users"
_IDS = "SELECT number, user_id FROM users WHERE number < ? ORDER BY number"
_MEMBERS = "SELECT user FROM preferences WHERE key = 'member' AND value = 'true' AND user < ? ORDER BY user"
_HELD = f"""SELECT position, kind, user, at_us, action, body FROM log WHERE position > ? AND position <= ?
AND kind = {Kind.PARAMETERS:d} ORDER BY position DESC LIMIT 1"""


class Candidate(msgspec.Struct, array_like=True, gc=False):
    """Of a push, what it counts under."""

    category: str
    channel: str
    campaign_id: str | None = None


class Decided(msgspec.Struct, array_like=True, gc=False):
    """Of a decision, what is counted."""

    position: int
    user: int
    at_us: int
    action: int
    reason: int
    explored: int = 0
    plan_per_week: float | None = None
    push: Candidate | None = None  # where one went out


class Outcome(msgspec.Struct, array_like=True, gc=False):
    """What came of a decision."""

    at_us: int
    decision: int
    type: str
    value: float | None = None
    rating: float | None = None


class Event(msgspec.Struct, array_like=True, gc=False):
    """What a user did."""

    at_us: int
    user: int
    type: str
    value: float | None = None


Counted = TypeVar("Counted")


class _Flow(Generic[Counted]):
    """Records of one sort: which they are, which fields of them are asked for, and what these are read as."""

    def __init__(self, which: str, fields: str, shape: type[Counted]) -> None:
        self._query = _OF.format(fields=fields, which=which)
        self._decoder = msgspec.json.Decoder(list[shape])  # type: ignore[valid-type]

    def read(self, connection: sqlite3.Connection, after: int, last: int, *given: str) -> tuple[list[Counted], int]:
        """Return those up to and including a position, and how many nobody can read."""
        try:
            (text,) = connection.execute(self._query, (after, last, *given)).fetchone()
            return self._decoder.decode(text), 0
        except (sqlite3.OperationalError, msgspec.MsgspecError) as error:
            if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) != sqlite3.SQLITE_ERROR:
                raise  # it is not what stands in a row that is at fault
        if last - after == 1:
            return [], 1
        middle = (after + last) // 2
        one, bad = self.read(connection, after, middle, *given)
        two, worse = self.read(connection, middle, last, *given)
        return one + two, bad + worse


_DECIDED = _Flow(f"kind IN ({_ASKED})", _DECISIONS, Decided)
_SENT = _Flow(f"action = {_SEND} AND position IN (SELECT value FROM json_each(?))", _DECISIONS, Decided)
_OUTCOME = _Flow(f"kind = {Kind.OUTCOME:d}", _OUTCOMES, Outcome)
_EVENT = _Flow(f"kind = {Kind.EVENT:d}", _EVENTS, Event)


class _BudgetSaid(msgspec.Struct):
    per_user_week: float | None = None


class _SettingsSaid(msgspec.Struct):
    budget: _BudgetSaid = msgspec.field(default_factory=_BudgetSaid)


@dataclass(frozen=True, slots=True)
class Said:
    """What holds for the whole file."""

    log_name: str
    last: int  # position
    users: int
    budget_per_user_week: float | None
    parameters: NDArray[np.void] | None  # (1,): as of the last checkpoint


@dataclass(slots=True)
class Chunk:
    """Records of the log by kind, in their order."""

    decisions: list[Decided] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    parameters: list[tuple[int, NDArray[np.void]]] = field(default_factory=list)  # after their position
    damaged: int = 0  # records that nobody can read
    rows: int = 0
    position: int = 0  # read up to and including this one


@dataclass(frozen=True, slots=True)
class People:
    """Who the users of a log are."""

    users: int  # of the whole log
    ids: list[str | None]  # by number; None where a user was erased
    members: list[int]  # their numbers, in order


class Tail:
    """A log that is read from its end."""

    def __init__(self, database: Path) -> None:
        """Remember where the log is; nothing is opened."""
        self._database = database

    def said(self) -> Said:
        """Return what holds for the file. Raises StoreFault where it cannot be read."""
        with self._open() as connection, faults(self._database):
            meta = dict(connection.execute(_META, (SETTINGS,)).fetchall())
            (last,) = connection.execute(_LAST).fetchone()
            (users,) = connection.execute(_USERS).fetchone()
        settings = msgspec.json.decode(meta.get(SETTINGS, "{}"), type=_SettingsSaid)
        return Said(meta.get("log_name", ""), last, users, settings.budget.per_user_week, parameters_in(meta))

    def read(self, after: int, rows_max: int) -> Chunk:
        """Return the next records after a position. Raises StoreFault."""
        with self._open() as connection, faults(self._database):
            last, rows = connection.execute(_UP_TO, (after, rows_max)).fetchone()
            if not rows:
                return Chunk(position=after)
            decisions, one = _DECIDED.read(connection, after, last)
            outcomes, two = _OUTCOME.read(connection, after, last)
            events, three = _EVENT.read(connection, after, last)
            said = connection.execute(_PUBLISHED, (after, last)).fetchall()
        chunk = Chunk(decisions, outcomes, events, [], one + two + three, rows, last)
        for row in map(Row._make, said):
            try:
                chunk.parameters.append((row.position, published(row).parameters))
            except (msgspec.MsgspecError, ValueError):
                chunk.damaged += 1
        return chunk

    def sent(self, positions: Sequence[int]) -> list[Decided]:
        """Return the pushes that were sent at these positions, in order, as far as some were. Raises StoreFault."""
        if not positions:
            return []
        given = msgspec.json.encode(positions).decode()
        with self._open() as connection, faults(self._database):
            return _SENT.read(connection, positions[0] - 1, positions[-1], given)[0]

    def start(self, last: int, oldest_us: int, rows_max: int) -> int:
        """Return the position after which the rows since an event time stand, at most so many from the end.

        It steps back until a step has decisions, and all of them are older: events may be brought in late, and say old
        times where new decisions stand; decisions are asked when they are due.
        """
        after, least = last, max(0, last - rows_max)
        while after > least:
            before = max(least, after - SPAN)
            with self._open() as connection, faults(self._database):
                (newest_us,) = connection.execute(_NEWEST, (before, after)).fetchone()
            after = before
            if newest_us is not None and newest_us < oldest_us:
                break
        return after

    def held(self, position: int) -> NDArray[np.void] | None:
        """Return the parameters that were published last up to a position, if that was not long before."""
        with self._open() as connection, faults(self._database):
            row = connection.execute(_HELD, (position - 5 * SPAN, position)).fetchone()
        return None if row is None else published(Row._make(row)).parameters

    def people(self, most: int) -> People:
        """Return the first users of the log, and which of them are members."""
        with self._open() as connection, faults(self._database):
            (users,) = connection.execute(_USERS).fetchone()
            rows = connection.execute(_IDS, (most,)).fetchall()
            members = [user for (user,) in connection.execute(_MEMBERS, (most,))]
        ids: list[str | None] = [None] * (rows[-1][0] + 1 if rows else 0)
        for number, user_id in rows:
            ids[number] = None if is_tombstone(user_id) else user_id
        return People(users, ids, members)

    def _open(self) -> closing[sqlite3.Connection]:
        return closing(connect(self._database, write=False))
