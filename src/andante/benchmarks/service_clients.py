"""Idle pages: what an open line costs in the server's memory, and how fast a push reaches all of them.

Server and pages are processes of their own. The pages are one process with a socket each, which offers compression as
browsers do, answers pings, and counts the frames that carry pushes. ``python -m andante.benchmarks.service_clients``.
"""

from __future__ import annotations

import base64
import json
import os
import re
import resource
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

WEBSOCKET, EVENTS = "websocket", "events"

_KIB = 1024
_PING, _TEXT = 0x9, 0x1
_HEAD = {
    WEBSOCKET: "GET /v1/stream?ticket={} HTTP/1.1\r\nHost: {}\r\nOrigin: http://{}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
    EVENTS: "GET /v1/feed?ticket={} HTTP/1.1\r\nHost: {}\r\nOrigin: http://{}\r\nAccept: text/event-stream\r\n"
    "X-Request-Id: {}\r\n\r\n",
}
_QUIET_S = 2.0
"""Memory is read when nothing has happened for so long."""


def idle_figures(count: int, kind: str = WEBSOCKET) -> dict[str, Any]:
    """Open so many idle lines, push to all, close them; return the figures."""
    order = [sys.executable, "-m", "andante.benchmarks.service_clients", "serve"]
    with subprocess.Popen(order, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            if server.stdin is None or server.stdout is None:
                raise RuntimeError("the server has no pipes")
            told = json.loads(server.stdout.readline())
            before = rss_bytes(server.pid)
            began_s = time.perf_counter()
            pages = Pages(told["url"], kind, count)
            opened_s = time.perf_counter() - began_s
            pages.listen(_QUIET_S)
            held = rss_bytes(server.pid) - before
            cpu_s = cpu_seconds(server.pid)
            pages.listen(10 * _QUIET_S)
            idle_cpu_share = (cpu_seconds(server.pid) - cpu_s) / (10 * _QUIET_S)
            server.stdin.write("push\n")
            server.stdin.flush()
            put_s = pages.until_all_have(1)
        finally:
            server.kill()
    return {
        "lines": kind,
        "clients": count,
        "KiB per idle client": held / count / _KIB,
        "server MiB before": before / _KIB**2,
        "opened per s": count / opened_s,
        "share of a core while idle": idle_cpu_share,
        "s until all have a push": put_s,
    }


class Pages:
    """Many pages on one selector."""

    def __init__(self, url: str, kind: str, count: int) -> None:
        """Open all lines, one after the other."""
        self._selector = selectors.DefaultSelector()
        self.pushed: Counter[int] = Counter()
        self._count, self._kind = count, kind
        self._address = (urlsplit(url).hostname or "", urlsplit(url).port or 0)
        for number, ticket in enumerate(self._tickets(count)):
            self._selector.register(self._opened(ticket), selectors.EVENT_READ, number)
            if number % 50 == 0:
                self.listen(0.0)

    def listen(self, seconds: float) -> None:
        """Answer pings and count pushes for a while."""
        ends_s = time.perf_counter() + seconds
        while True:
            for key, _ in self._selector.select(max(0.0, min(0.2, ends_s - time.perf_counter()))):
                self._heard(key)
            if time.perf_counter() >= ends_s:
                return

    def until_all_have(self, pushes: int) -> float:
        """Return how many seconds it took until every page had so many pushes."""
        began_s = time.perf_counter()
        while len([1 for had in self.pushed.values() if had >= pushes]) < self._count:
            self.listen(0.01)
            if time.perf_counter() - began_s > 60:
                raise TimeoutError(f"{self._count - len(self.pushed)} pages never had the push")
        return time.perf_counter() - began_s

    def _heard(self, key: selectors.SelectorKey) -> None:
        line = key.fileobj
        if not isinstance(line, socket.socket):
            raise TypeError(type(line))
        read = line.recv(65_536)
        if not read:
            raise ConnectionError("the server has closed a line")
        if self._kind == EVENTS:
            self.pushed[key.data] += read.count(b"event: push")
        elif read[0] & 0xF == _PING:
            line.sendall(bytes((0x8A, 0x80 | (len(read) - 2), 0, 0, 0, 0)) + read[2:])  # masked with zeros
        elif read[0] & 0xF == _TEXT:
            self.pushed[key.data] += 1

    def _opened(self, ticket: str) -> socket.socket:
        line = socket.create_connection(self._address)
        host = ":".join(map(str, self._address))
        key = base64.b64encode(os.urandom(16)).decode() if self._kind == WEBSOCKET else "bench"
        line.sendall(_HEAD[self._kind].format(ticket, host, host, key).encode())
        answer = line.recv(4096)
        while b"\r\n\r\n" not in answer:
            answer += line.recv(4096)
        if answer.split()[1] not in {b"101", b"200"}:
            raise ConnectionError(answer.decode())
        return line

    def _tickets(self, count: int) -> Any:
        import httpx

        with httpx.Client(base_url="http://{}:{}".format(*self._address), trust_env=False) as client:
            for number in range(count):
                yield client.post("/v1/tickets", json={"user_id": f"user-{number}"}).json()["ticket"]


def rss_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    if found is None:
        raise RuntimeError("this system does not say what a process holds")
    return int(found[1]) * _KIB


def cpu_seconds(pid: int) -> float:
    """Return how much of a processor a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def serve() -> None:
    """Serve lines on a free port; push to every user that has one at each line of standard input."""
    from andante.channels.contract import Content, Push
    from andante.delivery.database import Database
    from andante.delivery.feed import Feed
    from andante.live import Engine
    from andante.service.running import Running
    from andante.service.serving import Serving
    from andante.service.stream_assembly import Streams
    from andante.service.tokens import Tokens
    from andante.settings.sections.service import Service
    from andante.settings.sections.stream import Stream

    settings, lines = Service(port=0), Stream(lines_max=1_000_000)
    serving = Serving(Engine.open(":memory:"), settings, Tokens("bench", settings.outcome_token_life))
    feed = Feed.open(Database.open(":memory:"), lines)
    streams = Streams(serving, feed, lines)

    def push() -> None:
        for number, _ in enumerate(sys.stdin):
            users = streams.lines.users()
            feed.put_all([_push(Push, Content, user, number) for user in users])

    async def beside(stop: asyncio.Event) -> None:
        threading.Thread(target=push, daemon=True).start()
        await streams.run(stop)

    running = Running(serving, "0", more=streams.routes(), described=[streams.ticket], beside=(beside,))
    sys.stdout.write(json.dumps({"url": running.url}) + "\n")
    sys.stdout.flush()
    running.run()


def _push(push: Any, content: Any, user_id: str, number: int) -> Any:
    said = {"candidate_id": "c", "category": "promotion", "channel": "in_app", "sent_at_s": 1_779_000_000}
    return push(decision_id=f"{user_id}-{number}", user_id=user_id, content=content(title="Hello"), **said)


def main(arguments: list[str]) -> None:
    """Serve, or measure: ``[COUNT]`` clients of each kind."""
    if arguments == ["serve"]:
        serve()
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = int(arguments[0]) if arguments else 10_000
    for kind in (WEBSOCKET, EVENTS):
        figures: Mapping[str, Any] = idle_figures(count, kind)
        print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
