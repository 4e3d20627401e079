"""A delivery on one desk: an engine, an outbox and a real HTTP peer that counts what it takes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from andante.channels.contract import Address, Answer, Content, Push, Status
from andante.delivery import Dispatcher, Outbox, Receipts
from andante.delivery.rendering import Writer
from andante.demonstration.clock import DemoClock
from andante.live import Engine, SteadyClock
from andante.settings.sections.delivery import DeliverySettings

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LANE = ("push", "test")

CONFIG: dict[str, Any] = {
    "pacing": {
        "default_per_week": 168.0,
        "most_per_week": 168.0,
        "burst": 32.0,
        "floor": 0.0,
        "temperature": 0.0,
        "patience": 0.0,
        "spread": "PT0S",
        "explore_candidates": 0.0,
        "refusal_loss_pushes": 0.0,
        "message_cost": 0.0,
    },
    "experiment": {"holdout": 0.0, "explore": 0.0},
    "gap": {"minimum": "PT0S"},
    "quiet_hours": {"start": "22:00", "end": "08:00"},
    "categories": {"order_update": {"transactional": True}},
}
"""Whatever the rules allow goes out."""


class HandClock:
    """A clock that a test turns."""

    def __init__(self, at=NOON):
        self._us = int(at.timestamp()) * 1_000_000
        self.steady = SteadyClock(lambda: 0, lambda: 0)
        self.steady.now_us = lambda: self._us

    def forward(self, span):
        self._us += int(span.total_seconds() * 1_000_000)

    @property
    def now_us(self):
        return self._us


class FastClock:
    """A demonstration's clock, which runs by itself."""

    def __init__(self, speed, at=NOON):
        start_us = int(at.timestamp()) * 1_000_000
        self.steady = DemoClock(start_us, speed)
        self.steady.allow(start_us + 10**15)

    @property
    def now_us(self):
        return self.steady.now_us()


class Peer(ThreadingHTTPServer):
    """A provider. What it does with a push is in the push's title: it knows the words of ``answer``."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Condition()  # notified of every request
        self.requests: Counter[tuple[str, str]] = Counter()  # all that came, by decision and address
        self.taken: Counter[tuple[str, str]] = Counter()  # of these, those that it has taken
        self.titles: dict[str, str] = {}
        self.shown: dict[str, dict[str, Any]] = {}
        self.hold = threading.Event()  # set: pushes that are slow go on
        self.slow = threading.Semaphore(0)  # released by each push that is slow

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def wait_for(self, more, timeout_s=30):
        """Wait until so many more requests have come."""
        with self.lock:
            many = self.requests.total() + more
            self.lock.wait_for(lambda: self.requests.total() >= many, timeout_s)

    def handle_error(self, request, client_address):
        """Say nothing of clients that were killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Peer

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        push, peer = body["push"], self.server
        key, word = (push["decision_id"], body["address"]), push["content"]["title"].split()[0]
        with peer.lock:
            peer.requests[key] += 1
            nth = peer.requests[key]
            peer.lock.notify_all()
            peer.shown[push["decision_id"]] = push
            status = self._status(word, nth)
            if status in {200, None}:
                peer.taken[key] += 1
        if word == "slow":
            peer.slow.release()
            peer.hold.wait(30)
        if status is None:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "90")
        self.send_header("Content-Length", "0")
        self.end_headers()

    @staticmethod
    def _status(word, nth):
        """Return the status of the answer; None takes the push, and drops the line."""
        return {"refuse": 400, "gone": 410, "busy": 503, "limit": 429, "cut": None}.get(
            word, None if word == "cut-once" and nth == 1 else 503 if word == "busy-once" and nth == 1 else 200
        )

    def log_message(self, *args):
        """Say nothing."""


class HttpChannel:
    """A provider's protocol, as simple as it can be."""

    provider = "test"
    forms = ("text", "list")

    def __init__(self, url):
        self._client = httpx.AsyncClient(timeout=20, limits=httpx.Limits(max_connections=64), trust_env=False)
        self._url = url

    async def send(self, push: Push, address: Address) -> Answer:
        import msgspec  # noqa: PLC0415

        body = {"push": msgspec.to_builtins(push), "address": address.address_id}
        try:
            response = await self._client.post(self._url, json=body)
        except httpx.ConnectError as error:
            return Answer(status=Status.BUSY, code="connect", detail=str(error))
        except httpx.TransportError as error:
            return Answer(status=Status.AMBIGUOUS, code=type(error).__name__)
        code = response.status_code
        if code == 200:
            return Answer(status=Status.ACCEPTED, code="200", provider_id=f"{push.decision_id}/{address.address_id}")
        after = response.headers.get("Retry-After")
        status = {410: Status.GONE, 429: Status.BUSY, 503: Status.BUSY}.get(code, Status.REFUSED)
        return Answer(status=status, code=str(code), retry_after_s=None if after is None else float(after))

    async def close(self) -> None:
        await self._client.aclose()


class PlainRenderer:
    """Fills in ``{name}``."""

    def render(self, message, facts):
        return Content(**{name: value.format(**facts) for name, value in message.items()})


class Shop:
    """All of it together. Everything runs on the clock's time, but for leases where there is a machine's clock."""

    def __init__(self, engine, outbox, peer, clock, rules, machine=None):  # noqa: PLR0913, PLR0917  what it is made of
        self.engine, self.outbox, self.peer, self.clock, self.rules = engine, outbox, peer, clock, rules
        self.machine = machine
        self.receipts = Receipts(outbox, engine)
        outbox.follow(engine.log_name, engine.position)

    def user(self, user_id="ann", devices=1, **wishes):
        at = NOON - 30 * DAY
        self.engine.set_preferences(user_id, {"consent": {"push": True, "email": True}, "at": at} | wishes)
        for device in range(devices):
            self.outbox.addresses.add(user_id, *LANE, {"token": f"{user_id}-{device}"}, self.clock.now_us)

    def says(self, *words):
        """Give every word a campaign, which the peer treats as the word says."""
        for word in words:
            self.outbox.messages.put("campaign", word, {"title": word + " {user_id}"}, self.clock.now_us)

    def ask(self, word="accept", user_id="ann", **fields):
        """Decide one push, which must go out; return its decision."""
        offer = {
            "candidate_id": f"{word}-{fields.pop('n', 0)}",
            "campaign_id": word,
            "item_id": fields.pop("item", None),
        }
        offer |= {"category": "promotion", "channel": "push"} | fields
        offer = {name: value for name, value in offer.items() if value is not None}
        at = datetime.fromtimestamp(self.clock.now_us // 1_000_000, UTC)
        (decision,) = self.engine.decide([{"user_id": user_id, "candidates": [offer], "at": at}])
        assert decision.action == "send", decision
        return decision

    def dispatcher(self, channels):
        parts = {"writer": Writer(self.outbox.messages, PlainRenderer()), "rules": self.rules}
        return Dispatcher(self.engine, self.outbox, channels, **parts, clock=self.clock.steady, machine=self.machine)

    def deliver(self):
        """Do all that is due by now."""

        async def work():
            channel = HttpChannel(self.peer.url)
            try:
                await self.dispatcher({LANE: channel}).until_idle()
            finally:
                await channel.close()

        asyncio.run(work())

    def letters(self):
        return [(letter.kind, letter.user_id) for letter in self.outbox.dead_letters.listed()]

    def state(self, decision):
        query = "SELECT state FROM pushes WHERE decision_id = ?"
        ((state,),) = self.outbox.database.rows(query, (decision.decision_id,))
        return state

    def outcomes(self):
        """Return what the engine was told, by decision."""
        told = []
        for rows in self.engine.log_rows():
            told += [(row.user, json.loads(row.body)) for row in rows if row.kind == 4]
        return {f"{self.engine.log_name}-{body['decision']:x}-{user:x}": body["type"] for user, body in told}


@contextmanager
def running_peer():
    with Peer() as peer:
        thread = threading.Thread(target=peer.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield peer
        finally:
            peer.hold.set()
            peer.shutdown()
            thread.join()


@contextmanager
def shop(path=":memory:", config=CONFIG, *, clock=None, machine=None, **rules):
    """Open everything, on the user Ann with one device, and messages for every word that the peer knows."""
    with ExitStack() as stack:
        peer, clock = stack.enter_context(running_peer()), clock or HandClock()
        engine = stack.enter_context(Engine.open(path, config, clock=clock.steady))
        outbox = Outbox.open(path if path == ":memory:" else f"{path}.delivery")
        stack.callback(outbox.close)
        opened = Shop(engine, outbox, peer, clock, DeliverySettings(**rules), machine)
        opened.says("accept", "refuse", "gone", "busy", "busy-once", "limit", "cut", "cut-once", "slow")
        opened.user()
        yield opened
