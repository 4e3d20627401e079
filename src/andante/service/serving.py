"""Serving: everything that a call may need, built once, and what a call and its reply are."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from andante.service.bodies import JSON, Bodies
from andante.service.gathering import Gathering
from andante.service.health import Health
from andante.service.keys import Keyring
from andante.service.limiting import Limiter
from andante.service.metrics import Metrics
from andante.service.problem import overloaded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from andante.service.keys import Caller
    from andante.service.ports import Auditing, Delivery, Engine, Privacy
    from andante.service.tokens import Tokens
    from andante.settings.sections.service import Service
    from andante.vocabulary.records import Released

COLD_THREADS, COLD_WAITING_MAX = 4, 256
"""Calls on one user or one setting are rare: few threads do them, and few may wait."""

MIB, KIB = 2**20, 2**10

Answer = TypeVar("Answer")
ENCODER = msgspec.json.Encoder()


class Reply(NamedTuple):
    """What a call is answered with."""

    body: bytes
    status: int = 200
    media_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(slots=True)
class Call:
    """One call, with all that was found out about it before its handler is asked."""

    headers: Mapping[bytes, bytes]
    body: bytes
    caller: Caller | None  # None on routes that need no key
    path: Mapping[str, str] = field(default_factory=dict)
    query: bytes = b""
    address: str = ""  # of the network


class Workers:
    """A few threads for calls that are not hot, and a bound on how many wait for them."""

    def __init__(self, threads: int = COLD_THREADS, waiting_max: int = COLD_WAITING_MAX) -> None:
        """Store the bound; threads start when there is work."""
        self._pool = ThreadPoolExecutor(threads, "andante-cold")
        self._waiting_max, self.waiting = waiting_max, 0

    async def run(self, work: Callable[..., Answer], *given: Any) -> Answer:
        """Return what work returns, done in a thread. Raises Problem 503 where too much waits already."""
        if self.waiting >= self._waiting_max:
            raise overloaded(f"{self.waiting} calls wait already for their turn")
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)
        finally:
            self.waiting -= 1

    def stop(self) -> None:
        """Finish what was begun, and begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Serving:
    """What a running service consists of."""

    def __init__(  # noqa: PLR0913  what there is, each by its name
        self,
        engine: Engine,
        settings: Service,
        tokens: Tokens,
        *,
        database: Path | None = None,
        delivery: Delivery | None = None,
        privacy: Privacy | None = None,
        audit: Auditing | None = None,
    ) -> None:
        """Store what there is; :meth:`start` begins to work."""
        self.engine, self.settings, self.tokens = engine, settings, tokens
        self.database, self.delivery, self.privacy, self.audit = database, delivery, privacy, audit
        self.on_news: list[Callable[[], None]] = []  # called on the event loop when the log has grown
        self.on_released: list[Callable[[Sequence[Released]], None]] = []  # the same, with what was asked again
        self.on_drain: list[Callable[[], Awaitable[None]]] = []  # waited for before connections are closed
        self.metrics, self.health, self.workers = Metrics(), Health(), Workers()
        self.keyring = Keyring(settings.keys, settings.cors_origins)
        self.limiter = Limiter(settings)
        self.bodies = Bodies(settings.bodies_max_mib * MIB)
        self.gathering = Gathering(engine, self.metrics, self.health, self.news, waiting_max=settings.waiting_max)
        self.draining = asyncio.Event()  # whoever holds a connection open lets go of it when this is set

    def news(self) -> None:
        """Tell whoever listens that the log has grown."""
        for hear in self.on_news:
            hear()

    def start(self) -> None:
        """Begin to work; an event loop must be running."""
        self.gathering.start()

    def drain(self) -> None:
        """Say everywhere that this server is ending."""
        self.health.draining = True
        self.draining.set()

    async def stop(self) -> None:
        """Finish what was accepted, and close the engine, which writes its checkpoint."""
        await self.gathering.stop()
        self.workers.stop()
        await asyncio.to_thread(self.engine.close)


def reply(answer: Any, status: int = 200) -> Reply:
    """Return something as JSON."""
    return Reply(ENCODER.encode(answer), status)
