"""Load for the pages' benchmark, beside the processor time that the server spends on it; in a process of its own.

``crowded`` asks as fast as it is answered, and so finds the rate. ``paced`` asks so many times a second whatever the
server does: a request that waits for a free connection counts from the moment that it was due.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvloop

from andante.benchmarks.service_clients import cpu_seconds
from andante.benchmarks.service_load import Connection, Tally, _quantile, _requests, load

PATH = "/v1/decisions"
WARM_UP_S = 1.5
PATIENCE_S = 10.0
"""How long is waited for answers after the last request."""

_COUNTED = re.compile(r"^andante_decisions_total\{.*\} (\S+)$", re.MULTILINE)


def crowded(url: str, pid: int, **order: Any) -> dict[str, Any]:
    """Ask as :func:`andante.benchmarks.service_load.load` does; return what it does and what the server spent."""
    return _beside(url, pid, lambda: load(url, PATH, **order))


def paced(  # noqa: PLR0913  an order is what its fields are
    url: str,
    pid: int,
    bodies: Sequence[str],
    *,
    per_s: float,
    seconds: float,
    connections: int,
    numbered: int,
    words: Sequence[str] = (),
    first: int = 0,
) -> dict[str, Any]:
    """Ask so many times a second for so many seconds, after a moment of the same that nobody counts."""
    requests = _requests(url, PATH, bodies, {}, "application/json", numbered, first)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_asked(url, requests, per_s, WARM_UP_S, connections, Tally(())))

        def measured() -> dict[str, Any]:
            return runner.run(_asked(url, requests, per_s, seconds, connections, Tally(words)))

        return _beside(url, pid, measured)


class Pace:
    """Gives each request, when it is due, to a connection that is free, or to the first that will be."""

    def __init__(self, requests: Iterator[bytes], lines: int) -> None:
        """Store where requests come from, and how many connections there will be."""
        self._requests, self._lines = requests, lines
        self.rests = asyncio.Event()  # set while all connections have their answers
        self._due: deque[float] = deque()
        self._free: list[Paced] = []

    def due(self, at_s: float) -> None:
        """Have a request asked that is due now."""
        self.rests.clear()
        if self._free:
            self._free.pop().ask(at_s, next(self._requests))
        else:
            self._due.append(at_s)

    def free(self, line: "Paced") -> None:
        """Give a connection that has its answer the request that waits longest."""
        if self._due:
            line.ask(self._due.popleft(), next(self._requests))
        else:
            self._free.append(line)
            self._see()

    def lost(self, line: "Paced") -> None:
        """Count no more on a connection that was closed."""
        self._lines -= 1
        if line in self._free:
            self._free.remove(line)
        self._see()

    def _see(self) -> None:
        if len(self._free) == self._lines and not self._due:
            self.rests.set()


class Paced(Connection):
    """A connection that asks when it is told to."""

    def __init__(self, pace: Pace, tally: Tally) -> None:
        """Store who tells it."""
        super().__init__(lambda: None, tally, lambda: pace.lost(self))
        self._pace = pace

    def ask(self, due_s: float, request: bytes) -> None:
        """Ask; the time until the answer counts from when it was due."""
        self._asked_s = due_s
        self._transport.write(request)

    def close(self) -> None:
        """End."""
        self._transport.close()

    def _ask(self) -> None:
        self._pace.free(self)


async def _asked(  # noqa: PLR0913, PLR0917  who asks how much of whom
    url: str, requests: Iterator[bytes], per_s: float, seconds: float, connections: int, tally: Tally
) -> dict[str, Any]:
    """Keep the pace, and wait for the last answers."""
    pace = Pace(requests, connections)
    loop, address = asyncio.get_running_loop(), (str(urlsplit(url).hostname), int(urlsplit(url).port or 80))
    lines = [(await loop.create_connection(lambda: Paced(pace, tally), *address))[1] for _ in range(connections)]
    tally.counts, cpu_s, began_s = True, time.process_time(), time.perf_counter()
    offered = int(per_s * seconds)
    for number in range(offered):
        at_s = began_s + number / per_s
        if (wait_s := at_s - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
        pace.due(at_s)
    asked_s = time.perf_counter() - began_s
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await pace.rests.wait()
    for line in lines:
        line.close()
    latencies_s = sorted(tally.latencies_s)
    return {
        "seconds": asked_s,
        "offered": offered,
        "answers": len(latencies_s),
        "p50_ms": _quantile(latencies_s, 0.5) * 1e3,
        "p99_ms": _quantile(latencies_s, 0.99) * 1e3,
        "longest_ms": _quantile(latencies_s, 1.0) * 1e3,
        "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
        "seen": dict(tally.seen),
        "busy": (time.process_time() - cpu_s) / asked_s,
    }


def _beside(url: str, pid: int, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what asking returns, with the server's processor time, the wall's, and what it decided in it."""
    decided, cpu_s, began_s = _decided(url), cpu_seconds(pid), time.perf_counter()
    run = ask()
    spent = {"server_cpu_s": cpu_seconds(pid) - cpu_s, "server_wall_s": time.perf_counter() - began_s}
    return {**run, **spent, "decided": _decided(url) - decided}


def _decided(url: str) -> int:
    """Return how many decisions a server says that it made."""
    page = httpx.get(f"{url}/metrics", timeout=60, trust_env=False).raise_for_status().text
    return int(sum(map(float, _COUNTED.findall(page))))
