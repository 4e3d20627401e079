"""A message log: pushes that went out, and the outcomes that came of them, one row each."""

from enum import StrEnum


class OutcomeType(StrEnum):
    """What can come of a push. The closed vocabulary that every channel's receipts are translated into.

    Their order is kept in logs: a new one comes last.
    """

    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    CONVERTED = "converted"
    DISMISSED = "dismissed"
    NOT_INTERESTED = "not_interested"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    RATED = "rated"
    FAILED = "failed"  # it reached nobody: the provider refused it, or the address is no more


SENT = "sent"
"""The row type of a push that went out; every other row type is an OutcomeType of the push with its decision_id."""

RESPONSES = (OutcomeType.OPENED, OutcomeType.CLICKED, OutcomeType.CONVERTED)
"""The outcomes that count as a response to a push."""

MESSAGE_COLUMNS: dict[str, str] = {
    "decision_id": "VARCHAR",  # one push; its outcomes carry the same id
    "user_id": "VARCHAR",
    "type": "VARCHAR",  # SENT or an OutcomeType
    "at": "TIMESTAMP",  # UTC
    "channel": "VARCHAR",
    "category": "VARCHAR",
    "rating": "DOUBLE",  # 1 to 5, on rows of type rated
}
"""Columns and SQL types of the canonical table of message rows, in order. Channel, category and rating may be null."""
