"""Shapes: bodies of calls and answers that HTTP alone has. All others are those of the library.

Requests, events, outcomes, preferences and plans are ``andante.live.admission_shapes``; decisions, receipts, users and
explanations are records of ``andante.vocabulary`` and ``andante.live``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from andante.live import admission_shapes as shapes
from andante.vocabulary.records import Decision, Rejection

LETTERS_MAX = 1000


class Batch(Struct, forbid_unknown_fields=True):
    """Many requests, each a question by itself."""

    requests: list[shapes.Request]


class Decisions(Struct):
    """The decisions on a batch, in the order of its requests."""

    decisions: list[Decision]


class Columns(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Requests as a table: a row is a candidate, a column a list, or one value for all rows."""

    user_id: list[str] | str
    candidate_id: list[str] | str
    category: list[str] | str
    channel: list[str] | str
    campaign_id: list[str | None] | str | None = None
    item_id: list[str | None] | str | None = None
    value: list[float] | float | None = None
    relevance: list[float] | float | None = None
    expires_at: list[datetime | None] | datetime | None = None
    at: list[datetime | None] | datetime | None = None
    request: list[int | str] | None = None


class DecidedColumns(Struct):
    """Decisions as a table, one row a request."""

    decision_id: list[str]
    action: list[str]
    row: list[int]  # of the table that was sent: the chosen candidate's; -1 where none was chosen
    send_at: list[datetime | None]
    reasons: list[list[str]]
    propensity: list[float]
    plan_per_week: list[float]
    policy_version: list[str]


class PageOutcome(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What came of a push, told by a page that has the push's token."""

    type: str
    decision_id: shapes.Id | None = None  # the token says it
    at: Annotated[datetime, Meta(tz=True)] | None = None
    rating: shapes.Rating | None = None


class Plan(Struct, forbid_unknown_fields=True):
    """What the slow clock planned; ``theta`` is the threshold of interest of those who bring none."""

    plan: list[shapes.PlanEntry]
    theta: shapes.Share | None = None


class Switch(Struct, forbid_unknown_fields=True):
    """The kill switch: ``global``, ``channel:NAME``, ``category:NAME`` or ``campaign:NAME``."""

    scope: shapes.Id
    on: bool


class Switched(Struct):
    """The policy that holds from here on."""

    policy_version: str


class NewAddress(Struct, forbid_unknown_fields=True):
    """Where a user can be reached: what the provider's library gave the app or the page."""

    channel: shapes.Id  # the shop's name of the channel, as in candidates
    provider: shapes.Id  # web_push, fcm, apns, email, ...
    value: dict[str, Any]


class KeptAddress(Struct):
    """The id of an address."""

    address_id: str


class PreferenceLink(Struct):
    """A link to a shopper's own page, which is as good as a key to it: give it to them alone."""

    url: str  # without service.public_url it begins with its path
    expires_at: datetime


class Removed(Struct):
    """How many there were."""

    removed: int


class NewMessage(Struct, forbid_unknown_fields=True):
    """What a push says: a template for candidates of this id, or for a whole campaign."""

    message: dict[str, Any]
    kind: Literal["candidate", "campaign"] = "candidate"


class KeptMessage(Struct):
    """The version of a message."""

    version: int


class Accepted(Struct):
    """How many were taken."""

    accepted: int


class DeadLetter(Struct):
    """A push that reached nobody, or of which nobody can know."""

    letter: int
    position: int  # of the send in the log
    decision_id: str | None
    user_id: str | None
    channel: str | None
    kind: str
    code: str  # the provider's own
    detail: str
    at_us: int
    retried_us: int | None


class DeadLetters(Struct):
    """Pushes that reached nobody and are not tried again, oldest first."""

    dead_letters: list[DeadLetter]


class Retried(Struct):
    """The letter whose push is tried again."""

    letter: int


class SegmentReceipt(Struct):
    """What became of Segment's messages: of tracks and pages as events, of identifies as preferences."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]


class Alive(Struct):
    """The server answers."""

    status: Literal["ok"] = "ok"


class Ready(Struct):
    """Whether calls should be sent here."""

    ready: bool
    problem: str | None = None
