"""A file beside the log: one connection, shared by threads, whose transactions survive a crash.

Several processes may have one open: SQLite lets one of them write at a time. That is another matter than the log, which
has one writer. What a side file holds is its owner's: see ``andante.delivery.database`` and
``andante.operators.database``.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from andante.stores.connection import connect, fault_of, faults
from andante.vocabulary.fault import StoreBusy, StoreFault, StoreUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MEMORY = ":memory:"
_PRIVATE = 0o600


@dataclass(frozen=True)
class Schema:
    """The tables of a side file, and how the file says that it is one."""

    name: str  # what a fault calls the file
    application_id: int  # ``PRAGMA application_id``
    version: int  # ``PRAGMA user_version``: raised with every change of a table
    tables: tuple[str, ...]
    always: tuple[str, ...] = ()  # statements for tables that may be there already
    steps: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """What turns each version into the next."""


class SideFile:
    """A connection that several threads share, one at a time. ``open`` makes one; a subclass names its schema."""

    schema: ClassVar[Schema]

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Hold a connection whose tables are up to date."""
        self.path = path
        self._connection: sqlite3.Connection | None = connection
        self._guard = threading.RLock()

    @classmethod
    def open(cls, path: str | Path, *, write: bool = True) -> Self:
        """Open a file, or make one that only its owner may read, or ``":memory:"``; or open one only to read.

        Raises ``StoreUnreadable`` where the file is not ours, newer than we are, or damaged; it is left as it was.
        """
        if str(path) == MEMORY:
            path, connection = Path(path), sqlite3.connect(MEMORY, isolation_level=None, check_same_thread=False)
        else:
            path = Path(path).resolve()
            if write:
                _make_private(cls.schema.name, path)
            elif not path.exists():
                raise StoreUnreadable(cls.schema.name, path, "is not there", "name the file of a served engine")
            connection = connect(path, write=write)
        try:
            with faults(path):
                _set_up(connection, path, cls.schema, write=write)
        except BaseException:
            connection.close()
            raise
        return cls(path, connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection within a transaction: all of it becomes durable, or nothing. They do not nest.

        Raises ``StoreFault`` where that failed, or the file was closed.
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

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other threads out, over several transactions."""
        with self._guard:
            yield

    def sweep(self) -> None:
        """Write the file anew and empty the write-ahead log, so that nothing that was deleted is left in either.

        Writing it anew is needed: SQLite copies rows when it merges pages, and what was copied is not overwritten.
        Raises ``StoreBusy`` where another process reads meanwhile: then some of it may be left.
        """
        with self._guard, faults(self.path):
            self._open().execute("VACUUM")
            busy, _, _ = self._open().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            problem = "is being read, so deleted bytes may be left"
            raise StoreBusy(self.schema.name, self.path, problem, "try again later")

    def close(self) -> None:
        """Let go of the file. Closing twice is no fault."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreFault(self.schema.name, self.path, "was closed", "open it again")
        return self._connection


def _make_private(name: str, path: Path) -> None:
    """Make the file, readable by its owner alone, where there is none: it holds what is people's own."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE))
    except OSError as error:
        raise StoreUnreadable(
            name, path, f"cannot be opened ({error.strerror})", "check the path and its rights"
        ) from error


def _set_up(connection: sqlite3.Connection, path: Path, schema: Schema, *, write: bool) -> None:
    if not (write and _is_new(connection)):
        _refuse_unknown(connection, path, schema)
    if not write:
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's cache
    connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten
    connection.execute("BEGIN IMMEDIATE")
    _bring_up_to_date(connection, schema)
    connection.execute("COMMIT")


def _bring_up_to_date(connection: sqlite3.Connection, schema: Schema) -> None:
    """Create what is missing, or take the steps from an older version, within the caller's transaction."""
    if _is_new(connection):  # asked again: somebody else may have been first
        statements = [*schema.tables, f"PRAGMA application_id = {schema.application_id}"]
    else:
        first = _pragma(connection, "user_version")
        statements = [step for version in range(first, schema.version) for step in schema.steps[version]]
    for statement in (*statements, *schema.always, f"PRAGMA user_version = {schema.version}"):
        connection.execute(statement)


def _is_new(connection: sqlite3.Connection) -> bool:
    """Tell whether there is nothing in the file at all."""
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return objects == 0 and _pragma(connection, "application_id") == _pragma(connection, "user_version") == 0


def _refuse_unknown(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    """Raise ``StoreUnreadable`` for a file that is another one, or newer than we are. Changes nothing."""
    if _pragma(connection, "application_id") != schema.application_id:
        raise StoreUnreadable(schema.name, path, "was not made by Andante", "name another file")
    version = _pragma(connection, "user_version")
    if version > schema.version:
        problem = f"has version {version}, and this Andante reads up to {schema.version}"
        raise StoreUnreadable(schema.name, path, problem, "upgrade Andante")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
