"""The reward of a decision or of a user's week: what came of pushes within a time, or what users did of themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic_core import PydanticCustomError

from andante.settings.sections.values import parse_duration
from andante.vocabulary.event import EventType
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.message import RESPONSES, OutcomeType
from andante.vocabulary.reason import Action, Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.runners.counterfactual.log import Happened, Logged

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

DAY_S = 86_400
REFUSALS = (OutcomeType.UNSUBSCRIBED, OutcomeType.COMPLAINED)
"""Outcomes that count as an opt-out."""


class RewardName(StrEnum):
    """What is counted."""

    OPENS = "opens"  # pushes that were opened, clicked or converted
    CLICKS = "clicks"
    CONVERSIONS = "conversions"
    VALUE = "value"  # money of what converted
    VISITS = "visits"  # days on which the user did anything, of their own accord or not
    SPEND = "spend"  # money of all purchases, of whatever came first


OF_USERS = frozenset({RewardName.VISITS, RewardName.SPEND})
"""Rewards that belong to a user's week, and to no single push."""

_TYPES = {
    RewardName.OPENS: RESPONSES,
    RewardName.CLICKS: (OutcomeType.CLICKED,),
    RewardName.CONVERSIONS: (OutcomeType.CONVERTED,),
    RewardName.VALUE: (OutcomeType.CONVERTED,),
}


@dataclass(frozen=True, slots=True)
class Reward:
    """What is counted, for how long after a decision, and what an opt-out takes from it."""

    name: RewardName = RewardName.OPENS
    within_s: int = 7 * DAY_S
    opt_out_cost: float = 0.0  # in the unit of the reward

    def by_decision(self, log: Logged) -> Floats:
        """Return what came of each decision, shape [n]: nothing of what was not sent, nor of a transactional one."""
        came = outcomes_of(log, self.within_s)
        if self.name in OF_USERS:
            reward = np.zeros(len(log.position))
        elif self.name is RewardName.VALUE:
            reward = came.value.copy()
        else:
            reward = came.any_of(_TYPES[self.name]).astype(np.float64)
        reward -= self.opt_out_cost * came.any_of(REFUSALS)
        reward[~planned_sends(log)] = 0.0
        return reward

    def whole(self, log: Logged) -> Mask:
        """Tell which decisions are old enough that their time for outcomes is over, shape [n]."""
        if self.name in OF_USERS and self.opt_out_cost == 0.0:
            return np.ones(len(log.at_s), bool)
        return log.at_s + self.within_s <= log.ended_s


class Came(NamedTuple):
    """What came of each decision in time. Shape [n]."""

    bits: NDArray[np.int64]  # a bit per OutcomeType
    value: Floats  # money of its first conversion

    def any_of(self, types: tuple[OutcomeType, ...]) -> Mask:
        """Tell of which decisions one of these came."""
        found: Mask = self.bits & sum(1 << OUTCOME_CODES[one] for one in types) != 0
        return found


def outcomes_of(log: Logged, within_s: int) -> Came:
    """Return what came of each decision within so many seconds; each type counts once, and the first of them."""
    told: Happened = log.outcomes
    place = np.searchsorted(log.position, told.about)
    place = np.minimum(place, len(log.position) - 1)
    late_s = told.at_s - log.at_s[place]
    timely = (log.position[place] == told.about) & (late_s <= within_s)
    bits = np.zeros(len(log.position), np.int64)
    np.bitwise_or.at(bits, place[timely], np.left_shift(1, told.type[timely].astype(np.int64)))
    value = np.zeros(len(log.position))
    converted = np.flatnonzero(timely & (told.type == OUTCOME_CODES[OutcomeType.CONVERTED]))[::-1]
    value[place[converted]] = told.value[converted]  # backwards, so that the first one stands
    return Came(bits, value)


def planned_sends(log: Logged) -> Mask:
    """Tell which decisions sent a push that the plan could have held, shape [n]."""
    logged = log.drawn.decisions
    sent: Mask = (logged["action"] == Action.SEND) & (logged["reason"] != Reason.TRANSACTIONAL)
    return sent


def visits_and_spend(events: Happened, users: int, begun_s: int, span_s: int, spans: int) -> tuple[Floats, Floats]:
    """Return days with an event, and money of purchases, by user and span of time: [users, spans] each."""
    span = (events.at_s - begun_s) // span_s
    inside = (span >= 0) & (span < spans)
    cell = events.about[inside] * spans + span[inside]
    spent = np.where(events.type[inside] == EVENT_CODES[EventType.PURCHASE], events.value[inside], 0.0)
    spend = np.bincount(cell, spent, minlength=users * spans).astype(np.float64)
    days = np.unique(np.stack([cell, events.at_s[inside] // DAY_S]), axis=1)[0]
    visits = np.bincount(days, minlength=users * spans).astype(np.float64)
    return visits.reshape(users, spans), spend.reshape(users, spans)


def read_reward(name: str, within: str, opt_out_cost: float) -> Reward:
    """Read a reward as the command line says it. Raises InputFault for what is none.

    >>> read_reward("opens", "P3D", 0.5).within_s
    259200
    """
    if name not in list(RewardName):
        raise InputFault("reward", name, "is none that a log knows", f"write {', '.join(RewardName)}")
    if not (math.isfinite(opt_out_cost) and opt_out_cost >= 0):
        raise InputFault("the cost of an opt-out", opt_out_cost, "is no cost", "give a number from 0 on")
    try:
        within_s = int(parse_duration(within).total_seconds())
    except PydanticCustomError as error:
        raise InputFault("the time for outcomes", within, "is no ISO-8601 duration", 'write "P7D", say') from error
    return Reward(RewardName(name), within_s, opt_out_cost)
