"""What a service and its peer are asked: may this promotion go to this user, who gets one a day and seven a week."""

from typing import Any

from andante.benchmarks.engine_questions import CONFIG as QUESTIONS
from andante.benchmarks.peers.cue_server import CATEGORY, CHANNEL

CAPS = (("P1D", 1), ("P7D", 7))
USERS = 50_000

CONFIG: dict[str, Any] = {name: value for name, value in QUESTIONS.items() if name != "quiet_hours"}
"""The limits that both sides can keep, at whatever hour the benchmark is run: without quiet hours."""

EXPIRES_AT = "2100-01-01T00:00:00Z"


def user(number: int) -> str:
    """Return the id of a user."""
    return f"user-{number:07d}"


def users(first: int, count: int) -> list[str]:
    """Return ids of users; they begin anew after the last."""
    return [user(number % USERS) for number in range(first, first + count)]


def question(user_id: str) -> dict[str, Any]:
    """Return a request as a shop would send it."""
    push = {
        "candidate_id": "spring-sale", "campaign_id": "spring", "category": CATEGORY, "channel": CHANNEL,
        "item_id": "sku-88213", "value": 40.0, "relevance": 1.0,
    }  # fmt: skip
    return {"user_id": user_id, "candidates": [push]}
