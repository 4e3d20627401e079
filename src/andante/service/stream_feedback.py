"""Feedback: what a page says on its WebSocket, and what it is answered.

A page reports an outcome with the token that came with the push: the token says which decision it is about, so a page
can report on nothing that it was not shown. ``seen`` moves the mark of what its user has seen.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Struct

from andante.live import admission_shapes as shapes
from andante.service.problem import Problem, of_fault
from andante.service.reading import read
from andante.vocabulary.fault import Fault
from andante.vocabulary.message import OutcomeType

if TYPE_CHECKING:
    from andante.delivery.feed import Feed
    from andante.service.serving import Serving
    from andante.service.stream_lines import Line
    from andante.settings.sections.stream import Stream

SEEN = "seen"

OUTCOMES = frozenset(
    {
        OutcomeType.DELIVERED,
        OutcomeType.OPENED,
        OutcomeType.CLICKED,
        OutcomeType.DISMISSED,
        OutcomeType.NOT_INTERESTED,
        OutcomeType.RATED,
    }
)
"""What a page may report on its line. Leaving and complaining have pages of their own, which ask first."""

_READ = OUTCOMES - {OutcomeType.DELIVERED}
"""Whoever has done this has seen the push."""

_MINUTE_S = 60.0


class Told(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a page says."""

    type: str  # of OUTCOMES, or "seen"
    token: str | None = None  # of the push, for an outcome
    id: Annotated[int, Meta(ge=0, lt=10**18)] | None = None  # of the last push that was seen
    at: Annotated[datetime, Meta(tz=True)] | None = None
    rating: shapes.Rating | None = None
    ref: Annotated[int, Meta(ge=0, lt=2**53)] | None = None  # comes back with the answer


class Heard(Struct, omit_defaults=True):
    """What it is answered: taken, taken before, or refused, and why."""

    ref: int | None = None
    taken: str | None = None
    duplicate: bool = False
    refused: msgspec.Raw | None = None


_TOLD = msgspec.json.Decoder(Told)
_ENCODER = msgspec.json.Encoder()


class Feedback:
    """Takes what pages say."""

    def __init__(self, serving: Serving, feed: Feed, settings: Stream) -> None:
        """Store who learns from it."""
        self._serving, self._feed = serving, feed
        self._per_minute = settings.feedback_per_minute

    async def take(self, line: Line, text: str) -> tuple[bytes, bool]:
        """Return the answer to a message, and whether it was taken."""
        ref: int | None = None
        try:
            self._count(line)
            told = read(text.encode(), _TOLD)
            ref = told.ref
            answer = await (self._see(line, told) if told.type == SEEN else self._observe(line, told))
        except Problem as problem:
            return _refused(problem, ref), False
        except Fault as fault:
            return _refused(of_fault(fault), ref), False
        return answer, True

    async def _see(self, line: Line, told: Told) -> bytes:
        if told.id is None:
            raise Problem(422, "id is missing", action="send the id of the last push that was seen")
        await asyncio.to_thread(self._feed.see, line.user_id, told.id)
        return _ENCODER.encode(Heard(told.ref, SEEN))

    async def _observe(self, line: Line, told: Told) -> bytes:
        if told.type not in OUTCOMES:
            raise Problem(
                403, "a page may not report this", action=f"report one of {', '.join(sorted(OUTCOMES))}, seen"
            )
        decision_id = self._serving.tokens.decision_of(told.token or "")
        outcome: dict[str, Any] = {"decision_id": decision_id, "type": told.type}
        outcome |= {name: value for name in ("at", "rating") if (value := getattr(told, name)) is not None}
        receipt = await self._serving.gathering.observe((outcome,))
        if receipt.rejected:
            rejected = receipt.rejected[0]
            raise Problem(422, f"{rejected.field} {rejected.problem}".strip(), action="report it as it is described")
        if told.type in _READ:
            await asyncio.to_thread(self._feed.see_one, line.user_id, decision_id)
        return _ENCODER.encode(Heard(told.ref, told.type, bool(receipt.duplicates)))

    def _count(self, line: Line) -> None:
        """Raise Problem 429 where a page has said too much within the minute."""
        now_s = asyncio.get_running_loop().time()
        if now_s - line.minute_s >= _MINUTE_S:
            line.minute_s, line.left = now_s, self._per_minute
        if not line.left:
            raise Problem(429, f"more than {self._per_minute} messages in a minute", action="report less")
        line.left -= 1


def _refused(problem: Problem, ref: int | None) -> bytes:
    return _ENCODER.encode(Heard(ref, refused=msgspec.Raw(problem.body(None))))
