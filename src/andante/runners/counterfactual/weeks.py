"""Users' weeks: a random pace was drawn for some of them, and some users are never pushed. Both can be compared.

A week is one that the engine draws paces for: 7 days from a Thursday, 00:00 UTC. Who gets which pace is decided at the
first decision of the week, by a draw that nothing else depends on; so the weeks with pace k are a fair sample of all
weeks, and what was *assigned* counts, not how much went out. What they show is the first week of such a pace: the
fatigue of a second and third one is in none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from andante.evaluation.offpolicy.decisions import Decisions
from andante.pacing.credit import WEEK_S
from andante.runners.counterfactual.reward import RewardName, planned_sends, visits_and_spend
from andante.vocabulary.reason import Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.runners.counterfactual.log import Logged
    from andante.runners.counterfactual.reward import Reward

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

ALIKE = 1e-6
"""Two paces that differ by less are one: they are logged in 24 bits."""


@dataclass(frozen=True, slots=True)
class Weeks:
    """Users' weeks in which at least one decision was taken and that are over, outcomes and all. Shape [w]."""

    user: Ints
    week: Ints  # weeks since 1970
    held_out: Mask
    explored: Mask  # a random pace was drawn
    per_week: Floats  # the pace at the first decision
    explore: Floats  # share of users with a random pace then
    share: Floats  # of the paces that could be drawn, those that came to this one
    holdout: Floats  # share of users held out
    sends: Floats
    reward: Floats

    def paced(self, per_week: float) -> Decisions:
        """Return weeks of users who may be pushed: had all of them drawn this pace."""
        rows = ~self.held_out
        drawn = self.drawn(per_week)
        propensity = np.where(self.explored, self.explore * self.share, 1.0 - self.explore)
        return Decisions(
            reward=self.reward[rows],
            propensity=propensity[rows],
            target=drawn[rows].astype(np.float64),
            user=self.user[rows],
        )

    def drawn(self, per_week: float) -> Mask:
        """Tell for which weeks this pace was drawn."""
        found: Mask = self.explored & (np.abs(self.per_week - per_week) < ALIKE)
        return found

    def unpushed(self) -> Decisions:
        """Return all weeks: had everybody been held out."""
        propensity = np.where(self.held_out, self.holdout, 1.0 - self.holdout)
        return Decisions(
            reward=self.reward, propensity=propensity, target=self.held_out.astype(np.float64), user=self.user
        )


def weeks(log: Logged, reward: Reward, whole: Mask) -> Weeks:
    """Return the weeks of all users, of decisions (``whole``, [n]) in weeks that are over, outcomes and all."""
    week = log.week
    first_week = int(week.min())
    span = int(week.max()) - first_week + 1
    cell = log.user * span + (week - first_week)
    cells, first, inverse = np.unique(cell[whole], return_index=True, return_inverse=True)
    first = np.flatnonzero(whole)[first]
    count = len(cells)
    sends = np.bincount(inverse, planned_sends(log)[whole], minlength=count).astype(np.float64)
    per_week = log.drawn.decisions["plan_per_week"][first].astype(np.float64)
    return Weeks(
        user=log.user[first],
        week=week[first],
        held_out=held_out(log)[log.user[first]],
        explored=log.drawn.decisions["explored"][first] == 1,
        per_week=per_week,
        explore=log.held_field("explore")[first],
        share=_share(log, first, per_week),
        holdout=log.held_field("holdout")[first],
        sends=sends,
        reward=_weekly(log, reward, cells, inverse, whole, first_week, span),
    )


def held_out(log: Logged) -> Mask:
    """Tell which users the holdout refused, shape [users]; who was never asked anything counts as not held out."""
    refused = log.drawn.verdicts["refused"] & (1 << Reason.HOLDOUT) != 0
    found = np.zeros(len(log.users), bool)
    found[log.user[log.owner()[refused]]] = True
    return found


def paces(parameters: NDArray[np.void]) -> list[float]:
    """Return the random paces that may be drawn, within the bounds that hold, the lowest first."""
    return drawn_paces(parameters)[0]


def drawn_paces(parameters: NDArray[np.void]) -> tuple[list[float], list[float]]:
    """Return the random paces as ``paces`` does, and with which share of the random weeks each is drawn."""
    values, counts = np.unique(_followed(parameters), return_counts=True)
    return values.tolist(), (counts / max(int(counts.sum()), 1)).tolist()


def _followed(parameters: NDArray[np.void]) -> Floats:
    """Return the pace that each arm comes to within the bounds, shape [arms]."""
    one = parameters[0]
    arms = np.asarray(one["arm_per_week"][: int(one["arms"])], np.float64)
    return np.where(arms > 0.0, np.clip(arms, one["least_per_week"], one["most_per_week"]), 0.0)


def _share(log: Logged, first: Ints, per_week: Floats) -> Floats:
    """Return the share of the paces to be drawn that come to the pace of each week; at least one of them."""
    share = np.ones(len(first))
    for place, parameters in enumerate(log.parameters):
        followed = _followed(parameters)
        if not len(followed):
            continue
        mine = log.held[first] == place
        alike = np.abs(per_week[mine, None] - followed[None, :]) < ALIKE
        share[mine] = np.maximum(alike.sum(axis=1), 1) / len(followed)
    return share


def _weekly(  # noqa: PLR0913, PLR0917  how weeks are numbered
    log: Logged, reward: Reward, cells: Ints, inverse: Ints, whole: Mask, first_week: int, span: int
) -> Floats:
    """Return the reward of each week: that of its decisions, or what the user did in it."""
    pushes = np.bincount(inverse, reward.by_decision(log)[whole], minlength=len(cells)).astype(np.float64)
    if reward.name not in {RewardName.VISITS, RewardName.SPEND}:
        return pushes
    visits, spend = visits_and_spend(log.events, len(log.users), first_week * WEEK_S, WEEK_S, span)
    own = visits if reward.name is RewardName.VISITS else spend
    return np.asarray(own.ravel()[cells] + pushes, np.float64)  # of the pushes, what their opt-outs cost
