"""The door of lines: which pages may open one, for whom, and how many are open."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

from andante.service.keys import host_name
from andante.service.problem import Problem, overloaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from andante.service.serving import Serving
    from andante.service.tickets import Tickets
    from andante.settings.sections.stream import Stream

_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
_ID_DIGITS_MAX = 18


class Visitor(NamedTuple):
    """Whose line is opened, and from after which entry of the feed."""

    user_id: str
    after: int


class Door:
    """Lets pages in, each line after its checks, in an order that gives a stranger nothing."""

    def __init__(self, serving: Serving, tickets: Tickets, settings: Stream) -> None:
        """Store who may come."""
        self._serving, self._tickets, self._settings = serving, tickets, settings
        self._origins = frozenset(_origins(serving.settings.cors_origins, serving.settings.public_url))
        self._inside: Counter[str] = Counter()
        self.count = 0

    def enter(self, headers: Mapping[bytes, bytes], query: bytes, *, needs_origin: bool) -> Visitor:
        """Return who enters; the caller says :meth:`leave` in the end.

        Raises Problem 503 while the server ends or has no room, 403 for a page of another origin, 401 for a ticket
        that does not hold, 429 for a user with too many lines.
        """
        if self._serving.health.draining:
            raise overloaded("this server is ending")
        self._refuse_strangers(headers, needs_origin=needs_origin)
        asked = parse_qs(query.decode("latin-1"))
        opened = self._tickets.read(asked.get("ticket", [""])[0])
        after = max(
            _number(asked.get("after", ["0"])[0]), _number(headers.get(b"last-event-id", b"0").decode("latin-1"))
        )
        if self.count >= self._settings.lines_max:
            raise overloaded(f"{self.count} lines are open")
        if self._inside[opened.user_id] >= self._settings.lines_per_user_max:
            raise Problem(
                429, f"{self._inside[opened.user_id]} lines of this user are open", action="close one", headers=_LATER
            )
        self._tickets.use(opened)
        self._inside[opened.user_id] += 1
        self.count += 1
        return Visitor(opened.user_id, after)

    def leave(self, visitor: Visitor) -> None:
        """Say that a line has ended."""
        self.count -= 1
        self._inside[visitor.user_id] -= 1
        if not self._inside[visitor.user_id]:
            del self._inside[visitor.user_id]

    def _refuse_strangers(self, headers: Mapping[bytes, bytes], *, needs_origin: bool) -> None:
        """Raise Problem 403 for a page that is not one of ours: no browser asks before it opens a WebSocket."""
        origin = headers.get(b"origin")
        if (origin is None and not needs_origin) or origin in self._origins:
            return
        host = headers.get(b"host", b"")
        ours = not self._serving.keyring.locks and host_name(host.decode("latin-1")) in _LOOPBACK
        if not ours or origin != b"http://" + host:
            raise Problem(
                403,
                "a line is opened by a page of a known origin",
                action="add it to service.cors_origins, if it is yours",
            )


def _origins(configured: tuple[str, ...], public_url: str | None) -> list[bytes]:
    origins = [origin.encode() for origin in configured]
    if public_url is not None:
        parts = urlsplit(public_url)
        origins.append(f"{parts.scheme}://{parts.netloc}".encode())
    return origins


def _number(said: str) -> int:
    """Return the id of an entry. Raises Problem 400 for what is none."""
    if not said.isascii() or not said.isdigit() or len(said) > _ID_DIGITS_MAX:
        raise Problem(400, "the last id is no id of this feed", action="send the id of the last push, or nothing")
    return int(said)


_LATER = {"retry-after": "5"}
