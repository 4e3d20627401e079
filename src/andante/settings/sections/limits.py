"""The sections of hard limits: what is never sent, whatever it would be worth."""

import math
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from andante.settings.sections.values import (
    CLOCK_FORM,
    ZONE_FORM,
    Between,
    Clock,
    Duration,
    Scope,
    Section,
    TimeZone,
    about,
    fault,
)

REMEMBERED_SENDS = 32
"""How many sends the user's record remembers: the most that any cap can count exactly."""

WINDOW_MAX = timedelta(days=31)
"""The longest window of a cap. 32 sends fill a month at one a day; over a longer window the record would
have forgotten the oldest sends of all but the quietest users: such a cap could not be counted."""

_USERS_CLOCK = "the user's own time zone, else `users.time_zone`; the user's own hours win"
_SLIDING = "event time, sliding; no calendar day"
_CAPPED = "sends to one user, reserved ones too; transactional ones never"


class Consent(Section):
    """What holds for a user who never answered."""

    default: Literal["deny", "allow"] = Field(
        default="deny",
        description="What no consent record means. `allow` is for a migration, and every decision states it.",
        json_schema_extra=about(counts="users without a consent record for a channel"),
    )


class Cap(Section):
    """A maximum in a sliding window. Transactional categories bypass it."""

    scope: Scope = Field(
        description="What the cap counts: all sends, those of one category, or those on one channel.",
        json_schema_extra=about(
            counts="sends to one user in this scope", form='"global", "category:NAME" or "channel:NAME"'
        ),
    )
    limit: int = Field(
        ge=1,
        le=REMEMBERED_SENDS,
        description=f"The most sends in any window. A user's record remembers {REMEMBERED_SENDS}, no more.",
        json_schema_extra=about(counts="reserved sends, shown or not"),
    )
    window: Annotated[Duration, Between("PT1S", "P31D")] = Field(
        description="Length of the sliding window. A user's record remembers about a month.",
        json_schema_extra=about(clock=_SLIDING),
    )

    def covers(self, other: "Cap") -> bool:
        """Tell whether this cap refuses all that the other one would refuse, so that the other never binds.

        A window of length w is covered by ceil(w / W) windows of length W. With at most ``limit`` in each W,
        it holds at most ceil(w / W) · limit sends; an other limit that is no less has nothing left to refuse.
        """
        return self.scope in {"global", other.scope} and self.most(other.window) <= other.limit

    def most(self, window: timedelta) -> int:
        """Return the most sends that this cap lets through in any window of the given length."""
        return math.ceil(window / self.window) * self.limit


class Gap(Section):
    """The least time between two pushes to one user."""

    minimum: Annotated[Duration, Between("PT0S", "P31D")] = Field(
        default=timedelta(hours=1),
        description="Least time between one capped send and the next. `PT0S`: none.",
        json_schema_extra=about(clock="event time, since the latest such send", counts=_CAPPED),
    )


class Duplicates(Section):
    """How long a push with the same campaign and item is refused as a duplicate."""

    window: Annotated[Duration, Between("PT0S", "P31D")] = Field(
        default=timedelta(days=7),
        description="How long the same campaign and item are not sent again. `PT0S`: always allowed.",
        json_schema_extra=about(
            clock=_SLIDING,
            counts="sends to one user of equal campaign and item; pushes with neither have no duplicates",
        ),
    )


class QuietHours(Section):
    """Hours in which no push goes out, for users who set none of their own. They may pass midnight."""

    start: Clock = Field(
        description="First minute of the quiet hours.",
        json_schema_extra=about(clock=_USERS_CLOCK, form=CLOCK_FORM),
    )
    end: Clock = Field(
        description="First minute after the quiet hours; before `start` it is on the next day.",
        json_schema_extra=about(clock=_USERS_CLOCK, form=CLOCK_FORM),
    )

    @model_validator(mode="after")
    def _last_a_while(self) -> Self:
        """Refuse an empty span: one that starts when it ends could mean never or always."""
        if self.start == self.end:
            raise fault(
                "starts when it ends, which could mean never or always",
                "let start and end differ, or leave the section out for no quiet hours",
            )
        return self


class Users(Section):
    """What holds for users who did not say."""

    time_zone: TimeZone = Field(
        default="UTC",
        description="Time zone of users who gave none: their quiet hours and their hours of activity.",
        json_schema_extra=about(counts="users without a time zone of their own", form=ZONE_FORM),
    )


class Category(Section):
    """What is special about one category of pushes."""

    transactional: bool = Field(
        default=False,
        description="The user waits for these pushes: they bypass pace and caps, never consent to a channel.",
        json_schema_extra=about(counts="pushes of this category"),
    )
    news: bool = Field(
        default=False,
        description="Vendors count these pushes as news or service, and let more of them through than of marketing.",
        json_schema_extra=about(counts="pushes of this category, against `news_per_day` of a vendor's quota"),
    )
    digest: bool = Field(
        default=False,
        description="What waited and comes out together goes out as one push that lists it, instead of one by one.",
        json_schema_extra=about(counts="deferred pushes of this category on one channel"),
    )
