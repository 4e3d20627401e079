"""The outbox's file: one connection, shared by threads, whose transactions survive a crash.

Several processes may have one outbox open: SQLite lets one of them write at a time, and what each may do is settled by
leases within the tables. That is another matter than the log, which has one writer.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from andante.delivery.schema import bring_up_to_date, is_new, refuse_unknown
from andante.stores.connection import connect, fault_of, faults
from andante.vocabulary.fault import StoreBusy, StoreFault, StoreUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = ":memory:"
_PRIVATE = 0o600


class Database:
    """A connection that several threads share, one at a time. ``Database.open`` makes one."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Hold a connection whose tables are up to date."""
        self.path = path
        self._connection: sqlite3.Connection | None = connection
        self._guard = threading.RLock()

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a file, or make one that only its owner may read, or ``":memory:"``.

        Raises ``StoreUnreadable`` where the file is not an outbox, newer than we are, or damaged; it is left as it was.
        """
        if str(path) == MEMORY:
            connection = sqlite3.connect(MEMORY, isolation_level=None, check_same_thread=False)
        else:
            path = Path(path).resolve()
            _make_private(path)
            connection = connect(path, write=True)
        path = Path(path)
        try:
            with faults(path):
                _set_up(connection, path)
        except BaseException:
            connection.close()
            raise
        return cls(path, connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection within a transaction: all of it becomes durable, or nothing.

        Raises ``StoreFault`` where that failed, or the outbox was closed.
        """
        with self._guard:
            connection = self._open()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise fault_of(self.path, error) from error
                raise

    def rows(self, query: str, parameters: Any = ()) -> list[Any]:
        """Return the rows of a query, as of now."""
        with self._guard, faults(self.path):
            return self._open().execute(query, parameters).fetchall()

    def sweep(self) -> None:
        """Write the file anew and empty the write-ahead log, so that nothing that was deleted is left in either.

        Writing it anew is needed: SQLite copies rows when it merges pages, and what was copied is not overwritten.
        Raises ``StoreBusy`` where another process reads meanwhile: then some of it may be left.
        """
        with self._guard, faults(self.path):
            self._open().execute("VACUUM")
            busy, _, _ = self._open().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreBusy("outbox", self.path, "is being read, so deleted bytes may be left", "try again later")

    def close(self) -> None:
        """Let go of the file. Closing twice is no fault."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreFault("outbox", self.path, "was closed", "open it again")
        return self._connection


def _make_private(path: Path) -> None:
    """Make the file, readable by its owner alone, where there is none: it holds addresses of people."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE))
    except OSError as error:
        raise StoreUnreadable(
            "outbox", path, f"cannot be opened ({error.strerror})", "check the path and its rights"
        ) from error


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    if not is_new(connection):
        refuse_unknown(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's cache
    connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten
    connection.execute("BEGIN IMMEDIATE")
    bring_up_to_date(connection)
    connection.execute("COMMIT")
