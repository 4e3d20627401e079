"""The log in one SQLite file: written by one process, in transactions that survive a crash, beside any readers."""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from andante.stores import erasure, retention
from andante.stores.connection import BUSY_MS, connect, fault_of, faults
from andante.stores.contract import Commit
from andante.stores.lock import Lock
from andante.stores.migration import bring_up_to_date, is_new, refuse_unknown
from andante.stores.reader import SqliteReader
from andante.stores.rows import positions_of
from andante.vocabulary.fault import StoreFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from andante.stores.contract import Erasure, Line, Row

WAL_PAGES = 4_000
"""The write-ahead log is folded into the database whenever it has this many pages (16 MB)."""

WAL_BYTES_MAX = 64 * 2**20
"""Above this size the writer waits a moment for readers, so that the write-ahead log can start over."""

WAIT_FOR_READERS_MS = 250

COMMITS_TO_TIDY = 16
"""How many commits pass between two looks at the size of the write-ahead log."""

_META = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
ROWS_A_STATEMENT, FEW_ROWS = 256, 64
"""The most rows that one statement inserts, and how many are inserted by one whatever their number."""

_INSERTS = (
    ("rows", "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)"),
    ("users", "INSERT INTO users VALUES (?, ?)"),
    ("names", "INSERT INTO names VALUES (?, ?, ?)"),
    ("keys", "INSERT INTO keys VALUES (?, ?, ?, ?)"),
    ("preferences", "INSERT OR REPLACE INTO preferences VALUES (?, ?, ?, ?)"),
    ("waiting", "INSERT OR REPLACE INTO waiting VALUES (?, ?, ?)"),
)


class SqliteStore(SqliteReader):
    """A database that this process alone writes to. ``SqliteStore.open`` makes one."""

    def __init__(self, path: Path, lock: Lock, writer: sqlite3.Connection, token: str) -> None:
        """Hold a database that was opened for writing, and the token of this opening; sweep it where that is due."""
        super().__init__(path)
        self._lock, self._token, self._pid = lock, token, os.getpid()
        self._guard = threading.RLock()
        self._writer: sqlite3.Connection | None = writer
        self._place, self._file, self._commits = str(path), path.stat(), 0
        self._wal, self._wal_bytes_max = Path(f"{path}-wal"), WAL_BYTES_MAX
        self._broken = False
        self._last: int
        (self._last,) = writer.execute("SELECT coalesce(max(position), 0) FROM log").fetchone()
        with suppress(StoreFault):  # it stays due
            self.sweep(erasure.SWEPT_AT_ONCE_BYTES)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a database, or create it, and become its writer.

        Raises ``StoreBusy`` where somebody is that already, and ``StoreUnreadable`` where the file is not ours, newer
        than this library, or damaged; such a file is left as it was.
        """
        path = Path(path).resolve()  # two names of one file share one lock
        lock = Lock(path)
        try:
            _refuse_foreign(path)
        except BaseException:
            lock.release(remove=True)
            raise
        try:
            writer = connect(path, write=True)
            try:
                return cls(path, lock, writer, _begun_epoch(writer, path))
            except BaseException:
                writer.close()
                raise
        except BaseException:
            lock.release()
            raise

    def append(self, commit: Commit) -> None:
        """Make the commit durable, all of it, in one transaction."""
        with self._guard:
            with self._transaction() as writer:
                last = self._follow(commit.rows)
                _insert(writer, commit)
            self._last = last

    def retain(self, before: int, base_states: Iterable[tuple[int, int, bytes]]) -> int:
        """Drop the rows up to and including position ``before``, but for those that are needed; return how many."""
        return retention.cut(self._transaction, before, base_states)

    def prune_keys(self, before_us: int) -> int:
        """Forget idempotency keys older than this instant; return how many."""
        return retention.prune_keys(self._transaction, before_us)

    def rows_of(self, user: int, after: int = 0) -> Iterator[list[Row]]:
        """Yield the rows of one user with ``after < position``, in order, in lists."""
        return erasure.rows_of(self._connection, user, after)

    def erase(self, erased: Erasure) -> None:
        """Remove a user in one durable transaction, bytes included."""
        with self._guard:
            with self._transaction() as writer:
                last = self._follow([erased.row])
                erasure.remove(writer, erased)
                _insert(writer, Commit(rows=[erased.row], meta={erasure.SWEEP_DUE: str(erased.row[0])}))
            self._last = last

    def sweep(self, bytes_max: int | None = None) -> bool:
        """Clear what erased users may have left in the file; return whether nothing can be left."""
        with self._guard:
            with self._transaction() as writer:
                pass  # nobody else has written since
            try:
                return erasure.sweep(writer, bytes_max)
            except sqlite3.Error as error:
                self._roll_back(writer, error)
                raise fault_of(self.path, error) from error

    def close(self) -> None:
        """Let go of the database and of its lock."""
        with self._guard:
            super().close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None
                self._lock.release()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the writing connection within a transaction, which is rolled back where anything fails."""
        with self._guard:
            writer = self._usable()
            try:
                self._begin(writer)
                yield writer
                writer.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back(writer, error)
                raise fault_of(self.path, error) from error
            except BaseException:
                self._roll_back(writer)
                raise
            self._tidy(writer)

    def _usable(self) -> sqlite3.Connection:
        """Return the writing connection, unless nothing may be written with it."""
        if self._writer is None:
            raise StoreFault("database", self.path, "was closed", "open it again")
        if os.getpid() != self._pid:
            raise StoreFault("database", self.path, "was opened before this process was forked", "open it afterwards")
        if self._broken:
            raise StoreFault(
                "database", self.path, "met a fault of its disk before", "check the disk, then open it again"
            )
        return self._writer

    def _begin(self, writer: sqlite3.Connection) -> None:
        """Begin a transaction; raise a fault where somebody else has written since.

        Then the lock was lost, as on a disk in the network, or the file was copied over.
        """
        writer.execute("BEGIN IMMEDIATE")
        query = "SELECT value, (SELECT coalesce(max(position), 0) FROM log) FROM meta WHERE key = 'writer'"
        token, last = writer.execute(query).fetchone() or (None, None)
        if token != self._token or last != self._last or not self._is_in_place():
            raise StoreFault(
                "database",
                self.path,
                "has another writer, or was replaced, since it was opened here",
                "close this one; nothing that was decided since can be kept",
            )

    def _is_in_place(self) -> bool:
        """Tell whether the path still names the file that is open."""
        try:
            return os.path.samestat(os.stat(self._place), self._file)  # noqa: PTH116  on every commit: half the time
        except FileNotFoundError:
            return False

    def _follow(self, rows: Sequence[Line]) -> int:
        """Return the position of the last row; raise a fault where the rows do not follow the log's last one."""
        if not rows:
            return self._last
        positions = positions_of(rows)
        if positions[0] <= self._last or positions != sorted(positions):
            raise StoreFault(
                "commit",
                positions[0],
                f"does not follow position {self._last} in order",
                "report this: nothing was appended",
            )
        return positions[-1]

    def _roll_back(self, writer: sqlite3.Connection, error: sqlite3.Error | None = None) -> None:
        """Undo the transaction. After a fault of the disk nobody knows what it holds, so no more is written."""
        self._broken = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR
        if writer.in_transaction:  # a full disk may have rolled back already
            try:
                writer.execute("ROLLBACK")
            except sqlite3.Error:
                self._broken = True

    def _tidy(self, writer: sqlite3.Connection) -> None:
        """Keep the write-ahead log bounded where readers overlap so much that it never starts over by itself.

        The commit is durable by now, so nothing that goes wrong here may be raised.
        """
        self._commits += 1
        if self._commits % COMMITS_TO_TIDY:
            return
        with suppress(sqlite3.Error, OSError):
            if self._wal.stat().st_size >= self._wal_bytes_max:
                writer.execute(f"PRAGMA busy_timeout = {WAIT_FOR_READERS_MS}")
                writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                writer.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
                # A reader that stays for long is not waited for at every commit.
                self._wal_bytes_max = self._wal.stat().st_size + WAL_BYTES_MAX


def _insert(writer: sqlite3.Connection, commit: Commit) -> None:
    """Write everything that the commit holds."""
    for field, statement in _INSERTS:
        if entries := getattr(commit, field):
            _insert_rows(writer, statement, entries)
    if commit.settled:
        writer.executemany("DELETE FROM waiting WHERE position = ?", [(position,) for position in commit.settled])
    if commit.states:  # in order of user, so that neighbours share a page
        _insert_rows(writer, "INSERT OR REPLACE INTO states VALUES (?, ?, ?)", sorted(commit.states, key=itemgetter(0)))
    if commit.meta:
        writer.executemany(_META, commit.meta.items())
    if commit.replay_from is not None:
        writer.execute(_META, ("replay_from", str(commit.replay_from)))


def _insert_rows(writer: sqlite3.Connection, statement: str, entries: Iterable[Sequence[Any]]) -> None:
    """Insert many rows by few statements.

    Python's lock is let go of at every step of a statement, which ``executemany`` takes for each row; where other
    threads want the lock, getting it back costs ten times as much as the row. A few rows are one statement; more are
    statements of a power of two of rows each, so that not many are ever compiled.
    """
    head, _, row = statement.partition("VALUES ")
    rows = list(entries)
    first = 0
    while left := len(rows) - first:
        count = left if left <= FEW_ROWS else min(ROWS_A_STATEMENT, 1 << (left.bit_length() - 1))
        several = rows[first : first + count]
        writer.execute(f"{head}VALUES {', '.join([row] * count)}", list(chain.from_iterable(several)))
        first += count


def _refuse_foreign(path: Path) -> None:
    """Raise ``StoreUnreadable`` for a file that holds something, and not ours, without changing it.

    A journal beside it is left from a process that was killed while it made the file: it must be rolled back before
    anything can be read, which takes a connection that writes.
    """
    if path.exists() and path.stat().st_size:
        connection = connect(path, write=Path(f"{path}-journal").exists())
        try:
            with faults(path):
                if not is_new(connection):
                    refuse_unknown(connection, path)
        finally:
            connection.close()


def _begun_epoch(writer: sqlite3.Connection, path: Path) -> str:
    """Bring the tables up to date and raise the epoch; return the token that every append must find again."""
    token, now_us = secrets.token_hex(8), time.time_ns() // 1000
    with faults(path):
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA synchronous = FULL")
        writer.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's cache
        writer.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        writer.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        writer.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_MAX}")
        writer.execute("BEGIN IMMEDIATE")
        bring_up_to_date(writer, now_us)
        writer.execute(
            "INSERT INTO epochs SELECT coalesce(max(epoch), 0) + 1, ?, ?, ?, ? FROM epochs",
            (token, now_us, os.getpid(), socket.gethostname()),
        )
        writer.execute("INSERT OR REPLACE INTO meta SELECT 'epoch', max(epoch) FROM epochs")
        writer.execute(_META, ("writer", token))
        writer.execute("COMMIT")
    return token
