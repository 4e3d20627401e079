"""Live: decisions as they happen, for operators to look at.

It follows the log as any reader does, with a connection of its own, and only while somebody looks: deciding does not
know of it. When more is decided than can be read, every n-th decision is shown, and how many there were of each action.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec

from andante.service.feed import begin, gone, refuse, say
from andante.service.journal import note
from andante.service.problem import Problem, overloaded
from andante.stores.connection import connect
from andante.vocabulary.fault import StoreFault
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import Action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from andante.service.serving import Serving

LOOK_S = 0.5
"""How long after news the log is looked at: what happens meanwhile is told together."""

BEHIND_MAX = 20_000
"""Of more positions than this since the last look, only the latest are counted."""

WAITING_MAX = 16
"""How many messages wait for one who does not read; where another one comes, the oldest goes."""

VIEWERS_MAX = 16
HEARTBEAT_S = 20.0
SCOPE = "admin"

_LAST = "SELECT coalesce(max(position), 0) FROM log"
_COUNTS = f"""SELECT action, count(*) FROM log
WHERE position > ? AND position <= ? AND kind IN ({Kind.REQUEST:d}, {Kind.RELEASE:d}) GROUP BY action"""
_DECISIONS = """SELECT position, decision_id, user_id, at, action, reason, candidate_id, category, channel, campaign_id,
  send_at, propensity, plan_per_week, explored, policy_version
FROM decisions WHERE position > ? AND position <= ? AND (position * 40503 >> 4) % ? = 0 ORDER BY position LIMIT ?"""


class Viewer:
    """Somebody who looks."""

    def __init__(self) -> None:
        """Begin with nothing to read."""
        self.waiting: deque[bytes] = deque(maxlen=WAITING_MAX)
        self.news = asyncio.Event()


class Live:
    """Answers ``GET /v1/live``."""

    def __init__(self, serving: Serving, database: Path, per_second: int) -> None:
        """Store what is followed, and how many decisions are shown in a second."""
        self._serving, self._database = serving, database
        self._shown_max = max(1, int(per_second * LOOK_S))
        self._viewers: set[Viewer] = set()
        self._news = asyncio.Event()
        self._after = 0
        serving.on_news.append(self._news.set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one who looks, until they go or the server ends."""
        try:
            self._let_in(dict(scope["headers"]))
        except Problem as problem:
            await refuse(problem, send)
            return
        viewer = Viewer()
        if not self._viewers:
            self._after = (await asyncio.to_thread(self._read, _LAST, ()))[0][0]
        self._viewers.add(viewer)
        watching = asyncio.ensure_future(gone(receive))
        try:
            await begin(send)
            await self._show(viewer, watching, send)
        finally:
            self._viewers.discard(viewer)
            watching.cancel()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the log while somebody looks, until the server ends."""
        while not stop.is_set():
            await self._pause(stop)
            if self._viewers and self._news.is_set():
                self._news.clear()
                await self._tell()
        for viewer in self._viewers:
            viewer.news.set()

    def look(self) -> dict[str, Any] | None:
        """Return what was decided since the last look; None for nothing. It blocks for as long as its queries take."""
        last = self._read(_LAST, ())[0][0]
        first = max(self._after, last - BEHIND_MAX)
        counts = self._read(_COUNTS, (first, last))
        of = sum(count for _, count in counts)
        every = max(1, -(-of // self._shown_max))
        shown = self._read(_DECISIONS, (first, last, every, self._shown_max), named=True) if of else []
        told = {"of": of, "every": every, "uncounted": first - self._after, "decisions": shown}
        told["actions"] = {Action(action).name.lower(): count for action, count in counts}
        self._after = last
        return told if of else None

    def _let_in(self, headers: Mapping[bytes, bytes]) -> None:
        self._serving.keyring.admit(headers, SCOPE)
        if self._serving.health.draining:
            raise overloaded("this server is ending")
        if len(self._viewers) >= VIEWERS_MAX:
            raise overloaded(f"{VIEWERS_MAX} look already")

    async def _show(self, viewer: Viewer, watching: asyncio.Future[None], send: Send) -> None:
        """Write what there is to read, as fast as it is read."""
        while not watching.done() and not self._serving.draining.is_set():
            waiting: asyncio.Future[Any] = asyncio.ensure_future(viewer.news.wait())
            await asyncio.wait((waiting, watching), timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            viewer.news.clear()
            if not viewer.waiting:
                await say(send, b":\n\n")
            while viewer.waiting:
                await say(send, viewer.waiting.popleft())
        if not watching.done():
            await say(send, b"event: end\ndata:\n\n", more=False)

    async def _tell(self) -> None:
        try:
            told = await asyncio.to_thread(self.look)
        except (StoreFault, sqlite3.Error) as fault:
            note(str(fault), doing="live")
            return
        if told is None:
            return
        message = b"id: %d\nevent: decisions\ndata: %s\n\n" % (self._after, msgspec.json.encode(told))
        for viewer in self._viewers:
            viewer.waiting.append(message)
            viewer.news.set()

    async def _pause(self, stop: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                await stop.wait()
        except TimeoutError:
            return

    def _read(self, query: str, given: tuple[int, ...], *, named: bool = False) -> list[Any]:
        with closing(connect(self._database, write=False)) as connection:
            if named:
                connection.row_factory = _named
            return connection.execute(query, given).fetchall()


def _named(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip((column for column, *_ in cursor.description), row, strict=True))
