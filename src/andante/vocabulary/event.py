"""An event: what a user did. The one table that every reader of logs fills and every feature reads."""

from enum import StrEnum


class EventType(StrEnum):
    """What a user can do. ``DWELL`` carries its seconds in ``value``, ``PURCHASE`` its money."""

    VIEW = "view"
    SEARCH = "search"
    CART = "cart"
    FAVORITE = "favorite"
    LIKE = "like"
    COMMENT = "comment"
    SHARE = "share"
    PURCHASE = "purchase"
    VISIT = "visit"
    DWELL = "dwell"


EVENT_COLUMNS: dict[str, str] = {
    "event_id": "VARCHAR",  # given by the source, or null
    "user_id": "VARCHAR",  # never null: an event without a user is quarantined
    "type": "VARCHAR",  # an EventType
    "at": "TIMESTAMP",  # UTC, microseconds
    "item_id": "VARCHAR",
    "category": "VARCHAR",
    "query": "VARCHAR",
    "value": "DOUBLE",  # money of a purchase line, seconds of a dwell
}
"""Columns and SQL types of the canonical table of events, in order. All but user_id, type and at may be null.

A *purchase* (a basket, an order) is all purchase events of one user at one instant: shops log its lines.
"""
