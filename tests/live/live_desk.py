"""Small engines for tests: a policy that leaves nothing to chance, and requests in one line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

CERTAIN: dict[str, Any] = {
    "pacing": {
        "default_per_week": 168.0,
        "most_per_week": 168.0,
        "burst": 4.0,
        "floor": 0.0,
        "temperature": 0.0,
        "patience": 0.0,
        "spread": "PT0S",
        "explore_candidates": 0.0,
        "refusal_loss_pushes": 0.0,
        "message_cost": 0.0,
    },
    "experiment": {"holdout": 0.0, "explore": 0.0},
    "gap": {"minimum": "PT0S"},
}
"""A policy that leaves nothing to chance, waits for nothing better, and has credit for a push an hour."""


def ask(user_id: str = "ann", at: datetime = NOON, *candidates: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a request, of one candidate unless some are given."""
    return {"user_id": user_id, "at": at, "candidates": list(candidates) or [offer()]} | fields


def offer(candidate_id: str = "c", **fields: Any) -> dict[str, Any]:
    """Return a candidate with a campaign of its own."""
    one = {"candidate_id": candidate_id, "category": "promotion", "channel": "push", "campaign_id": candidate_id}
    return one | fields


def consent(engine: Any, *user_ids: str, at: datetime = NOON - 30 * DAY, **fields: Any) -> None:
    """Let users consent to pushes, long enough ago for their credit to be full."""
    for user_id in user_ids or ("ann",):
        engine.set_preferences(user_id, {"consent": {"push": True}, "at": at} | fields)
        engine.decide([ask(user_id, at, offer("first", value=0.0))])
