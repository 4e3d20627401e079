"""The sends of a log, as whoever delivers them reads them: a "send" decision is its own outbox row."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from andante.live.digests import digested, riders
from andante.vocabulary.reason import Action
from andante.vocabulary.records import Candidate, Record

if TYPE_CHECKING:
    from collections.abc import Collection

    from andante.live.desk import Desk
    from andante.stores.contract import Row

SENDS_AT_ONCE = 1_000
_SEND = int(Action.SEND)


class Send(Record, frozen=True):
    """A push that goes out."""

    position: int  # in the log: one position, one send
    decision_id: str
    user_id: str
    candidate: Candidate
    sent_at_s: int  # when it was decided, and counted in every cap; whole seconds UTC
    transactional: bool = False
    riders: tuple[Candidate, ...] = ()  # of a digest: what waited too, and is listed in this push


class Sends(NamedTuple):
    """Some sends, and how far the log was read for them."""

    sends: list[Send]
    damaged: list[tuple[int, str]]  # (position, problem) of sends that nobody can read
    position: int  # the log was read up to and including this one


class _Decided(msgspec.Struct):
    chosen: int
    send_at_s: int


class _Judged(msgspec.Struct):
    index: float | None = None  # null where a rule refused


class _Body(msgspec.Struct):
    candidates: tuple[Candidate, ...]
    decision: _Decided
    verdicts: tuple[_Judged, ...]
    origins: tuple[int, ...] = ()


_BODY = msgspec.json.Decoder(_Body)


def sends_after(desk: Desk, after: int, most: int = SENDS_AT_ONCE) -> Sends:
    """Return what goes out after a position of the log, in order: about ``most`` of it, of a log that may go on."""
    settings = desk.settings.categories
    transactional = {name for name, category in settings.items() if category.transactional}
    categories = digested(settings)
    found = Sends([], [], after)
    for rows in desk.store.read(after):
        for row in rows:
            if row.action == _SEND:
                try:
                    found.sends.append(_send(desk, row, transactional, categories))
                except (msgspec.DecodeError, IndexError) as error:
                    found.damaged.append((row.position, str(error)))
        found = found._replace(position=rows[-1].position)
        if len(found.sends) >= most:
            break
    return found


def _send(desk: Desk, row: Row, transactional: Collection[str], categories: Collection[str]) -> Send:
    body = _BODY.decode(row.body)
    candidate = body.candidates[body.decision.chosen]
    along = riders(
        body.candidates,
        body.decision.chosen,
        [nan if verdict.index is None else verdict.index for verdict in body.verdicts],
        body.origins,
        categories,
    )
    return Send(
        position=row.position,
        decision_id=f"{desk.log_name}-{row.position:x}-{row.user:x}",
        user_id=desk.population.ids[row.user],
        candidate=candidate,
        sent_at_s=body.decision.send_at_s,
        transactional=candidate.category in transactional,
        riders=tuple(body.candidates[place] for place in along),
    )
