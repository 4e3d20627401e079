"""Rate limits: how often one caller may call in a minute, so that one cannot take what is all callers'."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from andante.service.problem import Problem

if TYPE_CHECKING:
    from andante.settings.sections.service import Service

KEY, ADDRESS = "key", "address"


class Limiter:
    """Counts calls by key, and by network address where there is no key."""

    def __init__(self, service: Service) -> None:
        """Store the limits."""
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._keys = None if service.calls_per_minute is None else RateLimitItemPerMinute(service.calls_per_minute)
        self._pages = RateLimitItemPerMinute(service.page_calls_per_minute)

    def count_key(self, name: str) -> None:
        """Count a call of a key. Raises Problem 429 where it has called too often."""
        if self._keys is not None:
            self._count(self._keys, KEY, name)

    def count_address(self, address: str) -> None:
        """Count a call of an address that shows no key. Raises Problem 429 where it has called too often."""
        self._count(self._pages, ADDRESS, address)

    def _count(self, limit: RateLimitItemPerMinute, kind: str, name: str) -> None:
        if self._counter.hit(limit, kind, name):
            return
        wait_s = max(1, round(self._counter.get_window_stats(limit, kind, name).reset_time - time.time()))
        raise Problem(
            429,
            f"more than {limit.amount} calls in a minute",
            action=f"wait {wait_s} s, or put many requests into one call",
            headers={"retry-after": str(wait_s)},
        )
