"""Dead letters: pushes that reached nobody, or of which nobody can know, for an operator to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from andante.delivery.retrying import Letter
from andante.vocabulary.fault import Conflict, InputFault

if TYPE_CHECKING:
    import sqlite3

    from andante.delivery.database import Database

LISTED_MAX = 1_000

_LISTED = """SELECT letter, dead_letters.position, decision_id, user_id, channel, kind, code, detail, at_us, retried_us
FROM dead_letters LEFT JOIN pushes USING (position)
WHERE letter > ? AND (? IS NULL OR kind = ?) AND (? OR retried_us IS NULL) ORDER BY letter LIMIT ?"""
_ONE = """SELECT kind, dead_letters.position, delivery, retried_us, decision_id IS NOT NULL,
  coalesce(json_extract(send, '$.transactional'), 0)
FROM dead_letters LEFT JOIN pushes USING (position) WHERE letter = ?"""
_AGAIN = "UPDATE deliveries SET state = 'waiting', letter = NULL, tries = 0, next_us = ? WHERE delivery = ?"
_AFRESH = """INSERT OR IGNORE INTO deliveries (position, channel, provider, address_id, state, next_us, until_us)
SELECT position, channel, provider, address_id, 'waiting', ?, until_us
FROM pushes JOIN addresses USING (user_id, channel) WHERE position = ?"""
_REOPEN = """UPDATE pushes SET state = 'open', settled_us = NULL, untold = 0, until_us = until_us - sent_us + ?1
WHERE position = ?2"""
_PROLONG = "UPDATE deliveries SET until_us = (SELECT until_us FROM pushes WHERE position = ?1) WHERE position = ?1"

_NEEDS_ANOTHER_ADDRESS = (Letter.GONE, Letter.UNREACHABLE)


class DeadLetter(NamedTuple):
    """One dead letter."""

    letter: int
    position: int
    decision_id: str | None  # None where the log's row cannot be read, or the push was pruned
    user_id: str | None
    channel: str | None
    kind: str  # of Letter
    code: str  # the provider's own
    detail: str
    at_us: int
    retried_us: int | None


class DeadLetters:
    """The dead letters of an outbox."""

    def __init__(self, database: Database) -> None:
        """Store where they are kept."""
        self._database = database

    def listed(
        self, after: int = 0, kind: str | None = None, most: int = LISTED_MAX, *, retried: bool = False
    ) -> list[DeadLetter]:
        """Return dead letters in order, after one; those that were retried only where that is asked for."""
        rows = self._database.rows(_LISTED, (after, kind, kind, retried, min(most, LISTED_MAX)))
        return [DeadLetter(*row) for row in rows]

    def count(self) -> int:
        """Return how many there are that were not retried."""
        ((count,),) = self._database.rows("SELECT count(*) FROM dead_letters WHERE retried_us IS NULL")
        return int(count)

    def retry(self, letter: int, now_us: int) -> None:
        """Let a push be tried again, with all its tries and as long a time as it had at first.

        The rules are asked again, as before every attempt. Raises InputFault for a letter that is not there, and
        Conflict for one that was retried already, whose user has no other address, or that may have arrived: a
        marketing push of which nobody can know is never attempted again.
        """
        with self._database.transaction() as connection:
            found = connection.execute(_ONE, (letter,)).fetchone()
            if found is None:
                raise InputFault("dead letter", letter, "is not there", "list them to see their numbers")
            kind, position, delivery, retried_us, known, transactional = found
            if retried_us is not None:
                raise Conflict("dead letter", letter, "was retried already", "look at the push's newer letters")
            _refuse_hopeless(letter, kind, known=known, transactional=transactional)
            if kind in _NEEDS_ANOTHER_ADDRESS:
                if connection.execute(_AFRESH, (now_us, position)).rowcount == 0:
                    raise Conflict("dead letter", letter, "has no address to go to", "add an address of the user first")
            else:
                connection.execute(_AGAIN, (now_us, delivery))
            connection.execute(_REOPEN, (now_us, position))
            connection.execute(_PROLONG, (position,))
            connection.execute("UPDATE dead_letters SET retried_us = ? WHERE letter = ?", (now_us, letter))


def bury(  # noqa: PLR0913  a row of the table
    connection: sqlite3.Connection,
    position: int,
    delivery: int | None,
    letter: Letter,
    now_us: int,
    *,
    code: str = "",
    detail: str = "",
) -> None:
    """Lay a push among the dead letters."""
    connection.execute(
        "INSERT INTO dead_letters (position, delivery, kind, code, detail, at_us) VALUES (?, ?, ?, ?, ?, ?)",
        (position, delivery, letter, code, detail, now_us),
    )


def _refuse_hopeless(letter: int, kind: str, *, known: bool, transactional: bool) -> None:
    if not known:
        raise Conflict("dead letter", letter, "has no push any more that could be tried", "ask for a new decision")
    if kind in {Letter.AMBIGUOUS, Letter.BOUNCED} and not transactional:
        raise Conflict(
            "dead letter", letter, "may have arrived, so it is never attempted again", "ask for a new decision"
        )
