"""Lines: connections that pages hold open, and how pushes get onto them.

Nothing is queued for a line: it has a place in its user's feed, and when there is news, a task reads from there on and
writes, a page of entries at a time, as fast as the line takes it. A line that does not read for a while is dropped, and
its page resumes by id. So an idle line costs its connection and one small object, and has no task beside its own.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from andante.delivery.feed import PAGE
from andante.service.journal import note
from andante.vocabulary.fault import StoreFault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from andante.delivery.feed import Entry, Feed
    from andante.service.stream_door import Visitor
    from andante.service.tokens import Tokens
    from andante.settings.sections.stream import Stream

TICK_S = 1.0
FAREWELL_S = 2.0
"""How long lines may take to hear that the server is ending."""


class Wire(Protocol):
    """How entries are written on one kind of connection."""

    async def write(self, entry: Entry, token: str) -> None:
        """Write an entry."""
        ...

    async def beat(self) -> None:
        """Write nothing, so that it is seen to be alive."""
        ...

    async def goodbye(self) -> None:
        """Say that the page should come back, to wherever this server is next."""
        ...


class Line:
    """One open line: whose it is, and how far it has come."""

    __slots__ = (
        "after",
        "again",
        "beat_s",
        "ends_s",
        "known",
        "left",
        "minute_s",
        "owner",
        "task",
        "user_id",
        "wire",
    )

    def __init__(self, visitor: Visitor, wire: Wire, owner: asyncio.Task[None] | None, ends_s: float) -> None:
        """Store who comes, on what, which task is theirs, and when it is over."""
        self.user_id, self.after = visitor
        self.wire, self.owner, self.ends_s = wire, owner, ends_s
        self.task: asyncio.Task[None] | None = None  # writes now
        self.again = False  # there is news that it has not looked at
        self.known = False  # whether ``after`` was looked at
        self.beat_s: float | None = None  # when it is written to next, if there is nothing to say
        self.minute_s, self.left = 0.0, 0  # what the page may still report, in the minute that began then


class Lines:
    """All open lines of one process. Everything but :meth:`heard` is called on the event loop."""

    def __init__(self, feed: Feed, tokens: Tokens, settings: Stream) -> None:
        """Store what is read, and with which tokens pages report."""
        self._feed, self._tokens = feed, tokens
        self._slow_s, self._life_s = settings.slow.total_seconds(), settings.line_life.total_seconds()
        self._heartbeat_s = settings.heartbeat.total_seconds()
        self._of_user: dict[str, set[Line]] = {}
        self._late: set[Line] = set()  # the feed could not be read for them
        self._reader = ThreadPoolExecutor(1, "andante-feed")
        self._loop: asyncio.AbstractEventLoop | None = None
        self.written = self.dropped = 0
        feed.listen(self.heard)

    def open(self, visitor: Visitor, wire: Wire, *, beats: bool) -> Line:
        """Begin a line, with whatever it has missed."""
        self._loop = asyncio.get_running_loop()
        now_s = self._loop.time()
        line = Line(visitor, wire, asyncio.current_task(), now_s + self._life_s)
        line.beat_s = now_s + self._heartbeat_s if beats else None
        self._of_user.setdefault(line.user_id, set()).add(line)
        self.wake(line)
        return line

    def close(self, line: Line) -> None:
        """Forget a line whose connection is over."""
        own = self._of_user.get(line.user_id, set())
        own.discard(line)
        if not own:
            self._of_user.pop(line.user_id, None)
        self._late.discard(line)
        line.owner = None
        if line.task is not None:
            line.task.cancel()

    def heard(self, user_id: str) -> None:
        """Hear, from any thread, that a user's feed has grown."""
        loop = self._loop
        if loop is None or user_id not in self._of_user:
            return
        try:
            loop.call_soon_threadsafe(self._wake_user, user_id)
        except RuntimeError:  # the loop was closed meanwhile
            return

    def wake(self, line: Line) -> None:
        """Let a line look for news."""
        if line.task is None:
            line.task = asyncio.ensure_future(self._catch_up(line))
        else:
            line.again = True

    async def run(self, stop: asyncio.Event) -> None:
        """Keep lines alive, and end those whose time is over, until the server ends; then let all go."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            self._look(loop.time())
            try:
                async with asyncio.timeout(TICK_S):
                    await stop.wait()
            except TimeoutError:
                continue
        await self.let_go()

    async def let_go(self) -> None:
        """Say goodbye on every line."""
        said = [self._farewell(line) for own in self._of_user.values() for line in own]
        if said:
            await asyncio.wait([asyncio.ensure_future(one) for one in said], timeout=FAREWELL_S)
        self._reader.shutdown(wait=False, cancel_futures=True)

    def all(self) -> int:
        """Return how many lines are open."""
        return sum(map(len, self._of_user.values()))

    def users(self) -> list[str]:
        """Return who has lines."""
        return list(self._of_user)

    async def write_within(self, line: Line, writing: Callable[[], Awaitable[None]]) -> None:
        """Write something of another kind on a line, which is dropped where it does not read."""
        try:
            async with asyncio.timeout(self._slow_s):
                await writing()
        except TimeoutError:
            self._drop(line)

    def _wake_user(self, user_id: str) -> None:
        for line in self._of_user.get(user_id, ()):
            self.wake(line)

    def _look(self, now_s: float) -> None:
        late, self._late = self._late, set()
        for line in late:
            self.wake(line)
        for own in list(self._of_user.values()):
            for line in list(own):
                if line.ends_s <= now_s:
                    line.ends_s = now_s + self._slow_s
                    line.task = line.task or asyncio.ensure_future(self._farewell(line))
                elif line.beat_s is not None and line.beat_s <= now_s:
                    line.beat_s = now_s + self._heartbeat_s
                    line.task = line.task or asyncio.ensure_future(self._beat(line))

    async def _catch_up(self, line: Line) -> None:
        """Write everything that a line has not got, in order. It moves on only by what was written."""
        try:
            while True:
                line.again = False
                entries = await self._read(line)
                for entry in entries:
                    async with asyncio.timeout(self._slow_s):
                        await line.wire.write(entry, self._tokens.outcome(entry.decision_id))
                    line.after = entry.id
                    self.written += 1
                if len(entries) < PAGE and not line.again:
                    return
        except TimeoutError:
            self._drop(line)
        except StoreFault as fault:
            note(str(fault), doing="feed")
            if line.owner is not None:
                self._late.add(line)
        except (OSError, RuntimeError):  # its connection is over
            return
        finally:
            line.task = None

    async def _read(self, line: Line) -> list[Entry]:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._fetch, line)

    def _fetch(self, line: Line) -> list[Entry]:
        """Return the next entries of a line, whose id, the first time, may be of a copy of the file that is gone."""
        if not line.known:
            line.after, line.known = self._feed.known(line.after), True
        return self._feed.after(line.user_id, line.after)

    async def _beat(self, line: Line) -> None:
        try:
            await self.write_within(line, line.wire.beat)
        finally:
            line.task = None
        if line.again and line.owner is not None:
            self.wake(line)

    async def _farewell(self, line: Line) -> None:
        try:
            await self.write_within(line, line.wire.goodbye)
        except (OSError, RuntimeError):
            return

    def _drop(self, line: Line) -> None:
        """End a line whose page does not read."""
        self.dropped += 1
        if line.owner is not None:
            line.owner.cancel()
