"""Each logged decision, taken by another policy: the columns that off-policy estimators need, one row a decision.

*What is held fixed.* The user's record at every decision is the logged one, so a row answers: had the other policy
decided here, once, with everything before as it was. A push that is held brings nothing in its row; if it went out
later, that is the row of the later decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from andante.evaluation.offpolicy.decisions import Decisions
from andante.runners.counterfactual.reward import planned_sends
from andante.vocabulary.flow import NO_CHOICE
from andante.vocabulary.reason import Action, Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.runners.counterfactual.log import Drawn, Logged

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

FOLDS = 2
"""Users are split into so many folds: what is expected of one is learned from the others."""

_CERTAIN = 1.0 - 1e-12


@dataclass(frozen=True, slots=True)
class Choices:
    """Probabilities of each decision's action under both policies. Shape [n]."""

    propensity: Floats  # of the action taken, as it was logged
    target: Floats  # that the judged policy takes the same one
    unsupported: Floats  # that the judged policy does what could never have been logged
    sends: Floats  # that the judged policy sends anything
    never: Floats  # that it sends what could never have been logged
    open: Mask  # chance had a part in it, or the judged policy would have decided otherwise

    def untried(self, rows: Mask) -> float:
        """Return the share of the judged policy's sends that could never have been logged."""
        sends = float(self.sends[rows].sum())
        return float(self.never[rows].sum()) / sends if sends > 0 else 0.0

    def decisions(self, log: Logged, judged: Drawn, reward: Floats, rows: Mask) -> Decisions:
        """Return some of the rows as the estimators take them, with what a model expects of each."""
        taken, target = _expected(log, judged, reward, rows)
        return Decisions(
            reward=reward[rows],
            propensity=self.propensity[rows],
            target=self.target[rows],
            user=log.user[rows],
            expected_taken=taken[rows],
            expected_target=target[rows],
            unsupported=self.unsupported[rows],
        )


def choices(log: Logged, judged: Drawn) -> Choices:
    """Return what both policies would do at each decision."""
    could, would = _hold(log, log.drawn), _hold(log, judged)
    sent = log.drawn.decisions["action"] == Action.SEND
    chosen = log.first + np.maximum(log.drawn.decisions["chosen"], 0)
    propensity = log.drawn.decisions["propensity"].astype(np.float64)
    target = np.where(sent, judged.verdicts["propensity"][chosen], would)
    owner = log.owner()
    never = np.where(log.drawn.verdicts["propensity"] <= 0.0, judged.verdicts["propensity"], 0.0)
    never = np.bincount(owner, never, minlength=len(sent)).astype(np.float64)
    unsupported = never + np.where(could <= 0.0, would, 0.0)
    forced = (propensity >= _CERTAIN) & (target >= _CERTAIN)
    return Choices(
        propensity=propensity,
        target=np.clip(target, 0.0, 1.0),
        unsupported=np.clip(unsupported, 0.0, 1.0),
        sends=1.0 - would,
        never=never,
        open=~forced,
    )


def of_plan(log: Logged, judged: Drawn) -> Mask:
    """Tell which decisions were no transactional send under either policy: those no plan could have held, shape [n]."""
    urgent = [one.decisions["reason"] == Reason.TRANSACTIONAL for one in (log.drawn, judged)]
    both: Mask = ~(urgent[0] & urgent[1])
    return both


def _hold(log: Logged, drawn: Drawn) -> Floats:
    """Return the probability that nothing goes out. The sum runs in the step's own order, so it has the same bits."""
    sent = np.bincount(log.owner(), drawn.verdicts["propensity"], minlength=len(log.position))
    return np.clip(1.0 - sent, 0.0, 1.0)


def _expected(log: Logged, judged: Drawn, reward: Floats, rows: Mask) -> tuple[Floats, Floats]:
    """Return what a model expects of the action taken, and of the judged policy, shape [n] each.

    The model is the engine's own: the logged probability that a push is opened, brought to the scale of the reward by
    a line (with the candidate's value as a second slope) that is fitted on other users' sends. What is held brings
    nothing.
    """
    opens = np.where(log.drawn.verdicts["open"] > 0.0, log.drawn.verdicts["open"], judged.verdicts["open"])
    opens = opens.astype(np.float64)
    features = np.stack([np.ones(len(opens)), opens, opens * log.candidates["value"]], axis=1)
    chosen = log.first + np.maximum(log.drawn.decisions["chosen"], 0)
    sent = planned_sends(log) & (log.drawn.decisions["chosen"] != NO_CHOICE)
    owner = log.owner()
    fold = log.user % FOLDS
    by_candidate = np.zeros(len(opens))
    for part in range(FOLDS):
        known = sent & rows & (fold != part)
        if not known.any():
            continue
        line, *_ = np.linalg.lstsq(features[chosen[known]], reward[known], rcond=None)
        mine = fold[owner] == part
        by_candidate[mine] = features[mine] @ line
    taken = np.where(sent, by_candidate[chosen], 0.0)
    target = np.bincount(owner, judged.verdicts["propensity"] * by_candidate, minlength=len(taken)).astype(np.float64)
    return taken, target
