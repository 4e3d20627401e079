"""Routes of a demonstration: its speed, for whoever watches, and what the shoppers' process asks and says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta, Struct

from andante.demonstration.clock import SPEED_MAX
from andante.demonstration.door import PUSHES, WORDS, News, Push
from andante.demonstration.planning import terms_of
from andante.live.instants import MICROSECONDS
from andante.service.bodies import JSON
from andante.service.keys import is_loopback
from andante.service.problem import Problem
from andante.service.reading import read, require_json
from andante.service.routes import Route
from andante.service.serving import reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from andante.demonstration.clock import DemoClock
    from andante.live.sends import Sends
    from andante.service.serving import Call, Reply, Serving
    from andante.settings import Settings

SPEED = "/demo/speed"

LEAST_AHEAD_S = 60
"""How far the clock may be ahead of what the shoppers have told, beside what passes while they look elsewhere."""

ELSEWHERE_S = 1.5
"""How long they may look elsewhere before the clock waits for them, in seconds of the wall."""

_SCOPE = "admin"
_INTEGER = {"type": "integer"}


class Said(Struct, frozen=True):
    """How fast the demonstration runs, and what time it is in it."""

    speed: float
    now: datetime


class NewSpeed(Struct, frozen=True, forbid_unknown_fields=True):
    """How fast it shall run from here on."""

    speed: Annotated[float, Meta(ge=0, le=SPEED_MAX)]


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """A complaint in words."""

    user_id: Annotated[str, Meta(min_length=1, max_length=512)]
    text: Annotated[str, Meta(min_length=1, max_length=2000)]


class Heard(Struct, frozen=True):
    """What became of a complaint."""

    taken: bool


class Log(Protocol):
    """An engine, as these routes need it."""

    @property
    def position(self) -> int:
        """The last position of its log."""
        ...

    @property
    def settings(self) -> Settings:
        """What holds now."""
        ...

    def sends(self, after: int) -> Sends:
        """Return what goes out after a position."""
        ...


class Complaints(Protocol):
    """Who takes complaints in words. It may block."""

    def open(self, user_id: str, text: str) -> Any:
        """Take one down."""
        ...


_SPEED = msgspec.json.Decoder(NewSpeed)
_WORDS = msgspec.json.Decoder(Words)


class Steering:
    """Answers these routes. All of them are for this machine alone, whatever keys there are."""

    def __init__(
        self, clock: DemoClock, log: Log, keep: Callable[[int], None], complaints: Complaints | None = None
    ) -> None:
        """Store the clock that they set, the log that they read, and who reads complaints, if anybody does.

        ``keep`` writes down a moment that the clock does not pass before it is called again.
        """
        self._clock, self._log, self._keep, self._complaints = clock, log, keep, complaints
        self._kept_us = 0

    def routes(self) -> list[Route]:
        """Return them, as the server describes and guards its own."""
        query = {"after": _INTEGER, "told": _INTEGER}
        told = [Route("POST", WORDS, self.complain, _SCOPE, Heard, {JSON: Words})] if self._complaints else []
        return [
            Route("GET", SPEED, self.tell_speed, _SCOPE, Said),
            Route("PUT", SPEED, self.set_speed, _SCOPE, Said, {JSON: NewSpeed}),
            Route("GET", PUSHES, self.tell_pushes, _SCOPE, News, query=query),
            *told,
        ]

    async def tell_speed(self, serving: Serving, call: Call) -> Reply:  # noqa: ARG002  every handler is given both
        """Tell how fast the demonstration runs, and what time it is in it."""
        _here(call)
        return self._said()

    async def set_speed(self, serving: Serving, call: Call) -> Reply:  # noqa: ARG002
        """Let the demonstration run at another speed, in seconds of it for one of the wall; 0 pauses it."""
        _here(call)
        require_json(call.headers)
        self._clock.run_at(read(call.body, _SPEED).speed)
        return self._said()

    async def tell_pushes(self, serving: Serving, call: Call) -> Reply:
        """Tell the shoppers what went out, and let the clock go on from what they have told."""
        _here(call)
        asked = parse_qs(call.query.decode("latin-1"))
        after, told_us = _number(asked, "after"), _number(asked, "told")
        return reply(await serving.workers.run(self._news, after, told_us))

    async def complain(self, serving: Serving, call: Call) -> Reply:
        """Take a shopper's complaint in words."""
        _here(call)
        require_json(call.headers)
        words = read(call.body, _WORDS)
        if self._complaints is None:
            raise Problem(404, "nobody takes complaints here")
        await serving.workers.run(self._complaints.open, words.user_id, words.text)
        return reply(Heard(taken=True))

    def _news(self, after: int, told_us: int) -> News:
        """Return what went out after a position; from below 0, nothing but where the log is."""
        self._allow(told_us)
        terms = terms_of(self._log.settings)
        if after < 0:
            return News(self._clock.now_us(), self._clock.speed, self._log.position, [], terms)
        found = self._log.sends(after)
        pushes = [
            Push(
                send.decision_id,
                send.user_id,
                send.candidate.candidate_id,
                send.candidate.category,
                send.sent_at_s,
                send.candidate.campaign_id or "",
            )
            for send in found.sends
        ]
        return News(self._clock.now_us(), self._clock.speed, found.position, pushes, terms)

    def _allow(self, told_us: int) -> None:
        """Let the clock go on a little beyond what was told, having written down that it may have come that far."""
        speed = self._clock.speed
        until_us = told_us + int((LEAST_AHEAD_S + ELSEWHERE_S * speed) * MICROSECONDS)
        if until_us > self._kept_us:
            kept_us = until_us + int(speed * MICROSECONDS)  # so that once a second is often enough
            self._keep(kept_us)
            self._kept_us = kept_us
        self._clock.allow(until_us)

    def _said(self) -> Reply:
        now_us = self._clock.now_us()
        return reply(Said(self._clock.speed, datetime.fromtimestamp(now_us // MICROSECONDS, UTC)))


def _here(call: Call) -> None:
    if not is_loopback(call.address):
        raise Problem(403, "a demonstration is steered from its own machine", action="call 127.0.0.1 there")


def _number(asked: dict[str, list[str]], name: str) -> int:
    said = asked.get(name, [""])[0]
    try:
        return int(said[:19])
    except ValueError:
        raise Problem(400, f"{name} is no whole number", action="write digits") from None
