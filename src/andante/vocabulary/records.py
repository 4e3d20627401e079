"""The shapes that callers write and read: the same names in Python, in HTTP bodies and in the log.

They are strict: a wrong type or an unknown field is a fault. ``at`` is a datetime with a zone, RFC 3339 text, or
absent for now.
"""

from datetime import datetime
from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What all shapes share: frozen, by keyword, no unknown fields.

    They hold plain values and each other, never a cycle, so the collector of cycles need not look at them: there are
    millions.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the record as a plain dictionary, as HTTP would carry it."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


class Event(Record, frozen=True):
    """What a user did."""

    user_id: str
    type: str
    at: datetime | None = None
    event_id: str | None = None
    item_id: str | None = None
    category: str | None = None
    query: str | None = None
    value: float | None = None


class Candidate(Record, frozen=True):
    """A push that could be sent."""

    candidate_id: str
    category: str
    channel: str
    campaign_id: str | None = None
    item_id: str | None = None
    value: float = 1.0
    relevance: float = 1.0
    expires_at: datetime | None = None


class Request(Record, frozen=True):
    """A question, whether one of these may go out to this user."""

    user_id: str
    candidates: tuple[Candidate, ...]
    at: datetime | None = None
    idempotency_key: str | None = None


class Outcome(Record, frozen=True):
    """What came of a decision."""

    decision_id: str
    type: str
    at: datetime | None = None
    value: float | None = None
    rating: float | None = None


class QuietHours(Record, frozen=True):
    """Local times of day, HH:MM. Equal ones mean no quiet hours."""

    start: str
    end: str


class Preferences(Record, frozen=True):
    """What a user wants; what is absent stays as it was. ``None`` takes a dial, a zone, a pause or quiet hours back."""

    consent: dict[str, bool] | msgspec.UnsetType = msgspec.UNSET
    categories: dict[str, bool] | msgspec.UnsetType = msgspec.UNSET
    quiet_hours: QuietHours | msgspec.UnsetType | None = msgspec.UNSET
    time_zone: str | msgspec.UnsetType | None = msgspec.UNSET
    max_per_day: int | msgspec.UnsetType | None = msgspec.UNSET
    max_per_week: int | msgspec.UnsetType | None = msgspec.UNSET
    member: bool | msgspec.UnsetType = msgspec.UNSET
    profiling: bool | msgspec.UnsetType = msgspec.UNSET
    paused_until: datetime | msgspec.UnsetType | None = msgspec.UNSET
    at: datetime | None = None


class PlanEntry(Record, frozen=True):
    """What the slow clock planned for one user."""

    user_id: str
    plan_per_week: float
    interest: float | None = None
    theta: float | None = None


class Verdict(Record, frozen=True, omit_defaults=False):
    """What the engine thought of one candidate."""

    candidate_id: str
    reason: str  # why it went out or not
    refused_by: tuple[str, ...]  # every rule that refused
    allowed_at: datetime | None  # when every rule would allow; None: never
    index: float | None  # net worth of sending now; None where rules refused
    propensity: float


class Decision(Record, frozen=True, omit_defaults=False):
    """Send, defer or suppress, with the reasons."""

    decision_id: str
    action: str
    candidate_id: str | None
    channel: str | None
    send_at: datetime | None
    reasons: tuple[str, ...]
    propensity: float
    plan_per_week: float
    policy_version: str


class Released(Record, frozen=True, omit_defaults=False):
    """What became of deferred pushes when they were due: one decision on all that waited for a user."""

    user_id: str
    decision: Decision
    origins: tuple[str, ...]  # ids of the decisions that had deferred them, and are settled by this one


class Rejection(Record, frozen=True, omit_defaults=False):
    """One thing that was not taken, and why."""

    index: int
    field: str
    problem: str


class Receipt(Record, frozen=True, omit_defaults=False):
    """What became of a list of events or outcomes."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...]
