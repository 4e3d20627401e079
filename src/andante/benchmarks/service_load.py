"""Load: many connections that each ask, wait for the answer, and ask again; in a process of its own.

A raw client on uvloop: a request is bytes that were made before, an answer is looked at only for its status, its length
and the words that are to be counted. So the generator costs a fraction of what any server does, and says how much of
its time it was busy: below 1 it was the server that was measured.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlsplit

import uvloop

_LENGTH = b"content-length: "
_END = b"\r\n\r\n"
_WARM_UP_SHARE = 0.2
"""The part of the time that passes before anything is counted."""


class Tally:
    """What all connections have seen since the count began."""

    def __init__(self, words: Sequence[str]) -> None:
        """Store the words that are counted in answers."""
        self.words = {word.encode(): word for word in words}
        self.latencies_s: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.seen: Counter[str] = Counter()
        self.bytes = 0
        self.counts = False

    def answered(self, status: int, body: bytes, latency_s: float) -> None:
        """Count one answer."""
        if self.counts:
            self.latencies_s.append(latency_s)
            self.statuses[status] += 1
            self.bytes += len(body)
            for needle, word in self.words.items():
                self.seen[word] += body.count(needle)


class Connection(asyncio.Protocol):
    """One connection. A server that closes it is connected to again."""

    def __init__(self, next_request: Callable[[], bytes | None], tally: Tally, gone: Callable[[], None]) -> None:
        """Store where requests come from, None being the last, and who is told of the end."""
        self._next, self._tally, self._gone = next_request, tally, gone
        self._asked_s = 0.0
        self._head, self._answer, self._left = b"", [b""], -1
        self._status = 0
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        if self._left < 0:
            self._head += data
            head, found, body = self._head.partition(_END)
            if not found:
                return
            self._status = int(head[9:12])
            lower = head.lower()
            at = lower.find(_LENGTH)
            length = int(lower[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self._answer, self._left, self._head = [body], length - len(body), b""
        else:
            self._answer.append(data)
            self._left -= len(data)
        if self._left <= 0:
            self._left = -1
            self._tally.answered(self._status, b"".join(self._answer), time.perf_counter() - self._asked_s)
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio gives it
        """Tell that it ended."""
        self._gone()

    def _ask(self) -> None:
        request = self._next()
        if request is None:
            self._transport.close()
            return
        self._asked_s = time.perf_counter()
        self._transport.write(request)


def load(  # noqa: PLR0913  an order is what its fields are
    url: str,
    path: str,
    bodies: Sequence[str],
    *,
    connections: int,
    seconds: float,
    headers: dict[str, str] | None = None,
    media_type: str = "application/json",
    numbered: int = 0,
    words: Sequence[str] = (),
    first: int = 0,
) -> dict[str, Any]:
    """Ask over so many connections for so many seconds; return rate, latencies, statuses and words, as JSON takes them.

    ``bodies`` go round, as text, or as hexadecimal digits where the media type is no text. With ``numbered``, the text
    ``%07d`` in a body becomes a number that rises from ``first`` and begins anew after so many.
    """
    requests = _requests(url, path, bodies, headers or {}, media_type, numbered, first)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_asked(url, requests, connections, seconds, Tally(words)))


async def _asked(url: str, requests: Iterator[bytes], connections: int, seconds: float, tally: Tally) -> dict[str, Any]:
    """Keep all connections busy."""
    loop = asyncio.get_running_loop()
    host, port = urlsplit(url).hostname, urlsplit(url).port
    open_now, closed = set(range(connections)), asyncio.Event()
    ends_s = time.perf_counter() + seconds

    def next_request() -> bytes | None:
        return next(requests) if time.perf_counter() < ends_s else None

    async def keep(number: int) -> None:
        while time.perf_counter() < ends_s:
            gone = loop.create_future()
            await loop.create_connection(
                lambda gone=gone: Connection(next_request, tally, lambda: gone.done() or gone.set_result(None)),  # type: ignore[misc]
                str(host),
                int(port or 80),
            )
            await gone
        open_now.discard(number)
        if not open_now:
            closed.set()

    lines = [asyncio.create_task(keep(number)) for number in range(connections)]
    await asyncio.sleep(seconds * _WARM_UP_SHARE)
    began_s, cpu_s, tally.counts = time.perf_counter(), time.process_time(), True
    await asyncio.gather(*lines)
    wall_s = time.perf_counter() - began_s
    latencies_s = sorted(tally.latencies_s)
    return {
        "seconds": wall_s,
        "answers": len(latencies_s),
        "per_s": len(latencies_s) / wall_s,
        "p50_ms": _quantile(latencies_s, 0.5) * 1e3,
        "p99_ms": _quantile(latencies_s, 0.99) * 1e3,
        "longest_ms": _quantile(latencies_s, 1.0) * 1e3,
        "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
        "seen": dict(tally.seen),
        "bytes": tally.bytes,
        "busy": (time.process_time() - cpu_s) / wall_s,  # the generator's own share of one core
    }


def _requests(  # noqa: PLR0913, PLR0917  the parts of a request
    url: str,
    path: str,
    bodies: Sequence[str],
    headers: dict[str, str],
    media_type: str,
    numbered: int,
    first: int,
) -> Iterator[bytes]:
    """Yield requests without end."""
    told = {"host": urlsplit(url).netloc, "content-type": media_type, **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    is_text = media_type in {"application/json", "application/x-ndjson"}

    def request(body: str) -> bytes:
        content = body.encode() if is_text else bytes.fromhex(body)
        return f"POST {path} HTTP/1.1\r\n{lines}content-length: {len(content)}\r\n\r\n".encode() + content

    if not numbered:
        return cycle([request(body) for body in bodies])
    numbers = islice(cycle(range(numbered)), first, None)
    made = cycle([request(body.replace("%07d", "0000000")).split(b"0000000") for body in bodies])
    return ((b"%07d" % number).join(parts) for number, parts in zip(numbers, made, strict=False))


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")
