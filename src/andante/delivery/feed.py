"""The in-app feed: pushes that a user's own pages fetch, each with an id, in the order in which they came.

A page that was away says the last id it has, and gets everything after it, in order, once. Ids rise with commits, so
whoever has seen one has seen all before it. The feed is bounded: by number for each user, and by time.
"""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import msgspec
from msgspec import Struct

from andante.channels.contract import Content, Push
from andante.delivery.feed_schema import bring_up_to_date
from andante.live.clock import SteadyClock

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from andante.delivery.database import Database
    from andante.settings.sections.stream import Stream

PAGE = 64
"""How many entries are read at once."""

_SECOND_US = 1_000_000
_PRUNE_US = 60 * _SECOND_US

_PUT = """INSERT INTO feed (decision_id, user_id, push, at_us, ends_us) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (decision_id) DO NOTHING RETURNING id"""
_KNOWN = "SELECT id FROM feed WHERE decision_id = ?"
_CROWD_OUT = """DELETE FROM feed WHERE user_id = ?1 AND id <=
  (SELECT id FROM feed WHERE user_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)"""
_AFTER = """SELECT id, decision_id, push, seen_us IS NOT NULL FROM feed
WHERE user_id = ? AND id > ? AND ends_us > ? ORDER BY id LIMIT ?"""
_LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'feed'"
_SEE = "UPDATE feed SET seen_us = ? WHERE user_id = ? AND seen_us IS NULL AND id <= ?"
_SEE_ONE = "UPDATE feed SET seen_us = ? WHERE user_id = ? AND seen_us IS NULL AND decision_id = ?"
_OF_USER = "SELECT id, decision_id, push, at_us, ends_us, seen_us FROM feed WHERE user_id = ? ORDER BY id"


class Shown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a page is told of a push. It names no user: the line it goes out on is one user's own."""

    decision_id: str
    category: str
    content: Content
    sent_at_s: int
    candidate_id: str
    campaign_id: str | None = None
    item_id: str | None = None
    expires_s: int | None = None
    transactional: bool = False
    unsubscribe_url: str | None = None


class Entry(NamedTuple):
    """A push in a user's feed."""

    id: int
    decision_id: str
    push: str  # JSON of a Shown
    seen: bool


class Feed:
    """The feed of all users. ``Feed.open`` makes one; it may be used from any number of threads."""

    def __init__(self, database: Database, clock: SteadyClock, *, most: int, keep_us: int) -> None:
        """Store where it is kept, whose time holds, how many pushes of a user are kept, and for how long."""
        self._database, self._clock, self._most, self._keep_us = database, clock, most, keep_us
        self._pruned_us = 0
        self._waiting: list[tuple[Push, asyncio.Future[int]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._listeners: tuple[Callable[[str], None], ...] = ()
        self._guard = Lock()

    @classmethod
    def open(cls, database: Database, settings: Stream, *, clock: SteadyClock | None = None) -> Self:
        """Open the feed within an outbox's file. Raises ``StoreUnreadable`` where it is newer than we are."""
        with database.transaction() as connection:
            bring_up_to_date(connection, database.path)
        return cls(database, clock or SteadyClock(), most=settings.keep_per_user, keep_us=_us(settings.keep))

    def listen(self, heard: Callable[[str], None]) -> None:
        """Call this with the user's id after each push that was put, from the thread that put it. It must not block."""
        with self._guard:
            self._listeners = (*self._listeners, heard)

    async def put(self, push: Push) -> str:
        """Put a push, durably; return its id. The same decision again is the same id.

        What is put at once, from one event loop, shares a commit. Raises ``StoreFault``, and has put nothing then.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        self._waiting.append((push, future))
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        return str(await future)

    def put_all(self, pushes: Sequence[Push]) -> list[int]:
        """Put pushes in order, all or none, and wake whoever waits for them; return their ids. It blocks."""
        now_us = self._clock.now_us()
        with self._database.transaction() as connection:
            put = [self._put(connection, push, now_us) for push in pushes]
            if now_us - self._pruned_us > _PRUNE_US:
                self._pruned_us = now_us
                connection.execute("DELETE FROM feed WHERE ends_us <= ?", (now_us,))
        for user_id in dict.fromkeys(push.user_id for push, (_, new) in zip(pushes, put, strict=True) if new):
            for heard in self._listeners:
                heard(user_id)
        return [number for number, _ in put]

    def after(self, user_id: str, after: int, most: int = PAGE) -> list[Entry]:
        """Return a user's entries after an id, in order, at most so many. What has expired is left out."""
        rows = self._database.rows(_AFTER, (user_id, after, self._clock.now_us(), most))
        return [Entry(number, decision_id, push, bool(seen)) for number, decision_id, push, seen in rows]

    def known(self, after: int) -> int:
        """Return a page's last id, or 0 where it was never given out: an older copy of the file was restored."""
        ((last,),) = self._database.rows(_LAST)
        return after if 0 <= after <= last else 0

    def see(self, user_id: str, up_to: int) -> int:
        """Take down that a user has seen everything up to an id; return how much of it was new."""
        with self._database.transaction() as connection:
            return connection.execute(_SEE, (self._clock.now_us(), user_id, up_to)).rowcount

    def see_one(self, user_id: str, decision_id: str) -> bool:
        """Take down that a user has seen a push; return whether that is new."""
        with self._database.transaction() as connection:
            return connection.execute(_SEE_ONE, (self._clock.now_us(), user_id, decision_id)).rowcount > 0

    def of_user(self, user_id: str) -> list[dict[str, Any]]:
        """Return all that is kept of a user, as JSON would carry it (GDPR Art. 20)."""
        names = ("id", "decision_id", "push", "at_us", "ends_us", "seen_us")
        found = [dict(zip(names, row, strict=True)) for row in self._database.rows(_OF_USER, (user_id,))]
        return [one | {"push": msgspec.json.decode(one["push"])} for one in found]

    def forget(self, user_id: str) -> int:
        """Erase all that is kept of a user; return how many rows. The caller sweeps the file afterwards."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM feed WHERE user_id = ?", (user_id,)).rowcount

    async def _write(self) -> None:
        """Put what waits, and what comes meanwhile."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                try:
                    numbers = await asyncio.to_thread(self.put_all, [push for push, _ in batch])
                except BaseException as error:
                    _settle_all(batch, error)
                    if not isinstance(error, Exception):
                        raise
                else:
                    for (_, future), number in zip(batch, numbers, strict=True):
                        if not future.done():
                            future.set_result(number)
        finally:
            self._writing = None

    def _put(self, connection: sqlite3.Connection, push: Push, now_us: int) -> tuple[int, bool]:
        """Return the id of a push, and whether it is new."""
        body = msgspec.json.encode(_shown(push)).decode()
        ends_us = now_us + self._keep_us
        if push.expires_s is not None:
            ends_us = min(ends_us, push.expires_s * _SECOND_US)
        made = connection.execute(_PUT, (push.decision_id, push.user_id, body, now_us, ends_us)).fetchall()
        if not made:
            ((known,),) = connection.execute(_KNOWN, (push.decision_id,)).fetchall()
            return int(known), False
        connection.execute(_CROWD_OUT, (push.user_id, self._most))
        return int(made[0][0]), True


def _settle_all(batch: list[tuple[Push, asyncio.Future[int]]], error: BaseException) -> None:
    """Tell everybody of a fault; where it is no Exception, that they were cancelled."""
    for _, future in batch:
        if isinstance(error, Exception) and not future.done():
            future.set_exception(error)
        else:
            future.cancel()


def _shown(push: Push) -> Shown:
    return Shown(
        decision_id=push.decision_id,
        category=push.category,
        content=push.content,
        sent_at_s=push.sent_at_s,
        candidate_id=push.candidate_id,
        campaign_id=push.campaign_id,
        item_id=push.item_id,
        expires_s=push.expires_s,
        transactional=push.transactional,
        unsubscribe_url=push.unsubscribe_url,
    )


def _us(span: timedelta) -> int:
    return int(span.total_seconds() * _SECOND_US)
