"""Uplift and a knapsack: learn from a randomised pilot what each pace brings from each user, then buy the best plan.

The response curve of value over assigned paces is learned from users' features; under a budget the multiple-choice
knapsack chooses a pace for each, by bisection on the price of a push (design after Goldenberg and others, "Free lunch!
Retrospective uplift modeling for dynamic promotions recommendation within ROI constraints", RecSys 2020; Zhao and
others, "A unified framework for marketing budget allocation", KDD 2019).

Chosen where the sources are silent. *Value*: half a year of orders is mostly noise, so the outcome is a surrogate index
(Athey, Chetty, Imbens and Kang, 2019): visits and opens, each weighted by the money that they went with in the pilot,
by features. *Learner*: of four, the one whose plan is worth most by a doubly robust estimate on users that it has not
learned from; a plan of one pace for all is among them, so a learner has to beat it. *Again*: the plan is made anew
every other week, as evidence on the judged users grows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import RidgeCV

from andante.baselines.curves import BoostedCurves, Curves, PooledCurve, RidgeCurves
from andante.baselines.knapsack import knapsack
from andante.baselines.memory import Memory
from andante.baselines.pilot import Pilot
from andante.baselines.random_pace import PACES
from andante.vocabulary.fault import NotEnoughData
from andante.worlds.contract import Floats, Ints

FOLDS = 5
EVERY_WEEKS = 2


@dataclass(frozen=True, slots=True)
class Table:
    """One row a user of a pilot: features before the draw, the pace drawn, and what came of it a week."""

    x: Floats  # [users, features]
    pace: Floats
    worth: Floats  # money a week, by the surrogate index
    sends: Floats  # a week


@dataclass(frozen=True, slots=True)
class Uplift:
    """Plans by learned curves. ``learned`` names the learner that was chosen, ``worths`` what each plan was worth."""

    curves: Curves
    paces: Floats
    sends: Floats  # a week at each pace, from one who can be pushed: fewer where users leave
    learned: str
    worths: Mapping[str, float]

    def plan(self, memory: Memory, allowance: float | None) -> Floats:
        """Return pushes a week by user: the best plan within the allowance."""
        who = np.flatnonzero(memory.reachable)
        paces = np.zeros(memory.crowd.users)
        if len(who):
            value = self.curves.predict(memory.features()[who], self.paces)
            budget = None if allowance is None else max(allowance, 0.0) * memory.crowd.users
            paces[who] = self.paces[choose(value, self.sends, budget)]
        return paces


def fit_uplift(pilot: Pilot, *, seed: int, budget: float | None = None) -> Uplift:
    """Learn a plan from a pilot; the budget, in pushes per user-week, decides between learners.

    Raises NotEnoughData where too few users of the pilot could be pushed when k was drawn anew.
    """
    table = tabulate(pilot)
    paces = np.array(PACES)
    sends = _sends(table, paces)
    learners: dict[str, Callable[[], Curves]] = {
        "one pace": PooledCurve,
        "by segment": lambda: RidgeCurves(by_segment=True),
        "ridge": RidgeCurves,
        "boosted": lambda: BoostedCurves(seed),
    }
    folds = np.random.default_rng([seed, 4]).permutation(len(table.pace)) % FOLDS
    plans = {name: _crossed(make, table, folds, paces, sends, budget) for name, make in learners.items()}
    nuisance = _out_of_fold(RidgeCurves, table, folds, paces)
    worths = {name: worth_of(plan, table, nuisance, paces) for name, plan in plans.items()}
    best = max(worths, key=lambda name: worths[name])
    curves = learners[best]()
    curves.fit(table.x, table.pace, table.worth)
    return Uplift(curves, paces, sends, best, worths)


def tabulate(pilot: Pilot) -> Table:
    """Return the pilot as one row a user who could be pushed when k was drawn anew."""
    who, warm = pilot.late(), pilot.warm
    if len(who) < FOLDS * len(PACES):
        raise NotEnoughData("pilot", len(who), "has too few users", f"give at least {FOLDS * len(PACES)}")
    lived = pilot.lived
    x = pilot.features[who, warm].astype(np.float64)
    weeks = lived.sends.shape[1] - warm
    visits, opens, value, sends = (
        np.asarray(column[who, warm:].sum(axis=1, dtype=np.float64)) / weeks
        for column in (lived.visits, lived.opens, lived.value, lived.sends)
    )
    return Table(x, pilot.assigned[who, warm], surrogate(x, visits, opens, value), sends)


def surrogate(x: Floats, visits: Floats, opens: Floats, value: Floats) -> Floats:
    """Return the money that visits and opens went with, by features: value without the luck of single orders."""
    scaled = np.clip((x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9), -3, 3)
    told = np.hstack((np.ones((len(x), 1)), scaled))
    design = np.hstack((told * visits[:, None], told * opens[:, None]))
    model = RidgeCV(alphas=np.logspace(-3, 3, 13), fit_intercept=False).fit(design, value)
    return np.asarray(model.predict(design))


def choose(value: Floats, sends: Floats, budget: float | None) -> Ints:
    """Return the column of the pace of every user, from values [users, paces] and the sends of each pace [paces]."""
    return knapsack(value, np.broadcast_to(sends, value.shape), budget).column


def worth_of(column: Ints, table: Table, nuisance: Floats, paces: Floats) -> float:
    """Return what a plan is worth a user-week, doubly robust.

    A model's guess, and where the pilot happened to assign what the plan wants, the error of that guess in full.
    """
    rows = np.arange(len(column))
    planned = np.asarray(column, np.int64)
    assigned = np.searchsorted(paces, table.pace)
    hit = (assigned == planned) * len(paces)  # each pace was as likely
    return float((nuisance[rows, planned] + hit * (table.worth - nuisance[rows, assigned])).mean())


def _sends(table: Table, paces: Floats) -> Floats:
    """Return mean sends a week at each pace, which never fall with the pace."""
    means = [table.sends[table.pace == pace].mean() if (table.pace == pace).any() else pace for pace in paces]
    return np.asarray(np.maximum.accumulate(np.array(means)))


def _crossed(  # noqa: PLR0913, PLR0917  one call for every learner, of everything it is judged by
    make: Callable[[], Curves],
    table: Table,
    folds: Ints,
    paces: Floats,
    sends: Floats,
    budget: float | None,
) -> Ints:
    """Return the plan of every user of the pilot by curves that have not learned from the user."""
    value = _out_of_fold(make, table, folds, paces)
    return choose(value, sends, None if budget is None else budget * len(value))


def _out_of_fold(make: Callable[[], Curves], table: Table, folds: Ints, paces: Floats) -> Floats:
    value = np.zeros((len(table.pace), len(paces)))
    for fold in range(FOLDS):
        out = folds == fold
        curves = make()
        curves.fit(table.x[~out], table.pace[~out], table.worth[~out])
        value[out] = curves.predict(table.x[out], paces)
    return value
