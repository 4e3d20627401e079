"""A server with streams in a thread, over a real engine and a real feed; and pages without a browser."""

import asyncio
import json
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from service_desk import SENDING, asked, consents
from websockets.sync.client import connect

from andante import Engine
from andante.channels.contract import Content, Push
from andante.delivery.database import Database
from andante.delivery.feed import Feed
from andante.service.running import Running
from andante.service.serving import Serving
from andante.service.stream_assembly import Streams
from andante.service.tokens import Tokens
from andante.settings.sections.service import Service
from andante.settings.sections.stream import Stream

NOON_S = 1_779_000_000


def push(number=0, user_id="ann", **fields):
    fields = {"decision_id": f"{user_id}-{number}", "candidate_id": "c", "category": "promotion"} | fields
    content = fields.pop("content", Content(title=f"Push {number}"))
    return Push(user_id=user_id, channel="in_app", content=content, sent_at_s=NOON_S, **fields)


@dataclass
class Streaming:
    """A server whose lines are open to pages."""

    url: str
    client: httpx.Client
    engine: Any
    serving: Serving
    streams: Streams
    feed: Feed
    loop: asyncio.AbstractEventLoop
    running: Running

    @property
    def origin(self):
        return self.url

    def ticket(self, user_id="ann", **headers):
        answer = self.client.post("/v1/tickets", json={"user_id": user_id}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["ticket"]

    def line(self, user_id="ann", after=0, ticket=None, origin=None, **more):
        """Open a WebSocket as a page does."""
        query = f"ticket={ticket or self.ticket(user_id)}&after={after}"
        url = f"{self.url.replace('http', 'ws')}/v1/stream?{query}"
        return connect(url, origin=self.origin if origin is None else origin, proxy=None, max_queue=None, **more)

    def events(self, user_id="ann", after=0, ticket=None, **headers):
        """Open an event stream as a page does."""
        query = {"ticket": ticket or self.ticket(user_id), "after": after}
        return self.client.stream("GET", "/v1/feed", params=query, headers=headers)

    def let_go(self):
        """Say goodbye on every line, as at the end."""
        asyncio.run_coroutine_threadsafe(self.streams.lines.let_go(), self.loop).result(30)

    def sends(self, number=1, user_id="ann"):
        """Decide a push that goes out, and put it into the feed as the channel would."""
        (decision,) = self.engine.decide([asked(user_id, candidate_id=f"c{number}", channel="push")])
        assert decision.action == "send", decision
        self.feed.put_all([push(number, user_id, decision_id=decision.decision_id)])
        return decision


@contextmanager
def streaming(path=":memory:", stream=None, **service):
    """Serve until the end of the block."""
    engine = Engine.open(path, SENDING)
    settings = Service(**{"port": 0, "drain": "PT5S", **service})
    serving = Serving(
        engine,
        settings,
        Tokens("a secret of the tests alone", settings.outcome_token_life, settings.public_url),
        database=None if str(path) == ":memory:" else Path(path),
    )
    lines = Stream(**(stream or {}))
    with ExitStack() as stack:
        database = Database.open(":memory:")
        stack.callback(database.close)
        feed = Feed.open(database, lines)
        streams = Streams(serving, feed, lines)
        started: list[asyncio.AbstractEventLoop] = []

        async def beside(stop):
            started.append(asyncio.get_running_loop())
            ready.set()
            await streams.run(stop)

        ready = threading.Event()
        running = Running(serving, "0", more=streams.routes(), described=[streams.ticket], beside=(beside,))
        thread = threading.Thread(target=running.run)
        thread.start()
        assert ready.wait(60)
        try:
            client = stack.enter_context(httpx.Client(base_url=running.url, timeout=60, trust_env=False))
            if not settings.keys:
                consents(client)
            yield Streaming(running.url, client, engine, serving, streams, feed, started[0], running)
        finally:
            running.end()
            thread.join(60)
        assert not thread.is_alive(), "the server did not end"


def told(line, count):
    """Return the next messages of a WebSocket."""
    return [json.loads(line.recv(timeout=30)) for _ in range(count)]


def ids(entries):
    return [entry["push"]["decision_id"] for entry in entries]


class Events:
    """The events of a stream, one after the other."""

    def __init__(self, answer):
        assert answer.headers["content-type"].startswith("text/event-stream")
        self._lines = answer.iter_lines()

    def next(self, *kinds):
        """Return the next event of these kinds, with its fields, or None at the end."""
        found: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(":")
            if line:
                found[name] = value.removeprefix(" ")
            elif found.get("event") in kinds:
                return found
            else:
                found = {}
        return None

    def pushes(self, count):
        return [json.loads(self.next("push")["data"]) for _ in range(count)]
