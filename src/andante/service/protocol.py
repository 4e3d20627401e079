"""The protocol: uvicorn's HTTP/1.1 with bounds on what comes before a body, where the application has no say yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from andante.service.problem import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    import asyncio

HEAD_BYTES_MAX = 64 * 2**10
"""The most bytes of a request's line and headers."""

HEAD_S = 20.0
"""How long a caller may take to send them, and to begin at all once connected."""

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


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _head_bytes = 0
    _head_is_open = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Give the caller a while to begin."""
        super().connection_made(Joining(transport, self.loop))  # type: ignore[arg-type]  # it has all that one has
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, as many as a head may have."""
        if self._head_is_open:
            self._head_bytes += len(data)
        super().data_received(data)
        if not self._head_is_open or self.transport.is_closing():
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
        super().on_headers_complete()

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
