"""The front: everything that shoppers' pages look at and act on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from andante.live.recent import Recent, recent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from andante.live.engine import Engine
    from andante.service.persons import Persons
    from andante.service.serving import Serving

Answer = TypeVar("Answer")

ROOM = "andante.shopper"
"""Whose templates and words these pages take."""


class Complaint(Protocol):
    """What a shopper said, and what became of it."""

    id: int
    text: str
    status: str  # open, answered or closed
    opened_at: datetime
    answer: str | None
    answered_at: datetime | None


class Complaints(Protocol):
    """The book of complaints. Calls may block."""

    def open(self, user_id: str, text: str, contact: str | None = None) -> object:
        """Take down what a shopper says. Raises InputFault."""
        ...

    def of_user(self, user_id: str) -> Sequence[Complaint]:
        """Return a shopper's own, the latest first."""
        ...


@dataclass(frozen=True)
class Front:
    """What there is. Everything but ``serving`` blocks: ask it through :meth:`run`."""

    serving: Serving
    engine: Engine
    persons: Persons
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
        return recent(self.engine._seat, user_id)  # noqa: SLF001  until the inspection hands it out
