"""Views: a user's record in words and times, for people and for HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from andante.engine.portrait import portrait
from andante.live.instants import LAST, utc
from andante.vocabulary.flow import EVENT_CODES
from andante.vocabulary.records import Record
from andante.vocabulary.state import (
    CATEGORY_MASK,
    CHANNEL_MASK,
    CHANNEL_SHIFT,
    KNOWN,
    MEMBER,
    NO_CLOCK,
    NO_DIAL,
    PROFILING_REFUSED,
    SENT_TRANSACTIONAL,
)

if TYPE_CHECKING:
    from andante.live.desk import Desk


class SentView(Record, frozen=True, omit_defaults=False):
    """A push that the record remembers."""

    at: datetime
    category: str
    channel: str
    transactional: bool


class UserView(Record, frozen=True, omit_defaults=False):
    """What is known of a user; rates are posterior means, counts are decayed, None is unknown or not set."""

    user_id: str
    at: datetime
    known: bool  # a consent record exists
    consent: dict[str, bool]
    categories: dict[str, bool]
    quiet_hours: tuple[str, str] | None  # the user's own
    time_zone: str | None  # the user's own
    max_per_day: int | None
    max_per_week: int | None
    paused_until: datetime | None
    member: bool
    profiling: bool
    plan_per_week: float | None  # as published
    interest: float | None
    pace_per_week: float  # as followed now
    random_week: bool
    credit: float
    fatigue: float
    habituation: float
    open_rate: float
    visits_today: float  # probability of a visit within a day without a push
    conversion_rate: float
    refusal_rate: float
    satisfaction: float
    events: dict[str, float]
    last_sends: tuple[SentView, ...]  # latest first
    waiting: int  # deferred pushes


def view(desk: Desk, row: int, at_s: int) -> UserView:
    """Return the view of a user at a second, which is at least that of their last decision."""
    users = desk.population.users[row : row + 1].copy()
    user = users[0]
    at_s = max(at_s, int(user["now_s"]))
    known = portrait(users, desk.deciding(), desk.zones, at_s)
    flags = int(user["flags"])
    return UserView(
        user_id=desk.population.ids[row],
        at=utc(at_s) or LAST,
        known=bool(flags & KNOWN),
        consent=_bits(desk.names.channels, user["channels_given"], user["channels_refused"]),
        categories=_bits(desk.names.categories, user["categories_given"], user["categories_refused"]),
        quiet_hours=None
        if user["quiet_start_min"] == NO_CLOCK
        else (_clock(user["quiet_start_min"]), _clock(user["quiet_end_min"])),
        time_zone=None if user["zone"] == NO_CLOCK else desk.names.zones[int(user["zone"])],
        max_per_day=_dial(user["max_per_day"]),
        max_per_week=_dial(user["max_per_week"]),
        paused_until=utc(int(user["paused_until_s"])) if user["paused_until_s"] > at_s else None,
        member=bool(flags & MEMBER),
        profiling=not flags & PROFILING_REFUSED,
        plan_per_week=_known(user["plan_per_week"]),
        interest=_known(user["interest"]),
        random_week=bool(known["random_week"]),
        **{
            name: known[name]
            for name in (
                "pace_per_week",
                "credit",
                "fatigue",
                "habituation",
                "open_rate",
                "visits_today",
                "conversion_rate",
                "refusal_rate",
                "satisfaction",
            )
        },
        events={name.value: round(float(user["counts"][code]), 3) for name, code in EVENT_CODES.items()},
        last_sends=_sends(desk, user),
        waiting=sum(len(waiter.candidates) for waiter in desk.waiting.of_user(row)),
    )


def _sends(desk: Desk, user: np.void) -> tuple[SentView, ...]:
    order = np.argsort(-user["sent_s"].astype(np.int64), kind="stable")
    scopes = user["sent_scope"].astype(np.int64)
    return tuple(
        SentView(
            at=utc(int(user["sent_s"][slot])) or LAST,
            category=desk.names.categories[int(scopes[slot]) & CATEGORY_MASK],
            channel=desk.names.channels[(int(scopes[slot]) >> CHANNEL_SHIFT) & CHANNEL_MASK],
            transactional=bool(int(scopes[slot]) & SENT_TRANSACTIONAL),
        )
        for slot in order
        if user["sent_s"][slot]
    )


def _bits(names: tuple[str, ...], given: np.integer, refused: np.integer) -> dict[str, bool]:
    return {
        name: bool(int(given) >> code & 1) for code, name in enumerate(names) if (int(given) | int(refused)) >> code & 1
    }


def _clock(minute: np.integer) -> str:
    return f"{int(minute) // 60:02}:{int(minute) % 60:02}"


def _dial(dial: np.integer) -> int | None:
    return None if dial == NO_DIAL else int(dial)


def _known(number: np.floating) -> float | None:
    return None if np.isnan(number) else float(number)
