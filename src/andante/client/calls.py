"""Calls: what goes over the line for each thing that can be asked, and how its answer is read. No line is touched here.

Both clients make the same calls, so that they differ in waiting alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from andante.client.faults import fault_of
from andante.vocabulary.records import Decision, Event, Outcome, PlanEntry, Preferences, Receipt, Request

Answer = TypeVar("Answer")
Item = TypeVar("Item")

Asked: TypeAlias = Request | Mapping[str, Any]
Happened: TypeAlias = Event | Mapping[str, Any]
Came: TypeAlias = Outcome | Mapping[str, Any]

JSON, NDJSON, MSGPACK = "application/json", "application/x-ndjson", "application/msgpack"
OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One call of HTTP."""

    method: str
    path: str
    shape: Any  # of the answer: Answer, as a type that msgspec reads
    content: bytes = b""
    media_type: str = JSON
    key: str | None = None  # idempotency key
    repeats: bool = True  # it may be made again, though it may have been done already

    @property
    def headers(self) -> dict[str, str]:
        """What goes along with the body."""
        headers = {"accept": self.media_type if self.media_type != NDJSON else JSON}
        if self.content:
            headers["content-type"] = self.media_type
        return headers if self.key is None else {**headers, "idempotency-key": self.key}

    def read(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the answer. Raises the fault that another status is."""
        if status not in OK:
            raise fault_of(f"{self.method} {self.path}", status, headers, body)
        decode = msgspec.msgpack.decode if self.media_type == MSGPACK else msgspec.json.decode
        try:
            answer: Answer = decode(body, type=self.shape)
        except msgspec.ValidationError:  # a newer service may say more than we know
            answer = msgspec.convert(_known(decode(body), self.shape), self.shape, strict=False)
        return answer


class _Decisions(msgspec.Struct):
    decisions: list[Decision]


class _Switched(msgspec.Struct):
    policy_version: str


class _Message(msgspec.Struct):
    version: int


class _Address(msgspec.Struct):
    address_id: str


def decide(request: Asked, key: str) -> Call[Decision]:
    """Ask about one request; a request's own key is kept."""
    own = _own_key(request)
    return Call("POST", "/v1/decisions", Decision, _json(request), key=own or key)


def decide_many(requests: Sequence[Asked], key: str) -> Call[_Decisions]:
    """Ask about several requests; each gets a key of its own where it has none."""
    keyed = [_keyed(request, f"{key}:{place}") for place, request in enumerate(requests)]
    return Call("POST", "/v1/decisions/batch", _Decisions, _json({"requests": keyed}))


def decide_columns(columns: Mapping[str, Any]) -> Call[dict[str, list[Any]]]:
    """Ask about a table. It has no keys, so it is not asked again where it may have been decided."""
    lists = {name: column.tolist() if hasattr(column, "tolist") else column for name, column in columns.items()}
    body = msgspec.msgpack.encode(lists)
    return Call("POST", "/v1/decisions/batch", dict[str, list[Any]], body, MSGPACK, repeats=False)


def ingest(events: Sequence[Happened], key: str) -> Call[Receipt]:
    """Tell what users did; events without an id take one from the key."""
    return Call("POST", "/v1/events", Receipt, _json(events), key=key)


def ingest_lines(events: Sequence[Happened], key: str) -> Call[Receipt]:
    """Tell the same as lines of JSON."""
    return Call("POST", "/v1/events", Receipt, b"\n".join(map(_json, events)), NDJSON, key=key)


def observe(outcomes: Sequence[Came]) -> Call[Receipt]:
    """Tell what came of decisions. Each type counts once a decision, so it may be told again."""
    return Call("POST", "/v1/outcomes", Receipt, _json(outcomes))


def set_preferences(user_id: str, preferences: Preferences | Mapping[str, Any]) -> Call[dict[str, bool]]:
    """Tell what a user wants."""
    return Call("PUT", f"{_user(user_id)}/preferences", dict[str, bool], _json(preferences))


def publish(plan: Iterable[PlanEntry | Mapping[str, Any]], theta: float | None) -> Call[Receipt]:
    """Hand over what the slow clock planned."""
    body = {"plan": list(plan)} | ({} if theta is None else {"theta": theta})
    return Call("POST", "/v1/plan", Receipt, _json(body))


def switch(scope: str, *, on: bool) -> Call[_Switched]:
    """Throw the kill switch, or lift it."""
    return Call("POST", "/v1/switch", _Switched, _json({"scope": scope, "on": on}))


def put_message(message_id: str, message: Mapping[str, Any], kind: str) -> Call[_Message]:
    """Tell what pushes of a candidate or a campaign say from here on."""
    path = f"/v1/messages/{quote(message_id, safe='')}"
    return Call("PUT", path, _Message, _json({"message": message, "kind": kind}))


def put_address(user_id: str, channel: str, provider: str, value: Mapping[str, Any]) -> Call[_Address]:
    """Tell where a user can be reached."""
    body = {"channel": channel, "provider": provider, "value": value}
    return Call("PUT", f"{_user(user_id)}/addresses", _Address, _json(body))


def user(user_id: str) -> Call[dict[str, Any]]:
    """Ask what is known of a user."""
    return Call("GET", _user(user_id), dict[str, Any])


def explain(user_id: str) -> Call[dict[str, Any]]:
    """Ask why."""
    return Call("GET", f"{_user(user_id)}/explanation", dict[str, Any])


def export(user_id: str) -> Call[dict[str, Any]]:
    """Ask for all that is held of a user."""
    return Call("GET", f"{_user(user_id)}/export", dict[str, Any])


def erase(user_id: str) -> Call[dict[str, Any]]:
    """Erase a user. The receipt is given once, so it is not asked again where it may have been done."""
    return Call("DELETE", _user(user_id), dict[str, Any], repeats=False)


def parts(items: Iterable[Item], at_once: int) -> Iterator[list[Item]]:
    """Yield items in lists of so many.

    >>> list(parts(range(5), 2))
    [[0, 1], [2, 3], [4]]
    """
    rest = iter(items)
    while part := list(islice(rest, at_once)):
        yield part


def moved(receipt: Receipt, first: int) -> Receipt:
    """Return the receipt of a part as one of the whole: its rejections counted from the beginning."""
    if not first or not receipt.rejected:
        return receipt
    rejected = tuple(msgspec.structs.replace(one, index=one.index + first) for one in receipt.rejected)
    return msgspec.structs.replace(receipt, rejected=rejected)


def whole(receipts: Sequence[Receipt]) -> Receipt:
    """Return the receipts of all parts as one."""
    return Receipt(
        accepted=sum(one.accepted for one in receipts),
        duplicates=sum(one.duplicates for one in receipts),
        rejected=tuple(rejection for one in receipts for rejection in one.rejected),
    )


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _user(user_id: str) -> str:
    return f"/v1/users/{quote(user_id, safe='')}"


def _own_key(request: Asked) -> str | None:
    if isinstance(request, Request):
        return request.idempotency_key
    own: str | None = request.get("idempotency_key")
    return own


def _keyed(request: Asked, key: str) -> Asked:
    if _own_key(request) is not None:
        return request
    if isinstance(request, Request):
        return msgspec.structs.replace(request, idempotency_key=key)
    return {**request, "idempotency_key": key}


def _known(plain: Any, shape: Any) -> Any:
    """Return plain values without fields that a shape does not have."""
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct) and isinstance(plain, dict):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
        return {name: _known(value, fields[name]) for name, value in plain.items() if name in fields}
    inner = getattr(shape, "__args__", ())
    if isinstance(plain, list) and inner:
        return [_known(value, inner[0]) for value in plain]
    return plain
