"""The books: one file beside the database, with the audit, campaigns and complaints."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, Self

from andante.live.audience import Reach
from andante.operators.audit import Audit, kept_head
from andante.operators.campaigns import Campaigns
from andante.operators.complaints import Complaints
from andante.operators.database import Database
from andante.settings.sections.operators import OperatorSettings
from andante.vocabulary.fault import Conflict, InputFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from andante.live.engine import Engine

BOOKS = ".operators"
"""What the name of the books ends in, after the name of the database."""


class Clock(Protocol):
    """Says what time it is."""

    def now_us(self) -> int:
        """Return microseconds since 1970 UTC."""
        ...


class Books:
    """What operators did and decided. ``Books.open`` opens them; they may be used from any number of threads."""

    def __init__(
        self,
        database: Database,
        audit: Audit,
        clock: Clock,
        settings: OperatorSettings,
        engine: Engine | None,
    ) -> None:
        """Store what there is; :meth:`open` is what makes them."""
        self._database, self._engine = database, engine
        self.audit, self.settings = audit, settings
        self._guard, self._launched = threading.Lock(), set[str]()
        self.campaigns = Campaigns(database, audit, clock.now_us, settings)
        self.complaints = Complaints(database, audit, clock.now_us, settings)

    @classmethod
    def open(
        cls,
        path: str | Path,
        clock: Clock,
        *,
        settings: OperatorSettings | None = None,
        secret: str | None = None,
        engine: Engine | None = None,
    ) -> Self:
        """Open a file of books, or make one that only its owner may read, or ``":memory:"``.

        ``secret`` is what the pseudonyms of users are made with, kept by the server; without one they are of this
        process alone. ``engine`` is whose kill switch :meth:`switch` throws. Raises StoreUnreadable where the file is
        not ours, or damaged.
        """
        database = Database.open(path)
        try:
            audit = Audit(database, kept_head(path), clock.now_us, secret)
            audit.begin()
        except BaseException:
            database.close()
            raise
        return cls(database, audit, clock, settings or OperatorSettings(), engine)

    def __enter__(self) -> Self:
        """Return the books."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the books."""
        self.close()

    def close(self) -> None:
        """Let go of the file. Closing twice is no fault."""
        self._database.close()

    def switch(self, who: str, scope: str, *, on: bool) -> str:
        """Throw a kill switch of the engine, or lift it; return the policy that holds from here on.

        The engine is asked first: nothing about the books can keep a switch from being thrown.
        """
        if self._engine is None:
            raise InputFault("the kill switch", None, "belongs to no engine here", "open the books with an engine")
        return self.audit.after(who, "switch", scope, {"on": on}, lambda: self._throw(scope, on=on))

    def thrown(self) -> list[str]:
        """Return the scopes that a kill switch of the engine holds now: of campaigns, those of the books."""
        known = [filed.campaign_id for filed in self.campaigns.listed(limit=10_000)]
        return [] if self._engine is None else Reach.of(self._engine).thrown(known)

    @contextmanager
    def launching(self, campaign_id: str) -> Iterator[None]:
        """Keep others from launching a campaign meanwhile. Raises Conflict where somebody does."""
        with self._guard:
            if campaign_id in self._launched:
                raise Conflict("campaign", campaign_id, "is being launched already", "look at its progress")
            self._launched.add(campaign_id)
        try:
            yield
        finally:
            with self._guard:
                self._launched.discard(campaign_id)

    def forget(self, user_id: str) -> dict[str, int]:
        """Erase a user: complaints go, and their id leaves every audience; return how many of what.

        The audit knows no user's id. Raises ``StoreBusy`` where all is erased but another reader holds old pages.
        """
        with self._database.transaction() as connection:
            counts = {
                "complaints": self.complaints.forget(connection, user_id),
                "audiences": self.campaigns.forget(connection, user_id),
            }
        self._database.sweep()
        return counts

    def _throw(self, scope: str, *, on: bool) -> str:
        if self._engine is None:
            raise RuntimeError("asked before")
        return self._engine.switch(scope, on=on)


def books_of(database: str | Path) -> str:
    """Return where the books of a database are kept, the database itself or its books given.

    >>> books_of("shop.db"), books_of("shop.db.operators"), books_of(":memory:")
    ('shop.db.operators', 'shop.db.operators', ':memory:')
    """
    name = str(database)
    return name if name == ":memory:" or name.endswith(BOOKS) else f"{name}{BOOKS}"
