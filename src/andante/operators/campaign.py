"""A campaign: what is to go out to whom, what was decided about it, and how far its launch has come."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from andante.live import admission_shapes as shapes
from andante.live.admission_refusals import REFUSED, explained
from andante.live.survey import PERSONAS
from andante.vocabulary.fault import InputFault
from andante.vocabulary.records import Record

State = Literal["draft", "awaiting_approval", "approved", "running", "done", "stopped"]

IDS_MAX = 100_000
MESSAGE_BYTES_MAX = 65_536
Title = Annotated[str, Meta(min_length=1, max_length=200)]


class Audience(Record, frozen=True):
    """Who is asked about: all who consented to the campaign's channel, or those among them that are named here."""

    member: bool | None = None  # members, or all others; None: both
    persona: shapes.Id | None = None  # as a survey names them; None: all
    user_ids: Annotated[tuple[shapes.Id, ...], Meta(max_length=IDS_MAX)] | None = None  # None: everybody


class Campaign(Record, frozen=True):
    """What an operator writes: the fields of a candidate, whom it is for, and what it says."""

    name: Title
    category: shapes.Id
    channel: shapes.Id
    item_id: shapes.Text | None = None
    value: shapes.Money = 1.0
    relevance: shapes.Relevance = 1.0
    expires_at: shapes.Time | None = None
    audience: Audience = Audience()
    message: dict[str, Any] = msgspec.field(
        default_factory=dict
    )  # for delivery.messages.put("campaign", campaign_id, message)

    def candidate(self, candidate_id: str, campaign_id: str) -> dict[str, Any]:
        """Return the candidate of one user, as HTTP would carry it."""
        fields = {name: getattr(self, name) for name in ("category", "channel", "item_id", "value", "relevance")}
        fields |= {"candidate_id": candidate_id, "campaign_id": campaign_id, "expires_at": self.expires_at}
        return {name: value for name, value in fields.items() if value is not None}


class Filed(Record, frozen=True, omit_defaults=False):
    """A campaign in the books. Names are of operators; a field is None as long as nobody did it."""

    campaign_id: str  # what candidates, the kill switch and messages call it
    state: State
    campaign: Campaign
    created_by: str
    created_at: datetime
    edited_by: str
    edited_at: datetime
    submitted_by: str | None = None
    submitted_at: datetime | None = None
    reach: int | None = None  # users that the dry run of its submission would reach in a week
    is_large: bool = False  # so it needs a second person
    approved_by: str | None = None  # a second person; None for one that is small enough to need none
    approved_at: datetime | None = None
    rejected_by: str | None = None
    rejected_for: str | None = None
    started_by: str | None = None
    started_at: datetime | None = None
    ended_by: str | None = None  # who stopped it; None where it went through, or was held
    ended_at: datetime | None = None
    ended_for: str | None = None  # why it was stopped: a person's words, "kill_switch" or "needs_approval"


class Progress(Record, frozen=True, omit_defaults=False):
    """How far the launch of a campaign has come."""

    rows: int = 0  # users of the engine that were looked at, in the order in which it met them
    of: int | None = None  # users that there were when it began; those who come later are not asked
    chunk: int = 0  # the last one that was begun
    asked: int = 0  # users that were decided about, each once
    sent: int = 0
    deferred: int = 0
    suppressed: int = 0
    reasons: dict[str, int] = msgspec.field(
        default_factory=dict
    )  # why users got nothing at once, by the reason that binds
    at: datetime | None = None
    until: int | None = None  # the rows that the chunk begun looks at; None: no chunk is open
    position: int = 0  # of the log, before the chunk was begun

    @property
    def share(self) -> float:
        """The share of users that were looked at."""
        return 0.0 if self.of is None else 1.0 if self.of == 0 else self.rows / self.of


def checked(campaign: Campaign | dict[str, Any]) -> Campaign:
    """Return a campaign whose every field holds, given as one or as JSON would carry it.

    Raises InputFault, which names the field.
    """
    try:
        plain = msgspec.to_builtins(campaign)
        taken = msgspec.convert(plain, Campaign)
        msgspec.json.encode(taken)
        size = len(msgspec.json.encode(taken.message))
    except REFUSED as error:
        raise explained(error, campaign, Campaign).fault("campaign") from None
    if size > MESSAGE_BYTES_MAX:
        raise InputFault("campaign.message", f"{size} bytes", "is too long", f"keep it within {MESSAGE_BYTES_MAX}")
    persona = taken.audience.persona
    if persona is not None and persona not in PERSONAS:
        raise InputFault("campaign.audience.persona", persona, "is none", f"use one of {', '.join(PERSONAS)}")
    if taken.audience.user_ids is not None and not taken.audience.user_ids:
        raise InputFault("campaign.audience.user_ids", None, "is empty", "name somebody, or leave it out for everybody")
    return taken
