"""Upkeep: once a day, what is older than the configuration keeps it is dropped from the log."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from andante.service.journal import note
from andante.vocabulary.fault import Fault

if TYPE_CHECKING:
    from andante.service.serving import Serving

FIRST_S = 3600.0
"""How long after the start the log is first tidied: who restarts a service often does not wait for it each time."""

EVERY_S = 86_400.0


async def keep_tidy(serving: Serving, stop: asyncio.Event, *, first_s: float = FIRST_S) -> None:
    """Let go of what is old once a day, until the server drains. Callers wait while it lasts."""
    pause_s = first_s
    while True:
        try:
            async with asyncio.timeout(pause_s):
                await stop.wait()
        except TimeoutError:
            await tidy(serving)
            pause_s = EVERY_S
        else:
            return


async def tidy(serving: Serving) -> None:
    """Drop what is older than ``log.retention`` and ``log.keys`` keep it. A fault is met again tomorrow."""
    try:
        dropped = await asyncio.to_thread(serving.engine.retain)
    except Fault as fault:
        note(str(fault), level=logging.ERROR, doing="upkeep")
    else:
        note("dropped what is old", doing="upkeep", rows=dropped.rows, keys=dropped.keys)
