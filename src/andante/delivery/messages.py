"""Messages: what a push says, by campaign or by candidate. Every version is kept, so that a push can be explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from andante.delivery.database import Database
    from andante.vocabulary.records import Candidate

Kind = Literal["candidate", "campaign"]

BODY_BYTES_MAX = 65_536

_PUT = """INSERT INTO messages
SELECT ?1, ?2, coalesce(max(version), 0) + 1, ?3, ?4 FROM messages WHERE kind = ?1 AND name = ?2
RETURNING version"""
_LATEST = "SELECT version, body FROM messages WHERE kind = ? AND name = ? ORDER BY version DESC LIMIT 1"
_LIST = "SELECT kind, name, max(version), body FROM messages GROUP BY kind, name ORDER BY kind, name"


class Message(NamedTuple):
    """A template, as it was given; what its fields mean is the renderer's business."""

    kind: str
    name: str  # the candidate's or the campaign's id
    version: int
    body: dict[str, Any]


class Messages:
    """The messages of an outbox."""

    def __init__(self, database: Database) -> None:
        """Store where they are kept."""
        self._database = database

    def put(self, kind: Kind, name: str, body: Mapping[str, Any], now_us: int) -> int:
        """Take down what pushes of this candidate or campaign say from here on; return the version.

        The same body again is the same version. Raises InputFault for one that is empty or too long.
        """
        text = msgspec.json.encode(body, order="sorted").decode()
        if not body or len(text) > BODY_BYTES_MAX:
            raise InputFault(
                f"message of {kind} {name}",
                f"{len(text)} characters",
                f"is empty, or longer than {BODY_BYTES_MAX}",
                "give a title at least, and keep images behind their addresses",
            )
        with self._database.transaction() as connection:
            known = connection.execute(_LATEST, (kind, name)).fetchone()
            if known is not None and known[1] == text:
                return int(known[0])
            ((version,),) = connection.execute(_PUT, (kind, name, text, now_us)).fetchall()
            return int(version)

    def of(self, candidate: Candidate) -> Message | None:
        """Return what a push of this candidate says: its own message, else its campaign's, else None."""
        names = (("candidate", candidate.candidate_id), ("campaign", candidate.campaign_id))
        for kind, name in names:
            if name is not None and (rows := self._database.rows(_LATEST, (kind, name))):
                version, body = rows[0]
                return Message(kind, name, version, msgspec.json.decode(body))
        return None

    def listed(self) -> list[Message]:
        """Return the latest version of every message."""
        rows = self._database.rows(_LIST)
        return [Message(kind, name, version, msgspec.json.decode(body)) for kind, name, version, body in rows]
