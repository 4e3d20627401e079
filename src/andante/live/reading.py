"""Reading: one user's decisions explained from a database that another process may be writing to.

An engine holds all users, and its file's one lock. Who asks about one user needs neither: here the log is read as if
that user were the only one, so that recovery and explanation work as they do in an engine, on one record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from andante.live.explanation import Why, explain
from andante.live.instants import micros
from andante.live.recovery import recover
from andante.stores.connection import connect, faults
from andante.stores.contract import NO_USER, Opened, Row, Users, Waiting
from andante.stores.reader import SqliteReader
from andante.vocabulary.fault import StoreFault, StoreUnreadable, UnknownUser
from andante.vocabulary.flow import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from andante.stores.contract import Checkpoints, Commit

SPAN = 100_000
"""How many positions of the log one statement looks at, so that none keeps the writer from tidying up for long."""

_COLUMNS = "position, kind, user, at_us, action, body"
_OWN = f"SELECT {_COLUMNS} FROM log WHERE position > ? AND position <= ? AND user IN (?, {NO_USER}) ORDER BY position"
_HELD = f"SELECT {_COLUMNS} FROM log WHERE position <= ? AND kind = {Kind.PARAMETERS:d} ORDER BY position DESC LIMIT 1"
_WAITING = f"SELECT due_s, {_COLUMNS} FROM waiting JOIN log USING (position, user) WHERE user = ? ORDER BY position"


def explain_from(path: Path, user_id: str, at: datetime) -> Why:
    """Explain the last decision on a user, as ``Engine.explain`` does, without opening an engine.

    What the file held when it was opened is explained, under the settings that its log says. Raises UnknownUser for one
    never heard of, and StoreUnreadable where there is no log.
    """
    if not path.exists():
        raise StoreUnreadable("database", path, "does not exist", "give the file that the engine was opened with")
    with OneUser(path, user_id) as store:
        why = explain(recover(store, None, {}), 0, micros(at) // 1_000_000)
    if why.decision is None:
        return why
    log_and_position, _, _ = why.decision.decision_id.rpartition("-")
    decision = msgspec.structs.replace(why.decision, decision_id=f"{log_and_position}-{store.number:x}")
    return msgspec.structs.replace(why, decision=decision)


class OneUser(SqliteReader):
    """A database as if it held one user alone, in row 0, and nothing were written to it any more."""

    def __init__(self, path: Path, user_id: str) -> None:
        """Find the user; raise UnknownUser where there is no such one."""
        super().__init__(path)
        self.user_id = user_id
        with self._connection() as connection:
            found = connection.execute("SELECT number FROM users WHERE user_id = ?", (user_id,)).fetchone()
            (self._last,) = connection.execute("SELECT coalesce(max(position), 0) FROM log").fetchone()
        if found is None:
            raise UnknownUser(
                "user", user_id, f"is in no record of {path}", "check the id, or send their consent first"
            )
        (self.number,) = found

    def read(self, after: int = 0, upto: int | None = None, chunk: int = SPAN) -> Iterator[list[Row]]:
        """Yield the user's rows and those of nobody in order, of ``chunk`` positions at a time.

        They begin with the parameters that held at ``after``, which no retention drops.
        """
        last = self._last if upto is None else min(upto, self._last)
        held = self._held(after)
        if held is not None:
            yield [held]
        for first in range(after, last, chunk):
            with self._connection() as connection:
                rows = connection.execute(_OWN, (first, min(first + chunk, last), self.number)).fetchall()
            if rows:
                yield [_renumbered(row) for row in rows]

    def load(self) -> Opened:
        """Return what a recovery of this user starts from, as of one moment."""
        connection = connect(self.path, write=False)
        with faults(self.path):
            connection.execute("BEGIN")  # one snapshot for everything; the stream of states ends it
            meta = dict(connection.execute("SELECT key, value FROM meta"))
            (self._last,) = connection.execute("SELECT coalesce(max(position), 0) FROM log").fetchone()
            waiting = connection.execute(_WAITING, (self.number,)).fetchall()
            return Opened(
                meta=meta,
                names=connection.execute("SELECT kind, code, name FROM names ORDER BY kind, code").fetchall(),
                users=Users(np.zeros(1, np.int64), [self.user_id]),
                waiting=[Waiting(due_s, _renumbered(row)) for due_s, *row in waiting],
                last_position=self._last,
                replay_from=int(meta.get("replay_from", 0)),
                checkpoints=self._states(
                    connection, f"SELECT 0, position, state FROM states WHERE user = {self.number:d}"
                ),
            )

    def base(self) -> tuple[int, Iterator[Checkpoints]]:
        """Return the position that was last retained from (0: never), and the user's state as of it."""
        connection = connect(self.path, write=False)
        with faults(self.path):
            row = connection.execute("SELECT value FROM meta WHERE key = 'retained_from'").fetchone()
        cut = int(row[0]) if row else 0
        query = f"SELECT 0, position, state FROM base WHERE cut = {cut:d} AND user = {self.number:d}"
        return cut, self._states(connection, query)

    def append(self, commit: Commit) -> None:
        """Refuse: a reader writes nothing."""
        raise StoreFault("database", self.path, f"is open for reading: no {len(commit.rows)} rows", "open an engine")

    def _held(self, position: int) -> Row | None:
        """Return the row of the parameters that held at a position, or None before the first."""
        with self._connection() as connection:
            row = connection.execute(_HELD, (position,)).fetchone()
        return None if row is None else Row._make(row)


def _renumbered(row: tuple[int, int, int, int, int | None, str]) -> Row:
    """Return a row whose user, if there is one, stands in row 0."""
    position, kind, user, at_us, action, body = row
    return Row(position, kind, NO_USER if user == NO_USER else 0, at_us, action, body)
