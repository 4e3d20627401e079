"""Persons: a user's own data across the log, the outbox and the books, to be handed over or erased."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any

import msgspec

from andante.delivery import persons
from andante.service.tokens import Person
from andante.vocabulary.fault import StoreBusy, UnknownUser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from andante.delivery.database import Database
    from andante.live.engine import Engine
    from andante.service.numbers import Numbers

    Forgetting = Callable[[str], Mapping[str, int]]


GUARDS = 64
"""How many guards users share, so that an erasure, which may read a long log, holds few others up."""


DELIVERY = "delivery"
"""What the outbox, addresses and feeds are called on a receipt."""


class Persons:
    """What the service asks when a user asks for their data, or for their end."""

    def __init__(  # noqa: PLR0913  where a user may be found, each by its name
        self,
        engine: Engine,
        outbox: Database,
        numbers: Numbers | None = None,
        *,
        held: Mapping[str, Callable[[str], object]] | None = None,
        forgetting: Sequence[Forgetting] = (),
        covers: Sequence[str] = (),
    ) -> None:
        """Store where a user may be found.

        ``numbers`` tells whom a link is for. ``held`` returns what other books hold of a user, by the name that an
        export gives it; ``forgetting`` erases it and says how much of what: it raises StoreBusy where all is erased
        but somebody still reads old pages. ``covers`` is what that is called on a receipt.
        """
        self._engine, self._outbox, self._numbers = engine, outbox, numbers
        self._held = dict(held or {})
        self._forgetting: tuple[Forgetting, ...] = (partial(persons.forget, outbox), *forgetting)
        self._covers = (DELIVERY, *covers)
        self._guards = tuple(RLock() for _ in range(GUARDS))

    def export(self, user_id: str) -> dict[str, Any]:
        """Return everything that is held of a user. Raises UnknownUser."""
        held = {name: msgspec.to_builtins(of_user(user_id)) for name, of_user in self._held.items()}
        return {**self._engine.export(user_id), "delivery": persons.of_user(self._outbox, user_id), **held}

    def erase(self, user_id: str) -> dict[str, Any]:
        """Erase a user everywhere; return the receipt. Raises UnknownUser.

        The log goes first: what it still held would be taken into the outbox anew.
        """
        with self._guard(user_id):
            receipt = self._engine.erase(user_id).to_dict()
            removed, swept = dict(receipt["removed"]), bool(receipt["swept"])
            for forget in self._forgetting:
                try:
                    removed |= {name: count for name, count in forget(user_id).items() if count}
                except StoreBusy:  # all is erased, but a reader still holds old pages; the receipt must not be lost
                    swept = False
            covered = (*receipt["covered"], *self._covers)
            return {**receipt, "covered": covered, "removed": removed, "swept": swept}

    def person(self, user_id: str) -> Person:
        """Return whom a link for this user is for. Raises UnknownUser."""
        number = None if self._numbers is None else self._numbers.of(user_id)
        if number is None:
            raise UnknownUser("user", user_id, "is in no record of this log", "send their consent first")
        return Person(self._engine.log_name, number)

    def user_of(self, person: Person) -> str:
        """Return the id of the user whom a link is for. Raises UnknownUser for one who was erased since."""
        ours = self._numbers is not None and person.log == self._engine.log_name
        user_id = self._numbers.user(person.number) if ours and self._numbers is not None else None
        if user_id is None:
            raise UnknownUser("user", None, "is not known here any more", "open the link of a newer message")
        return user_id

    @contextmanager
    def held(self, person: Person) -> Iterator[str]:
        """Yield the id of the user whom a link is for, who is not erased meanwhile. Raises UnknownUser."""
        user_id = self.user_of(person)
        with self._guard(user_id):
            yield self.user_of(person)

    def _guard(self, user_id: str) -> RLock:
        """Return what only one of those who act for a user, or erase them, may hold."""
        return self._guards[hash(user_id) % GUARDS]
