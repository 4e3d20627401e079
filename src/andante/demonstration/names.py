"""Names: what the shop of a demonstration calls its shoppers, its pushes, and what they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from andante.vocabulary.flow import EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.worlds.offers import CATEGORIES, PLAIN

SHOPPER = "shopper-"
"""What the id of every simulated shopper begins with."""

CHANNEL = "push"

Told = dict[str, Any]
"""What is told of one thing, as HTTP carries it."""

_PARTS = ("morning", "afternoon", "evening", "anytime")
_THEMES = ("shoes", "books", "garden", "kitchen", "toys", "sports", "beauty", "travel")
_PARTS_A_DAY = 4
_THEME_CODES = 2**16
_EVENTS = {code: name.value for name, code in EVENT_CODES.items()}
_OUTCOMES = {code: name.value for name, code in OUTCOME_CODES.items()}
_SAYS = {OUTCOME_CODES[OutcomeType.RATED]: "rating", OUTCOME_CODES[OutcomeType.CONVERTED]: "value"}


def shopper_id(row: int) -> str:
    """Return the id of a shopper.

    >>> shopper_id(7)
    'shopper-007'
    """
    return f"{SHOPPER}{row:03}"


def row_of(user_id: str) -> int | None:
    """Return the row of a shopper; None for somebody else.

    >>> row_of("shopper-007"), row_of("ann")
    (7, None)
    """
    number = user_id.removeprefix(SHOPPER)
    return int(number) if number != user_id and number.isascii() and number.isdigit() else None


def candidate_id(life: int, number: int) -> str:
    """Return the id of a world's candidate."""
    return f"offer-{life}-{number}"


def number_of(candidate: str, life: int) -> int | None:
    """Return the number of a world's candidate; None for one of another life or of somebody else.

    >>> number_of("offer-2-17", 2), number_of("offer-1-17", 2), number_of("spring-sale", 2)
    (17, None, None)
    """
    number = candidate.removeprefix(f"offer-{life}-")
    return int(number) if number != candidate and number.isascii() and number.isdigit() else None


def candidate(told: np.void, number: int, life: int, shift_s: int) -> Told:
    """Return a world's candidate in words."""
    kind, campaign = int(told["category"]), int(told["campaign"])
    theme = _THEMES[campaign % _THEME_CODES % len(_THEMES)]
    about = theme if kind != PLAIN else _PARTS[(campaign - 1) % _PARTS_A_DAY]
    day = f"-{life}-{(campaign - 1) // _PARTS_A_DAY}" if kind == PLAIN else ""
    return {
        "candidate_id": candidate_id(life, number),
        "campaign_id": f"{CATEGORIES[kind]}-{about}{day}",
        "item_id": f"item-{int(told['content']) % 10_000}",
        "category": CATEGORIES[kind],
        "channel": CHANNEL,
        "value": round(float(told["value"]), 2),
        "relevance": round(float(told["relevance"]), 3),
        "expires_at": at(int(told["expires_s"]) + shift_s),
    }


def event(told: np.void, event_id: str, shift_s: int) -> Told:
    """Return what a shopper did in words."""
    value = float(told["value"])
    return {
        "event_id": event_id,
        "user_id": shopper_id(int(told["user"])),
        "type": _EVENTS[int(told["type"])],
        "at": at(int(told["at_s"]) + shift_s),
        "value": None if np.isnan(value) else value,
    }


def outcome(told: np.void, decision_id: str, shift_s: int) -> Told:
    """Return what came of a push in words."""
    code = int(told["type"])
    said = {"decision_id": decision_id, "type": _OUTCOMES[code], "at": at(int(told["at_s"]) + shift_s)}
    return said | {_SAYS[code]: float(told["value"])} if code in _SAYS else said


def at(at_s: int) -> datetime:
    """Return a moment as records carry it."""
    return datetime.fromtimestamp(at_s, UTC)
