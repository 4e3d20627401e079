"""The front: everything that shoppers' pages look at and act on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from andante.live.engine import Engine
    from andante.live.recent import Recent
    from andante.operators.complaints import Complaints
    from andante.service.ports import Privacy
    from andante.service.serving import Serving

Answer = TypeVar("Answer")

ROOM = "andante.shopper"
"""Whose templates and words these pages take."""


@dataclass(frozen=True)
class Front:
    """What there is. Everything but ``serving`` blocks: ask it through :meth:`run`."""

    serving: Serving
    engine: Engine
    persons: Privacy
    complaints: Complaints | None
    now_us: Callable[[], int]

    async def run(self, work: Callable[..., Answer], *given: Any) -> Answer:
        """Return what work returns, done in one of the server's few threads."""
        return await self.serving.workers.run(work, *given)

    def now(self) -> datetime:
        """Return what time it is for the engine."""
        return datetime.fromtimestamp(self.now_us() // 1_000_000, UTC)

    def recent(self, user_id: str) -> Recent:
        """Return what went out to a user lately."""
        return self.engine.inspection.recent(user_id)
