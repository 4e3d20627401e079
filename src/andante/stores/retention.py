"""Forgetting: how a database drops the old part of its log, and loses no state and no waiting push with it.

Everything happens in short transactions, so that the writer is never held up for long and the write-ahead log
stays small. The cut takes effect in one of them; what it left behind is swept away afterwards, by this call or the
next.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from andante.vocabulary.fault import StoreFault
from andante.vocabulary.flow import Kind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]

STATES_AT_ONCE = 5_000
ROWS_AT_ONCE = 20_000
_FIRST_BYTES = 256

# Kept below the cut: what waits, every publication of parameters (a replay needs those that held), and the last row of
# the log, by which a writer sees that nobody else has written.
_DROPPED = f"""position <= ? AND kind != {Kind.PARAMETERS:d} AND position < (SELECT max(position) FROM log)
AND position NOT IN (SELECT position FROM waiting)"""


def cut(transaction: Transaction, before: int, base_states: Iterable[tuple[int, int, bytes]]) -> int:
    """Make ``before`` the position that a replay begins after, and drop what is older; return how many rows."""
    with transaction() as writer:
        current, replay_from = _number(writer, "retained_from"), _number(writer, "replay_from")
    if before > replay_from:
        raise StoreFault("retention", before, f"is above position {replay_from} of the checkpoints", "checkpoint first")
    if before > current:
        _sweep_base(transaction, current)  # of a call that was interrupted
        _write_base(transaction, before, base_states)
        with transaction() as writer:
            writer.execute("INSERT OR REPLACE INTO meta VALUES ('retained_from', ?)", (str(before),))
        current = before
    _sweep_base(transaction, current)
    return _sweep_log(transaction, current)


def prune_keys(transaction: Transaction, before_us: int) -> int:
    """Drop idempotency keys older than an instant, a 256th of them at a time; return how many."""
    dropped = 0
    for byte in range(_FIRST_BYTES):
        first, end = bytes([byte]), bytes([byte, *b"\xff" * 32])
        with transaction() as writer:
            query = "DELETE FROM keys WHERE digest BETWEEN ? AND ? AND at_us < ?"
            dropped += writer.execute(query, (first, end, before_us)).rowcount
    return dropped


def _write_base(transaction: Transaction, before: int, base_states: Iterable[tuple[int, int, bytes]]) -> None:
    states = iter(base_states)
    while part := [(before, *entry) for entry in islice(states, STATES_AT_ONCE)]:
        with transaction() as writer:
            writer.executemany("INSERT INTO base VALUES (?, ?, ?, ?)", part)


def _sweep_base(transaction: Transaction, current: int) -> None:
    """Drop states of any other cut."""
    query = "DELETE FROM base WHERE rowid IN (SELECT rowid FROM base WHERE cut != ? LIMIT ?)"
    swept = STATES_AT_ONCE
    while swept == STATES_AT_ONCE:
        with transaction() as writer:
            swept = writer.execute(query, (current, STATES_AT_ONCE)).rowcount


def _sweep_log(transaction: Transaction, current: int) -> int:
    query = f"DELETE FROM log WHERE position IN (SELECT position FROM log WHERE {_DROPPED} ORDER BY position LIMIT ?)"
    dropped, swept = 0, ROWS_AT_ONCE
    while swept == ROWS_AT_ONCE:
        with transaction() as writer:
            swept = writer.execute(query, (current, ROWS_AT_ONCE)).rowcount
        dropped += swept
    return dropped


def _number(connection: sqlite3.Connection, key: str) -> int:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return int(row[0]) if row else 0
