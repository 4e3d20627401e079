"""The audit: who did what and when, in an order that nobody changes unseen (see :mod:`andante.operators.chain`)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec

from andante.operators.chain import NOTHING, Broken, Head, KeptHead, first_break, link
from andante.operators.database import MEMORY, Database
from andante.vocabulary.fault import Fault, InputFault, StoreFault
from andante.vocabulary.records import Record

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping

Answer = TypeVar("Answer")

HEAD = ".head"
"""What the name of the file of the head ends in, after the name of the books."""

WHO_MAX, WORD_MAX, DETAIL_MAX = 256, 512, 65_536
_ROWS_AT_ONCE = 10_000
_LOOKS = 5
_LAST_US = 2**52

_LAST = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1"
# The number that is due. It is taken only where rows were put in: then the first that is free after it.
_FREE = """SELECT CASE WHEN EXISTS (SELECT 1 FROM audit WHERE number = ?1) THEN
  (SELECT min(number) + 1 FROM audit AS one
   WHERE number >= ?1 AND NOT EXISTS (SELECT 1 FROM audit AS next WHERE next.number = one.number + 1))
ELSE ?1 END"""
_INSERT = "INSERT INTO audit (number, entry, hash) VALUES (?, ?, ?)"
_CHAIN = "SELECT number, entry, hash FROM audit WHERE number > ? ORDER BY number LIMIT ?"
_LISTED = """SELECT number, entry, hash FROM audit
WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR action = ?2) ORDER BY number DESC LIMIT ?3"""


class Entry(Record, frozen=True, omit_defaults=False):
    """One thing that an operator did, or was refused."""

    number: int
    at: datetime
    who: str
    action: str
    subject: str  # what it was done to; a user by a pseudonym
    detail: dict[str, Any]
    refused: str | None  # why it was not done; None: it was
    previous: str  # hash of the entry before
    hash: str


@dataclass(slots=True)
class Act:
    """What is being done: its transaction, and what else is to be said of it."""

    connection: sqlite3.Connection
    subject: str
    detail: dict[str, Any] = field(default_factory=dict)


class Audit:
    """The audit chain of one file."""

    def __init__(self, database: Database, head: KeptHead, now_us: Callable[[], int], secret: str | None) -> None:
        """Store where it is kept; ``secret`` is what the pseudonyms of users are made with."""
        self._database, self._head, self._now_us = database, head, now_us
        self._secret = (secret or secrets.token_hex(32)).encode()

    @classmethod
    def reading(cls, path: Path) -> Self:
        """Open the audit of a file only to read it. Raises StoreUnreadable where there is none."""
        database = Database.open(path, write=False)
        return cls(database, kept_head(path), lambda: 0, None)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def person(self, user_id: str) -> str:
        """Return what stands for a user here: the same for the same user, and nobody finds the user from it.

        Whoever has the secret and guesses an id can see whether it is the one; so it is kept beside the database.
        """
        return (
            f"user:{hmac.new(self._secret, user_id.encode('utf-8', 'surrogatepass'), hashlib.sha256).hexdigest()[:24]}"
        )

    def note(
        self, who: str, action: str, subject: str, detail: Mapping[str, Any], *, refused: str | None = None
    ) -> int:
        """Take down what an operator did, or why it was refused; return the entry's number.

        No plain user id belongs here: see :meth:`person`. Raises InputFault for nobody, and StoreFault.
        """
        with self._database.alone():
            self.begin()
            with self._database.transaction() as connection:
                head = self._add(connection, who, action, subject, detail, refused)
            self._head.write(head)
            return head.entries

    @contextmanager
    def act(self, who: str, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> Iterator[Act]:
        """Do something in the books: it and its entry become durable together, or neither.

        A Fault that is raised within undoes it, is taken down as refused, and goes on.
        """
        who, detail = named(who), dict(detail or {})
        try:
            with self._database.alone():
                self.begin()
                with self._database.transaction() as connection:
                    act = Act(connection, subject)
                    yield act
                    head = self._add(connection, who, action, act.subject, {**detail, **act.detail}, None)
                self._head.write(head)
        except StoreFault:
            raise
        except Fault as fault:
            self.note(who, action, subject, detail, refused=reason(fault))
            raise

    def after(
        self, who: str, action: str, subject: str, detail: Mapping[str, Any], work: Callable[..., Answer], *given: Any
    ) -> Answer:
        """Do something elsewhere, then take it down, or why it was refused."""
        try:
            answer = work(*given)
        except Fault as fault:
            self.note(who, action, subject, detail, refused=reason(fault))
            raise
        self.note(who, action, subject, detail)
        return answer

    def entries(self, before: int | None = None, limit: int = 100, action: str | None = None) -> list[Entry]:
        """Return entries, the latest first: those before a number, of one action or all."""
        rows = self._database.rows(_LISTED, (before, action, max(1, min(limit, 1000))))
        return [_entry(*row) for row in rows]

    def verify(self, expected: Head | None = None) -> Broken | None:
        """Return the first place where the chain does not hold, or None.

        ``expected`` is a head that was kept elsewhere. Without one, a chain that was made up anew, or put back
        together with its head, cannot be told from a true one.
        """
        for _ in range(_LOOKS):  # somebody may add entries meanwhile
            head = self._head.read()
            broken = first_break(self._rows(), head, expected)
            if broken is None or self._head.read() == head:
                break
        return broken

    @property
    def head(self) -> Head:
        """How many entries there are, and the hash of the last: to be kept elsewhere."""
        rows = self._database.rows(_LAST)
        return Head(*rows[0]) if rows else NOTHING

    def _rows(self) -> Iterator[tuple[object, object, object]]:
        after: Any = -(2**63)
        while rows := self._database.rows(_CHAIN, (after, _ROWS_AT_ONCE)):
            yield from rows
            after = rows[-1][0]

    def begin(self) -> None:
        """Write the head where there is none yet, or where a crash kept it from being written.

        Never by more than one entry, and never where it is gone: else what was cut off would heal.
        """
        with self._database.alone():
            kept, last = self._head.read(), self.head
            if kept is None and last == NOTHING:
                self._head.write(NOTHING)
            elif kept is not None and last.entries == kept.entries + 1 and self._previous_of(last) == kept.hash:
                self._head.write(last)

    def _previous_of(self, last: Head) -> object:
        ((text,),) = self._database.rows("SELECT entry FROM audit WHERE number = ?", (last.entries,))
        return _plain(text).get("previous")

    def _add(  # noqa: PLR0913, PLR0917  the fields of an entry
        self,
        connection: sqlite3.Connection,
        who: str,
        action: str,
        subject: str,
        detail: Mapping[str, Any],
        refused: str | None,
    ) -> Head:
        """Add an entry after the head, wherever the rows end: what was changed stays to be seen."""
        head = self._head.read() or NOTHING
        (number,) = connection.execute(_FREE, (head.entries + 1,)).fetchone()
        entry: dict[str, object] = {
            "number": number,
            "at_us": self._now_us(),
            "who": named(who),
            "action": action[:WORD_MAX],
            "subject": subject[:WORD_MAX],
            "detail": _bounded(detail),
            "refused": refused,
            "previous": head.hash,
        }
        text, said = link(entry)
        connection.execute(_INSERT, (number, text, said))
        return Head(number, said)


def kept_head(path: str | Path) -> KeptHead:
    """Return the head beside a file of books."""
    return KeptHead(None if str(path) == MEMORY else Path(f"{Path(path).resolve()}{HEAD}"))


def named(who: str) -> str:
    """Return who acts, as they are taken down. Raises InputFault for nobody."""
    name = " ".join(who.split()) if isinstance(who, str) else ""
    if not name or len(name) > WHO_MAX or not name.isprintable():
        raise InputFault("operator", None, "has no name that can be taken down", f"give 1 to {WHO_MAX} letters")
    return name


def reason(fault: Fault) -> str:
    """Return why something was refused, without the value that was found: it may be a user's."""
    return " ".join(f"{fault.thing} {fault.problem}".split())[:WORD_MAX]


def _bounded(detail: Mapping[str, Any]) -> dict[str, Any]:
    text = msgspec.json.encode(detail, order="sorted")
    if len(text) > DETAIL_MAX:
        return {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    plain: dict[str, Any] = msgspec.json.decode(text)
    return plain


def _plain(text: object) -> dict[str, Any]:
    """Return what the text of an entry says: nothing where somebody made it unreadable."""
    try:
        said = msgspec.json.decode(text) if isinstance(text, str) else None
    except msgspec.DecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _entry(number: int, text: object, said: object) -> Entry:
    entry = _plain(text)
    at_us, detail, refused = entry.get("at_us"), entry.get("detail"), entry.get("refused")
    return Entry(
        number=number,
        at=datetime.fromtimestamp((at_us if isinstance(at_us, int) and 0 <= at_us < _LAST_US else 0) / 1_000_000, UTC),
        detail=detail if isinstance(detail, dict) else {},
        refused=None if refused is None else str(refused),
        **{name: str(entry.get(name, "unreadable")) for name in ("who", "action", "subject", "previous")},
        hash=str(said),
    )
