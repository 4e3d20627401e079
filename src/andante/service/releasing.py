"""Releasing: what was deferred is asked again when it is due, and whoever listens hears what became of it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from andante.service.journal import note
from andante.vocabulary.fault import Fault

if TYPE_CHECKING:
    from andante.service.serving import Serving

LOOK_S = 1.0
"""How often the next due time is looked at, which any decision may bring forward. Due times are whole seconds."""

AFTER_FAULT_S = 5.0


async def keep_releasing(serving: Serving, stop: asyncio.Event, look_s: float = LOOK_S) -> None:
    """Release what is due, until the server drains. A fault of the store is met again later; nothing is lost by it.

    What is due is the engine's to say, by its own clock, which need not be the machine's.
    """
    while not stop.is_set():
        pause_s = look_s
        try:
            await release(serving)
        except Fault as fault:
            note(str(fault), level=logging.ERROR, doing="release")
            pause_s = AFTER_FAULT_S
        try:
            async with asyncio.timeout(pause_s):
                await stop.wait()
        except TimeoutError:
            continue


async def release(serving: Serving) -> None:
    """Ask again what is due now, and tell whoever listens."""
    released = await asyncio.to_thread(serving.engine.release)
    serving.metrics.released(released)
    if not released:
        return
    serving.news()
    for hear in serving.on_released:
        hear(released)
