"""The feed: pushes to a page as server-sent events, for pages that only listen. Outcomes go to ``POST /v1/outcomes``.

Each event is ``event: push`` with the entry's id and the JSON that the stream sends. A browser that loses the line
comes back by itself with ``Last-Event-ID``, but with a ticket that was used; so a page asks for another and opens a new
line with ``?after=`` the last id.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from andante.service.problem import MEDIA_TYPE, Problem
from andante.service.stream import told

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from andante.delivery.feed import Entry
    from andante.service.stream_door import Door
    from andante.service.stream_lines import Lines

EVENT_STREAM = "text/event-stream; charset=utf-8"

BACK_MS, BACK_AFTER_END_MS = 2_000, 500
"""When a browser comes back to a line that broke, and to one that this server has ended."""

HEADERS = [
    (b"content-type", EVENT_STREAM.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # of nginx: events are not to be gathered on the way
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class EventFeed:
    """Answers ``GET /v1/feed``."""

    def __init__(self, door: Door, lines: Lines) -> None:
        """Store who lets pages in, and who writes."""
        self._door, self._lines = door, lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one line, from its door to its end."""
        try:
            visitor = self._door.enter(dict(scope["headers"]), scope["query_string"], needs_origin=False)
        except Problem as problem:
            await refuse(problem, send)
            return
        try:
            await begin(send)
            line = self._lines.open(visitor, EventWire(send), beats=True)
            try:
                await gone(receive)
            finally:
                self._lines.close(line)
        except asyncio.CancelledError:  # dropped, because it did not read
            if asyncio.current_task().uncancel():  # type: ignore[union-attr]
                raise
        finally:
            self._door.leave(visitor)


class EventWire:
    """Writes entries as events."""

    __slots__ = ("_send",)

    def __init__(self, send: Send) -> None:
        """Store the connection."""
        self._send = send

    async def write(self, entry: Entry, token: str) -> None:
        """Write an entry."""
        await say(self._send, f"id: {entry.id}\nevent: push\ndata: {told(entry, token)}\n\n".encode())

    async def beat(self) -> None:
        """Write a comment."""
        await say(self._send, b":\n\n")

    async def goodbye(self) -> None:
        """End the line, and let the browser come back soon."""
        await say(self._send, b"retry: %d\nevent: end\ndata:\n\n" % BACK_AFTER_END_MS, more=False)


async def begin(send: Send) -> None:
    """Begin a stream of events."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await say(send, b"retry: %d\n\n" % BACK_MS)


async def say(send: Send, said: bytes, *, more: bool = True) -> None:
    """Write some of a stream of events."""
    await send({"type": "http.response.body", "body": said, "more_body": more})


async def gone(receive: Receive) -> None:
    """Return when the caller has gone, or the response is over."""
    while (await receive())["type"] != "http.disconnect":
        continue


async def refuse(problem: Problem, send: Send) -> None:
    """Answer with a problem, instead of a stream."""
    body = problem.body(None)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
    headers += [(b"content-length", str(len(body)).encode())]
    headers += [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
