"""Connections to SQLite: how they are set, and which fault each of its errors is."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from andante.vocabulary.fault import StoreBusy, StoreFault, StoreFull, StoreUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_MS = 5_000
"""How long to wait for somebody who holds the database by other means, such as a shell."""

CACHE_KIB = 4_096

_PRIMARY = 0xFF  # SQLite's extended codes carry their primary one in the low byte

_REPORT = "report this: nothing was appended"
_DAMAGED = (StoreUnreadable, "is damaged, or no database at all", "restore it from a backup (docs/log.md)")
_SHUT = (StoreUnreadable, "cannot be opened", "check the path and its rights")
_LOCKED = (StoreBusy, "is locked by another program", "end its transaction, then try again")
_OTHER = (StoreFault, "refused", _REPORT)
_FAULTS = {
    sqlite3.SQLITE_FULL: (StoreFull, "has no room left to grow", "free space on its disk, then try again"),
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CANTOPEN: _SHUT,
    sqlite3.SQLITE_PERM: _SHUT,
    sqlite3.SQLITE_READONLY: _SHUT,
    sqlite3.SQLITE_IOERR: (StoreFault, "met a fault of its disk", "check the disk, then open the database again"),
    sqlite3.SQLITE_CONSTRAINT: (StoreFault, "holds what contradicts the commit", _REPORT),
}


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Return a connection that leaves transactions to its caller."""
    mode = "rwc" if write else "ro"
    with faults(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=1024,
        )
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Turn an error of SQLite into the fault that it is."""
    try:
        yield
    except sqlite3.Error as error:
        raise fault_of(path, error) from error


def fault_of(path: Path, error: sqlite3.Error) -> StoreFault:
    """Return the fault that says what this error means."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    kind, problem, action = _FAULTS.get(code, _OTHER)
    return kind("database", path, f"{problem} ({error})", action)
