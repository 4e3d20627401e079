"""The tail of the log: what it newly holds, as columns, from a connection that lives for one look.

A look never holds a snapshot: every statement is read to its end at once, so that the writer can start its write-ahead
log over whenever it likes.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

SPAN = 20_000
"""How many positions one step back through the log takes, while the first look seeks where to begin."""

_ROWS = "SELECT position, kind, user, at_us, action, body FROM log WHERE position > ? ORDER BY position LIMIT ?"
_LAST = "SELECT coalesce(max(position), 0) FROM log"
_META = "SELECT key, value FROM meta WHERE key IN ('log_name', 'parameters', ?)"
_SENT = "SELECT position, at_us, body FROM log WHERE position IN (SELECT value FROM json_each(?)) AND action = ?"
_NEWEST = f"""SELECT max(at_us) FROM log WHERE position > ? AND position <= ?
AND kind IN ({Kind.REQUEST:d}, {Kind.RELEASE:d})"""
_USERS = "SELECT coalesce(max(number) + 1, 0) FROM users"
_IDS = "SELECT number, user_id FROM users WHERE number < ? ORDER BY number"
_MEMBERS = "SELECT user FROM preferences WHERE key = 'member' AND value = 'true' AND user < ? ORDER BY user"
_HELD = f"""SELECT position, kind, user, at_us, action, body FROM log WHERE position > ? AND position <= ?
AND kind = {Kind.PARAMETERS:d} ORDER BY position DESC LIMIT 1"""

_SEND = int(Action.SEND)


class Candidate(msgspec.Struct, gc=False):
    """Of a candidate, what a push counts under."""

    category: str
    channel: str
    campaign_id: str | None = None


class Decided(msgspec.Struct, gc=False):
    """Of a decision, what is counted."""

    chosen: int
    reason: int
    explored: int = 0
    plan_per_week: float | None = None


class DecisionBody(msgspec.Struct, gc=False):
    """Of a request's or release's body, what is counted; candidates are read where one went out."""

    candidates: msgspec.Raw
    decision: Decided


class OutcomeBody(msgspec.Struct, gc=False):
    """What came of a decision."""

    decision: int
    type: str
    value: float | None = None
    rating: float | None = None


class EventBody(msgspec.Struct, gc=False):
    """What a user did."""

    type: str
    value: float | None = None


_DECISION = msgspec.json.Decoder(DecisionBody)
_CANDIDATES = msgspec.json.Decoder(tuple[Candidate, ...])
_OUTCOME = msgspec.json.Decoder(OutcomeBody)
_EVENT = msgspec.json.Decoder(EventBody)


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
    """Rows of the log by kind, in their order."""

    decisions: list[tuple[Row, Decided, Candidate | None]] = field(default_factory=list)  # the push, where one went out
    outcomes: list[tuple[Row, OutcomeBody]] = field(default_factory=list)
    events: list[tuple[Row, EventBody]] = field(default_factory=list)
    parameters: list[tuple[Row, NDArray[np.void]]] = field(default_factory=list)
    damaged: int = 0  # bodies that nobody can read
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
        """Return the next rows after a position. Raises StoreFault."""
        with self._open() as connection, faults(self._database):
            rows = connection.execute(_ROWS, (after, rows_max)).fetchall()
        return _sorted(rows, after)

    def sent(self, positions: Sequence[int]) -> dict[int, tuple[int, Candidate]]:
        """Return when and what was sent at these positions; a position is absent where no push stands there."""
        if not positions:
            return {}
        given = msgspec.json.encode(positions).decode()
        with self._open() as connection, faults(self._database):
            rows = connection.execute(_SENT, (given, _SEND)).fetchall()
        return {position: (at_us, push) for position, at_us, body in rows if (push := _push(body)) is not None}

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


def _sorted(rows: list[tuple[Any, ...]], after: int) -> Chunk:
    chunk = Chunk(rows=len(rows), position=rows[-1][0] if rows else after)
    for fields in rows:
        row = Row._make(fields)
        try:
            _put(chunk, row)
        except (msgspec.MsgspecError, IndexError, ValueError):
            chunk.damaged += 1
    return chunk


def _put(chunk: Chunk, row: Row) -> None:
    if row.kind in {Kind.REQUEST, Kind.RELEASE}:
        body = _DECISION.decode(row.body)
        push = _CANDIDATES.decode(body.candidates)[body.decision.chosen] if row.action == _SEND else None
        chunk.decisions.append((row, body.decision, push))
    elif row.kind == Kind.OUTCOME:
        chunk.outcomes.append((row, _OUTCOME.decode(row.body)))
    elif row.kind == Kind.EVENT:
        chunk.events.append((row, _EVENT.decode(row.body)))
    elif row.kind == Kind.PARAMETERS:
        chunk.parameters.append((row, published(row).parameters))


def _push(body: str) -> Candidate | None:
    try:
        read = _DECISION.decode(body)
        return _CANDIDATES.decode(read.candidates)[read.decision.chosen]
    except (msgspec.MsgspecError, IndexError):
        return None
