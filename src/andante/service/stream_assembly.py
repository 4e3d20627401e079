"""Streams, put together: their routes, and what runs beside the server for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.routing import Route as Mount
from starlette.routing import WebSocketRoute

from andante.service.bodies import JSON
from andante.service.feed import EventFeed
from andante.service.routes import Route
from andante.service.stream import Stream
from andante.service.stream_door import Door
from andante.service.stream_feedback import Feedback
from andante.service.stream_lines import Lines
from andante.service.stream_live import Live
from andante.service.tickets import GivenTicket, NewTicket, Tickets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from andante.delivery.feed import Feed
    from andante.service.serving import Serving
    from andante.settings.sections import stream

TICKETS = "/v1/tickets"


class Streams:
    """Everything that pages and operators hold open.

    ``Running(serving, version, more=streams.routes(), beside=(streams.run,))`` serves them.
    """

    def __init__(self, serving: Serving, feed: Feed, settings: stream.Stream) -> None:
        """Make them."""
        self._serving = serving
        tickets = Tickets(settings.ticket_life)
        self._door = Door(serving, tickets, settings)
        self.lines = Lines(feed, serving.tokens, settings)
        self._stream = Stream(self._door, self.lines, Feedback(serving, feed, settings))
        self._feed = EventFeed(self._door, self.lines)
        self._live = None
        if serving.database is not None:
            self._live = Live(serving, serving.database, settings.live_per_second)
        self.ticket = Route("POST", TICKETS, tickets.give, "stream", GivenTicket, {JSON: NewTicket})
        serving.metrics.registry.register(_Figures(self))
        serving.on_drain.append(self.lines.let_go)

    def routes(self) -> list[BaseRoute]:
        """Return what a server can be asked of them."""
        live = [] if self._live is None else [_opens("/v1/live", self._live)]
        return [
            WebSocketRoute("/v1/stream", self._stream),
            _opens("/v1/feed", self._feed),
            *live,
        ]

    async def run(self, stop: asyncio.Event) -> None:
        """Run beside the server until it ends."""
        loops = [self.lines.run(stop)]
        if self._live is not None:
            loops.append(self._live.run(stop))
        await asyncio.gather(*loops)


def _opens(path: str, application: ASGIApp) -> BaseRoute:
    """Return a route that opens a line, which nobody does with HEAD."""
    route = Mount(path, application)
    route.methods = {"GET"}
    return route


class _Figures(Collector):
    """What Prometheus is told of lines."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        lines = self._streams.lines
        yield GaugeMetricFamily("andante_lines_open", "Lines that pages hold open.", lines.all())
        yield CounterMetricFamily("andante_lines_written", "Pushes written on lines.", lines.written)
        yield CounterMetricFamily("andante_lines_dropped", "Lines dropped for not reading.", lines.dropped)
