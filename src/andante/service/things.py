"""Things: events and outcomes, one, a list, or a line each. What cannot be taken is rejected by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from andante.live import admission_shapes as shapes
from andante.live.observing import OTHER_BODY
from andante.service.bodies import JSON, NDJSON, UNREADABLE, media_type, unreadable, wrong_media_type
from andante.service.hot import refuse_too_many
from andante.service.problem import Problem
from andante.service.reading import idempotency_key, plain, read, require_json
from andante.service.serving import reply
from andante.service.shapes import PageOutcome
from andante.vocabulary.fault import Conflict, InputFault
from andante.vocabulary.message import OutcomeType
from andante.vocabulary.records import Receipt, Rejection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andante.service.serving import Call, Reply, Serving

_EVENT, _EVENTS = msgspec.json.Decoder(shapes.Event), msgspec.json.Decoder(list[shapes.Event])
_OUTCOME, _OUTCOMES = msgspec.json.Decoder(shapes.Outcome), msgspec.json.Decoder(list[shapes.Outcome])
_PAGE = msgspec.json.Decoder(PageOutcome)
_NO_LINE = "is no JSON: write one object a line"

FROM_PAGES = frozenset(OutcomeType) - {OutcomeType.CONVERTED}
"""What a page may report by itself: a shopper could make up that money was spent."""


class Things(NamedTuple):
    """What a call brought."""

    items: Sequence[Any]  # in their shape, or plain where they have another
    places: Sequence[int] | None  # where each stood, where that is not its place
    rejected: tuple[Rejection, ...]  # what is no JSON at all
    alone: bool  # one thing, not a list


async def ingest(serving: Serving, call: Call) -> Reply:
    """Learn what users did. With an Idempotency-Key, an event without an ``event_id`` takes the key for one."""
    things = _read(call, _EVENT, _EVENTS)
    refuse_too_many(len(things.items), serving)
    key = idempotency_key(call.headers)
    if key is not None:
        things = things._replace(items=_keyed(things, key))
    receipt = _whole(await serving.gathering.ingest(things.items), things)
    if things.alone and receipt.rejected and receipt.rejected[0].problem == OTHER_BODY:
        raise Conflict("event_id", key, OTHER_BODY, "repeat the first body, or take a new id for a new event")
    return reply(receipt)


async def observe(serving: Serving, call: Call) -> Reply:
    """Learn what came of decisions. Each type counts once a decision, so a repetition is a duplicate."""
    idempotency_key(call.headers)
    if call.caller is None:
        return reply(await serving.gathering.observe((_from_page(serving, call),)))
    things = _read(call, _OUTCOME, _OUTCOMES)
    refuse_too_many(len(things.items), serving)
    return reply(_whole(await serving.gathering.observe(things.items), things))


def token_in(query: bytes) -> str | None:
    """Return the token of a call that brings one in its URL."""
    return next(iter(parse_qs(query.decode("latin-1")).get("token", ())), None) if b"token=" in query else None


def _from_page(serving: Serving, call: Call) -> dict[str, Any]:
    """Return the outcome that a page tells of; its token says of which decision."""
    decision_id = serving.tokens.decision_of(token_in(call.query) or "")
    require_json(call.headers)
    told = read(call.body, _PAGE)
    if told.decision_id not in {None, decision_id}:
        raise Problem(403, "the token is of another decision", action="send the token that came with the push")
    if told.type not in FROM_PAGES:
        raise Problem(403, "a page may not report this", action=f"report one of {', '.join(sorted(FROM_PAGES))}")
    told.decision_id = decision_id
    return {name: value for name, value in msgspec.structs.asdict(told).items() if value is not None}


def _read(call: Call, one: msgspec.json.Decoder[Any], many: msgspec.json.Decoder[Any]) -> Things:
    """Return what a call brought: strict shapes where all of it has them, else plain things for the engine to judge."""
    kind = media_type(call.headers)
    if kind == NDJSON:
        return _lines(call.body, one)
    if kind != JSON:
        raise wrong_media_type(kind, (JSON, NDJSON))
    is_list = call.body.lstrip()[:1] == b"["
    try:
        found = (many if is_list else one).decode(call.body)
    except msgspec.ValidationError:
        found = plain(call.body)
    except UNREADABLE as error:
        raise unreadable(error) from None
    if not is_list and not isinstance(found, Struct | dict):
        raise InputFault("body", type(found).__name__, "is no object and no list", "send one object, or a list of them")
    return Things(found if is_list else [found], None, (), alone=not is_list)


def _lines(body: bytes, one: msgspec.json.Decoder[Any]) -> Things:
    """Return what stands on each line; an index is the line's number, from 0."""
    items: list[Any] = []
    index: list[int] = []
    rejected: list[Rejection] = []
    for number, line in enumerate(body.split(b"\n")):
        if not line.strip():
            continue
        try:
            items.append(_line(line, one))
            index.append(number)
        except UNREADABLE:
            rejected.append(Rejection(index=number, field="", problem=_NO_LINE))
    return Things(items, index, tuple(rejected), alone=False)


def _line(line: bytes, one: msgspec.json.Decoder[Any]) -> Any:
    try:
        return one.decode(line)
    except msgspec.ValidationError:
        return msgspec.json.decode(line)


def _keyed(things: Things, key: str) -> list[Any]:
    """Return events with ids: the call's key, and the place in it where there are many."""
    return [_with_id(item, key if things.alone else f"{key}:{place}") for place, item in enumerate(things.items)]


def _with_id(event: Any, event_id: str) -> Any:
    if isinstance(event, shapes.Event):
        return event if event.event_id is not None else msgspec.structs.replace(event, event_id=event_id)
    return {"event_id": event_id} | event if isinstance(event, dict) else event


def _whole(receipt: Receipt, things: Things) -> Receipt:
    """Return a receipt that counts as the caller counted."""
    if things.places is None:
        return receipt
    places = things.places
    moved = [msgspec.structs.replace(one, index=places[one.index]) for one in receipt.rejected]
    rejected = sorted((*moved, *things.rejected), key=lambda one: one.index)
    return Receipt(accepted=receipt.accepted, duplicates=receipt.duplicates, rejected=tuple(rejected))
