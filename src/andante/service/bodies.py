"""Bodies: what callers send, read up to a bound each and a bound for all of them together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from andante.service.problem import Problem, overloaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive

SLOW_S = 30.0
"""How long a caller may take to send a body that did not come in one piece."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
"""What is raised for bytes that are no JSON, or are nested too deeply."""

JSON, NDJSON, MSGPACK = "application/json", "application/x-ndjson", "application/msgpack"
ARROW = "application/vnd.apache.arrow.stream"
_ALIASES = {
    "application/ndjson": NDJSON,
    "application/jsonl": NDJSON,
    "application/jsonlines": NDJSON,
    "application/x-msgpack": MSGPACK,
    "application/vnd.msgpack": MSGPACK,
}
_CLOSE = {"connection": "close"}


class Bodies:
    """Reads bodies, and knows how many bytes of them are held."""

    def __init__(self, held_max: int) -> None:
        """Store how many bytes may be held at once."""
        self._held_max = held_max
        self.held = 0

    async def read(self, receive: Receive, headers: Mapping[bytes, bytes], most: int) -> bytes:
        """Return a body; the caller gives it back with :meth:`release`.

        Raises Problem 413 for one above ``most`` bytes, before it is read where its length is told, 503 where too
        many bytes are held already, 408 where it takes too long, and 415 where it is compressed.
        """
        told = headers.get(b"content-length", b"0")
        if told.isdigit() and int(told) > most:
            raise _too_large(most)
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Problem(415, "compressed bodies are not read", action="send it as it is", headers=_CLOSE)
        message = await receive()
        if not message.get("more_body"):
            return self.hold(message.get("body", b""), most)
        try:
            async with asyncio.timeout(SLOW_S):
                return await self._rest(receive, message, most)
        except TimeoutError:
            raise Problem(408, f"the body did not arrive within {SLOW_S:g} s", headers=_CLOSE) from None

    def release(self, body: bytes) -> None:
        """Say that a body is not needed any more."""
        self.held -= len(body)

    async def _rest(self, receive: Receive, message: Any, most: int) -> bytes:
        parts: list[bytes] = []
        try:
            while True:
                parts.append(self.hold(message.get("body", b""), most - sum(map(len, parts))))
                if not message.get("more_body"):
                    return b"".join(parts)
                message = await receive()
                _refuse_gone(message)
        except BaseException:
            for part in parts:
                self.release(part)
            raise

    def hold(self, part: bytes, most: int) -> bytes:
        """Return bytes, which count as held. Raises Problem 413 above ``most``, 503 where too many are held."""
        if len(part) > most:
            raise _too_large(most)
        if self.held + len(part) > self._held_max:
            raise overloaded("too many bytes of other calls are held")
        self.held += len(part)
        return part


def _refuse_gone(message: Any) -> None:
    if message["type"] == "http.disconnect":
        raise Problem(400, "the caller has gone")


def media_type(headers: Mapping[bytes, bytes]) -> str:
    """Return what a body says it is, without parameters.

    >>> media_type({b"content-type": b"Application/JSON; charset=utf-8"})
    'application/json'
    """
    said = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
    return _ALIASES.get(said, said)


def wrong_media_type(said: str, known: tuple[str, ...]) -> Problem:
    """Return the problem of a body of a kind that is not read here."""
    found = f"is {said[:60]!r}" if said else "is missing"
    return Problem(415, f"the Content-Type {found}", action=f"send {' or '.join(known)}")


def unreadable(error: Exception) -> Problem:
    """Return the problem of a body that is no JSON, or no MessagePack."""
    said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
    return Problem(400, f"the body cannot be read: {said}", action="send one well-formed document in UTF-8")


def _too_large(most: int) -> Problem:
    return Problem(413, f"the body is larger than {most:,} bytes", action="split it into several calls", headers=_CLOSE)
