"""Logged decisions with a known truth, drawn for the judges alone: nothing here is shared with a policy or a world.

Users differ in how readily they respond and in how often they are asked, so decisions of one user go together. Every
value that an estimator is after is a sum over small tables, and exact.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from andante.evaluation.offpolicy.decisions import Decisions, Floats, Ints
from andante.evaluation.offpolicy.expectation import crossfit
from andante.evaluation.offpolicy.horizon import Trajectories

CONTEXTS, ACTIONS = 6, 5
LEVELS = np.array([-1.0, 0.0, 1.0])
"""Log odds by which users respond more or less than others do."""
LEVEL_SHARES = np.array([0.3, 0.4, 0.3])
ASKED = np.array([3.0, 5.0, 9.0])
"""Decisions of a user of each level, on average: who responds more is asked more."""
EXPLORED = 0.05
"""The share of decisions that the log's policy draws uniformly."""

PENALTY = 10.0
"""Of the ridge that expects rewards, in decisions: a cell of as many is believed half."""

STATES = 4
MOVES = 0.8
"""The chance that a step changes how tired a user is."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a bandit is like: how far its policies are apart, how rare rewards are, and how heavy their tails."""

    name: str
    sharp_log: float  # spread of the log's policy, in log odds
    sharp_target: float  # and of the judged one
    rate: float  # log odds of a reward
    tail: float = 0.0  # deviation of the logarithm of a reward; 0: clicks


@dataclass(frozen=True, slots=True, eq=False)
class Bandit:
    """One bandit: probabilities [contexts, actions], and chances of a reward [levels, contexts, actions]."""

    kind: Kind
    contexts: Floats
    logging: Floats
    target: Floats
    chance: Floats

    @property
    def truth(self) -> float:
        """The judged policy's reward per decision. A reward is 1 on average, whatever its tail."""
        by_level = np.einsum("c,ca,lca->l", self.contexts, self.target, self.chance)
        return float(np.average(by_level, weights=LEVEL_SHARES * ASKED))

    def draw(self, users: int, rng: np.random.Generator) -> "Drawn":
        """Draw a log of so many users."""
        level = rng.choice(len(LEVELS), size=users, p=LEVEL_SHARES)
        user = np.repeat(np.arange(users), 1 + rng.poisson(ASKED[level] - 1))
        context = rng.choice(CONTEXTS, size=len(user), p=self.contexts)
        action = _choose(self.logging[context], rng)
        reward = (rng.random(len(user)) < self.chance[level[user], context, action]).astype(np.float64)
        tail = self.kind.tail
        if tail:
            reward *= rng.lognormal(-(tail**2) / 2, tail, size=len(user))
        log = Decisions(reward, self.logging[context, action], self.target[context, action], user)
        return Drawn(log, context, action, self.target[context])


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A log, and what a model may learn from."""

    log: Decisions
    context: Ints  # [decisions]
    action: Ints
    policy: Floats  # [decisions, actions]: the judged one

    def modelled(self, *, fitting: bool) -> Decisions:
        """Return the log with what a cross-fitted ridge expects.

        One that is not ``fitting`` believes that the best action is the best in every context, which it is not.
        """
        features = np.eye(CONTEXTS)[self.context]
        model = Ridge(PENALTY)
        if fitting:
            model = make_pipeline(PolynomialFeatures(2, interaction_only=True, include_bias=False), model)
        found = crossfit(features, self.action, self.log.reward, self.policy, self.log.user, model=model, seed=0)
        return replace(self.log, expected_taken=found.taken, expected_target=found.target)


def bandit(kind: Kind, rng: np.random.Generator) -> Bandit:
    """Draw a bandit of a kind. The judged policy leans to what is worth more, the log's to anything."""
    worth = rng.normal(size=(CONTEXTS, ACTIONS))
    beside = rng.normal(size=(CONTEXTS, ACTIONS))
    odds = kind.rate + LEVELS[:, None, None] + 0.6 * worth + 0.4 * beside
    logging = (1 - EXPLORED) * _softmax(kind.sharp_log * rng.normal(size=worth.shape)) + EXPLORED / ACTIONS
    return Bandit(
        kind,
        contexts=rng.dirichlet(np.full(CONTEXTS, 3.0)),
        logging=logging,
        target=_softmax(kind.sharp_target * worth),
        chance=1 / (1 + np.exp(-odds)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Users who tire: each step a push goes out or not, and tiredness, 0 to 3, rises or falls with it.

    A ``coarse`` log says of a state only whether it is one of the lower two, though the policies know more.
    """

    steps: int
    logging: Floats  # [states]: the chance that the log sends
    target: Floats  # [states]
    coarse: bool

    @property
    def truth(self) -> float:
        """The judged policy's rewards per user over all steps, by recursion."""
        return float(np.average([self._expected(level) for level in LEVELS], weights=LEVEL_SHARES))

    def draw(self, users: int, rng: np.random.Generator) -> Trajectories:
        """Draw the trajectories of so many users."""
        level = LEVELS[rng.choice(len(LEVELS), size=users, p=LEVEL_SHARES)]
        state = np.zeros((users, self.steps), np.int64)
        reward, propensity, target = np.zeros((3, users, self.steps))
        now = np.zeros(users, np.int64)
        for step in range(self.steps):
            state[:, step] = now
            sent = rng.random(users) < self.logging[now]
            propensity[:, step] = np.where(sent, self.logging[now], 1 - self.logging[now])
            target[:, step] = np.where(sent, self.target[now], 1 - self.target[now])
            reward[:, step] = sent & (rng.random(users) < _respond(now, level))
            moved = rng.random(users) < MOVES
            now = np.where(moved, np.clip(now + np.where(sent, 1, -1), 0, STATES - 1), now)
        return Trajectories(reward, propensity, target, state // 2 if self.coarse else state)

    def _expected(self, level: float) -> float:
        share, brought = np.eye(STATES)[0], 0.0
        states = np.arange(STATES)
        for _ in range(self.steps):
            brought += float(share @ (self.target * _respond(states, np.full(STATES, level))))
            after = (1 - MOVES) * share
            np.add.at(after, np.minimum(states + 1, STATES - 1), MOVES * share * self.target)
            np.add.at(after, np.maximum(states - 1, 0), MOVES * share * (1 - self.target))
            share = after
        return brought


def chain(steps: int, rng: np.random.Generator, *, coarse: bool = False) -> Chain:
    """Draw a chain: the log sends at random, the judged policy spares the tired."""
    logging = rng.uniform(0.3, 0.7, size=STATES)
    return Chain(steps, logging, target=np.array([0.8, 0.6, 0.4, 0.2]), coarse=coarse)


def _respond(state: Ints, level: Floats) -> Floats:
    """Return the chance of a reward, if a push is sent."""
    chance: Floats = 1 / (1 + np.exp(0.5 + 0.7 * state - level))
    return chance


def _choose(chances: Floats, rng: np.random.Generator) -> Ints:
    """Draw an action for each row of probabilities."""
    above = rng.random(len(chances))[:, None] > chances.cumsum(axis=1)
    return np.asarray(np.minimum(above.sum(axis=1), chances.shape[1] - 1), dtype=np.int64)


def _softmax(odds: Floats) -> Floats:
    weight = np.exp(odds)
    chances: Floats = weight / weight.sum(axis=1, keepdims=True)
    return chances
