"""Numbers: which number a user has in the log, and who has a number.

A number is given once. An erasure leaves it to a tombstone, so whoever comes with the same id afterwards has another
one: a link that holds a number opens nothing of theirs.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from andante.stores.connection import connect, faults
from andante.stores.erasure import is_tombstone

if TYPE_CHECKING:
    from pathlib import Path

_OF = "SELECT number FROM users WHERE user_id = ?"
_WHO = "SELECT user_id FROM users WHERE number = ?"


class Numbers:
    """The numbers of a log's users, read from its file."""

    def __init__(self, database: Path) -> None:
        """Store where the log lies."""
        self._database = database

    def of(self, user_id: str) -> int | None:
        """Return the number of a user; None for one never heard of."""
        found: int | None = self._one(_OF, user_id)
        return found

    def user(self, number: int) -> str | None:
        """Return who has a number; None for nobody, and for one who was erased."""
        found: str | None = self._one(_WHO, number)
        return None if found is None or is_tombstone(found) else found

    def _one(self, query: str, asked: str | int) -> Any:
        with faults(self._database), closing(connect(self._database, write=False)) as connection:
            row = connection.execute(query, (asked,)).fetchone()
        return None if row is None else row[0]
