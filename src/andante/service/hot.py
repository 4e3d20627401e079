"""The hot routes: decisions. Bytes in, one compiled pass to shapes, the engine, one compiled pass to bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from andante.live import admission_shapes as shapes
from andante.service.bodies import ARROW, JSON, MSGPACK, media_type, wrong_media_type
from andante.service.problem import Problem
from andante.service.reading import IDEMPOTENCY_KEY, idempotency_key, read, require_json
from andante.service.serving import ENCODER, Reply
from andante.service.shapes import Batch, Decisions
from andante.service.tables import decide_table
from andante.vocabulary.fault import Conflict, InputFault

if TYPE_CHECKING:
    from andante.service.serving import Call, Serving

_REQUEST = msgspec.json.Decoder(shapes.Request)
_BATCH = msgspec.json.Decoder(Batch)
_FIRST = "requests[0]."


async def decide(serving: Serving, call: Call) -> Reply:
    """Decide one request. With an Idempotency-Key, the same body gets the first answer again, another body 409."""
    require_json(call.headers)
    request = read(call.body, _REQUEST)
    if IDEMPOTENCY_KEY in call.headers:
        request = _keyed(request, idempotency_key(call.headers))
    try:
        decisions = await serving.gathering.decide((request,))
    except (InputFault, Conflict) as fault:
        raise _of_one(fault) from None
    return Reply(ENCODER.encode(decisions[0]))


async def decide_batch(serving: Serving, call: Call) -> Reply:
    """Decide many requests, all or none: as JSON, or as a table of MessagePack or Arrow, each answered in its kind."""
    kind = media_type(call.headers)
    if kind in {MSGPACK, ARROW}:
        if IDEMPOTENCY_KEY in call.headers:
            raise Problem(400, "a table has no idempotency keys", action="send JSON, or ask the log what was decided")
        return await serving.workers.run(decide_table, serving, call.body, kind)
    if kind != JSON:
        raise wrong_media_type(kind, (JSON, MSGPACK, ARROW))
    requests = read(call.body, _BATCH).requests
    refuse_too_many(len(requests), serving)
    key = idempotency_key(call.headers)
    if key is not None:
        requests = [_keyed(request, f"{key}:{place}") for place, request in enumerate(requests)]
    return Reply(ENCODER.encode(Decisions(await serving.gathering.decide(requests) if requests else [])))


def refuse_too_many(count: int, serving: Serving) -> None:
    """Raise Problem 413 where a call brings more things than one may."""
    if count > serving.settings.batch_max:
        raise Problem(413, f"{count:,} in one call", action=f"send at most {serving.settings.batch_max:,} a call")


def _keyed(request: shapes.Request, key: str | None) -> shapes.Request:
    """Return a request with the key of its call."""
    if request.idempotency_key not in {None, key}:
        problem, action = "is another key than the Idempotency-Key of the call", "send one of them"
        raise InputFault("idempotency_key", request.idempotency_key, problem, action)
    return replace(request, idempotency_key=key)


def _of_one(fault: InputFault | Conflict) -> InputFault | Conflict:
    """Return a fault of a list of one as the fault of that one."""
    kind = Conflict if isinstance(fault, Conflict) else InputFault
    return kind(fault.thing.removeprefix(_FIRST), fault.value, fault.problem, fault.action)
