"""The dispatcher: attempts at providers, many at once, until it is told to stop.

Its loop is short: a round with the clerk, in a thread of its own, then what is ready goes out, each attempt a task. An
attempt ends before the lease of its claim does, whatever its provider does; one that is cut off is ambiguous.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from andante.channels.contract import Answer, Status
from andante.delivery.clerk import Clerk
from andante.vocabulary.fault import StoreFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from andante.channels.contract import Channel
    from andante.delivery.clerk import Deciding, Ready, Round
    from andante.delivery.outbox import Ended, Lane, Outbox
    from andante.delivery.rendering import Writer
    from andante.live.clock import SteadyClock
    from andante.settings.sections.delivery import DeliverySettings

_LOG = logging.getLogger(__name__)
TOGETHER_S = 0.02
"""How long sends gather where nothing is under way: a round of the clerk costs more than a push."""

_DEAF_S = 1.0
"""How long an attempt that was cancelled may take to notice it."""


class Dispatcher:
    """Takes the sends of a log to their providers.

    ``channels`` are those that are served, by lane: the shop's name of the channel, and the provider of its addresses.
    Who made them closes them. A channel that is ``OfUsers`` (:mod:`andante.channels.contract`) needs no addresses.
    ``clock`` tells event time; where that is not the machine's, ``machine`` tells for how long leases hold.
    """

    def __init__(  # noqa: PLR0913  the same as of its clerk
        self,
        engine: Deciding,
        outbox: Outbox,
        channels: Mapping[Lane, Channel],
        *,
        writer: Writer,
        rules: DeliverySettings,
        clock: SteadyClock,
        machine: SteadyClock | None = None,
    ) -> None:
        """Store them; nothing begins before :meth:`run`."""
        self._clerk = Clerk(engine, outbox, channels, writer=writer, rules=rules, clock=clock, machine=machine)
        self._outbox, self._channels, self._rules = outbox, channels, rules
        self._under_way: Counter[Lane] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[Ended] = []
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the log until ``stop`` is set; then let what is under way end, for ``delivery.drain`` at most.

        What has not ended by then is cut off, and ambiguous. A fault of a disk is logged, and tried again.
        """
        await self._run(stop, until_idle=False)

    async def until_idle(self) -> None:
        """Do what is to be done by now, and return when nothing is due any more."""
        await self._run(asyncio.Event(), until_idle=True)

    def wake(self) -> None:
        """Say that something was sent: it is looked for at once. May be called from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(self._news.set)

    async def _run(self, stop: asyncio.Event, *, until_idle: bool) -> None:
        self._loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "delivery") as self._thread:
            await self._loop.run_in_executor(self._thread, self._clerk.open)
            try:
                while not stop.is_set():
                    moved = await self._turn()
                    if until_idle and not moved and not self._tasks and not self._ended:
                        return
                    if not moved:
                        await self._wait(stop)
            finally:
                await self._drain()

    async def _turn(self) -> bool:
        """Do one round, and begin what is ready; return whether anything moved."""
        self._news.clear()
        ended, self._ended = self._ended, []
        held = self._under_way - Counter(one.claim.lane for one in ended)
        room = {lane: self._rules.workers - held[lane] for lane in self._channels}
        try:
            done = await self._in_thread(ended, room)
        except StoreFault as fault:
            self._ended = ended + self._ended
            _LOG.warning("delivery waits: %s", fault)
            return False
        self._under_way.subtract(one.claim.lane for one in ended)
        for one in done.ready:
            self._begin(one)
        return done.moved

    async def _in_thread(self, ended: list[Ended], room: dict[Lane, int]) -> Round:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._clerk.round, ended, room)

    def _begin(self, ready: Ready) -> None:
        self._under_way[ready.claim.lane] += 1
        task = asyncio.create_task(self._attempt(ready))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attempt(self, ready: Ready) -> None:
        if self._clerk.in_time(ready.claim):
            ended = self._clerk.ended(ready, await self._answer(ready))
        else:  # this process stood still for a while: whoever comes after us may hold it soon
            ended = self._clerk.postponed(ready.claim)
        self._ended.append(ended)
        self._news.set()

    async def _answer(self, ready: Ready) -> Answer:
        """Make one attempt, and say what is known of it, whatever happens."""
        channel, address = self._channels[ready.claim.lane], ready.claim.address
        if address is None:
            raise RuntimeError("a push without an address is never ready")
        try:
            async with asyncio.timeout(self._rules.lease.total_seconds() / 2):
                return await channel.send(ready.push, address)
        except TimeoutError:
            return _ambiguous("timeout", "the provider did not answer in time")
        except asyncio.CancelledError:
            return _ambiguous("stopped", "the dispatcher was stopped while it was under way")
        except Exception as error:  # noqa: BLE001  a channel with a fault of its own blocks nobody
            _LOG.exception("channel %s raised", ready.claim.lane)
            return _ambiguous(type(error).__name__, "the channel failed while it was under way")

    async def _wait(self, stop: asyncio.Event) -> None:
        """Wait for news, for the stop, or for the next look at the log."""
        waits = [asyncio.create_task(event.wait()) for event in (stop, self._news)]
        await asyncio.wait(waits, timeout=self._rules.poll.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not self._tasks and not stop.is_set():
            await asyncio.sleep(TOGETHER_S)

    async def _drain(self) -> None:
        """Let what is under way end, cut off the rest, and take down what came of it."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._rules.drain.total_seconds())
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=_DEAF_S)
        ended, self._ended = self._ended, []
        self._under_way.clear()
        if ended:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._clerk.end, ended)


def _ambiguous(code: str, detail: str) -> Answer:
    return Answer(status=Status.AMBIGUOUS, code=code, detail=detail)
