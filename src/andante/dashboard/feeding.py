"""Feeding: what keeps the watch up with the log, and one look at it for all who look."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import TYPE_CHECKING, Generic, TypeVar

from andante.service.journal import note
from andante.vocabulary.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from andante.dashboard.console import Console

LOOK_S = 0.5
"""How long after a look the log is looked at again."""

CATCHING_UP_S = 0.02
"""How long deciding is left alone between two looks while the watch is behind."""

SURVEY_S = 2.0
"""How often all users are counted."""

SURVEY_SHARE = 100
"""Counting users waits for so many times as long as it last took: at most a hundredth of a core goes into it."""

AFTER_FAULT_S = 5.0
FRESH_S = 1.0
"""For how long a look serves everybody who looks."""

Key = TypeVar("Key", bound="Hashable")
Seen = TypeVar("Seen")


class Feeding:
    """Lets a console's watch follow the log: ``Running(..., beside=(Feeding(console).run,))``."""

    def __init__(self, console: Console) -> None:
        """Store the console."""
        self._console = console
        self._survey_at_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the log until the server ends. A fault of the store is met again later."""
        while not stop.is_set():
            try:
                pause_s = await self._look()
            except (Fault, sqlite3.Error) as fault:
                note(str(fault), level=logging.ERROR, doing="watch")
                pause_s = AFTER_FAULT_S
            await _pause(stop, pause_s)

    async def _look(self) -> float:
        """Look once, count the users where it is time, and return how long to wait for the next look."""
        watch, now_s = self._console.watch, asyncio.get_running_loop().time
        more = await asyncio.to_thread(watch.look, self._console.now_us())
        began_s = now_s()
        if began_s >= self._survey_at_s:
            watch.note(await asyncio.to_thread(self._console.engine.inspection.survey))
            took_s = now_s() - began_s
            self._survey_at_s = began_s + max(SURVEY_S, SURVEY_SHARE * took_s)
        return CATCHING_UP_S if more else LOOK_S


class Kept(Generic[Key, Seen]):
    """What was last made for each key: whoever asks within a second, or while it is made, is given the same.

    Keys are few, such as languages and spans: nothing is ever forgotten but by a newer one.
    """

    def __init__(self, make: Callable[[Key], Awaitable[Seen]], fresh_s: float = FRESH_S) -> None:
        """Store what makes it."""
        self._make, self._fresh_s = make, fresh_s
        self._kept: dict[Key, tuple[float, asyncio.Future[Seen]]] = {}

    async def get(self, key: Key) -> Seen:
        """Return what was made for a key lately. Raises what making it raised."""
        now_s = asyncio.get_running_loop().time()
        began_s, made = self._kept.get(key, (now_s, None))
        if made is None or (made.done() and (now_s - began_s >= self._fresh_s or _failed(made))):
            made = asyncio.ensure_future(self._make(key))
            self._kept[key] = (now_s, made)
        return await asyncio.shield(made)  # who goes away does not take it from the others


def _failed(made: asyncio.Future[Seen]) -> bool:
    return made.cancelled() or made.exception() is not None


async def _pause(stop: asyncio.Event, pause_s: float) -> None:
    try:
        async with asyncio.timeout(pause_s):
            await stop.wait()
    except TimeoutError:
        return
