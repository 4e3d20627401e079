"""Patience: how often and how long a call is tried again, and after which faults."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import stamina

from andante.client.faults import Busy, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

_APART = 0.25
"""Callers who were told to come back after the same time come back up to this share of it later."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a client waits. Between two tries lie ``first_s * 2**n`` seconds and some jitter, ``longest_s`` at most.

    What the service says itself (``Retry-After``) is kept to, up to ``longest_s``; where it asks for more, the fault is
    the caller's at once.
    """

    tries: int = 5
    total_s: float = 30.0
    first_s: float = 0.1
    longest_s: float = 10.0
    jitter_s: float = 0.5

    def tried(self, *, repeats: bool) -> Any:
        """Return attempts, to be iterated over with or without ``async``.

        ``repeats`` tells whether the call may be made again though it may have been done: others are tried again only
        where they surely were not.
        """
        return stamina.retry_context(
            on=self._hook(repeats=repeats),
            attempts=self.tries,
            timeout=self.total_s,
            wait_initial=self.first_s,
            wait_max=self.longest_s,
            wait_jitter=self.jitter_s,
        )

    def _hook(self, *, repeats: bool) -> Callable[[Exception], bool | float]:
        def wait(fault: Exception) -> bool | float:
            if isinstance(fault, Busy):
                told_s = fault.retry_after_s
                if told_s is None:
                    return True
                later_s = told_s * (1.0 + _APART * random.random())  # noqa: S311  spreads callers, keeps no secret
                return later_s if told_s <= self.longest_s else False
            return isinstance(fault, Unreachable) and (repeats or not fault.maybe_done)

        return wait
