"""A real service in a thread, lines to it that fail on purpose, and both clients as one, for tests."""

import asyncio
import hashlib
import inspect
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from andante import Engine
from andante.client import AsyncClient, Client, Patience
from andante.delivery import Outbox
from andante.service.ports import Delivery
from andante.service.running import Running
from andante.service.serving import Serving
from andante.service.tokens import Tokens
from andante.settings.sections.service import SCOPES, Service

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
SWIFT = Patience(tries=4, first_s=0.001, jitter_s=0.001)
KEY = "andante_" + "k" * 43
LESS = "andante_" + "l" * 43
CONFIG = {
    "experiment": {"holdout": 0.0, "explore": 0.0},
    "pacing": {"default_per_week": 168.0, "most_per_week": 168.0, "burst": 32.0, "patience": 0.0, "floor": 0.0},
    "categories": {"receipt": {"transactional": True}},
}


def asked(user_id="ann", candidate_id="c1", **more):
    candidate = {"candidate_id": candidate_id, "category": "receipt", "channel": "push"}
    return {"user_id": user_id, "candidates": [candidate], "at": AT, **more}


def entry(name, key, *scopes):
    return {"name": name, "sha256": hashlib.sha256(key.encode()).hexdigest(), "scopes": list(scopes)}


class Privacy:
    """Export and erasure by the engine alone, as far as the tests of a client need them."""

    def __init__(self, engine):
        self.engine, self.erased = engine, []

    def export(self, user_id):
        return {"user": self.engine.user(user_id).to_dict()}

    def erase(self, user_id):
        self.engine.user(user_id)
        self.erased.append(user_id)
        return {"receipt_id": f"r-{len(self.erased)}"}


@contextmanager
def serving(path=":memory:", **service):
    """Serve until the end of the block; yield the server's address, its engine and its privacy."""
    engine = Engine.open(path, CONFIG)
    keys = [entry("shop", KEY, *SCOPES), entry("less", LESS, "events")]
    settings = Service(port=0, keys=keys, **service)
    tokens = Tokens("a secret of the tests alone", settings.outcome_token_life, settings.public_url)
    privacy = Privacy(engine)
    database = None if str(path) == ":memory:" else Path(path)
    outbox = Outbox.open(":memory:")
    delivering = Delivery(outbox.addresses, outbox.messages, outbox.dead_letters, lambda *_: 0)
    server = Serving(engine, settings, tokens, database=database, privacy=privacy, delivery=delivering)
    running = Running(server, "0")
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        yield running.url, engine, privacy
    finally:
        running.end()
        thread.join(60)
        outbox.close()


class Awaited:
    """An AsyncClient on an event loop of its own, called like a Client."""

    def __init__(self, *args, **kwargs):
        self._runner = asyncio.Runner()
        self._client = self._runner.run(self._made(*args, **kwargs))

    async def _made(self, *args, **kwargs):
        return AsyncClient(*args, **kwargs)

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if inspect.isasyncgenfunction(method):
            return lambda *args, **kwargs: self._runner.run(self._all(method(*args, **kwargs)))
        return lambda *args, **kwargs: self._runner.run(method(*args, **kwargs))

    def close(self):
        self._runner.run(self._client.close())
        self._runner.close()

    async def _all(self, stream):
        return [one async for one in stream]


KINDS = {"waits": Client, "awaited": Awaited}


class Line:
    """A line to a service that does, call by call, what it is told: pass, lose, refuse, drop, cut or busy."""

    def __init__(self, url, *orders):
        self.orders, self.seen = list(orders), []
        host, port = url.removeprefix("http://").split(":")
        self._upstream = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(caller,), daemon=True).start()

    def _relay(self, caller):
        with caller, socket.create_connection(self._upstream) as service:
            while (request := message(caller)) is not None:
                order = self.orders.pop(0) if self.orders else "pass"
                self.seen.append((order, request))
                if order == "lose":  # before the service has seen anything of it
                    return
                if order == "busy":
                    caller.sendall(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nretry-after: 0\r\n\r\n")
                    continue
                service.sendall(request)
                answer = message(service)
                if order == "drop":  # the service has done it, and nobody hears of it
                    return
                if order == "cut":
                    caller.sendall(answer[: len(answer) - 5])
                    return
                caller.sendall(answer)


def message(line):
    """Read one request or answer, by its content-length; None where the line ends."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = line.recv(65_536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [part.split(b":")[1] for part in head.lower().split(b"\r\n") if part.startswith(b"content-length:")]
    length = int(lengths[0]) if lengths else 0
    while len(body) < length:
        body += line.recv(65_536)
    return head + b"\r\n\r\n" + body
