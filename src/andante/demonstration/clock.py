"""The demonstration's clock: it runs as fast as one likes, stands still where nobody follows, and never steps back."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from andante.live.clock import SteadyClock
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Callable

SPEED = 3600.0
"""Seconds of the demonstration in one of the wall, unless said otherwise: an hour a second, a week in three minutes."""

SPEED_MAX = 14_400.0
"""Beyond four hours a second, two cores are busy with nothing else."""

_ACTION = f"give a number from 0, which is a pause, to {SPEED_MAX:g}; {SPEED:g} is an hour a second"


def refuse_speed(speed: float) -> None:
    """Raise InputFault for a speed that a demonstration cannot run at."""
    if not 0 <= speed <= SPEED_MAX:  # NaN is neither
        raise InputFault("speed", f"{speed:g}", f"is not within 0 and {SPEED_MAX:g}", _ACTION)


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


class DemoClock(SteadyClock):
    """A clock at an adjustable speed, for every part of a service that asks what time it is.

    It begins at a moment that it is given, and goes no further than it was allowed to: the shoppers say how far they
    have come, so that it waits for them where the machine is slow. Any number of threads may read it.
    """

    def __init__(self, start_us: int, speed: float, monotonic_us: Callable[[], int] = _monotonic_us) -> None:
        """Set it, in microseconds since 1970 UTC; it stands still until :meth:`allow`. Raises InputFault."""
        refuse_speed(speed)
        super().__init__(lambda: start_us, monotonic_us)
        self._guard = Lock()
        self._read_us, self._speed = monotonic_us, speed
        self._then_us, self._read_then_us, self._until_us = start_us, monotonic_us(), start_us
        self._turn_us: int | None = None  # from this moment on, the speed is another one:
        self._turned = speed

    def now_us(self) -> int:
        """Return microseconds since 1970 UTC. No later call of any thread returns less.

        >>> ticks = iter([0, 0, 500_000, 1_000_000])
        >>> clock = DemoClock(0, 60.0, lambda: next(ticks, 2_000_000))
        >>> clock.allow(45_000_000)
        >>> clock.now_us(), clock.now_us()
        (30000000, 45000000)
        """
        with self._guard:
            return self._now_us(self._read_us())

    @property
    def speed(self) -> float:
        """Seconds of the demonstration in one of the wall; 0 while it is paused."""
        with self._guard:
            self._anchor()
            return self._speed

    def run_at(self, speed: float) -> None:
        """Go on from now at another speed, also where it was to hurry. Raises InputFault for one out of range."""
        refuse_speed(speed)
        with self._guard:
            self._anchor()
            self._speed, self._turn_us = speed, None

    def hurry(self, until_us: int) -> None:
        """Run as fast as can be up to a moment, and then at the speed of before."""
        with self._guard:
            self._anchor()
            if self._now_us(self._read_us()) < until_us:
                self._turn_us, self._turned, self._speed = until_us, self._speed, SPEED_MAX

    def allow(self, until_us: int) -> None:
        """Let it go on to a moment. What was allowed before stays allowed."""
        with self._guard:
            self._anchor()  # time that it stood still for is not made up
            self._until_us = max(self._until_us, until_us)

    def _anchor(self) -> None:
        read_us = self._read_us()
        self._then_us, self._read_then_us = self._now_us(read_us), read_us
        if self._turn_us is not None and self._then_us >= self._turn_us:
            self._speed, self._turn_us = self._turned, None

    def _now_us(self, read_us: int) -> int:
        passed_us = max(0, read_us - self._read_then_us)
        now_us = self._then_us + int(passed_us * self._speed)
        if self._turn_us is not None and now_us > self._turn_us:
            hurried_us = (self._turn_us - self._then_us) / self._speed
            now_us = self._turn_us + int(max(0.0, passed_us - hurried_us) * self._turned)
        return min(now_us, self._until_us)
