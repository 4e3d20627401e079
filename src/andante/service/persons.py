"""Persons: a user's own data across the log and the outbox, to be handed over or erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from andante.delivery import persons
from andante.vocabulary.fault import StoreBusy

if TYPE_CHECKING:
    from andante.delivery.database import Database
    from andante.live.engine import Engine


class Persons:
    """What the service asks when a user asks for their data, or for their end."""

    def __init__(self, engine: Engine, outbox: Database) -> None:
        """Store where a user may be found."""
        self._engine, self._outbox = engine, outbox

    def export(self, user_id: str) -> dict[str, Any]:
        """Return everything that is held of a user. Raises UnknownUser."""
        return {**self._engine.export(user_id), "delivery": persons.of_user(self._outbox, user_id)}

    def erase(self, user_id: str) -> dict[str, Any]:
        """Erase a user everywhere; return the receipt. Raises UnknownUser.

        The log goes first: what it still held would be taken into the outbox anew.
        """
        receipt = self._engine.erase(user_id).to_dict()
        try:
            forgotten = persons.forget(self._outbox, user_id)
        except StoreBusy:  # all is erased, but a reader still holds old pages; the receipt must not be lost for that
            return {**receipt, "swept": False}
        removed = {table: count for table, count in forgotten.items() if count}
        return {**receipt, "removed": {**receipt["removed"], **removed}}
