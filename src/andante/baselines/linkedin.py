"""LinkedIn's survival rule: push when the push makes a visit much more likely than it is anyway.

A request is answered iff (P(visit | send) − P(visit | no)) / P(visit | no) > tau, with visits within a day by a
survival model (Gao and others, "Near real-time optimization of activity-based notifications", KDD 2018, and Yuan and
others, WSDM 2019). The threshold tau is the price of a push: it rises while more is sent than the budget lets through.

Chosen where the sources are silent: covariates are the features of every baseline, the local hour, and the relevance of
what is offered, each with its own effect of a push; tau is what a share of the pilot's requests passes, which starts
where it would have met the budget and follows it daily; a cap of two pushes a day holds always.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andante.baselines.memory import FEATURES, Memory
from andante.baselines.pilot import Pilot
from andante.baselines.planned import receivers
from andante.baselines.points import WITHIN_DAYS, Points, relevance
from andante.baselines.purse import Purse
from andante.baselines.sender import Sender, by_day
from andante.baselines.survival import Survival, fit_survival
from andante.worlds.contract import DAY_S, HOUR_S, WEEK_S, Crowd, Floats, Mask, Tick

DAY_LIMIT = 2
"""Pushes a day to one user at most."""

STEP = 0.25
"""How far the logarithm of the share of requests moves for a day on which nothing, or twice the allowance, was sent."""

POINTS_MAX = 200_000
"""Decision points that are learned from at most."""

_SHARE_LEAST = 1e-4

_PUSH_TOLD = ("segment", "visits", "opens", "pushes", "away")
"""Features on which the effect of a push depends, beside the hour and the relevance."""


@dataclass(frozen=True, slots=True)
class VisitModel:
    """How likely a visit is within a day, with a push and without."""

    survival: Survival
    mean: Floats
    spread: Floats
    effects: Floats  # of the pilot's requests by day, sorted: what tau is read from
    per_user_day: float  # of these requests

    def effect(self, features: Floats, hour: Floats, best: Floats) -> Floats:
        """Return by what share a push makes a visit more likely, one number a row."""
        without, sent = np.zeros(len(hour), np.bool_), np.ones(len(hour), np.bool_)
        chance = [
            self.survival.comes_within(_covariates((features - self.mean) / self.spread, hour, best, send), WITHIN_DAYS)
            for send in (without, sent)
        ]
        return np.asarray((chance[1] - chance[0]) / np.maximum(chance[0], 1e-12))

    def threshold(self, share: float) -> float:
        """Return the tau that this share of the pilot's requests passes."""
        return max(float(np.quantile(self.effects, 1 - min(max(share, 0.0), 1.0))), 0.0)


def fit_visits(pilot: Pilot) -> VisitModel:
    """Fit the model of visits to the decision points of a pilot. Raises NotEnoughData for too few visits."""
    points = _some(pilot.points)
    mean = points.features.mean(axis=0) if len(points.features) else np.zeros(len(FEATURES))
    spread = np.maximum(points.features.std(axis=0), 1e-6) if len(points.features) else np.ones(len(FEATURES))
    x = _covariates((points.features - mean) / spread, points.hour, points.relevance, points.sent)
    survival = fit_survival(x, points.days, points.seen)
    bare = VisitModel(survival, mean, spread, np.zeros(1), points.per_user_day)
    effects = np.sort(bare.effect(points.features, points.hour, points.relevance))
    return VisitModel(survival, mean, spread, effects, points.per_user_day)


def _some(points: Points) -> Points:
    """Return so many points at most, evenly of all."""
    stride = -(-len(points.sent) // POINTS_MAX) or 1
    columns = {one.name: getattr(points, one.name) for one in fields(points)}
    some: dict[str, Any] = {
        name: column[::stride] for name, column in columns.items() if isinstance(column, np.ndarray)
    }
    return replace(points, **some)


@dataclass(slots=True)
class SurvivalRule:
    """Pushes when a push raises the chance of a visit by more than tau, which follows the budget, or a volume.

    ``volume`` is in pushes per user-week: what tau aims at where there is no budget.
    """

    model: VisitModel
    seed: int
    budget: float | None = None
    volume: float = 3.0
    tau: float = field(default=0.0, init=False)
    _memory: Memory = field(init=False, repr=False)
    _sender: Sender = field(init=False, repr=False)
    _purse: Purse = field(init=False, repr=False)
    _known: Floats = field(init=False, repr=False)
    _share: float = field(init=False, repr=False)  # of requests that are to pass tau
    _day: int = field(init=False, repr=False)
    _today: int = field(init=False, repr=False)  # sent

    def begin(self, crowd: Crowd) -> None:
        """Get ready for these users."""
        self._memory, self._sender = Memory(crowd), Sender(crowd, self.seed)
        self._purse = Purse(crowd, self.budget)
        self._day, self._today = -1, 0
        self._share = self._allowed_today(crowd.start_s) / max(self.model.per_user_day * crowd.users, 1e-9)
        self.tau = self.model.threshold(self._share)

    def decide(self, tick: Tick) -> NDArray[np.void]:
        """Return what goes out in this tick."""
        self._memory.observe(tick)
        day = (tick.from_s - self._memory.crowd.start_s) // DAY_S
        if day != self._day:
            self._follow(tick.from_s)
            self._day, self._known = day, self._memory.features()
        wanted = self._wanted(tick)
        sends = self._purse.pay(
            self._sender.capped(tick, DAY_LIMIT, DAY_S, wanted=wanted, room=self._purse.left),
        )
        self._today += len(sends)
        self._memory.count(receivers(tick, sends))
        return sends

    def _wanted(self, tick: Tick) -> Mask:
        asked, crowd = tick.requests, self._memory.crowd
        wanted: Mask = by_day(asked["at_s"], crowd.offset_s[asked["user"]]) & self._memory.reachable[asked["user"]]
        rows = np.flatnonzero(wanted)
        if not len(rows):
            return wanted
        users = asked["user"][rows]
        hour = (asked["at_s"][rows] + crowd.offset_s[users]) % DAY_S / HOUR_S
        effect = self.model.effect(self._known[users], hour, relevance(tick)[rows])
        wanted[rows] = effect > self.tau
        return wanted

    def _allowed_today(self, at_s: int) -> float:
        allowance = self._purse.allowance(at_s)
        per_week = self.volume if allowance is None else allowance
        return per_week * self._memory.crowd.users * DAY_S / WEEK_S

    def _follow(self, at_s: int) -> None:
        """Move tau by how far the day's sends were from what was allowed."""
        allowed = self._allowed_today(at_s)
        if self._day >= 0 and allowed > 0:
            moved = self._share * np.exp(-STEP * np.clip(self._today / allowed - 1, -1, 1))
            self._share = float(np.clip(moved, _SHARE_LEAST, 1.0))
            self.tau = self.model.threshold(self._share)
        self._today = 0


def _covariates(known: Floats, hour: Floats, best: Floats, sent: Mask) -> Floats:
    """Return the constant, what is known, the hour, and the same again for what a push changes."""
    known = np.clip(known, -3, 3)
    turn = hour / 24 * 2 * np.pi
    clock = np.column_stack((np.sin(turn), np.cos(turn), np.sin(2 * turn), np.cos(2 * turn)))
    logs = np.log(np.maximum(best, 1e-3))[:, None]
    told = known[:, [FEATURES.index(name) for name in _PUSH_TOLD]]
    push = sent[:, None] * np.column_stack((np.ones(len(hour)), told, clock, logs))
    return np.column_stack((np.ones(len(hour)), known, clock, logs, push))
