"""Persons: all that an outbox holds of one user, to be handed over or erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from andante.delivery.database import Database

_PUSHES = (
    "SELECT decision_id, channel, sent_us, state, settled_us, message, send FROM pushes WHERE user_id = ? ORDER BY 3"
)
_ATTEMPTS = """SELECT
  decision_id, deliveries.provider, address_id, try, attempts.began_us, ended_us, status, code, detail
FROM pushes JOIN deliveries USING (position) JOIN attempts USING (delivery)
WHERE pushes.user_id = ? AND (? IS NULL OR decision_id = ?) ORDER BY attempts.began_us, delivery"""
_REPORTS = "SELECT decision_id, provider, at_us, outcome, raw FROM provider_events WHERE user_id = ? ORDER BY event"
_FEED = "SELECT id, decision_id, push, at_us, seen_us FROM feed WHERE user_id = ? ORDER BY id"
_ADDRESSES = "SELECT channel, provider, address_id, value, seen_us FROM addresses WHERE user_id = ? ORDER BY 1, 2, 3"

_OF_PUSHES = "SELECT position FROM pushes WHERE user_id = ?"
_FORGET = {
    "feed": "DELETE FROM feed WHERE user_id = ?",
    "addresses": "DELETE FROM addresses WHERE user_id = ?",
    "provider_events": "DELETE FROM provider_events WHERE user_id = ?",
    "attempts": "DELETE FROM attempts WHERE delivery IN"
    f" (SELECT delivery FROM deliveries WHERE position IN ({_OF_PUSHES}))",
    "deliveries": f"DELETE FROM deliveries WHERE position IN ({_OF_PUSHES})",
    "dead_letters": f"DELETE FROM dead_letters WHERE position IN ({_OF_PUSHES})",
    "pushes": "DELETE FROM pushes WHERE user_id = ?",
}


def of_user(database: Database, user_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return all that is kept of a user, as JSON would carry it: for portability (GDPR Art. 20, PIPL Art. 45)."""
    return {
        "addresses": _read(database, _ADDRESSES, (user_id,), "channel provider address_id value seen_us"),
        "pushes": _read(database, _PUSHES, (user_id,), "decision_id channel sent_us state settled_us message send"),
        "attempts": attempts_of(database, user_id),
        "feed": _read(database, _FEED, (user_id,), "id decision_id push at_us seen_us"),
        "provider_events": _read(database, _REPORTS, (user_id,), "decision_id provider at_us outcome raw"),
    }


def attempts_of(database: Database, user_id: str, decision_id: str | None = None) -> list[dict[str, Any]]:
    """Return every attempt at a user's pushes, or at one of them, in order: what happened to a push."""
    names = "decision_id provider address_id try began_us ended_us status code detail"
    return _read(database, _ATTEMPTS, (user_id, decision_id, decision_id), names)


def forget(database: Database, user_id: str) -> dict[str, int]:
    """Erase all that is kept of a user, bytes included; return how many rows of each table.

    The log must have forgotten the user before, or what it still holds would be taken in anew. An attempt under way
    ends without being taken down. Raises ``StoreBusy`` where all is erased but another reader holds old pages.
    """
    with database.transaction() as connection:
        counts = {table: connection.execute(statement, (user_id,)).rowcount for table, statement in _FORGET.items()}
    database.sweep()
    return counts


def _read(database: Database, query: str, parameters: tuple[object, ...], names: str) -> list[dict[str, Any]]:
    read = []
    for row in database.rows(query, parameters):
        entry = dict(zip(names.split(), row, strict=True))
        for name in {"value", "send", "push"} & entry.keys():
            entry[name] = msgspec.json.decode(entry[name])
        read.append(entry)
    return read
