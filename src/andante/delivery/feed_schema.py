"""The table of the in-app feed, version 1, in the file of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andante.vocabulary.fault import StoreUnreadable

if TYPE_CHECKING:
    import sqlite3

VERSION = 1
"""What the outbox's ``meta`` says of the feed; raised with every change of the table."""

TABLES = (
    # Ids only rise, and none is given out twice, even when the newest row has gone: pages resume by them.
    """CREATE TABLE IF NOT EXISTS feed (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  decision_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  push TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  ends_us INTEGER NOT NULL,
  seen_us INTEGER
)""",
    "CREATE UNIQUE INDEX IF NOT EXISTS feed_of_decision ON feed (decision_id)",
    "CREATE INDEX IF NOT EXISTS feed_of_user ON feed (user_id, id)",
    "CREATE INDEX IF NOT EXISTS feed_ending ON feed (ends_us)",
)


def bring_up_to_date(connection: sqlite3.Connection, path: object) -> None:
    """Create what is missing, within the caller's transaction. Raises ``StoreUnreadable`` for a newer version."""
    known = connection.execute("SELECT value FROM meta WHERE key = 'feed_version'").fetchone()
    if known is not None and int(known[0]) > VERSION:
        problem = f"has a feed of version {known[0]}, and this Andante reads up to {VERSION}"
        raise StoreUnreadable("outbox", path, problem, "upgrade Andante")
    for statement in TABLES:
        connection.execute(statement)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('feed_version', ?)", (str(VERSION),))
