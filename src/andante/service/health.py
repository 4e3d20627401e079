"""Health: whether this server should be sent calls."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from andante.vocabulary.fault import StoreBusy, StoreFull

if TYPE_CHECKING:
    from collections.abc import Callable

    from andante.vocabulary.fault import StoreFault

PASSING_S = 5.0
"""After so long, a store that was full or busy is believed to be usable again, until a call finds out."""


class Health:
    """What the last calls found, and whether the server is ending."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin healthy."""
        self._clock = clock
        self._fault: StoreFault | None = None
        self._since_s = 0.0
        self.draining = False

    def saw(self, fault: StoreFault | None) -> None:
        """Take down what became of the last commit."""
        self._fault = fault
        if fault is not None:
            self._since_s = self._clock()

    def problem(self) -> str | None:
        """Return why no calls should be sent here; None where they should.

        >>> health = Health(); health.problem() is None
        True
        >>> health.draining = True; health.problem()
        'ending: finishing what was accepted'
        """
        if self.draining:
            return "ending: finishing what was accepted"
        fault = self._fault
        if fault is None:
            return None
        if isinstance(fault, StoreFull | StoreBusy) and self._clock() - self._since_s > PASSING_S:
            return None
        return "the log cannot be written to"
