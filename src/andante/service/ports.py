"""Ports: what the service asks of the rooms below it, as narrowly as it asks.

:class:`andante.live.engine.Engine` is a ``Deciding`` and an ``Engine``. The others are optional: what is not there is
neither in the table of routes nor in the OpenAPI document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from andante.channels.contract import Address
    from andante.live.answers_columns import DecisionColumns
    from andante.live.explanation import Why
    from andante.live.retention import Retained
    from andante.live.views import UserView
    from andante.service.tokens import Person
    from andante.vocabulary.records import Decision, Event, Outcome, Preferences, Receipt, Released, Request


class Deciding(Protocol):
    """What hot routes ask."""

    def decide(self, requests: Sequence[Mapping[str, Any] | Request]) -> list[Decision]:
        """Decide requests, all or none."""
        ...

    def decide_columns(self, columns: Any) -> DecisionColumns:
        """Decide a table of requests, all or none."""
        ...

    def ingest(self, events: Sequence[Mapping[str, Any] | Event]) -> Receipt:
        """Learn what users did."""
        ...

    def observe(self, outcomes: Sequence[Mapping[str, Any] | Outcome]) -> Receipt:
        """Learn what came of decisions."""
        ...


class Releasing(Protocol):
    """What the release loop asks."""

    def next_release(self) -> datetime | None:
        """Return when the next deferred push is due."""
        ...

    def release(self, at: datetime | None = None) -> list[Released]:
        """Ask again what is due."""
        ...


class Engine(Deciding, Releasing, Protocol):
    """All that the service asks of an engine."""

    def set_preferences(self, user_id: str, preferences: Mapping[str, Any] | Preferences) -> dict[str, bool]:
        """Take down what a user wants."""
        ...

    def publish(self, plan: Any, *, theta: float | None = None) -> Receipt:
        """Take over what the slow clock planned."""
        ...

    def switch(self, scope: str, *, on: bool) -> str:
        """Throw or lift a kill switch."""
        ...

    def user(self, user_id: str) -> UserView:
        """Return what is known of a user."""
        ...

    def explain(self, user_id: str, at: datetime | None = None) -> Why:
        """Explain the last decision on a user."""
        ...

    def now_us(self) -> int:
        """Return the engine's time, in microseconds since 1970 UTC."""
        ...

    def retain(self, now: datetime | None = None) -> Retained:
        """Drop what is older than the settings keep it."""
        ...

    def close(self) -> None:
        """Write down what is newer than its checkpoint, and let go of the log."""
        ...


class Addresses(Protocol):
    """Where users can be reached. Calls may block."""

    def add(self, user_id: str, channel: str, provider: str, value: Mapping[str, Any], now_us: int) -> Address:
        """Take down an address. Raises InputFault for a value that is empty or too long."""
        ...

    def drop(self, user_id: str, channel: str, address_id: str) -> bool:
        """Forget an address; return whether there was one."""
        ...

    def of_user(self, user_id: str, channel: str | None = None) -> list[Address]:
        """Return a user's addresses, of one channel or all."""
        ...


class Messages(Protocol):
    """What pushes say. Calls may block."""

    def put(self, kind: Literal["candidate", "campaign"], name: str, body: Mapping[str, Any], now_us: int) -> int:
        """Take down what pushes of this name say from here on; return the version. Raises InputFault."""
        ...


class Letters(Protocol):
    """Pushes that reached nobody. Calls may block."""

    def listed(self, after: int = 0, kind: str | None = None, most: int = 1000) -> Sequence[tuple[Any, ...]]:
        """Return dead letters after one: the fields of ``service.shapes.DeadLetter``, in their order."""
        ...

    def retry(self, letter: int, now_us: int) -> None:
        """Let a push be tried again. Raises InputFault for none, Conflict for one that may not be."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where pushes go out from."""

    addresses: Addresses
    messages: Messages
    dead_letters: Letters
    receipts: Callable[[str, Mapping[str, str], bytes], int]
    """Given a provider, the headers and the body of its call: how many outcomes it brought. It may block.

    Raises InputFault where its signature does not hold, or it does not report.
    """


class Privacy(Protocol):
    """A user's own: everything that is held of them, and its end. Calls may block."""

    def export(self, user_id: str) -> Mapping[str, Any]:
        """Return everything that is held of a user. Raises UnknownUser."""
        ...

    def erase(self, user_id: str) -> Mapping[str, Any]:
        """Erase a user everywhere; return the receipt. Raises UnknownUser."""
        ...

    def person(self, user_id: str) -> Person:
        """Return whom a link for this user is for. Raises UnknownUser."""
        ...

    def user_of(self, person: Person) -> str:
        """Return the id of the user whom a link is for. Raises UnknownUser for one who was erased since."""
        ...

    def held(self, person: Person) -> AbstractContextManager[str]:
        """Give the id of the user whom a link is for, who is not erased meanwhile. Raises UnknownUser."""
        ...


class Auditing(Protocol):
    """Where it is taken down what operators do. Calls may block."""

    def note(
        self, who: str, action: str, subject: str, detail: Mapping[str, Any], *, refused: str | None = None
    ) -> int:
        """Take down what somebody did, or why it was refused; return the entry's number."""
        ...

    def person(self, user_id: str) -> str:
        """Return what stands for a user there."""
        ...
