"""The figures of the play page: what the product's own functions say at chosen parameters. Nothing is computed twice.

Satisfaction and its plan come from :mod:`andante.frequency.satisfaction`, pressure, opens and refusals from the
kernels of :mod:`andante.pacing`, by :mod:`andante.dashboard.play_kernel`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from andante.dashboard.play_kernel import course
from andante.frequency.satisfaction import Curves, optimal_plan
from andante.live.names import Names
from andante.live.parameters import compile_parameters
from andante.live.survey import PLAN_EDGES
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from andante.live.survey import Survey
    from andante.settings import Settings

    Array = NDArray[np.float64]

PACES = np.linspace(0, 14, 57)
"""The paces that a satisfaction curve is shown at, in pushes a week."""

TRIED = np.arange(0, 14.5, 0.5)
"""The paces that half a year is played at."""

WEEKS_SHOWN, WEEKS_PLAYED = 6, 26
MOST_USERS = 2_000
"""A larger population is scaled down to about so many: the shares stay."""

_DAY_S = 86_400


def knob(least: float, most: float, step: float, otherwise: float) -> float:
    """Declare a parameter: its range, its step, and its value where neither the URL nor the settings say another."""
    return field(default=otherwise, metadata={"least": least, "most": most, "step": step})


@dataclass(frozen=True, slots=True)
class Knobs:
    """The parameters of the page. Rates are per push, paces in pushes a week."""

    rise: float = knob(0.05, 0.6, 0.01, 0.25)  # a: satisfaction gained with each weekly push up to the turning point
    turn: float = knob(0.5, 10, 0.5, 3.0)  # theta_s
    fall: float = knob(-0.3, 0.1, 0.01, -0.08)  # b: what each weekly push beyond it changes
    pace: float = knob(0, 14, 0.5, 3.0)
    fatigue_days: float = knob(0.5, 10, 0.1, 2.5)
    habituation_days: float = knob(2, 60, 0.5, 15.0)
    fatigue_open: float = knob(0, 1, 0.01, 0.2)  # beta
    habituation_open: float = knob(0, 0.2, 0.001, 0.03)  # alpha
    fatigue_refusal: float = knob(0, 1, 0.01, 0.2)  # eta
    open_rate: float = knob(0.001, 0.5, 0.001, 0.03)
    refusal_rate: float = knob(0.0001, 0.05, 0.0001, 0.0015)
    budget: float = knob(0.25, 10, 0.25, 2.0)


def knobs_of(settings: Settings) -> Knobs:
    """Return the parameters that a server decides by, as far as it has them."""
    learning = settings.learning
    held = {
        "fatigue_days": learning.fatigue_half_life.total_seconds() / _DAY_S,
        "habituation_days": learning.habituation_half_life.total_seconds() / _DAY_S,
        "fatigue_open": learning.fatigue_open,
        "habituation_open": learning.habituation_open,
        "fatigue_refusal": learning.fatigue_refusal,
        "open_rate": learning.open_rate,
        "refusal_rate": learning.refusal_rate,
        "budget": settings.budget.per_user_week,
    }
    return Knobs(**{name: _stepped(name, value) for name, value in held.items() if value is not None})


def asked_knobs(asked: Mapping[str, str], held: Knobs) -> Knobs:
    """Return the parameters that a URL asks for, over those held. Raises InputFault for what is none."""
    chosen = asdict(held)
    for name in chosen.keys() & asked.keys():
        try:
            value = float(asked[name])
        except ValueError:
            value = math.nan
        if value != _within(name, value):
            bounds = LIMITS[name]
            raise InputFault(
                name, asked[name], "is not in its range", f"give a number from {bounds.least:g} to {bounds.most:g}"
            )
        chosen[name] = value
    return Knobs(**chosen)


class Limits(NamedTuple):
    """Between what, and how finely, a parameter moves."""

    least: float
    most: float
    step: float


LIMITS = {one.name: Limits(**one.metadata) for one in fields(Knobs)}


def _within(name: str, value: float) -> float:
    return min(max(value, LIMITS[name].least), LIMITS[name].most)


def _stepped(name: str, value: float) -> float:
    """Return the value that a slider can stand at which is nearest."""
    least, _, step = LIMITS[name]
    return _within(name, round(least + step * round((value - least) / step), 6))


class Satisfied(NamedTuple):
    """A satisfaction curve, and where it is highest."""

    at: Array  # S at PACES
    best: float  # f*, pushes a week
    satisfaction: float  # S*


def satisfied(knobs: Knobs) -> Satisfied:
    """Return the satisfaction curve of these parameters."""
    curve = _curves(knobs, np.array([knobs.turn]))
    best, most = curve.optimum()
    return Satisfied(curve.at(PACES), float(best[0]), float(most[0]))


class Tired(NamedTuple):
    """How a user fares at the chosen pace."""

    days: Array
    fatigue: Array
    habituation: Array
    opened_first: float  # probability that the first push is opened
    opened_settled: float  # and one of the last week played
    refused_first: float
    refused_settled: float


def tired(knobs: Knobs, settings: Settings) -> Tired:
    """Return fatigue and habituation over some weeks at the chosen pace, and what they make of opens and opt-outs."""
    parameters = _parameters(knobs, settings)
    shown = course(parameters, knobs.pace, WEEKS_SHOWN)
    rested = course(parameters, 7.0, 1)  # its first push meets a rested user
    settled = course(parameters, knobs.pace, WEEKS_PLAYED) if knobs.pace > 0 else rested
    last = -1 if knobs.pace > 0 else 0
    return Tired(
        shown.days,
        shown.fatigue,
        shown.habituation,
        float(rested.opened[0]),
        float(settled.opened[last]),
        float(rested.refused[0]),
        float(settled.refused[last]),
    )


class Played(NamedTuple):
    """Half a year at every pace that is tried."""

    opens: Array  # expected opens of one user, while they stay
    staying: Array  # share of users who have not opted out by the end
    best: float  # the pace with the most opens


def played(knobs: Knobs, settings: Settings) -> Played:
    """Return what half a year brings at each of TRIED paces. A push only reaches who has not opted out before it."""
    parameters = _parameters(knobs, settings)
    opens, staying = np.zeros(TRIED.size), np.ones(TRIED.size)
    for place, per_week in enumerate(TRIED.tolist()):
        found = course(parameters, per_week, WEEKS_PLAYED)
        left = np.cumprod(1.0 - found.refused)
        if left.size:
            opens[place] = float(found.opened[0] + found.opened[1:] @ left[:-1])
            staying[place] = float(left[-1])
    return Played(opens, staying, float(TRIED[int(opens.argmax())]))


class Planned(NamedTuple):
    """What a budget makes of a population."""

    mean: float  # pushes per user-week that the budget leaves
    free_mean: float  # without a budget
    histogram: Array  # share of users in the bins of PLAN_EDGES
    free_histogram: Array
    satisfaction: float  # mean S under the budget
    free_satisfaction: float
    price: float  # shadow price: how much the loss of satisfaction would fall for one more push a week
    budgets: Array
    prices: Array  # at these budgets


def planned(knobs: Knobs, best_paces: Array) -> Planned:
    """Return the plan that loses least satisfaction under the budget, for users who like these paces best (n,)."""
    some = best_paces[best_paces > 0]
    none = best_paces.size - some.size
    share = some.size / max(best_paces.size, 1)
    curves = _curves(knobs, some)

    def under(budget: float | None) -> tuple[Array, Array, float]:
        if not some.size:
            return best_paces, np.zeros(none), 0.0
        plan = optimal_plan(curves, None if budget is None else budget / share)
        return np.append(plan.f, np.zeros(none)), np.append(plan.s, np.zeros(none)), plan.shadow_price

    free, pleased, _ = under(None)
    paces, content, price = under(knobs.budget)
    budgets = np.linspace(LIMITS["budget"].least, LIMITS["budget"].most, 40)
    return Planned(
        mean=float(paces.mean()),
        free_mean=float(free.mean()),
        histogram=_shares(paces),
        free_histogram=_shares(free),
        satisfaction=float(content.mean()),
        free_satisfaction=float(pleased.mean()),
        price=price,
        budgets=budgets,
        prices=np.array([under(budget)[2] for budget in budgets.tolist()]),
    )


class Population(NamedTuple):
    """Whom a budget is tried on."""

    best_paces: Array  # (n,) pushes a week
    users: int  # of the server; 0: an example


def population_of(counted: Survey | None) -> Population:
    """Return a server's own users, each in the middle of their bin of pace; without any, an example.

    The example are 1,000 users whose best paces are spread as a gamma distribution of shape 2 and mean 2.5.
    """
    everybody = None if counted is None else next((one for one in counted.groups if one.by == "all"), None)
    if everybody is None or not everybody.users:
        from scipy.stats import gamma  # noqa: PLC0415  slow to import, and rarely asked for

        return Population(np.minimum(gamma.ppf((np.arange(1000) + 0.5) / 1000, 2, scale=1.25), 14.0), 0)
    counts = np.array(everybody.pace_histogram)
    fewer = min(1.0, MOST_USERS / counts.sum())
    kept = np.where(counts > 0, np.maximum(np.rint(counts * fewer), 1), 0).astype(int)
    return Population(np.repeat(_middles(), kept), everybody.users)


def _middles() -> Array:
    edges = np.array([*PLAN_EDGES, PLAN_EDGES[-1]])
    middles: Array = (edges[:-1] + edges[1:]) / 2
    return middles


def _curves(knobs: Knobs, turns: Array) -> Curves:
    return Curves.continuous(np.full(turns.size, knobs.rise), np.full(turns.size, knobs.fall), turns)


def _shares(paces: Array) -> Array:
    bins = np.searchsorted(PLAN_EDGES, paces, side="right") - 1
    counts: Array = np.bincount(bins, minlength=len(PLAN_EDGES)) / max(paces.size, 1)
    return counts


def _parameters(knobs: Knobs, settings: Settings) -> NDArray[np.void]:
    """Return the server's own parameters with the chosen ones in their place."""
    made = compile_parameters(settings, Names(), version=1)
    made["fatigue_half_life_s"] = knobs.fatigue_days * _DAY_S
    made["habituation_half_life_s"] = knobs.habituation_days * _DAY_S
    for name in ("fatigue_open", "habituation_open", "fatigue_refusal"):
        made[name] = getattr(knobs, name)
    made["open_a"] = knobs.open_rate * made["open_b"]
    made["refusal_a"] = knobs.refusal_rate * made["refusal_b"]
    return made
