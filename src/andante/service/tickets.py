"""Tickets: what a page opens its line with. A shop's server asks for one, and its page brings it, once and soon.

A page cannot keep an API key, and a browser sends no headers with a WebSocket or an event stream; so a ticket stands in
the URL. It is signed, says whose line it opens, ends within a minute and works once. It is signed with a secret of this
process: after a restart no ticket from before works, so none can work twice, and a page simply asks for another.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Struct
from msgspec.json import Decoder

from andante.live import admission_shapes as shapes
from andante.service.problem import Problem, overloaded
from andante.service.reading import read, require_json
from andante.service.serving import reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from andante.service.serving import Call, Reply, Serving

TICKET_MAX = 1024
"""The longest ticket that is looked at."""

USED_MAX = 200_000
"""How many used tickets are remembered: more lines than that are not opened within a ticket's life."""

_SALT, _NONCE_BYTES = "andante.ticket.1", 12


class NewTicket(Struct, forbid_unknown_fields=True):
    """Whose line is to be opened."""

    user_id: shapes.Id


class GivenTicket(Struct):
    """A ticket: append it to the URL of a line as ``?ticket=``."""

    ticket: str
    expires_in_s: int


class Opened(NamedTuple):
    """What a ticket says."""

    user_id: str
    nonce: str
    ends_s: float


_NEW = Decoder(NewTicket)


class Tickets:
    """Makes tickets, and takes each once."""

    def __init__(self, life: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        """Store how long a ticket lasts, and the clock: seconds that only rise."""
        self._signer = URLSafeSerializer(secrets.token_bytes(32), salt=_SALT)
        self._life_s, self._clock = life.total_seconds(), clock
        self._used: dict[str, float] = {}
        self._ending: deque[tuple[float, str]] = deque()

    def make(self, user_id: str) -> GivenTicket:
        """Return a ticket for one line of a user."""
        said = [user_id, secrets.token_urlsafe(_NONCE_BYTES), self._clock() + self._life_s]
        return GivenTicket(str(self._signer.dumps(said)), int(self._life_s))

    def read(self, ticket: str) -> Opened:
        """Return what a ticket says. Raises Problem 401 where it was not made here, is over, or was used."""
        try:
            said = self._signer.loads(ticket) if len(ticket) <= TICKET_MAX else None
        except BadSignature:
            said = None
        if said is None:
            raise _no("was not made here, or is damaged")
        opened = Opened(*said)
        if opened.ends_s <= self._clock():
            raise _no("is over")
        if opened.nonce in self._used:
            raise _no("was used")
        return opened

    def use(self, opened: Opened) -> None:
        """Remember that a ticket was used, for as long as it would last."""
        now_s = self._clock()
        while self._ending and self._ending[0][0] <= now_s:
            self._used.pop(self._ending.popleft()[1], None)
        if len(self._used) >= USED_MAX:
            raise overloaded("too many lines were opened just now")
        self._used[opened.nonce] = opened.ends_s
        self._ending.append((now_s + self._life_s, opened.nonce))

    async def give(self, serving: Serving, call: Call) -> Reply:  # noqa: ARG002  every handler is given both
        """Make a ticket with which one page of a user opens its line."""
        require_json(call.headers)
        return reply(self.make(read(call.body, _NEW).user_id))


def _no(problem: str) -> Problem:
    return Problem(401, f"the ticket {problem}", action="let the shop's server ask for another: POST /v1/tickets")
