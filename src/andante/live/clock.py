"""The engine's clock for records that bring no time of their own."""

import time
from collections.abc import Callable


def _wall_us() -> int:
    return time.time_ns() // 1000


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


class SteadyClock:
    """A clock that reads the wall once and then counts: whoever sets the machine's clock does not set this one.

    A wall clock that jumps forward would let every sliding window slide past its sends at once, and one that jumps
    back would let them slide past twice. The monotonic clock does neither; time servers steer its rate, so it does
    not drift.
    """

    def __init__(self, wall_us: Callable[[], int] = _wall_us, monotonic_us: Callable[[], int] = _monotonic_us) -> None:
        """Set it by the wall clock; both callables return microseconds."""
        self._monotonic_us = monotonic_us
        self._start_us = wall_us() - monotonic_us()

    @property
    def speed(self) -> float:
        """How much of its time passes in as much of the machine's: 1, unless it is a demonstration's."""
        return 1.0

    def now_us(self) -> int:
        """Return microseconds since 1970 UTC.

        >>> walls, ticks = iter([1_000_000]), iter([0, 5])
        >>> SteadyClock(lambda: next(walls), lambda: next(ticks)).now_us()
        1000005
        """
        return self._start_us + self._monotonic_us()
