"""The console: everything that operators' pages look at and act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from andante.dashboard.sessions import Sessions
    from andante.delivery import Outbox
    from andante.live.engine import Engine
    from andante.monitoring import Watch
    from andante.operators import Books
    from andante.operators.rules import Rules
    from andante.service.serving import Serving
    from andante.settings import Settings

Answer = TypeVar("Answer")

ROOM = "andante.dashboard"
"""Whose templates and words these pages take."""

BELOW = "/dashboard/"


@dataclass(frozen=True)
class Console:
    """What there is to look at, and to act on. Everything but ``serving`` blocks: ask it through :meth:`run`."""

    serving: Serving
    engine: Engine
    settings: Settings  # as the server was started
    watch: Watch
    books: Books
    rules: Rules
    outbox: Outbox
    sessions: Sessions
    now_us: Callable[[], int]
    demo: bool = False  # the shoppers are simulated
    pace: Callable[[float], None] | None = None  # sets how fast a demonstration's time passes
    speed: Callable[[], float] | None = None  # tells it: seconds of its time in one of the wall

    async def run(self, work: Callable[..., Answer], *given: Any) -> Answer:
        """Return what work returns, done in one of the server's few threads."""
        return await self.serving.workers.run(work, *given)


def who_of(who: str | None) -> str:
    """Return who acts. Raises InputFault where nobody is signed in."""
    if who is None:
        raise InputFault("operator", None, "is not signed in", f"sign in at {BELOW}sign-in")
    return who
