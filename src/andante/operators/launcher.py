"""The launcher: beside a server, it launches every campaign that was started, also one begun before a crash."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from andante.vocabulary.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from andante.operators.launch import Launch

EVERY_S = 1.0
"""How soon a campaign that was started is seen, at the latest."""


class Launcher:
    """Looks for running campaigns, and launches them in a thread."""

    def __init__(self, launch: Launch, told: Callable[[Fault], None], every_s: float = EVERY_S) -> None:
        """Store what launches; ``told`` hears what went wrong, and the next round tries again."""
        self._launch, self._told, self._every_s = launch, told, every_s

    async def run(self, stop: asyncio.Event) -> None:
        """Launch what is started until told to end; a chunk that was begun is finished first."""
        ending = threading.Event()
        rounds = asyncio.create_task(self._rounds(stop, ending))
        await stop.wait()
        ending.set()
        await rounds

    async def _rounds(self, stop: asyncio.Event, ending: threading.Event) -> None:
        while not stop.is_set():
            try:
                await asyncio.to_thread(self._launch.run_all, ending)
            except Fault as fault:
                self._told(fault)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every_s)
