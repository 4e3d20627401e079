"""The stream: pushes to a page over a WebSocket, and what it reports back.

Every message is one JSON object in a text frame. To the page: ``{"id", "token", "push", "seen"?}`` for each push, and
an answer to what it said. From the page: see :class:`andante.service.stream_feedback.Told`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from andante.service.problem import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from andante.delivery.feed import Entry
    from andante.service.stream_door import Door
    from andante.service.stream_feedback import Feedback
    from andante.service.stream_lines import Line, Lines

FRAME_MAX = 4_096
"""The most bytes of a message from a page."""

REFUSALS_MAX = 20
"""After so many messages that could not be taken, a line ends: such a page is broken, or guesses tokens."""

PARTING_S = 1.0
"""How long a page that was refused may take to hang up."""

GOING_AWAY, NO_TEXT, MISUSE, TOO_LARGE = 1001, 1003, 1008, 1009


class Stream:
    """Answers ``GET /v1/stream``."""

    def __init__(self, door: Door, lines: Lines, feedback: Feedback) -> None:
        """Store who lets pages in, and who writes and reads."""
        self._door, self._lines, self._feedback = door, lines, feedback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one line, from its door to its end."""
        await receive()  # websocket.connect
        try:
            visitor = self._door.enter(dict(scope["headers"]), scope["query_string"], needs_origin=True)
        except Problem as problem:
            await _refuse(problem, receive, send)
            return
        try:
            await send({"type": "websocket.accept"})
            line = self._lines.open(visitor, WebSocketWire(send), beats=False)
            try:
                await self._listen(line, receive, send)
            finally:
                self._lines.close(line)
        except asyncio.CancelledError:  # dropped, because it did not read
            if asyncio.current_task().uncancel():  # type: ignore[union-attr]
                raise
        except OSError:  # its connection broke
            return
        finally:
            self._door.leave(visitor)

    async def _listen(self, line: Line, receive: Receive, send: Send) -> None:
        """Take what the page says until it goes, or says what it may not."""
        refusals = 0
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text") or ""
            problem = _problem(text)
            if problem is None:
                answer, taken = await self._feedback.take(line, text)
                refusals += not taken
                await self._lines.write_within(line, lambda said=answer: _say(send, said))  # type: ignore[misc]
                problem = MISUSE if refusals > REFUSALS_MAX else None
            if problem is not None:
                await send({"type": "websocket.close", "code": problem})
                return


class WebSocketWire:
    """Writes entries as text frames."""

    __slots__ = ("_send",)

    def __init__(self, send: Send) -> None:
        """Store the connection."""
        self._send = send

    async def write(self, entry: Entry, token: str) -> None:
        """Write an entry."""
        await self._send({"type": "websocket.send", "text": told(entry, token)})

    async def beat(self) -> None:
        """Do nothing: the server pings."""

    async def goodbye(self) -> None:
        """Close the line: the page comes back."""
        await self._send({"type": "websocket.close", "code": GOING_AWAY, "reason": "come back"})


def told(entry: Entry, token: str) -> str:
    """Return an entry as a page is told it; the token is one that needs no escapes.

    >>> from andante.delivery.feed import Entry
    >>> told(Entry(7, "d", '{"decision_id":"d"}', True), "t")
    '{"id":7,"token":"t","seen":true,"push":{"decision_id":"d"}}'
    """
    seen = '"seen":true,' if entry.seen else ""
    return f'{{"id":{entry.id},"token":"{token}",{seen}"push":{entry.push}}}'


def _problem(text: str) -> int | None:
    if not text:
        return NO_TEXT
    return TOO_LARGE if len(text) > FRAME_MAX else None


async def _say(send: Send, said: bytes) -> None:
    await send({"type": "websocket.send", "text": said.decode()})


async def _refuse(problem: Problem, receive: Receive, send: Send) -> None:
    """Answer a handshake with a problem, instead of a line, and wait for the connection's end.

    uvicorn says twice that it is over: when it has answered, and when the connection is lost. Whoever returns before
    the second is logged as having answered nothing.
    """
    headers: list[Any] = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
    headers += [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": problem.body(None)})
    with suppress(TimeoutError):
        async with asyncio.timeout(PARTING_S):
            await receive()
            await receive()
