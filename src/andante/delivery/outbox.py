"""The outbox: pushes on their way, who holds which of them, and what came of every attempt.

The truth about which pushes go out is the log; the outbox follows it behind a cursor, which moves in the transaction
that takes sends in, so each is taken in once. A delivery is a push on its way to one address. Whoever attempts it
claims it first, durably: the claim carries a fencing token that only rises and a lease that ends, and what came of
the attempt is taken down only from the holder of that token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import msgspec

from andante.channels.contract import Address
from andante.delivery import addresses
from andante.delivery.database import Database
from andante.delivery.dead_letters import DeadLetters, bury
from andante.delivery.messages import Messages
from andante.delivery.retrying import SECOND_US, Letter, State
from andante.live.sends import Send
from andante.vocabulary.fault import StoreFault

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from andante.delivery.retrying import Step
    from andante.live.sends import Sends

Lane = tuple[str, str]
"""A channel by the shop's name, and a provider that serves it."""

LATE_AT_ONCE = 1_000
RAW_MAX = 2_000
"""How many characters are kept of a provider's answer."""

_SEND = msgspec.json.Decoder(Send)


class Claim(NamedTuple):
    """A delivery that its holder may attempt, until the lease ends."""

    delivery: int
    token: int
    tries: int  # this one included
    send: Send
    address: Address | None  # None: it was dropped meanwhile
    lane: Lane
    until_us: int  # from here on it does not go out
    began_us: int
    lease_us: int  # when its lease ends, by the machine's clock; all else is event time


class Ended(NamedTuple):
    """What came of a claim, and what follows from it."""

    claim: Claim
    step: Step
    status: str
    code: str = ""
    detail: str = ""
    raw: str = ""
    provider_id: str | None = None
    attempted: bool = True  # False: nothing was sent, and it counts as no try
    message: str | None = None  # name and version of what it said
    gone_since_us: int | None = None  # since when the address is gone, where its provider says so


class Untold(NamedTuple):
    """A push that reached nobody, which the engine does not know yet."""

    position: int
    decision_id: str
    at_us: int


_TAKE_IN = "INSERT OR IGNORE INTO pushes VALUES (?, ?, ?, ?, ?, ?, ?, NULL, 'open', NULL, 0)"
_DELIVER = """INSERT OR IGNORE INTO deliveries (position, channel, provider, address_id, state, next_us, until_us)
SELECT position, pushes.channel, provider, address_id, 'waiting', sent_us, until_us
FROM pushes JOIN addresses USING (user_id, channel)
WHERE position > ? AND position <= ? AND channel = ? AND provider = ?"""
_DELIVER_TO_USERS = """INSERT OR IGNORE INTO deliveries
  (position, channel, provider, address_id, state, next_us, until_us)
SELECT position, channel, ?4, '', 'waiting', sent_us, until_us FROM pushes
WHERE position > ?1 AND position <= ?2 AND channel = ?3"""
_UNREACHED = """SELECT position FROM pushes WHERE position > ? AND position <= ? AND state = 'open'
AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.position = pushes.position)"""

_ANY = "SELECT 1 FROM deliveries WHERE state = 'waiting' AND"
_DUE = """UPDATE deliveries SET state = 'attempting', tries = tries + 1, token = ?, began_us = ?, lease_us = ?
WHERE delivery IN (SELECT delivery FROM deliveries
  WHERE state = 'waiting' AND channel = ? AND provider = ? AND next_us <= ? ORDER BY next_us LIMIT ?)"""
_LATE = """UPDATE deliveries SET state = 'attempting', tries = tries + 1, token = ?, began_us = ?, lease_us = ?
WHERE delivery IN (SELECT delivery FROM deliveries WHERE state = 'waiting' AND until_us <= ? LIMIT ?)"""
_CLAIMS = """SELECT delivery, token, tries, send, addresses.user_id, deliveries.channel, deliveries.provider,
  deliveries.address_id, value, deliveries.until_us, began_us, lease_us, pushes.user_id
FROM deliveries JOIN pushes USING (position) LEFT JOIN addresses
  ON addresses.channel = deliveries.channel AND addresses.provider = deliveries.provider
  AND addresses.address_id = deliveries.address_id AND addresses.user_id = pushes.user_id
WHERE """
_END = """UPDATE deliveries SET state = ?, letter = ?, tries = ?, next_us = ?, provider_id = coalesce(?, provider_id)
WHERE delivery = ? AND token = ? AND state = 'attempting'"""
_ATTEMPT = "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_STANDING = "SELECT state, letter, count(*) FROM deliveries WHERE position = ? GROUP BY state, letter"
_SETTLE = "UPDATE pushes SET state = ?, settled_us = ?, untold = ? WHERE position = ?"


class Outbox:
    """The outbox of one log. ``Outbox.open`` makes one; it may be used from any number of threads."""

    def __init__(self, database: Database) -> None:
        """Store the file that everything is kept in."""
        self.database = database
        self.addresses = addresses.Addresses(database)
        self.messages = Messages(database)
        self.dead_letters = DeadLetters(database)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open an outbox, or make one: a file of SQLite, or ``":memory:"``. Raises what ``Database.open`` raises."""
        return cls(Database.open(path))

    def close(self) -> None:
        """Let go of the file. Closing twice is no fault."""
        self.database.close()

    def follow(self, log_name: str, last_position: int) -> int:
        """Begin, or go on, behind the log of this name, which ends at a position; return the cursor.

        A new outbox begins at the end: what was decided before there was any delivery is not sent. Raises
        ``StoreFault`` for the outbox of another log, and for a log that was restored from an older backup.
        """
        with self.database.transaction() as connection:
            known = connection.execute("SELECT value FROM meta WHERE key = 'log_name'").fetchone()
            if known is None:
                connection.execute("INSERT INTO meta VALUES ('log_name', ?)", (log_name,))
                connection.execute("UPDATE counters SET value = ? WHERE name = 'cursor'", (last_position,))
            elif known[0] != log_name:
                problem = f"follows the log {known[0]}, and this one is {log_name}"
                raise StoreFault("outbox", self.database.path, problem, "keep every log beside its own outbox")
            cursor = _cursor(connection)
            if cursor > last_position:
                problem = f"has followed its log to {cursor}, which ends at {last_position}: an older copy was restored"
                raise StoreFault(
                    "outbox", self.database.path, problem, "restore both files from one moment (docs/delivery.md)"
                )
            return cursor

    @property
    def cursor(self) -> int:
        """The position of the log up to which sends were taken in."""
        ((value,),) = self.database.rows("SELECT value FROM counters WHERE name = 'cursor'")
        return int(value)

    def take_in(
        self,
        after: int,
        sends: Sends,
        lanes: Mapping[Lane, bool],
        until_us: Mapping[int, int],
        now_us: int,
    ) -> bool:
        """Take in the sends that were found after a position, and move the cursor; all of it or nothing.

        ``lanes`` are those that are served, true where the provider reaches users without an address; sends on
        other channels are passed over. ``until_us`` says, by position, from when on a push does not go out. Returns
        False, having done nothing, where another dispatcher was here first.
        """
        served = {channel for channel, _ in lanes}
        pushes = [_pushed(send, until_us[send.position]) for send in sends.sends if send.candidate.channel in served]
        with self.database.transaction() as connection:
            moved = connection.execute(
                "UPDATE counters SET value = ? WHERE name = 'cursor' AND value = ?", (sends.position, after)
            )
            if moved.rowcount == 0:
                return False
            connection.executemany(_TAKE_IN, pushes)
            for (channel, provider), of_users in lanes.items():
                statement = _DELIVER_TO_USERS if of_users else _DELIVER
                connection.execute(statement, (after, sends.position, channel, provider))
            for position, problem in sends.damaged:
                bury(connection, position, None, Letter.UNREADABLE, now_us, detail=problem)
            for (position,) in connection.execute(_UNREACHED, (after, sends.position)).fetchall():
                bury(connection, position, None, Letter.UNREACHABLE, now_us, detail="the user has no address there")
                settle(connection, position, now_us)
        return True

    def claim(
        self, room: Mapping[Lane, int], now_us: int, lease_us: int, *, machine_us: int | None = None
    ) -> list[Claim]:
        """Take hold of what is due, of each lane as many as there is room for, and of all that is too late.

        Each is marked as being attempted, durably, before this returns. ``lease_us`` is the length of the lease, which
        begins at ``machine_us``, where the time by which pushes are due is not the machine's.
        """
        if not self._has_due(room, now_us):
            return []
        with self.database.transaction() as connection:
            ((token,),) = connection.execute(
                "UPDATE counters SET value = value + 1 WHERE name = 'token' RETURNING value"
            ).fetchall()
            held = (token, now_us, (now_us if machine_us is None else machine_us) + lease_us)
            connection.execute(_LATE, (*held, now_us, LATE_AT_ONCE))
            for (channel, provider), most in room.items():
                connection.execute(_DUE, (*held, channel, provider, now_us, most))
            return _claims(connection.execute(f"{_CLAIMS} deliveries.token = ?", (token,)))

    def lapsed(self, machine_us: int) -> list[Claim]:
        """Return what is held by a lease that has ended: its holder is dead or lost, and nobody knows what it did."""
        return _claims(
            self.database.rows(f"{_CLAIMS} deliveries.state = 'attempting' AND lease_us <= ? LIMIT 1000", (machine_us,))
        )

    def end(self, ended: Sequence[Ended], now_us: int) -> list[bool]:
        """Take down what came of claims, all in one transaction; return for each whether its token still held.

        What a stale holder says is not taken down: somebody else has decided since what became of it.
        """
        with self.database.transaction() as connection:
            return [_end(connection, one, now_us) for one in ended]

    def untold(self, most: int = 1_000) -> list[Untold]:
        """Return pushes that reached nobody, and of which the engine was not told."""
        query = "SELECT position, decision_id, settled_us FROM pushes WHERE untold = 1 ORDER BY position LIMIT ?"
        return [Untold(*row) for row in self.database.rows(query, (most,))]

    def told(self, positions: Iterable[int]) -> None:
        """Remember that the engine knows of these."""
        with self.database.transaction() as connection:
            connection.executemany("UPDATE pushes SET untold = 0 WHERE position = ?", [(one,) for one in positions])

    def counts(self) -> dict[str, int]:
        """Return how many deliveries there are of each state, and open dead letters."""
        query = "SELECT state, count(*) FROM deliveries GROUP BY state"
        found = dict.fromkeys(State, 0) | {State(state): count for state, count in self.database.rows(query)}
        return {str(state): count for state, count in found.items()} | {"dead_letters": self.dead_letters.count()}

    def prune(self, before_us: int) -> int:
        """Forget pushes that were done before this instant, and what providers reported before it; return how many."""
        done = "SELECT position FROM pushes WHERE settled_us < ? AND untold = 0"
        parts = f"SELECT delivery FROM deliveries WHERE position IN ({done})"
        with self.database.transaction() as connection:
            connection.execute(f"DELETE FROM attempts WHERE delivery IN ({parts})", (before_us,))
            connection.execute(f"DELETE FROM deliveries WHERE position IN ({done})", (before_us,))
            connection.execute("DELETE FROM dead_letters WHERE at_us < ?", (before_us,))
            connection.execute("DELETE FROM provider_events WHERE at_us < ? AND untold = 0", (before_us,))
            return connection.execute("DELETE FROM pushes WHERE settled_us < ? AND untold = 0", (before_us,)).rowcount

    def _has_due(self, room: Mapping[Lane, int], now_us: int) -> bool:
        """Look without writing, so that an idle dispatcher costs the disk nothing."""
        query = (
            "SELECT 1 FROM deliveries WHERE state = 'waiting' AND channel = ? AND provider = ? AND next_us <= ? LIMIT 1"
        )
        if self.database.rows("SELECT 1 FROM deliveries WHERE state = 'waiting' AND until_us <= ? LIMIT 1", (now_us,)):
            return True
        return any(most > 0 and self.database.rows(query, (*lane, now_us)) for lane, most in room.items())


def settle(connection: sqlite3.Connection, position: int, now_us: int) -> None:
    """Say what became of a push, once none of its deliveries is open; one that reached nobody is to be told."""
    standing = connection.execute(_STANDING, (position,)).fetchall()
    states = {state for state, _, _ in standing}
    if states & {State.WAITING, State.ATTEMPTING}:
        connection.execute(_SETTLE, ("open", None, 0, position))
    elif State.ACCEPTED in states:
        connection.execute(_SETTLE, ("accepted", now_us, 0, position))
    elif any(letter == Letter.AMBIGUOUS for _, letter, _ in standing):
        connection.execute(_SETTLE, ("ambiguous", now_us, 0, position))
    else:
        connection.execute(_SETTLE, ("failed", now_us, 1, position))


def _pushed(send: Send, until_us: int) -> tuple[object, ...]:
    return (
        send.position,
        send.decision_id,
        send.user_id,
        send.candidate.channel,
        msgspec.json.encode(send).decode(),
        send.sent_at_s * SECOND_US,
        until_us,
    )


def _end(connection: sqlite3.Connection, ended: Ended, now_us: int) -> bool:
    claim, step = ended.claim, ended.step
    tries = claim.tries if ended.attempted else claim.tries - 1
    taken = connection.execute(
        _END, (step.state, step.letter, tries, step.next_us, ended.provider_id, claim.delivery, claim.token)
    )
    if taken.rowcount == 0:
        return False
    said = (ended.status, ended.code, ended.detail[:RAW_MAX], ended.raw[:RAW_MAX])
    connection.execute(_ATTEMPT, (claim.delivery, tries, claim.token, claim.began_us, now_us, *said))
    if ended.message is not None:
        connection.execute("UPDATE pushes SET message = ? WHERE position = ?", (ended.message, claim.send.position))
    if step.letter is Letter.GONE and claim.address is not None:
        since_us = claim.began_us if ended.gone_since_us is None else min(ended.gone_since_us, claim.began_us)
        addresses.drop_unseen_since(connection, (*claim.lane, claim.address.address_id), since_us)
    if step.letter is not None:
        position = claim.send.position
        bury(connection, position, claim.delivery, step.letter, now_us, code=ended.code, detail=ended.detail)
    if step.state is not State.WAITING:
        settle(connection, claim.send.position, now_us)
    return True


def _claims(rows: Iterable[Any]) -> list[Claim]:
    claims = []
    for delivery, token, tries, send, owner, channel, provider, address_id, value, *times, user_id in rows:
        address = None
        if not address_id:  # the provider reaches users without one
            address = Address(user_id=user_id, channel=channel, provider=provider, address_id="", value={})
        elif owner is not None:
            address = addresses.read((owner, channel, provider, address_id, value))
        claims.append(Claim(delivery, token, tries, _SEND.decode(send), address, (channel, provider), *times))
    return claims


def _cursor(connection: sqlite3.Connection) -> int:
    ((value,),) = connection.execute("SELECT value FROM counters WHERE name = 'cursor'").fetchall()
    return int(value)
