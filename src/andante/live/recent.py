"""Recent pushes: what the record remembers of a user's sends, each with what it came from.

The record knows their numbers, so the log is asked for these rows alone: it costs the same however long the log is.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from andante.live.answers import reason_names
from andante.live.instants import LAST, utc
from andante.stores.contract import Row
from andante.vocabulary.fault import UnknownUser
from andante.vocabulary.flow import NO_CHOICE, OUTCOME_CODES
from andante.vocabulary.reason import Action
from andante.vocabulary.records import Candidate, Record
from andante.vocabulary.state import CATEGORY_MASK, CHANNEL_MASK, CHANNEL_SHIFT, SENT_TRANSACTIONAL

if TYPE_CHECKING:
    from andante.live.desk import Desk
    from andante.live.survey import Seat

_LOW_BITS = 32  # of a decision's number, which the record keeps


class RecentPush(Record, frozen=True, omit_defaults=False):
    """A push that went out, and why. What retention has dropped of it is None."""

    decision_id: str
    at: datetime
    category: str
    channel: str
    transactional: bool
    outcomes: tuple[str, ...]  # what came of it, in the order of OutcomeType
    reason: str | None  # best, transactional or sent_by_chance
    campaign_id: str | None
    item_id: str | None
    offered: int | None  # how many candidates there were
    pace_per_week: float | None  # that was followed at the time


class Recent(NamedTuple):
    """What went out to a user lately, and the names that the log knows."""

    pushes: tuple[RecentPush, ...]  # latest first
    channels: tuple[str, ...]
    categories: tuple[str, ...]


class _Decided(msgspec.Struct):
    chosen: int
    reason: int
    plan_per_week: float | None


class _Body(msgspec.Struct):
    candidates: tuple[Candidate, ...]
    decision: _Decided


_BODY = msgspec.json.Decoder(_Body)


def recent(seat: Seat, user_id: str) -> Recent:
    """Return what went out to a user lately. Raises UnknownUser for one never heard of."""
    with seat() as desk:
        row = desk.population.row(user_id)
        if row is None:
            raise UnknownUser("user", user_id, "is in no record of this log", "check the id")
        user, upto = desk.population.users[row].copy(), desk.position
        channels, categories = desk.names.channels, desk.names.categories
    order = np.lexsort((user["sent_number"], user["sent_s"]))[::-1]
    pushes = (_push(desk, row, user, int(slot), upto) for slot in order if user["sent_s"][slot])
    return Recent(tuple(pushes), tuple(channels), tuple(categories))


def _push(desk: Desk, row: int, user: np.void, slot: int, upto: int) -> RecentPush:
    position = _position(int(user["sent_number"][slot]), upto)
    scope, outcomes = int(user["sent_scope"][slot]), int(user["sent_outcomes"][slot])
    body = _body(desk, row, position)
    candidate = None if body is None else body.candidates[body.decision.chosen]
    return RecentPush(
        decision_id=f"{desk.log_name}-{position:x}-{row:x}",
        at=utc(int(user["sent_s"][slot])) or LAST,
        category=desk.names.categories[scope & CATEGORY_MASK],
        channel=desk.names.channels[scope >> CHANNEL_SHIFT & CHANNEL_MASK],
        transactional=bool(scope & SENT_TRANSACTIONAL),
        outcomes=tuple(name.value for name, code in OUTCOME_CODES.items() if outcomes >> code & 1),
        reason=None if body is None else reason_names(body.decision.reason)[0],
        campaign_id=None if candidate is None else candidate.campaign_id,
        item_id=None if candidate is None else candidate.item_id,
        offered=None if body is None else len(body.candidates),
        pace_per_week=None if body is None else body.decision.plan_per_week,
    )


def _position(low: int, upto: int) -> int:
    """Return the latest position of a log that ends at ``upto`` whose low bits are these.

    >>> _position(5, 9), _position(5, 2**32 + 7), _position(9, 2**32 + 7)
    (5, 4294967301, 9)
    """
    found = upto >> _LOW_BITS << _LOW_BITS | low
    return found if found <= upto else found - 2**_LOW_BITS


def _body(desk: Desk, row: int, position: int) -> _Body | None:
    """Return the body of a send; None where retention has dropped it."""
    for rows in desk.store.read(position - 1, position):
        for one in map(Row._make, rows):
            if one.user == row and one.action == Action.SEND:
                body = _BODY.decode(one.body)
                return body if body.decision.chosen != NO_CHOICE else None
    return None
