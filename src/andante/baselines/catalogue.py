"""The policies that Andante is measured against, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from andante.baselines.cap import FixedCap, caps_near
from andante.baselines.constant import NoPush, Pace
from andante.baselines.linkedin import SurvivalRule, fit_visits
from andante.baselines.open_rate import MOST, OpenRate
from andante.baselines.oracle import Oracle
from andante.baselines.pilot import Pilot
from andante.baselines.pilot import pilot as run_pilot
from andante.baselines.pinterest import fit_volumes
from andante.baselines.planned import Planned
from andante.baselines.random_pace import RandomPace
from andante.baselines.sweep import Lives, sweep
from andante.baselines.uplift import EVERY_WEEKS, fit_uplift
from andante.baselines.vowpal import VowpalBandit
from andante.vocabulary.fault import InputFault, NotEnoughData
from andante.worlds.contract import Floats, Policy

NAMES: Mapping[str, str] = {
    "no-push": "Nobody is pushed: what every policy's value is counted from.",
    "pace": "Everybody is pushed equally often, evenly over the week.",
    "fixed-cap": "What comes goes out, first come, first served, up to a cap in a sliding window.",
    "best-cap": "The fixed cap that brought most in training worlds, within the budget.",
    "best-pace": "The even pace for everybody that brought most in training worlds, within the budget.",
    "random": "Everybody keeps a pace drawn by chance.",
    "open-rate": "Those who open most readily are pushed, until the budget is used up.",
    "pinterest": "k is raised while long-term activity net of unsubscribes exceeds a threshold (KDD 2018).",
    "linkedin": "A push goes out if it makes a visit much more likely than it is anyway (KDD 2018).",
    "uplift": "A pace for each user by learned response curves and a multiple-choice knapsack.",
    "vowpal": "VowpalWabbit's contextual bandit sends or holds at every request.",
    "oracle": "The best constant pace of every user, by response curves that only the world knows.",
}
"""Every policy, with what it does in one sentence."""

PILOTED = frozenset({"pinterest", "linkedin", "uplift"})
"""Learn from a pilot: give one, or a way to live through training worlds."""

SWEPT = frozenset({"best-cap", "best-pace", "open-rate", "linkedin"})
"""Have a setting to be found by a sweep: give a way to live through training worlds."""

TOLD = frozenset({"oracle"})
"""Must be told the world's own response curves."""

EXTRA: Mapping[str, str] = {"vowpal": "vw"}
"""Need an extra of the package."""

PER_WEEK = 3.0
TRAINING_SEEDS = (900_001, 900_002)
"""Seeds of the worlds in which baselines are trained and tuned: never judged."""

VOLUMES = (1.0, 2.0, 3.0, 4.0, 6.0)
"""Volumes, in pushes per user-week, to choose from where there is no budget."""


@dataclass(frozen=True, slots=True)
class Training:
    """What baselines may learn from: other worlds to live through, a pilot of one, and curves for the oracle alone."""

    lives: Lives | None = None
    seeds: Sequence[int] = TRAINING_SEEDS[:1]
    pilot: Pilot | None = None
    paces: Floats | None = None
    curves: Floats | None = None  # [users, paces]
    curve_sends: Floats | None = None  # [users, paces], in pushes per user-week

    def piloted(self) -> Pilot:
        """Return the pilot, or run one. Raises NotEnoughData where there is neither a pilot nor a world for one."""
        if self.pilot is not None:
            return self.pilot
        return run_pilot(self.living("a pilot"), self.seeds[0])

    def living(self, what: str) -> Lives:
        """Return the way to live through training worlds. Raises NotEnoughData where there is none."""
        if self.lives is None:
            raise NotEnoughData("policy", None, f"needs {what} of training worlds", "give a way to live through them")
        return self.lives


def policy(
    name: str,
    *,
    seed: int,
    budget: float | None = None,
    per_week: float | None = None,
    training: Training | None = None,
) -> Policy:
    """Return a policy, trained and tuned, that has seen none of the users whom it will push.

    ``budget`` is in pushes per user-week; ``per_week`` is the pace or cap of those that have one (default: the budget,
    or 3). Raises InputFault for an unknown name or a judged seed among those of training, NotEnoughData where the
    policy has to learn and is given nothing to learn from, and MissingExtra for a package that is not there.
    """
    if name not in NAMES:
        raise InputFault("policy", name, "is unknown", f"choose of {', '.join(NAMES)}")
    learned = training or Training()
    if seed in learned.seeds and name in PILOTED | SWEPT:
        raise InputFault("seed", seed, "is one of training", "judge on another")
    often = per_week if per_week is not None else PER_WEEK if budget is None else budget
    return _MAKERS[name](_Wish(seed, budget, often, learned))


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a maker is asked for."""

    seed: int
    budget: float | None
    per_week: float
    training: Training


def _fixed(wish: _Wish) -> Policy:
    return FixedCap(float(np.floor(wish.per_week * 4) / 4), wish.seed, wish.budget)


def _best_cap(wish: _Wish) -> Policy:
    seeds, lives = wish.training.seeds, wish.training.living("a sweep")
    best, _ = sweep(lambda cap: FixedCap(cap, seeds[0]), caps_near(wish.budget), lives, seeds, wish.budget)
    return FixedCap(best, wish.seed, wish.budget)


def _best_pace(wish: _Wish) -> Policy:
    seeds, lives = wish.training.seeds, wish.training.living("a sweep")
    best, _ = sweep(lambda pace: Pace(pace, seeds[0]), caps_near(wish.budget), lives, seeds, wish.budget)
    return Pace(best, wish.seed)


def _random(wish: _Wish) -> Policy:
    return Planned(RandomPace(wish.seed), wish.seed, wish.budget)


def _open_rate(wish: _Wish) -> Policy:
    seeds, lives = wish.training.seeds, wish.training.living("a sweep")
    volumes = (wish.budget,) if wish.budget is not None else VOLUMES
    options = [OpenRate(most, volume) for volume in volumes for most in MOST if most >= volume]
    options = options or [OpenRate(volumes[0], volumes[0])]
    best, _ = sweep(lambda planner: Planned(planner, seeds[0], wish.budget), options, lives, seeds, wish.budget)
    return Planned(best, wish.seed, wish.budget)


def _pinterest(wish: _Wish) -> Policy:
    return Planned(fit_volumes(wish.training.piloted(), seed=wish.seed), wish.seed, wish.budget)


def _linkedin(wish: _Wish) -> Policy:
    model = fit_visits(wish.training.piloted())
    if wish.budget is not None:
        return SurvivalRule(model, wish.seed, wish.budget)
    seeds, lives = wish.training.seeds, wish.training.living("a sweep")
    best, _ = sweep(lambda volume: SurvivalRule(model, seeds[0], None, volume), VOLUMES, lives, seeds)
    return SurvivalRule(model, wish.seed, None, best)


def _uplift(wish: _Wish) -> Policy:
    learned = fit_uplift(wish.training.piloted(), seed=wish.seed, budget=wish.budget)
    return Planned(learned, wish.seed, wish.budget, EVERY_WEEKS)


def _oracle(wish: _Wish) -> Policy:
    told = wish.training
    if told.curves is None or told.paces is None:
        raise NotEnoughData("oracle", None, "was told no response curves", "give those of the judged world")
    best = Oracle(told.paces).best(told.curves, sends=told.curve_sends, budget=wish.budget)
    return Pace(best.per_week, wish.seed)


_MAKERS: Mapping[str, Callable[[_Wish], Policy]] = {
    "no-push": lambda _: NoPush(),
    "pace": lambda wish: Pace(wish.per_week, wish.seed),
    "fixed-cap": _fixed,
    "best-cap": _best_cap,
    "best-pace": _best_pace,
    "random": _random,
    "open-rate": _open_rate,
    "pinterest": _pinterest,
    "linkedin": _linkedin,
    "uplift": _uplift,
    "vowpal": lambda wish: VowpalBandit(wish.seed, wish.budget),
    "oracle": _oracle,
}
