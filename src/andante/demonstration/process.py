"""The shoppers' process, as the server sees it: started, told where to call, started again, and never left behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from andante.service.journal import note

if TYPE_CHECKING:
    from andante.demonstration.shoppers import Address, Life

SHOPPERS = "andante.demonstration.shoppers"

PATIENCE_S = 2.0
"""How long it may take to end when it is told to, in seconds of the wall."""


class Process:
    """One process of shoppers. It ends when its standard input does, which is held by this process alone."""

    def __init__(self, life: Life) -> None:
        """Start it. In a session of its own, it is not told of Ctrl-C, which is for the server to hear."""
        self._process = subprocess.Popen(  # noqa: S603  our own module, with our own interpreter
            [sys.executable, "-m", SHOPPERS], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
        self._say(life)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def begin(self, address: Address) -> None:
        """Let the shoppers live."""
        self._say(address)

    async def ended(self, stop: asyncio.Event) -> bool:
        """Wait for it to end, or for ``stop``; return whether it has ended."""
        waiting = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set() and self._process.poll() is None:
                await asyncio.wait([waiting], timeout=0.5)
        finally:
            waiting.cancel()
        return self._process.poll() is not None

    def end(self) -> None:
        """End it, and wait until it has ended. Ending twice is no fault."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            note("shoppers did not end, and are killed", doing="demonstration")
            self._process.kill()
            self._process.wait()

    def _say(self, told: Life | Address) -> None:
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended, which is noticed elsewhere
                self._process.stdin.write(msgspec.json.encode(told) + b"\n")
                self._process.stdin.flush()
