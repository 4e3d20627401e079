"""How far off-policy estimators are off in worlds: simulated users who tire, leave, and open when they like.

Each week every user draws a pace of pushes, by chances that depend on what the user did the week before. The log is of
one set of chances, and what another set would have brought is known, since the world can be lived through with it:
by users enough that the truth is far surer than any estimate.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andante.baselines.sender import Sender
from andante.benchmarks.estimators import ESTIMATORS, HORIZONS, SEED, Trial, of_kind, show, summarise
from andante.evaluation.offpolicy import overlap
from andante.evaluation.offpolicy.decisions import Decisions, Floats, Ints
from andante.evaluation.offpolicy.estimators import Estimate
from andante.evaluation.offpolicy.expectation import crossfit, ridge
from andante.evaluation.offpolicy.horizon import Trajectories
from andante.vocabulary.flow import OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.worlds.catalogue import world
from andante.worlds.contract import WEEK_S, Crowd, Lived, Tick
from andante.worlds.loop import live

WORLDS = ("reference", "threshold-fatigue")
USERS = (200, 800)
WEEKS = (1, 4)
PACES = np.array([1.0, 3.0, 7.0])
"""Pushes a week that a user may draw."""

LOGGED = np.array([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3]])
"""Chances of the paces, of users who opened nothing last week, and of those who did: the log draws all alike."""
JUDGED = np.array([[0.5, 0.3, 0.2], [0.1, 0.3, 0.6]])
"""The judged policy pushes more to those who opened."""

TRUTH_USERS, TRUTH_SEEDS = 20_000, 8
"""Who live through the judged policy: the truth is then known to about 1 %, estimates to 10 or 30 %."""
_OPENED = OUTCOME_CODES[OutcomeType.OPENED]


@dataclass(slots=True)
class DrawnPace:
    """Draws each user's pace anew each week, and keeps what it saw and drew: lists by week, of [users]."""

    chances: Floats  # [opened or not, paces]
    seed: int
    opened: list[NDArray[np.int64]] = field(default_factory=list)  # before the week began: 0 or 1
    drawn: list[NDArray[np.int64]] = field(default_factory=list)
    _sender: Sender = field(init=False)
    _crowd: Crowd = field(init=False)
    _seen: Ints = field(init=False)

    def begin(self, crowd: Crowd) -> None:
        """Get ready for these users."""
        self._crowd, self._sender = crowd, Sender(crowd, self.seed)
        self._seen = np.zeros(crowd.users, np.int64)

    def decide(self, tick: Tick) -> NDArray[np.void]:
        """Return what goes out in this tick, at the paces of its week."""
        week = (tick.from_s - self._crowd.start_s) // WEEK_S
        if week == len(self.drawn):
            chances = self.chances[self._seen].cumsum(axis=1)
            rolled = np.random.default_rng([self.seed, week]).random((self._crowd.users, 1))
            self.opened.append(self._seen)
            self.drawn.append(np.minimum((rolled > chances).sum(axis=1), len(PACES) - 1).astype(np.int64))
            self._seen = np.zeros_like(self._seen)
        self._seen[tick.outcomes["user"][tick.outcomes["type"] == _OPENED]] = 1
        return self._sender.paced(tick, PACES[self.drawn[-1]])


def estimators_in_worlds(replications: int = 300, *, seed: int = SEED) -> list[dict[str, Any]]:
    """Measure estimators by one week and by four in each world, print a table, and return its rows.

    The reward is the number of pushes that a user opens in the weeks.
    """
    trials = [trial for name in WORLDS for weeks in WEEKS for trial in world_trials(name, weeks, replications, seed)]
    rows = summarise(trials, of_kind)
    show("in worlds", rows)
    return rows


def world_trials(name: str, weeks: int, replications: int, seed: int = SEED) -> Iterator[Trial]:
    """Yield every estimate of every replication: of single weeks by the named estimators, of more by horizons."""
    truth = true_opens(name, weeks, seed)
    kind = f"{name}, {weeks} week{'s' if weeks > 1 else ''}"
    for users in USERS:
        for draw in range(replications):
            policy = DrawnPace(LOGGED, seed=seed + draw)
            lived = live(world(name, users, weeks, seed + 1000 + draw), policy)
            log = trajectories(policy, lived)
            seen = overlap.diagnose(log.whole())
            estimates = horizon_estimates(log) if weeks > 1 else single_estimates(log, policy.drawn[0])
            for method, found in estimates.items():
                told = (found.value, found.low, found.high, seen.effective, overlap.verdict(seen).answer)
                yield Trial(kind, users, method, truth, *told)


def true_opens(name: str, weeks: int, seed: int = SEED) -> float:
    """Return what the judged policy brings per user, by living through the world with it."""
    lived = [
        live(world(name, TRUTH_USERS, weeks, seed + draw), DrawnPace(JUDGED, seed=seed + draw))
        for draw in range(TRUTH_SEEDS)
    ]
    return float(np.mean([one.opens.sum(axis=1).mean() for one in lived]))


def trajectories(policy: DrawnPace, lived: Lived) -> Trajectories:
    """Return what the policy drew as steps: the state is what was seen before, and the pace of the week before."""
    opened, drawn = np.stack(policy.opened, axis=1), np.stack(policy.drawn, axis=1)
    before = np.hstack([np.zeros((len(drawn), 1), np.int64), drawn[:, :-1]])
    return Trajectories(
        lived.opens.astype(np.float64), LOGGED[opened, drawn], JUDGED[opened, drawn], opened * len(PACES) + before
    )


def horizon_estimates(log: Trajectories) -> dict[str, Estimate]:
    """Return every estimate over the weeks."""
    return {name: method(log) for name, method in HORIZONS.items()}


def single_estimates(log: Trajectories, drawn: Ints) -> dict[str, Estimate]:
    """Return every estimate of a single week, in which nobody had opened anything; the model knows paces alone."""
    reward, user = log.reward[:, 0], np.arange(len(drawn))
    policy = np.tile(JUDGED[0], (len(drawn), 1))
    found = crossfit(np.zeros((len(drawn), 1)), drawn, reward, policy, user, model=ridge(), seed=0)
    judged = Decisions(reward, log.propensity[:, 0], log.target[:, 0], user, found.taken, found.target)
    return {name: method.estimate(judged) for name, method in ESTIMATORS.items() if method.fitting is not False}
