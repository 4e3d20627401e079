"""Delivering: what the service does with pushes that it sends itself, put together from settings."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from andante.channels.catalogue import Means, build
from andante.channels.templates import Templates
from andante.delivery import Dispatcher, Outbox, Receipts
from andante.delivery.feed import Feed
from andante.delivery.rendering import Links, Writer
from andante.live.clock import SteadyClock
from andante.service.ports import Delivery
from andante.service.secret import kept_secret, secret_file
from andante.service.tokens import Leaving, person_of
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from andante.channels.contract import Channel, Reporting
    from andante.live.engine import Engine
    from andante.live.sends import Send
    from andante.service.tokens import Tokens
    from andante.settings import Settings


class Delivering:
    """An outbox beside the log, the channels that are set up, and what brings the one to the others."""

    def __init__(
        self, engine: Engine, database: str | Path, settings: Settings, tokens: Tokens, clock: SteadyClock
    ) -> None:
        """Open the outbox and every channel. Raises SettingsFault for a channel that cannot be, and StoreFault."""
        kept = secret_file(database)
        self.outbox = Outbox.open(f"{database}.delivery")
        try:
            self.feed = Feed.open(self.outbox.database, settings.stream, clock=clock)
            self.channels = build(settings.channels, Means(partial(kept_secret, kept), self.feed))
            self.dispatcher = Dispatcher(
                engine,
                self.outbox,
                self.channels,
                writer=Writer(self.outbox.messages, Templates(), partial(_links, tokens)),
                rules=settings.delivery,
                clock=clock,
                machine=SteadyClock(),
            )
        except BaseException:
            self.outbox.close()
            raise
        reporting = {provider: one for (_, provider), one in self.channels.items() if hasattr(one, "receipts")}
        self.port = port(self.outbox, Receipts(self.outbox, engine), reporting, clock.now_us)

    @property
    def vapid_public_key(self) -> str | None:
        """The key that pages subscribe to Web Push with, where it is set up."""
        keys = (getattr(channel, "public_key", None) for channel in self.channels.values())
        return next((key for key in keys if key is not None), None)

    async def run(self, stop: asyncio.Event) -> None:
        """Let pushes travel until the service ends; then let go of the providers."""
        try:
            await self.dispatcher.run(stop)
        finally:
            await asyncio.gather(*(channel.close() for channel in self.channels.values()))

    def close(self) -> None:
        """Let go of the outbox."""
        self.outbox.close()


def port(
    outbox: Outbox, taking: Receipts, reporting: Mapping[str, Reporting | Channel], now_us: Callable[[], int]
) -> Delivery:
    """Return an outbox as the service asks it, with the providers that report later, by their names."""

    def receipts(provider: str, headers: Mapping[str, str], body: bytes) -> int:
        reporter = reporting.get(provider)
        if reporter is None:
            raise InputFault("provider", provider, "does not report here", "configure it beneath [channels]")
        return taking.take(provider, reporter.receipts(dict(headers), body), now_us()).accepted  # type: ignore[union-attr]

    return Delivery(outbox.addresses, outbox.messages, outbox.dead_letters, receipts)


def _links(tokens: Tokens, send: Send) -> Links:
    leaving = Leaving(send.user_id, send.candidate.channel, send.decision_id)
    person = person_of(send.decision_id)
    return Links(tokens.outcome_url(send.decision_id), tokens.unsubscribe_url(leaving), tokens.preferences_url(person))
