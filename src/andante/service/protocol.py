"""The protocol: uvicorn's HTTP/1.1 with bounds on what comes before a body, and a short way for hot routes.

ASGI gives every call a scope, a cycle and two channels, and its answer comes in two messages: most of what a call
costs that is answered in microseconds. A call of a hot route that is small and soon here goes straight to the
application instead, and its answer leaves as one packet. Whatever is out of the ordinary goes the long way, which is
uvicorn's: a body that is large or slow, a call before the last one is answered, a caller who does not read, HTTP/1.0.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from andante.service.application import head_of
from andante.service.journal import note
from andante.service.problem import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from andante.service.application import Application
    from andante.service.keys import Caller
    from andante.service.routes import Route

HEAD_BYTES_MAX = 64 * 2**10
"""The most bytes of a request's line and headers."""

HEAD_S = 20.0
"""How long a caller may take to send them, and to begin at all once connected."""

SHORT_BYTES, SHORT_S = 16 * 2**10, 0.05
"""The most bytes of a body that takes the short way, and how long the rest of it may be awaited there."""

_BEGIN_OF_HEAD, _END_OF_HEAD = b"HTTP/1.1 ", b"\r\n\r\n"
_UNREADABLE = Problem(400, "this is no HTTP/1.1 request")
_TOO_LONG = Problem(431, f"the headers are longer than {HEAD_BYTES_MAX:,} bytes")


class Joining:
    """A transport that lets the head of an answer travel with its body.

    uvicorn writes them one after the other, and each packet wakes the caller. A head waits for what is written next,
    or for the end of this turn of the event loop, whichever comes first.
    """

    __slots__ = ("_call_soon", "_head", "_transport", "_write")

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        """Store where bytes go."""
        self._transport, self._write, self._call_soon = transport, transport.write, loop.call_soon
        self._head = b""

    def write(self, data: bytes) -> None:
        """Write bytes, after the head that waits."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.endswith(_END_OF_HEAD) and data.startswith(_BEGIN_OF_HEAD):
            self._head = data
            self._call_soon(self.flush)
            return
        self._write(data)

    def flush(self) -> None:
        """Write a head that waits."""
        if self._head:
            data, self._head = self._head, b""
            self._write(data)

    def close(self) -> None:
        """Write what waits, and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Return whatever else a transport has."""
        return getattr(self._transport, name)


class Nobody:
    """Whom uvicorn wakes where a call waits for more of its body: nobody does."""

    def set(self) -> None:
        """Wake nobody."""


class Straight:
    """A call on the short way, as uvicorn sees it: what it asks and tells of a cycle."""

    __slots__ = ("disconnected", "keep_alive", "response_complete")
    message_event = Nobody()

    def __init__(self, *, keep_alive: bool) -> None:
        """Store whether the connection goes on after it."""
        self.keep_alive = keep_alive
        self.disconnected = self.response_complete = False


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _head_bytes = 0
    _head_is_open = True
    _head_timer: asyncio.TimerHandle | None = None
    _route: Route | None = None  # of the call that is coming in, while it may go straight
    _body = b""  # of it, so far
    _body_timer: asyncio.TimerHandle | None = None

    def __init__(self, application: Application, *given: Any, **named: Any) -> None:
        """Store who answers what goes straight."""
        super().__init__(*given, **named)
        self._application = application

    def connection_made(self, transport: Any) -> None:
        """Give the caller a while to begin."""
        super().connection_made(Joining(transport, self.loop))  # type: ignore[arg-type]  # it has all that one has
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self._forget()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End when the call that is coming in is answered."""
        if self._route is not None:
            self._go_round()
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Take bytes, as many as a head may have."""
        if self._head_is_open:
            self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._route is not None and self._body_timer is None:
            self._body_timer = self.loop.call_later(SHORT_S, self._go_round)
        if not self._head_is_open:
            return
        if self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(_TOO_LONG)
        elif self._head_timer is None and self._head_bytes:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._head_is_open = True

    def on_headers_complete(self) -> None:
        """Stop counting: the body has bounds of its own."""
        self._head_is_open, self._head_bytes = False, 0
        self._stop_waiting()
        self._route = self._straight_to()
        if self._route is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        if self._route is None:
            super().on_body(body)
        else:
            self._body += body
            if len(self._body) > SHORT_BYTES:
                self._go_round()

    def on_message_complete(self) -> None:
        """Answer a call that is here as a whole."""
        if self._route is not None:
            route, body = self._route, self._body
            headers = dict(self.headers)
            caller = self._application.knows(route, headers, body)
            if caller is not None:
                self._forget()
                self.cycle = call = Straight(keep_alive=self.parser.should_keep_alive())  # type: ignore[assignment]
                task = self.loop.create_task(self._answer(call, route, headers, body, caller))
                self.tasks.add(task)  # who ends the server cuts off what is in there
                task.add_done_callback(self.tasks.discard)
                return
            self._go_round()
        super().on_message_complete()

    def _straight_to(self) -> Route | None:
        """Return the route of a call that may go straight, as far as its head tells."""
        if (self.cycle is not None and not self.cycle.response_complete) or self.flow.write_paused:
            return None
        parser = self.parser
        if self.expect_100_continue or parser.should_upgrade() or parser.get_http_version() != "1.1":
            return None
        return self._application.hot.get((parser.get_method().decode("latin-1"), self.url.decode("latin-1")))

    def _go_round(self) -> None:
        """Let a call that was to go straight go the long way, with all that has come of it."""
        body = self._body
        self._forget()
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _forget(self) -> None:
        """Hold nothing more of a call that was to go straight."""
        self._route, self._body = None, b""
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    async def _answer(
        self, call: Straight, route: Route, headers: Mapping[bytes, bytes], body: bytes, caller: Caller
    ) -> None:
        """Answer a call that is here as a whole."""
        try:
            reply, request_id = await self._application.answer_whole(route, headers, body, caller)
            if call.disconnected:
                return
            head = [*self.server_state.default_headers, *head_of(reply, request_id)]
            if not call.keep_alive:
                head.append((b"connection", b"close"))
            lines = b"".join([b"%b: %b\r\n" % line for line in head])
            self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[reply.status], lines, reply.body))
            call.response_complete = True
            if not call.keep_alive:
                self.transport.close()
            self.on_response_complete()
        except Exception as error:  # noqa: BLE001  nobody waits for this task, but the caller waits for us
            note("fault of our own", level=logging.ERROR, error=error, route=route.path)
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words are not ours
        """Refuse what cannot be read."""
        self._refuse(_UNREADABLE)

    def _refuse(self, problem: Problem) -> None:
        body = problem.body(None)
        head = (
            f"HTTP/1.1 {problem.status} \r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self._close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
