"""Reading a SQLite database: the log, its keys and states. Any number of readers, in any process, beside the writer."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import finalize

import numpy as np

from andante.stores.columns import STATES_AT_ONCE, in_columns
from andante.stores.connection import connect, faults
from andante.stores.contract import CHUNK, Closing, Opened, Preference, Remembered, Row, Users, Waiting
from andante.stores.export import export
from andante.stores.migration import refuse_unknown
from andante.vocabulary.fault import StoreFault

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from andante.stores.contract import Checkpoints

RECALLED_AT_ONCE = 1_000
"""Keys asked for in one statement."""

_READ = """SELECT position, kind, user, at_us, action, body FROM log
WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"""
_RECALL = """SELECT digest, keys.body, keys.position, keys.at_us, log.position, kind, user, log.at_us, action, log.body
FROM keys LEFT JOIN log ON log.position = keys.position WHERE digest IN ({})"""
_WAITING = """SELECT due_s, position, kind, log.user, at_us, action, body
FROM waiting JOIN log USING (position) ORDER BY position"""

_NO_END = 2**63 - 1


class SqliteReader(Closing):
    """A database that is read, and never written to: it needs no lock, and takes none."""

    def __init__(self, path: str | Path) -> None:
        """Open the database; raise ``StoreUnreadable`` where it is not ours, of another version or damaged."""
        self.path = Path(path)
        self._closed = False
        self._idle: list[sqlite3.Connection] = []  # each is used by one thread at a time
        with self._connection() as connection:
            refuse_unknown(connection, self.path)

    def read(self, after: int = 0, upto: int | None = None, chunk: int = CHUNK) -> Iterator[list[Row]]:
        """Yield the rows with ``after < position <= upto`` in order, in lists of at most ``chunk``.

        Every list is a statement of its own, so no reader keeps the writer from tidying up.
        """
        last = _NO_END if upto is None else upto
        while True:
            with self._connection() as connection:
                rows = [Row._make(row) for row in connection.execute(_READ, (after, last, chunk))]
            if rows:
                yield rows
            if len(rows) < chunk:
                return
            after = rows[-1].position

    def recall(self, digests: Sequence[bytes]) -> dict[bytes, Remembered]:
        """Return what is known of these idempotency keys."""
        known: dict[bytes, Remembered] = {}
        with self._connection() as connection:
            for start in range(0, len(digests), RECALLED_AT_ONCE):
                part = digests[start : start + RECALLED_AT_ONCE]
                query = _RECALL.format(",".join("?" * len(part)))
                for digest, body, position, at_us, *row in connection.execute(query, part):
                    known[digest] = Remembered(body, position, at_us, None if row[0] is None else Row._make(row))
        return known

    def preferences(self, user: int) -> dict[str, Preference]:
        """Return what holds for this user, by key."""
        query = "SELECT key, value, at_us FROM preferences WHERE user = ? ORDER BY key"
        with self._connection() as connection:
            return {key: Preference(value, at_us) for key, value, at_us in connection.execute(query, (user,))}

    def load(self) -> Opened:
        """Return what a recovery starts from, as of one moment, with the states streamed."""
        connection = self._snapshot()
        with faults(self.path):
            meta = dict(connection.execute("SELECT key, value FROM meta"))
            users = connection.execute("SELECT number, user_id FROM users ORDER BY number").fetchall()
            (last,) = connection.execute("SELECT coalesce(max(position), 0) FROM log").fetchone()
            return Opened(
                meta=meta,
                names=connection.execute("SELECT kind, code, name FROM names ORDER BY kind, code").fetchall(),
                users=Users(np.array([number for number, _ in users], np.int64), [user_id for _, user_id in users]),
                waiting=[Waiting(due_s, Row._make(row)) for due_s, *row in connection.execute(_WAITING)],
                last_position=last,
                replay_from=int(meta.get("replay_from", 0)),
                checkpoints=self._states(connection, "SELECT user, position, state FROM states ORDER BY user"),
            )

    def base(self) -> tuple[int, Iterator[Checkpoints]]:
        """Return the position that was last retained from (0: never), and the states as of it."""
        connection = self._snapshot()
        with faults(self.path):
            row = connection.execute("SELECT value FROM meta WHERE key = 'retained_from'").fetchone()
        cut = int(row[0]) if row else 0
        return cut, self._states(connection, f"SELECT user, position, state FROM base WHERE cut = {cut} ORDER BY user")

    def export(self, folder: str | Path) -> dict[str, int]:
        """Write decisions, verdicts, outcomes and events as Parquet files into the folder; return the rows of each."""
        with self._connection() as connection:
            return export(connection, self.path, Path(folder))

    def close(self) -> None:
        """Let go of the database."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for a short read."""
        self._refuse_closed()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = connect(self.path, write=False)
        try:
            with faults(self.path):
                yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if self._closed:  # in the meantime
            self.close()

    def _snapshot(self) -> sqlite3.Connection:
        """Return a connection of its own that sees one moment."""
        self._refuse_closed()
        connection = connect(self.path, write=False)
        with faults(self.path):
            connection.execute("BEGIN")
        return connection

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreFault("database", self.path, "was closed", "open it again")

    def _states(self, snapshot: sqlite3.Connection, query: str) -> Iterator[Checkpoints]:
        """Return states as columns; the snapshot ends with them, or when nobody wants them any more."""
        stream = self._stream(snapshot, query)
        finalize(stream, snapshot.close)
        return stream

    def _stream(self, snapshot: sqlite3.Connection, query: str) -> Iterator[Checkpoints]:
        with closing(snapshot), faults(self.path):
            cursor = snapshot.execute(query)
            while rows := cursor.fetchmany(STATES_AT_ONCE):
                yield from in_columns(rows)
