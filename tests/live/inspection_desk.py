"""Random weeks of a small shop, for what people look at: users of every kind, pushes, answers, plans and opt-outs."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from live_desk import DAY, NOON

CHANNELS, CATEGORIES = ("push", "email"), ("promotion", "news", "receipt")
EVENTS = ("view", "cart", "purchase", "visit", "search")
OUTCOMES = (
    *("delivered", "opened", "clicked", "converted", "dismissed", "not_interested") * 4,
    *("unsubscribed", "complained"),
)
ZONES = ("Asia/Shanghai", "America/New_York", "UTC")

SHOP: dict[str, Any] = {
    "caps": [
        {"scope": "global", "limit": 3, "window": "P1D"},
        {"scope": "category:news", "limit": 2, "window": "P7D"},
        {"scope": "channel:email", "limit": 4, "window": "P7D"},
    ],
    "quiet_hours": {"start": "22:00", "end": "08:00"},
    "categories": {"receipt": {"transactional": True}},
    "experiment": {"holdout": 0.2, "explore": 0.3},
    "pacing": {
        "adjustment": "multiplicative",
        "default_per_week": 7.0,
        "explore_candidates": 0.2,
        "message_cost": 1e-5,
        "shadow_price": 1e-5,
        "refusal_loss": 0.01,
        "stale_after": "P3D",
    },
}
"""Every rule, every price and every draw at work."""


def candidates(draw: random.Random, count: int) -> list[dict[str, Any]]:
    """Return candidates of one request."""
    return [
        {
            "candidate_id": f"c{place}",
            "category": draw.choice(CATEGORIES),
            "channel": draw.choice(CHANNELS),
            "campaign_id": f"campaign-{draw.randrange(6)}",
            "value": draw.uniform(0.0, 5.0),
            "relevance": draw.uniform(0.2, 3.0),
        }
        for place in range(count)
    ]


def wishes(draw: random.Random) -> dict[str, Any]:
    """Return what one user wants."""
    return {
        "consent": {channel: draw.random() < 0.8 for channel in CHANNELS},
        "member": draw.random() < 0.4,
        "profiling": draw.random() < 0.9,
        "time_zone": draw.choice(ZONES),
        "max_per_week": draw.choice([None, 2, 9]),
    }


def live(engine: Any, seed: int, *, users: int = 12, days: int = 20) -> list[str]:
    """Live through some weeks, and return the id of every decision that was answered."""
    draw = random.Random(seed)
    names = [f"user-{number}" for number in range(users)]
    begun = NOON - days * DAY
    for name in names[: -users // 6]:
        engine.set_preferences(name, {**wishes(draw), "at": begun})
    answered: list[str] = []
    for turn in range(days * 3):
        at = begun + turn * timedelta(hours=8) + timedelta(seconds=draw.randrange(25_000))
        engine.ingest([{"user_id": name, "type": draw.choice(EVENTS), "at": at} for name in draw.sample(names, 4)])
        asked = [
            {"user_id": name, "at": at, "candidates": candidates(draw, draw.randint(1, 4))}
            for name in draw.sample(names, users // 2)
        ]
        decisions = engine.decide(asked)
        released = [one.decision for one in engine.release(at)]
        answered += [one.decision_id for one in (*decisions, *released)]
        sent = [one.decision_id for one in (*decisions, *released) if one.action == "send"]
        told = [{"decision_id": one, "type": draw.choice(OUTCOMES), "at": at + timedelta(minutes=9)} for one in sent]
        engine.observe(told)
        if turn % 7 == 0:
            plan = [
                {"user_id": name, "plan_per_week": draw.uniform(0, 9), "interest": draw.random(), "theta": 0.5}
                for name in draw.sample(names, 5)
            ]
            engine.publish(plan)
            table = {"user_id": names[:5], "at": at, "candidate_id": "t", "category": "news", "channel": "push"}
            answered += engine.decide_columns(table).decision_ids()
    return answered
