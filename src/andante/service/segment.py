"""Segment: what its libraries and its webhooks send, as events and preferences.

``track``, ``page`` and ``screen`` become events, by the names of Segment's own e-commerce specification; ``identify``
becomes preferences, where its traits are named as ours are. Whatever else a message holds is left out, unread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from andante.ingest.shapes import EVENT_SHAPES
from andante.live import admission_shapes as shapes
from andante.service.bodies import JSON, media_type, wrong_media_type
from andante.service.hot import refuse_too_many
from andante.service.reading import plain
from andante.service.serving import reply
from andante.service.shapes import SegmentReceipt
from andante.vocabulary.event import EventType
from andante.vocabulary.fault import InputFault
from andante.vocabulary.records import Rejection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from andante.service.serving import Call, Reply, Serving

TYPES: Mapping[str, str] = next(shape for shape in EVENT_SHAPES if shape.name == "segment").types
"""What each of Segment's events is here, by its name in lower case; ours keep their own names."""

TRAITS = tuple(name for name in shapes.Preferences.__struct_fields__ if name != "at")
"""The traits that are read: the names of preferences."""

_TIMES = ("timestamp", "originalTimestamp", "sentAt")
_EVENTS = ("track", "page", "screen")
_VALUES: Mapping[str, tuple[str, ...]] = {
    EventType.PURCHASE: ("revenue", "total", "price", "value"),
    EventType.DWELL: ("value",),
}
"""Where the money of a purchase and the seconds of a dwell stand; elsewhere a price is that of the shelf."""


async def take(serving: Serving, call: Call) -> Reply:
    """Take one message of Segment, or a batch of them."""
    if media_type(call.headers) != JSON:
        raise wrong_media_type(media_type(call.headers), (JSON,))
    given = plain(call.body)
    messages = given.get("batch", [given]) if isinstance(given, dict) else given
    if not isinstance(messages, list):
        raise InputFault("body", type(given).__name__, "is no message of Segment", "send one, or a batch of them")
    refuse_too_many(len(messages), serving)
    rejected: list[Rejection] = []
    preferred = 0
    events: list[dict[str, Any]] = []
    index: list[int] = []
    for place, message in enumerate(messages):
        try:
            if isinstance(message, dict) and message.get("type") == "identify":
                await serving.workers.run(serving.engine.set_preferences, *preferences_of(message))
                preferred += 1
            else:
                events.append(event_of(message))
                index.append(place)
        except InputFault as fault:
            rejected.append(Rejection(index=place, field=fault.thing, problem=f"{fault.problem}: {fault.action}"))
    if not events:
        return reply(SegmentReceipt(preferred, 0, rejected))
    receipt = await serving.gathering.ingest(events)
    moved = [Rejection(index=index[one.index], field=one.field, problem=one.problem) for one in receipt.rejected]
    rejected = sorted(rejected + moved, key=lambda one: one.index)
    return reply(SegmentReceipt(preferred + receipt.accepted, receipt.duplicates, rejected))


def event_of(message: Any) -> dict[str, Any]:
    """Return the event that a track, page or screen is. Raises InputFault for what is none.

    >>> event_of({"type": "track", "event": "Product Added", "userId": "ann", "messageId": "m1",
    ...     "properties": {"product_id": "p1", "price": 9.5}})
    {'user_id': 'ann', 'type': 'cart', 'event_id': 'm1', 'item_id': 'p1'}
    """
    if not isinstance(message, dict) or message.get("type") not in _EVENTS:
        kinds = ", ".join(("identify", *_EVENTS))
        raise InputFault("type", None, "is no kind of message that is taken", f"send {kinds}")
    properties = message.get("properties")
    said = properties if isinstance(properties, dict) else {}
    products = said.get("products")
    product = products[0] if isinstance(products, list) and products and isinstance(products[0], dict) else {}
    kind = _type(message)
    event = {
        "user_id": _user(message),
        "type": kind,
        "event_id": message.get("messageId"),
        "at": _time(message),
        "item_id": _text(_first(said, "product_id", "sku") or _first(product, "product_id", "sku")),
        "category": _text(said.get("category") or product.get("category")),
        "query": _text(said.get("query")),
        "value": _first(said, *_VALUES.get(kind, ())),
    }
    return {name: value for name, value in event.items() if value is not None}


def preferences_of(message: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return who an identify is about, and the preferences among its traits.

    >>> preferences_of({"type": "identify", "userId": "ann", "context": {"timezone": "Asia/Shanghai"},
    ...                 "traits": {"email": "ann@shop.example", "consent": {"push": True}}})
    ('ann', {'consent': {'push': True}, 'time_zone': 'Asia/Shanghai'})
    """
    traits, context = message.get("traits"), message.get("context")
    said = {name: traits[name] for name in TRAITS if name in traits} if isinstance(traits, dict) else {}
    zone = context.get("timezone") if isinstance(context, dict) else None
    if isinstance(zone, str) and zone:
        said.setdefault("time_zone", zone)
    at = _time(message)
    return _user(message), said if at is None else said | {"at": at}


def _user(message: Mapping[str, Any]) -> str:
    user_id = message.get("userId")
    if not isinstance(user_id, str) or not user_id:
        raise InputFault("userId", None, "is missing", "identify the user first: visitors without a name are not kept")
    return user_id


def _type(message: Mapping[str, Any]) -> str:
    name = str(message.get("event", "") if message["type"] == "track" else message["type"])
    found = TYPES.get(name.lower()) or (name if name in set(EventType) else None)
    if found is None:
        action = "name it as Segment's e-commerce specification does, or as one of ours"
        raise InputFault("event", None, "is no event that is known", action)
    return str(found)


def _time(message: Mapping[str, Any]) -> Any:
    return _first(message, *_TIMES)


def _first(said: Mapping[str, Any], *names: str) -> Any:
    return next((said[name] for name in names if said.get(name) is not None), None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)[: shapes.TEXT_MAX]
