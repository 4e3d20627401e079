"""Collecting: calls that arrive together are worked on together, in one thread of their own.

There is no timer: what has gathered while the last batch was worked on is the next batch. A lone call starts at once;
the more callers there are, the more of them share a commit. What waits is bounded, and whoever comes beyond the bound
is told to come back.
"""

from __future__ import annotations

import asyncio
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from andante.service.problem import overloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Call = TypeVar("Call")
Answer = TypeVar("Answer")

TOGETHER_MAX = 4096
"""The most things that are worked on together, unless one call alone brings more, so that nobody waits for long."""

Batch = list[tuple[Any, int, "asyncio.Future[Any]"]]


class Collector(Generic[Call, Answer]):
    """Gathers calls of one kind. ``work`` is given many and returns for each its answer, or the exception it meets."""

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Call]], Sequence[Answer | BaseException]],
        *,
        waiting_max: int,
        observe: Callable[[int], None] | None = None,
    ) -> None:
        """Store what does the work; :meth:`start` starts the thread. ``observe`` is told the weight of each batch."""
        self.name, self._work, self._waiting_max, self._observe = name, work, waiting_max, observe
        self._waiting: Batch = []
        self._weight = 0  # of what waits or is worked on
        self._busy = False
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._empty: asyncio.Event | None = None  # set when it stops and nothing is left

    @property
    def depth(self) -> int:
        """How many things wait or are worked on."""
        return self._weight

    def start(self) -> None:
        """Start the thread; an event loop must be running, and it is the one that calls come from."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"andante-{self.name}", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Finish what was accepted, and end the thread."""
        self._empty = asyncio.Event()
        if self._weight:
            await self._empty.wait()
        self._batches.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def ask(self, call: Call, weight: int = 1) -> asyncio.Future[Answer]:
        """Return what will be the answer to a call. Raises Problem 503 where there is no room for it."""
        if self._weight + weight > self._waiting_max and self._weight:
            raise overloaded(f"{self._weight} wait already for their turn")
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting.append((call, weight, future))
        self._weight += weight
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._send_off)  # what has arrived in the same breath comes along
        return future

    def _send_off(self) -> None:
        """Give the thread what has gathered."""
        batch = self._waiting
        if self._weight > TOGETHER_MAX:
            batch, self._waiting = _split(batch)
        else:
            self._waiting = []
        self._batches.put(batch)

    def _run(self) -> None:
        """Work on batches until there are no more. This is the thread."""
        while (batch := self._batches.get()) is not None:
            try:
                answers: Sequence[Any] = self._work([call for call, _, _ in batch])
            except BaseException as error:  # noqa: BLE001  it is the callers' to hear
                answers = [error] * len(batch)
            try:
                self._loop.call_soon_threadsafe(self._settle, batch, answers)
            except RuntimeError:  # the loop is gone, and with it whoever waited
                return

    def _settle(self, batch: Batch, answers: Sequence[Any]) -> None:
        """Hand out answers, and send off what has gathered meanwhile."""
        weight = 0
        for (_, own, future), answer in zip(batch, answers, strict=True):
            weight += own
            if future.done():  # the caller has gone
                continue
            if isinstance(answer, StopIteration):  # which no future takes
                future.set_exception(RuntimeError(repr(answer)))
            elif isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._weight -= weight
        if self._observe is not None:
            self._observe(weight)
        self._busy = bool(self._waiting)
        if self._empty is not None and not self._weight:
            self._empty.set()
        if self._busy:
            self._send_off()


def _split(waiting: Batch) -> tuple[Batch, Batch]:
    """Return what is worked on together now, at least one call, and the rest."""
    total = 0
    for place, (_, weight, _) in enumerate(waiting):
        total += weight
        if total > TOGETHER_MAX and place:
            return waiting[:place], waiting[place:]
    return waiting, []
