"""Complaints: what shoppers say of pushes, what they are answered, and where each of them stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from andante.operators.audit import named
from andante.vocabulary.fault import Conflict, InputFault
from andante.vocabulary.records import Record

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from andante.operators.audit import Audit
    from andante.operators.database import Database
    from andante.settings.sections.operators import OperatorSettings

Status = Literal["open", "answered", "closed"]

TEXT_MAX, CONTACT_MAX = 4_000, 320

_COLUMNS = "id, user_id, text, contact, status, opened_us, answer, answered_by, answered_us, closed_by, closed_us"
_ONE = f"SELECT {_COLUMNS} FROM complaints WHERE id = ?"
_OF_USER = f"SELECT {_COLUMNS} FROM complaints WHERE user_id = ? ORDER BY id DESC"
_LISTED = f"""SELECT {_COLUMNS} FROM complaints
WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3"""
_WAITING = "SELECT count(*) FROM complaints WHERE user_id = ? AND status = 'open'"
_OPEN = "INSERT INTO complaints (user_id, text, contact, status, opened_us) VALUES (?, ?, ?, 'open', ?) RETURNING id"
_ANSWER = "UPDATE complaints SET status = 'answered', answer = ?, answered_by = ?, answered_us = ? WHERE id = ?"
_CLOSE = "UPDATE complaints SET status = 'closed', closed_by = ?, closed_us = ? WHERE id = ?"


class Complaint(Record, frozen=True, omit_defaults=False):
    """What a shopper said, and what became of it."""

    id: int
    user_id: str
    text: str
    contact: str | None  # where they want the answer, beside their own page
    status: Status
    opened_at: datetime
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None


class Complaints:
    """The complaints of the books."""

    def __init__(self, database: Database, audit: Audit, now_us: Callable[[], int], settings: OperatorSettings) -> None:
        """Store where they are kept."""
        self._database, self._audit, self._now_us = database, audit, now_us
        self._open_max = settings.complaints_open_max

    def open(self, user_id: str, text: str, contact: str | None = None) -> Complaint:
        """Take down what a shopper says. Raises InputFault for nothing, for too much, and for too many that wait."""
        said, reached = _text("complaint", text), _contact(contact)
        with self._database.transaction() as connection:
            (waiting,) = connection.execute(_WAITING, (user_id,)).fetchone()
            if waiting >= self._open_max:
                action = "wait for an answer; it comes here"
                raise InputFault("complaint", None, f"would be one more than the {self._open_max} that wait", action)
            ((number,),) = connection.execute(_OPEN, (user_id, said, reached, self._now_us())).fetchall()
            return _read(connection, number)

    def answer(self, who: str, number: int, text: str) -> Complaint:
        """Answer one; an answer may be mended until it is closed. Raises InputFault for none, Conflict when closed."""
        with self._audit.act(who, "complaint.answer", f"complaint:{number}") as act:
            found = _read(act.connection, number)
            if found.status == "closed":
                raise Conflict("complaint", number, "is closed", "open a new one")
            act.detail = {"user": self._audit.person(found.user_id)}
            act.connection.execute(_ANSWER, (_text("answer", text), named(who), self._now_us(), number))
            return _read(act.connection, number)

    def close(self, who: str, number: int) -> Complaint:
        """Close one, answered or not. Raises InputFault for none, Conflict where it is closed."""
        with self._audit.act(who, "complaint.close", f"complaint:{number}") as act:
            found = _read(act.connection, number)
            if found.status == "closed":
                raise Conflict("complaint", number, "is closed", "nothing more is to be done")
            act.detail = {"user": self._audit.person(found.user_id), "was": found.status}
            act.connection.execute(_CLOSE, (named(who), self._now_us(), number))
            return _read(act.connection, number)

    def of(self, number: int) -> Complaint:
        """Return one. Raises InputFault for none."""
        rows = self._database.rows(_ONE, (number,))
        return _complaint(rows[0]) if rows else _unknown(number)

    def of_user(self, user_id: str) -> list[Complaint]:
        """Return a shopper's own, the latest first."""
        return [_complaint(row) for row in self._database.rows(_OF_USER, (user_id,))]

    def listed(self, status: Status | None = None, before: int | None = None, limit: int = 100) -> list[Complaint]:
        """Return complaints, the latest first: those of a status or all, before an id."""
        return [_complaint(row) for row in self._database.rows(_LISTED, (status, before, max(1, min(limit, 1000))))]

    def forget(self, connection: sqlite3.Connection, user_id: str) -> int:
        """Delete a shopper's complaints within the caller's transaction; return how many there were."""
        return connection.execute("DELETE FROM complaints WHERE user_id = ?", (user_id,)).rowcount


def _read(connection: sqlite3.Connection, number: int) -> Complaint:
    row = connection.execute(_ONE, (number,)).fetchone()
    return _complaint(row) if row else _unknown(number)


def _unknown(number: int) -> Complaint:
    raise InputFault("complaint", number, "is in no book", "look at the list of complaints")


def _complaint(row: tuple[object, ...]) -> Complaint:
    names = ("id", "user_id", "text", "contact", "status", "opened_at", "answer", "answered_by", "answered_at")
    fields = dict(zip((*names, "closed_by", "closed_at"), row, strict=True))
    for name in ("opened_at", "answered_at", "closed_at"):
        fields[name] = _at(fields[name])
    return Complaint(**fields)  # type: ignore[arg-type]


def _at(us: object) -> datetime | None:
    return datetime.fromtimestamp(us / 1_000_000, UTC) if isinstance(us, int) else None


def _text(thing: str, text: str) -> str:
    said = text.strip()
    if not said or len(said) > TEXT_MAX:
        raise InputFault(thing, None, "says nothing, or is too long", f"write 1 to {TEXT_MAX} letters")
    _refuse_surrogates(thing, said)
    return said


def _contact(contact: str | None) -> str | None:
    said = (contact or "").strip()
    if len(said) > CONTACT_MAX:
        raise InputFault("contact", None, "is too long", f"write at most {CONTACT_MAX} letters")
    _refuse_surrogates("contact", said)
    return said or None


def _refuse_surrogates(thing: str, said: str) -> None:
    try:
        said.encode()
    except UnicodeEncodeError:
        raise InputFault(thing, None, "is not text that UTF-8 can carry", "send well-formed Unicode") from None
