"""A small shop in a log, and a survey of it: what the tests of the watch look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from andante import Engine

MONDAY = datetime(2026, 6, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CONFIG: dict[str, Any] = {
    "pacing": {
        "default_per_week": 12.0,
        "most_per_week": 20.0,
        "message_cost": 0.01,
        "patience": 0.0,
        "refusal_loss_pushes": 0.0,
    },
    "experiment": {"holdout": 0.2, "explore": 0.1},
    "gap": {"minimum": "PT0S"},
    "categories": {"order_update": {"transactional": True}},
}


def us(at: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def sale(campaign: str = "spring", channel: str = "push") -> dict[str, Any]:
    """Return a candidate of a campaign."""
    return {
        "candidate_id": campaign,
        "campaign_id": campaign,
        "category": "promotion",
        "channel": channel,
        "value": 40.0,
    }


def parcel() -> dict[str, Any]:
    """Return a candidate that the user waits for."""
    return {"candidate_id": "parcel", "category": "order_update", "channel": "push"}


def consented(engine: Engine, users: list[str], at: datetime) -> None:
    """Let users consent, the even ones as members."""
    for number, user in enumerate(users):
        engine.set_preferences(user, {"consent": {"push": True}, "member": number % 2 == 0, "at": at})


def a_day(engine: Engine, users: list[str], at: datetime, *, campaign: str = "spring") -> list[Any]:
    """Live through a day: visits, purchases, pushes, what came of them an hour later. Return the sends."""
    engine.ingest(
        [
            {"user_id": user, "type": kind, "at": at - HOUR, "value": 30.0 if kind == "purchase" else None}
            for number, user in enumerate(users)
            for kind in ("view", "purchase")
            if (number + at.day) % (3 if kind == "view" else 7) == 0
        ]
    )
    asked = [
        {"user_id": user, "candidates": [parcel() if number % 10 == 9 else sale(campaign)], "at": at}
        for number, user in enumerate(users)
    ]
    sent = [one for one in engine.decide(asked) if one.action == "send"]
    engine.observe(
        [
            {"decision_id": push.decision_id, "at": at + HOUR, "type": kind} | ({"value": 12.5} if every == 5 else {})
            for every, kind in ((2, "opened"), (5, "converted"), (11, "not_interested"))
            for push in sent[::every]
        ]
    )
    engine.observe([{"decision_id": sent[0].decision_id, "type": "unsubscribed", "at": at + 2 * HOUR}] if sent else [])
    return sent


@dataclass(frozen=True)
class OneGroup:
    """Everybody, as a survey says."""

    plan_histogram: tuple[int, ...] = (1, 2, 3)
    by: str = "all"
    reachable: int = 6
    plan_mean: float | None = 2.5
    pace_mean: float | None = 2.25
    satisfaction_mean: float | None = 0.75


@dataclass(frozen=True)
class OneSurvey:
    """A survey of everybody."""

    at: datetime
    budget_per_user_week: float | None = 3.0
    shadow_price: float = 0.5
    groups: tuple[OneGroup, ...] = field(default=(OneGroup(),))
