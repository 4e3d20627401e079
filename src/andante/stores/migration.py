"""From older versions of a database to this one, step by step, in one transaction; and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from andante.stores.schema import APPLICATION_ID, SCHEMA_VERSION, TABLES
from andante.stores.views import VIEWS
from andante.vocabulary.fault import StoreUnreadable

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

STEPS: dict[int, tuple[str, ...]] = {
    # Version 0 never left the workshop: it knew no fencing and no retention.
    0: (
        "ALTER TABLE log ADD COLUMN action INTEGER",
        *(table for table in TABLES if table.startswith(("CREATE TABLE base ", "CREATE TABLE epochs "))),
    ),
}
"""What turns each version into the next."""


def is_new(connection: sqlite3.Connection) -> bool:
    """Tell whether there is nothing in the file at all."""
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return objects == 0 and _pragma(connection, "application_id") == _pragma(connection, "user_version") == 0


def refuse_unknown(connection: sqlite3.Connection, path: Path) -> None:
    """Raise ``StoreUnreadable`` for a file that is not ours, or newer than we are. Changes nothing."""
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise StoreUnreadable("database", path, "was not made by Andante", "name another file")
    version = _pragma(connection, "user_version")
    if version > SCHEMA_VERSION:
        raise StoreUnreadable(
            "database", path, f"has version {version}, and this Andante reads up to {SCHEMA_VERSION}", "upgrade Andante"
        )


def bring_up_to_date(connection: sqlite3.Connection, now_us: int) -> None:
    """Create what is missing, or take the steps from an older version, within the caller's transaction."""
    if is_new(connection):
        _run(connection, TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    else:
        for version in range(_pragma(connection, "user_version"), SCHEMA_VERSION):
            _run(connection, STEPS[version])
            at = datetime.fromtimestamp(now_us / 1e6, UTC).isoformat(timespec="seconds")
            note = f"at {at}; a backup from before it opens with the older Andante alone"
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"migrated_from_{version}", note))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    _renew_views(connection)


def _renew_views(connection: sqlite3.Connection) -> None:
    """Write the views anew where their text changed: they hold no data."""
    query = "SELECT name, sql FROM sqlite_schema WHERE type = 'view'"
    present = dict(connection.execute(query))
    for name, view in VIEWS.items():
        sql = view.sql(name)
        if present.get(name) != sql:
            connection.execute(f"DROP VIEW IF EXISTS {name}")
            connection.execute(sql)


def _run(connection: sqlite3.Connection, statements: tuple[str, ...]) -> None:
    for statement in statements:
        connection.execute(statement)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
