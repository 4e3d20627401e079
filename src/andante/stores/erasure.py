"""Erasure: all rows, preferences and states of one user leave a database, and their bytes with them.

What goes is overwritten where it lies before it is deleted: SQLite moves rows from page to page when it deletes others
beside them, and a page keeps the bytes of what was moved away. What earlier moves have left in pages, a *sweep* clears:
it builds the file anew. A sweep that is due stands in the file until it is done, so no crash forgets it.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from andante.stores.contract import Row

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from andante.stores.contract import Erasure

    Connection = Callable[[], AbstractContextManager[sqlite3.Connection]]

TOMBSTONE = "erased-"
"""What stands in the place of an erased user's id begins with this; 128 bits of chance follow."""

TOMBSTONE_HEX = 32

SWEEP_DUE = "sweep_due"
"""Under this key the meta table says that a sweep is due."""

SWEPT_AT_ONCE_BYTES = 64 * 2**20
"""A file up to this size is swept with the erasure itself, or when it is opened after a crash: half a second."""

SPAN = 100_000
"""How many positions of the log one statement looks at, so that none keeps the writer from tidying up for long."""

_OF_USER = """SELECT position, kind, user, at_us, action, body FROM log
WHERE position > ? AND position <= ? AND user = ? ORDER BY position"""
_LAST = "SELECT coalesce(max(position), 0) FROM log"

_ZEROS = "substr(hex(zeroblob(length(CAST({0} AS BLOB)) / 2 + 1)), 1, length(CAST({0} AS BLOB)))"
# Of the same size as what it takes the place of, so that it is written over it.
_OVERWRITE = f"UPDATE log SET body = {_ZEROS.format('body')} WHERE position = ?"
_OVERWRITE_WISHES = f"UPDATE preferences SET value = {_ZEROS.format('value')} WHERE user = ?"

# A cut holds the states of all users in their order, so each is found without a look at the others.
_PLACE_IN_BASE = """SELECT mine.rowid FROM base AS first, base AS last, base AS mine
WHERE first.rowid = (SELECT min(rowid) FROM base) AND last.rowid = (SELECT max(rowid) FROM base)
  AND first.cut = last.cut AND first.user = 0 AND last.user = last.rowid - first.rowid
  AND mine.rowid = first.rowid + ? AND mine.user = ?"""


def is_tombstone(user_id: str) -> bool:
    """Tell whether this stands in the place of an erased user's id.

    >>> is_tombstone("erased-" + 32 * "0"), is_tombstone("ann")
    (True, False)
    """
    return user_id.startswith(TOMBSTONE) and len(user_id) == len(TOMBSTONE) + TOMBSTONE_HEX


def rows_of(connection: Connection, user: int, after: int) -> Iterator[list[Row]]:
    """Yield the rows of one user after a position, in lists, as far as the log goes when it is asked."""
    with connection() as reader:
        (last,) = reader.execute(_LAST).fetchone()
    for first in range(after, last, SPAN):
        with connection() as reader, closing(reader.execute(_OF_USER, (first, min(first + SPAN, last), user))) as found:
            rows = [Row._make(row) for row in found]
        if rows:
            yield rows


def remove(writer: sqlite3.Connection, erasure: Erasure) -> None:
    """Remove a user, within the caller's transaction; the id of a tombstone and an untouched state stay."""
    places = [(position,) for position in erasure.positions]
    writer.executemany(_OVERWRITE, places)
    writer.executemany("DELETE FROM log WHERE position = ?", places)
    writer.executemany("DELETE FROM waiting WHERE position = ?", places)
    writer.executemany("DELETE FROM keys WHERE digest = ? AND position = ?", erasure.keys)
    writer.execute(_OVERWRITE_WISHES, (erasure.user,))
    writer.execute("DELETE FROM preferences WHERE user = ?", (erasure.user,))
    writer.execute("UPDATE users SET user_id = ? WHERE number = ?", (erasure.tombstone, erasure.user))
    writer.execute("UPDATE states SET position = 0, state = ? WHERE user = ?", (erasure.state, erasure.user))
    _remove_from_base(writer, erasure)


def sweep(writer: sqlite3.Connection, bytes_max: int | None) -> bool:
    """Clear what moves within the file have left; return whether nothing that was erased can be in it any more.

    It needs room for the file once more, and nobody else can write meanwhile. A file above ``bytes_max`` is only
    tidied: its write-ahead log is emptied, and the sweep stays due. So it does where somebody reads the file meanwhile.
    """
    if not _is_due(writer):
        return True
    small = bytes_max is None or _bytes(writer) <= bytes_max
    if small:
        writer.execute("VACUUM")
    busy, _, _ = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy or not small:
        return False
    writer.execute("DELETE FROM meta WHERE key = ?", (SWEEP_DUE,))
    return True


def _remove_from_base(writer: sqlite3.Connection, erasure: Erasure) -> None:
    place = writer.execute(_PLACE_IN_BASE, (erasure.user, erasure.user)).fetchone()
    column, key = ("user", erasure.user) if place is None else ("rowid", *place)
    writer.execute(f"UPDATE base SET position = 0, state = ? WHERE {column} = ?", (erasure.state, key))


def _is_due(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM meta WHERE key = ?", (SWEEP_DUE,)).fetchone() is not None


def _bytes(connection: sqlite3.Connection) -> int:
    """Return the size of the file."""
    (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    return int(pages) * int(size)
