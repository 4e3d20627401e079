"""Gathering: callers that arrive together share one call of the engine, and each hears only of its own.

Decisions of many callers are one list to the engine: one admission, one step over all, one commit. Where one of them
is at fault, the list is halved until the fault stands alone, so the others lose nothing. Events and outcomes are given
one call a caller, since a receipt counts duplicates for its caller alone; side by side they still share commits.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

from andante.service.collector import Collector
from andante.vocabulary.fault import StoreFault

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Sequence

    from andante.service.health import Health
    from andante.service.metrics import Metrics
    from andante.service.ports import Deciding
    from andante.vocabulary.records import Decision, Event, Outcome, Receipt, Request

SIDE_BY_SIDE = 16
"""How many calls of events or outcomes are made at once, and so share commits."""


class Gathering:
    """The three queues of an engine: decisions, events, outcomes."""

    def __init__(
        self, engine: Deciding, metrics: Metrics, health: Health, news: Callable[[], None], *, waiting_max: int
    ) -> None:
        """Make the queues. ``news`` is called on the event loop whenever the log has grown."""
        self._engine, self._metrics, self._health, self._news = engine, metrics, health, news
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, "andante-side")
        self._decisions: Collector[Sequence[Request], list[Decision]] = self._queue(
            "decisions", self._decide, waiting_max
        )
        self._events: Collector[Sequence[Event | Any], Receipt] = self._queue(
            "events", lambda calls: self._each(engine.ingest, calls, "event"), waiting_max
        )
        self._outcomes: Collector[Sequence[Outcome | Any], Receipt] = self._queue(
            "outcomes", lambda calls: self._each(engine.observe, calls, "outcome"), waiting_max
        )
        self._queues: tuple[Collector[Any, Any], ...] = (self._decisions, self._events, self._outcomes)

    def decide(self, requests: Sequence[Request]) -> Future[list[Decision]]:
        """Return what will be the decisions on one caller's requests."""
        return self._decisions.ask(requests, len(requests))

    def ingest(self, events: Sequence[Event | Any]) -> Future[Receipt]:
        """Return what will be the receipt for one caller's events."""
        return self._events.ask(events, len(events))

    def observe(self, outcomes: Sequence[Outcome | Any]) -> Future[Receipt]:
        """Return what will be the receipt for one caller's outcomes."""
        return self._outcomes.ask(outcomes, len(outcomes))

    def depths(self) -> dict[str, int]:
        """Return how many things wait in each queue."""
        return {queue.name: queue.depth for queue in self._queues}

    def start(self) -> None:
        """Begin to work; an event loop must be running."""
        for queue in self._queues:
            queue.start()

    async def stop(self) -> None:
        """Finish what was accepted."""
        for queue in self._queues:
            await queue.stop()
        self._pool.shutdown()

    def _queue(
        self, name: str, work: Callable[[Sequence[Any]], Sequence[Any]], waiting_max: int
    ) -> Collector[Any, Any]:
        def observe(size: int) -> None:
            self._metrics.gathered(name, size)
            self._news()

        return Collector(name, work, waiting_max=waiting_max, observe=observe)

    def _decide(self, calls: Sequence[Sequence[Request]]) -> list[list[Decision] | BaseException]:
        answers = decide_together(self._engine, calls)
        self._metrics.decided(chain.from_iterable(one for one in answers if isinstance(one, list)))
        self._health.saw(next((one for one in answers if isinstance(one, StoreFault)), None))
        return answers

    def _each(
        self, give: Callable[[Sequence[Any]], Receipt], calls: Sequence[Sequence[Any]], kind: str
    ) -> list[Receipt | BaseException]:
        attempts = ((give, call) for call in calls)
        answers = [_attempt(*next(attempts))] if len(calls) == 1 else list(self._pool.map(_attempt_one, attempts))
        for answer in answers:
            if not isinstance(answer, BaseException):
                self._metrics.received(kind, answer)
        self._health.saw(next((one for one in answers if isinstance(one, StoreFault)), None))
        return answers


def decide_together(engine: Deciding, calls: Sequence[Sequence[Request]]) -> list[list[Decision] | BaseException]:
    """Decide the requests of several callers at once; return for each its decisions, or its own fault."""
    try:
        decisions = engine.decide(list(chain.from_iterable(calls)))
    except StoreFault as fault:  # nobody's request is at fault, so everybody is told
        return [fault] * len(calls)
    except Exception as fault:  # noqa: BLE001  whatever it is, it is the caller's whose request brings it about
        if len(calls) == 1:
            return [fault]
        half = len(calls) // 2
        return decide_together(engine, calls[:half]) + decide_together(engine, calls[half:])
    ends = list(accumulate(map(len, calls)))
    return [decisions[first:end] for first, end in zip([0, *ends], ends, strict=False)]


def _attempt(give: Callable[[Sequence[Any]], Receipt], call: Sequence[Any]) -> Receipt | BaseException:
    try:
        return give(call)
    except Exception as error:  # noqa: BLE001  it is this caller's, and the others go on
        return error


def _attempt_one(pair: tuple[Callable[[Sequence[Any]], Receipt], Sequence[Any]]) -> Receipt | BaseException:
    return _attempt(*pair)
