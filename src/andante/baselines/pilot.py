"""A pilot: users of another world whose weekly k was drawn by chance, and what came of it.

What learning baselines learn from. It is lived through *another seed* of the same kind of world, for as many weeks as
the judged one: other users, other draws, so nobody can have seen the future of those who are judged, and yet the long
run of every k, opt-outs and habituation included, is in the table. First weeks of the judged world instead would cost
the judged users a month of random pushes, and would show no long run at all: a weaker baseline. It is generous: no shop
has random k for all of its users over half a year, and Andante itself gets none of it.

Each user's k is drawn at the start and once more after ``warm`` weeks. Features just before the second draw are
therefore known *before* the k that is assigned then, and what comes after it compares assigned paces, not sent ones
(survivorship: who leaves is sent less).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from andante.baselines.memory import FEATURES, Memory
from andante.baselines.planned import receivers
from andante.baselines.points import Points, Scribe
from andante.baselines.random_pace import PACES
from andante.baselines.sender import Sender
from andante.vocabulary.fault import NotEnoughData
from andante.worlds.contract import WEEK_S, Crowd, Floats, Ints, Lived, Mask, Policy, Tick

WARM_WEEKS = 4
SEND_CHANCE = 0.5
"""Chance that a request with credit is answered: so that the instant of a send is random too, not only k."""

USERS_MIN, WEEKS_MIN = 50, 4


@dataclass(frozen=True, slots=True)
class Pilot:
    """The table of a pilot. Shapes [users, weeks] unless said."""

    assigned: Floats  # pushes a week
    features: NDArray[np.float32]  # [users, weeks, features]: as known before the week; columns are memory.FEATURES
    lived: Lived
    points: Points  # requests, whether they were answered, and when the user came next
    warm: int  # the week in which k was drawn anew

    @property
    def reached(self) -> Mask:
        """Who could be pushed when the week began."""
        before = np.ones_like(self.lived.subscribed)
        before[:, 1:] = (self.lived.subscribed & self.lived.installed & self.lived.present)[:, :-1]
        before[:, 0] = self.lived.present[:, 0]
        return before

    def late(self) -> Ints:
        """Return the users who could be pushed when k was drawn anew: those whom plans are learned from."""
        return np.flatnonzero(self.reached[:, self.warm])


@dataclass(slots=True)
class RandomisedPilot:
    """The policy of a pilot: pushes by random k, and writes down what was known beforehand."""

    seed: int
    assigned: Floats = field(init=False, repr=False)
    features: NDArray[np.float32] = field(init=False, repr=False)
    warm: int = field(init=False, repr=False)
    scribe: Scribe = field(init=False, repr=False)
    _memory: Memory = field(init=False, repr=False)
    _sender: Sender = field(init=False, repr=False)
    _draw: np.random.Generator = field(init=False, repr=False)
    _week: int = field(init=False, repr=False)

    def begin(self, crowd: Crowd) -> None:
        """Draw every user's two paces."""
        if crowd.users < USERS_MIN or crowd.weeks < WEEKS_MIN:
            found = f"{crowd.users} users, {crowd.weeks} weeks"
            raise NotEnoughData("pilot", found, "is too small", f"give {USERS_MIN} users and {WEEKS_MIN} weeks")
        self._draw = np.random.default_rng([self.seed, 3])
        self._memory, self._sender = Memory(crowd), Sender(crowd, self.seed)
        self.scribe = Scribe(crowd)
        self.warm = min(WARM_WEEKS, crowd.weeks // 2)
        both = self._draw.choice(np.array(PACES), (crowd.users, 2))
        self.assigned = np.repeat(both, (self.warm, crowd.weeks - self.warm), axis=1)
        self.features = np.zeros((crowd.users, crowd.weeks, len(FEATURES)), np.float32)
        self._week = -1

    def decide(self, tick: Tick) -> NDArray[np.void]:
        """Return what goes out: at the assigned pace, at requests that a coin picks."""
        self._memory.observe(tick)
        week = min((tick.from_s - self._memory.crowd.start_s) // WEEK_S, self._memory.crowd.weeks - 1)
        if week != self._week:
            self._week = week
            self.features[:, week] = self._memory.features()
        coin = self._draw.random(len(tick.requests)) < SEND_CHANCE
        rates = np.where(self._memory.reachable, self.assigned[:, week], 0.0)
        sends = self._sender.paced(tick, rates, wanted=coin)
        self.scribe.write(tick, self._memory, sends)
        self._memory.count(receivers(tick, sends))
        return sends

    def table(self, lived: Lived) -> Pilot:
        """Return the pilot's table, of what came of it."""
        return Pilot(self.assigned, self.features, lived, self.scribe.points(), self.warm)


def pilot(lives: Callable[[Policy, int], Lived], seed: int) -> Pilot:
    """Run a pilot in the world of this seed, which must not be one that is judged, and return its table.

    Raises NotEnoughData for a world of too few users or weeks.
    """
    policy = RandomisedPilot(seed)
    return policy.table(lives(policy, seed))
