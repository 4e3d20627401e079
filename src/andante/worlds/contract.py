"""What passes between a world and a policy, tick by tick: columns in event time, names of neither side's inside.

A world shows a policy one tick: what users did in it, what came of earlier pushes, and what could be sent. The policy
answers with what it sends in that tick. Nobody sees the future, and a policy sees nothing that a shop would not: no
propensity to open, no fatigue, no band of pushes that a user feels as right.

The loop is always the same::

    policy.begin(world.crowd)
    for tick in world.ticks():
        world.take(policy.decide(tick))
    lived = world.lived()
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

DAY_S, HOUR_S, WEEK_S = 86_400, 3600, 604_800

EVENT = np.dtype([("user", "i8"), ("at_s", "i8"), ("value", "f8"), ("type", "u1")])
"""What a user did: ``type`` of vocabulary.flow.EVENT_CODES, ``value`` money where it is a purchase."""

OUTCOME = np.dtype([("candidate", "i8"), ("user", "i8"), ("at_s", "i8"), ("value", "f8"), ("type", "u1")])
"""What came of a sent candidate (its number): ``type`` of OUTCOME_CODES, ``value`` money or the rating."""

REQUEST = np.dtype([("user", "i8"), ("at_s", "i8"), ("first", "i8"), ("count", "i8")])
"""A question of the shop: may one of ``count`` candidates from place ``first`` of the tick go out to this user?"""

SEND = np.dtype([("candidate", "i8"), ("at_s", "i8")])
"""A push that goes out: the candidate's number, and when, within the tick."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a policy may know beforehand. Users are rows from 0; shape of the columns [users]."""

    users: int
    start_s: int  # a Monday 00:00 UTC
    weeks: int
    offset_s: Ints  # of each user's local time from UTC: the worlds have no summer time
    member: Mask  # takes part in the shop's membership: must not be pushed more, or less, without a reason
    segment: Ints  # what the shop knows of a user before any push: 0, 1, ... by how often they came


class Tick(NamedTuple):
    """One tick of event time, ``[from_s, until_s)``. All arrays are sorted by ``at_s``.

    Events and requests happened within it; outcomes became known in it, and may have happened earlier.
    """

    from_s: int
    until_s: int
    events: NDArray[np.void]  # EVENT
    outcomes: NDArray[np.void]  # OUTCOME
    requests: NDArray[np.void]  # REQUEST
    candidates: NDArray[np.void]  # vocabulary.flow.CANDIDATE
    number_first: int  # the candidate at place k has the number ``number_first + k`` in all of the world


class Policy(Protocol):
    """Decides what is sent. It must not keep a reference to a world, and must not draw from global chance."""

    def begin(self, crowd: Crowd) -> None:
        """Get ready for these users."""

    def decide(self, tick: Tick) -> NDArray[np.void]:
        """Return what goes out in this tick: of SEND, sorted by ``at_s``.

        A candidate of an earlier tick may be sent until it expires; each at most once. What is sent to a user who has
        unsubscribed is not delivered, and has no effect.
        """


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of a policy in a world, by user and week. Shape [users, weeks] unless said.

    ``value`` is the margin of all orders in money, whether a push led to them or not: what a push is worth is the
    difference of two policies' values with the same draws.
    """

    sends: NDArray[np.uint16]  # delivered
    opens: NDArray[np.uint16]
    visits: NDArray[np.uint16]  # organic ones and those that a push brought
    orders: NDArray[np.uint16]
    value: NDArray[np.float32]
    night_sends: NDArray[np.uint16]  # between 23:00 and 07:00 of the user's clock
    complaints: NDArray[np.uint16]
    rating_sum: NDArray[np.float32]  # of the survey's answers, 1 to 5
    ratings: NDArray[np.uint16]
    subscribed: Mask  # at the end of the week
    installed: Mask  # at the end of the week
    present: Mask  # had joined by the end of the week
    undelivered: Ints  # [users]: sent after the user had left, or lost on the way
    band_low: Floats  # [users]: pushes a week, from which the user feels the frequency as right
    band_high: Floats  # [users]: and up to which


class World(Protocol):
    """Simulated users over some weeks. Equal name, users, weeks and seed give equal draws under every policy."""

    crowd: Crowd

    def ticks(self) -> Iterator[Tick]:
        """Yield the ticks in order; each answer must be taken before the next."""

    def take(self, sends: NDArray[np.void]) -> None:
        """Let what is sent in this tick have its effect.

        Raises InputFault for a candidate that was never shown, has expired, is sent twice, or for a time outside the
        tick.
        """

    def lived(self) -> Lived:
        """Return what has come of it so far."""
