"""The shapes of the surface with their bounds, so that one pass of compiled code checks types, lengths and ranges.

Each is the shape of :mod:`andante.vocabulary.records` of the same name, and its values pass for one.
"""

from datetime import datetime
from typing import Annotated

import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType

from andante.vocabulary import records
from andante.vocabulary.flow import CANDIDATES_MAX
from andante.vocabulary.state import SLOTS

TEXT_MAX = 512
QUERY_MAX = 4096
PER_WEEK_MAX = 168.0
"""The most pushes per week that a plan can ask for: one an hour."""

MONEY_MAX, RELEVANCE_MAX = 1e9, 1e3
"""The most that a push can be worth, and how much more than a usual one it can be opened: sums of them are kept in
32 bits, and one slip of a caller must not drown what all others say."""

_LARGEST = float(np.finfo(np.float64).max)

Id = Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Money = Annotated[float, Meta(ge=0.0, le=MONEY_MAX)]
Relevance = Annotated[float, Meta(ge=0.0, le=RELEVANCE_MAX)]
Finite = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
PerWeek = Annotated[float, Meta(ge=0.0, le=PER_WEEK_MAX)]
Rating = Annotated[float, Meta(ge=1.0, le=5.0)]
Dial = Annotated[int, Meta(ge=0, le=SLOTS)]
Time = Annotated[datetime, Meta(tz=True)]
Clock = Annotated[str, Meta(pattern=r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z")]


class Candidate(records.Candidate, frozen=True, gc=False):
    """A push that could be sent."""

    candidate_id: Id
    category: Id
    channel: Id
    campaign_id: Text | None = None
    item_id: Text | None = None
    value: Money = 1.0
    relevance: Relevance = 1.0
    expires_at: Time | None = None


class Request(records.Request, frozen=True, gc=False):
    """The question whether one of these may be sent to this user."""

    user_id: Id
    candidates: Annotated[tuple[Candidate, ...], Meta(min_length=1, max_length=CANDIDATES_MAX)]
    at: Time | None = None
    idempotency_key: Id | None = None


class Requests(Struct):
    """A call of ``decide``."""

    requests: list[Request]


class Event(records.Event, frozen=True, gc=False):
    """What a user did."""

    user_id: Id
    type: str
    at: Time | None = None
    event_id: Id | None = None
    item_id: Text | None = None
    category: Text | None = None
    query: Annotated[str, Meta(max_length=QUERY_MAX)] | None = None
    value: Finite | None = None


class Outcome(records.Outcome, frozen=True, gc=False):
    """What came of a decision."""

    decision_id: Id
    type: str
    at: Time | None = None
    value: Money | None = None
    rating: Rating | None = None


class QuietHours(records.QuietHours, frozen=True):
    """Local times of day."""

    start: Clock
    end: Clock


class Preferences(records.Preferences, frozen=True):
    """What a user wants."""

    consent: dict[Id, bool] | UnsetType = UNSET
    categories: dict[Id, bool] | UnsetType = UNSET
    quiet_hours: QuietHours | UnsetType | None = UNSET
    time_zone: Id | UnsetType | None = UNSET
    max_per_day: Dial | UnsetType | None = UNSET
    max_per_week: Dial | UnsetType | None = UNSET
    member: bool | UnsetType = UNSET
    profiling: bool | UnsetType = UNSET
    paused_until: Time | UnsetType | None = UNSET
    at: Time | None = None


class PlanEntry(records.PlanEntry, frozen=True, gc=False):
    """What the slow clock planned for one user."""

    user_id: Id
    plan_per_week: PerWeek
    interest: Share | None = None
    theta: Share | None = None
