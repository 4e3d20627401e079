"""Routes: everything that can be called. The application and the OpenAPI document follow from this table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from andante.live import admission_shapes as shapes
from andante.live.explanation import Why
from andante.live.views import UserView
from andante.service import hot, operating, pages, segment, things, users, watching
from andante.service import shapes as own
from andante.service.bodies import ARROW, JSON, MSGPACK, NDJSON
from andante.service.metrics import MEDIA_TYPE as METRICS
from andante.vocabulary.records import Decision, Receipt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from andante.service.serving import Call, Reply, Serving

    Handler = Callable[[Serving, Call], Awaitable[Reply]]

OPEN = ""
"""The scope of a route that needs no key."""

BYTES, TEXT = bytes, str
"""A body that is no JSON."""


@dataclass(frozen=True)
class Route:
    """One thing that can be called."""

    method: str
    path: str
    handler: Handler
    scope: str
    answer: Any  # the shape of what it is answered with
    takes: Mapping[str, Any] = field(default_factory=dict)  # media type: shape, or several
    answers_in: Sequence[str] = (JSON,)
    refusals: Sequence[int] = ()  # statuses beside those that every route may answer with
    is_hot: bool = False  # found without a router
    is_large: bool = False  # takes a batch
    token: bool = False  # a token in the URL may stand for the key
    is_counted: bool = False  # by network address, where there is no key
    query: Mapping[str, Any] = field(default_factory=dict)  # name: JSON schema
    needs: str = ""  # what a server must have for it: delivery or privacy

    @property
    def summary(self) -> str:
        """What it does: the first line of its handler's docstring."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0]


_STRING, _NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_EVENTS = {JSON: (shapes.Event, list[shapes.Event]), NDJSON: TEXT}
_OUTCOMES = {JSON: (shapes.Outcome, own.PageOutcome, list[shapes.Outcome]), NDJSON: TEXT}
_BATCHES = {JSON: own.Batch, MSGPACK: own.Columns, ARROW: BYTES}
_LETTERS = {"after": _NUMBER, "limit": {"type": "integer", "minimum": 1, "maximum": own.LETTERS_MAX}}

ROUTES: tuple[Route, ...] = (
    Route("POST", "/v1/decisions", hot.decide, "decisions", Decision, {JSON: shapes.Request}, (JSON,), (409,), True),  # noqa: FBT003  hot
    Route(
        "POST",
        "/v1/decisions/batch",
        hot.decide_batch,
        "decisions",
        own.Decisions,
        _BATCHES,
        (JSON, MSGPACK, ARROW),
        (409,),
        is_hot=True,
        is_large=True,
    ),
    Route("POST", "/v1/events", things.ingest, "events", Receipt, _EVENTS, (JSON,), (409,), is_hot=True, is_large=True),
    Route(
        "POST",
        "/v1/outcomes",
        things.observe,
        "outcomes",
        Receipt,
        _OUTCOMES,
        is_hot=True,
        is_large=True,
        token=True,
        is_counted=True,
        query={"token": _STRING},
    ),
    Route("POST", "/v1/segment", segment.take, "events", own.SegmentReceipt, {JSON: Any}, is_large=True),
    Route("GET", "/v1/users/{user_id}", users.user, "users.read", UserView, refusals=(404,)),
    Route("GET", "/v1/users/{user_id}/explanation", users.explanation, "users.read", Why, refusals=(404,)),
    Route(
        "GET",
        "/v1/users/{user_id}/export",
        users.export,
        "users.read",
        dict[str, Any],
        refusals=(404,),
        needs="privacy",
    ),
    Route(
        "DELETE", "/v1/users/{user_id}", users.erase, "users.write", dict[str, Any], refusals=(404,), needs="privacy"
    ),
    Route(
        "PUT",
        "/v1/users/{user_id}/preferences",
        users.set_preferences,
        "users.write",
        dict[str, bool],
        {JSON: shapes.Preferences},
    ),
    Route(
        "POST",
        "/v1/users/{user_id}/preference-link",
        users.preference_link,
        "users.write",
        own.PreferenceLink,
        refusals=(404,),
        needs="privacy",
    ),
    Route(
        "PUT",
        "/v1/users/{user_id}/addresses",
        users.put_address,
        "users.write",
        own.KeptAddress,
        {JSON: own.NewAddress},
        needs="delivery",
    ),
    Route(
        "DELETE",
        "/v1/users/{user_id}/addresses",
        users.drop_addresses,
        "users.write",
        own.Removed,
        query={"channel": _STRING, "address_id": _STRING},
        needs="delivery",
    ),
    Route("POST", "/v1/plan", operating.publish, "admin", Receipt, {JSON: own.Plan}, is_large=True),
    Route("POST", "/v1/switch", operating.switch, "admin", own.Switched, {JSON: own.Switch}),
    Route(
        "PUT",
        "/v1/messages/{message_id}",
        operating.put_message,
        "admin",
        own.KeptMessage,
        {JSON: own.NewMessage},
        needs="delivery",
    ),
    Route(
        "GET", "/v1/dead-letters", operating.dead_letters, "admin", own.DeadLetters, query=_LETTERS, needs="delivery"
    ),
    Route(
        "POST",
        "/v1/dead-letters/{letter}/retry",
        operating.retry,
        "admin",
        own.Retried,
        refusals=(409,),
        needs="delivery",
    ),
    Route(
        "POST",
        "/v1/receipts/{provider}",
        operating.receipts,
        OPEN,
        own.Accepted,
        {"*/*": BYTES},
        needs="delivery",
    ),
    Route("GET", "/u/{token}", pages.ask_leave, OPEN, TEXT, answers_in=(pages.HTML,), refusals=(404,)),
    Route("POST", "/u/{token}", pages.leave, OPEN, TEXT, answers_in=(pages.HTML,), refusals=(404,), is_counted=True),
    Route("GET", "/healthz", watching.healthz, OPEN, own.Alive),
    Route("GET", "/readyz", watching.readyz, OPEN, own.Ready),
    Route("GET", "/metrics", watching.metrics, "admin", TEXT, answers_in=(METRICS,)),
)


def routes_of(serving: Serving) -> tuple[Route, ...]:
    """Return what a server can be asked, given what it has."""
    return tuple(route for route in ROUTES if not route.needs or getattr(serving, route.needs) is not None)
