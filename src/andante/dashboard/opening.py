"""Opening: what a service has open in, the operators' pages out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from andante.dashboard.console import Console
from andante.dashboard.feeding import Feeding
from andante.dashboard.routes import routes
from andante.dashboard.sessions import Sessions
from andante.monitoring import Watch
from andante.operators.rules import Rules
from andante.service.opening import TOKENS, Face
from andante.service.secret import kept_secret, secret_file

if TYPE_CHECKING:
    from andante.service.opening import Opened


@runtime_checkable
class Steered(Protocol):
    """A clock whose speed can be set, as a demonstration's is."""

    @property
    def speed(self) -> float:
        """Seconds of its time in one of the wall."""
        ...

    def run_at(self, speed: float) -> None:
        """Go on at another speed. Raises InputFault for one out of range."""
        ...


def face(opened: Opened, *, demo: bool = False) -> Face:
    """Return the operators' pages of a service; ``demo`` says on them that the shoppers are simulated.

    In a demonstration whose clock can be set, operators can set it.
    """
    console = console_of(opened, demo=demo)
    return Face(routes=routes(console), beside=(Feeding(console).run,))


def console_of(opened: Opened, *, demo: bool = False) -> Console:
    """Return everything that operators' pages look at and act on."""
    service = opened.settings.service
    secret = kept_secret(secret_file(opened.database), TOKENS)
    life = opened.settings.operators.session_life
    clock = opened.clock if demo and isinstance(opened.clock, Steered) else None
    secure = (service.public_url or "").startswith("https:")
    return Console(
        opened.serving,
        opened.engine,
        opened.settings,
        Watch(opened.database),
        opened.books,
        Rules(opened.engine, opened.books, opened.config, os.environ),
        opened.delivering.outbox,
        Sessions(opened.serving.keyring, secret, life, secure=secure),
        opened.clock.now_us,
        demo=demo,
        pace=None if clock is None else clock.run_at,
        speed=None if clock is None else lambda: clock.speed,
    )
