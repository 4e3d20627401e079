"""Running: one process, one event loop, one engine. It begins, serves, and ends without losing what it accepted."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn

from andante.service.application import Application, behind_cors
from andante.service.journal import note
from andante.service.keys import refuse_unguarded
from andante.service.protocol import BoundedProtocol
from andante.service.releasing import keep_releasing
from andante.service.upkeep import keep_tidy
from andante.vocabulary.fault import SettingsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from starlette.routing import BaseRoute

    from andante.service.routes import Route
    from andante.service.serving import Serving

    Beside = Callable[[asyncio.Event], Coroutine[Any, Any, None]]

SWITCH_S = 0.0005
"""How long one thread may keep the interpreter from another that wants it. Python's own 5 ms is ten commits."""

KEEP_ALIVE_S = 75
FRAME_MAX = 16 * 2**10
"""The most bytes of one frame of a page's."""

UNREAD_MS = 30_000
"""How long the kernel keeps what a peer does not acknowledge, where it can be told."""

BACKLOG = 2048
UNFINISHED_S = 1.0
"""What is kept of the time to drain for the engine's own last checkpoint."""


class Server(uvicorn.Server):
    """uvicorn's server, which tells the service when it begins to end."""

    def __init__(self, config: uvicorn.Config, serving: Serving) -> None:
        """Store both."""
        super().__init__(config)
        self._serving = serving
        self._told_at: float | None = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that the server is ending, so that open streams let go, then finish what is in."""
        self._told_at = time.monotonic()
        self._serving.drain()
        await asyncio.gather(*(part() for part in self._serving.on_drain))
        await super().shutdown(sockets)

    def left_s(self) -> float:
        """Return what is left of the time to drain."""
        spent_s = 0.0 if self._told_at is None else time.monotonic() - self._told_at
        return max(UNFINISHED_S, self._serving.settings.drain.total_seconds() - spent_s)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals as a request to end, in the main thread. uvicorn would raise them again before we are done."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Running:
    """A service on a socket. :meth:`serve` runs it until it is told to end."""

    def __init__(  # noqa: PLR0913  what runs, each by its name
        self,
        serving: Serving,
        version: str,
        *,
        more: Sequence[BaseRoute] = (),
        described: Sequence[Route] = (),
        beside: Sequence[Beside] = (),
        at_last: Sequence[Callable[[], None]] = (),
    ) -> None:
        """Bind the socket.

        ``more`` are routes that guard themselves; ``described`` are those of ours beyond the table, for the document.
        ``beside`` are loops that run with the service and end when the event that they are given is set: the
        dispatcher of pushes, the feed of pages. ``at_last`` is called when all else has ended. Raises SettingsFault
        where anybody could call without a key, or the address cannot be listened on.
        """
        settings = serving.settings
        refuse_unguarded(settings)
        self._serving = serving
        self._beside: tuple[Beside, ...] = (partial(keep_releasing, serving), partial(keep_tidy, serving), *beside)
        self._at_last = tuple(at_last)
        self.socket = _bound(settings.host, settings.port)
        application = Application(serving, version, more, described)
        config = uvicorn.Config(
            behind_cors(application, settings.cors_origins),
            loop="uvloop",
            http=partial(BoundedProtocol, application),  # type: ignore[arg-type]  # uvicorn calls it, no more
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            server_header=False,
            ws_max_size=FRAME_MAX,
            ws_per_message_deflate=False,  # it costs fifty kilobytes a line, and pushes are short
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=max(1, int(settings.drain.total_seconds() - UNFINISHED_S)),
        )
        self._server = Server(config, serving)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port, *_ = self.socket.getsockname()
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def is_locked(self) -> bool:
        """Tell whether callers need a key."""
        return self._serving.keyring.locks

    @property
    def is_listening(self) -> bool:
        """Tell whether calls are answered."""
        return self._server.started

    def end(self) -> None:
        """Tell it to end, from any thread."""
        self._server.should_exit = True

    def run(self) -> None:
        """Serve until a signal or :meth:`end`, then finish what was accepted and close the engine."""
        sys.setswitchinterval(SWITCH_S)
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            runner.run(self.serve())

    async def serve(self) -> None:
        """Serve on the running event loop."""
        self._serving.start()
        gc.freeze()  # what is here now stays: the collector of cycles need not look at it again
        loops = [asyncio.create_task(loop(self._serving.draining)) for loop in self._beside]
        try:
            await self._server.serve(sockets=[self.socket])
        finally:
            self._serving.drain()
            _, late = await asyncio.wait(loops, timeout=self._server.left_s())
            for loop in late:
                loop.cancel()
            await self._serving.stop()
            for let_go in self._at_last:
                let_go()
            note("ended")


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        raise SettingsFault(
            "service.host and service.port",
            f"{host}:{port}",
            f"cannot be listened on ({error.strerror or error})",
            "choose another port with --port, or end what listens there",
        ) from None
    bound.setblocking(False)  # noqa: FBT003  the only way to say it
    return bound
