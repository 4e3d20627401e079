"""What another policy would have brought per decision, by one formula in which three things vary.

::

    V = mean(b) + Σ w (r - q) / N

``w`` is how much likelier the judged policy was to do what the log did: as it is, clipped, or dropped where it is too
large. ``q`` and ``b`` are what a model expects of the action taken and of the judged policy: 0 without a model. ``N``
is the number of decisions, or the sum of the weights (self-normalised). The estimators have their names from the
literature, and no code of their own.

================ ==================== ======= ================
name             weights              model   divided by
================ ==================== ======= ================
IPS              all, or clipped      no      decisions
SNIPS            all, or clipped      no      sum of weights
DM               none                 yes     decisions
DR               all, or clipped      yes     decisions
SWITCH-DR        up to the switch     yes     decisions
================ ==================== ======= ================
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from andante.evaluation.offpolicy import spread
from andante.evaluation.offpolicy.decisions import Decisions, Floats
from andante.vocabulary.fault import InputFault, NotEnoughData, SettingsFault


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a policy would have brought per decision, its 95 % interval, and what they rest on.

    The last three are of the weights that the estimator used: the direct method uses none, so that nothing of its value
    was seen, only expected.
    """

    value: float
    low: float
    high: float
    method: str
    decisions: int
    users: int
    effective: float  # as many equally weighted decisions would say as much (Kish)
    weight_max: float
    clipped: float  # the share of decisions whose weight was cut, or that were left to the model


class Formula(NamedTuple):
    """What varies between the estimators. A weight above ``clip`` counts as ``clip``, one above ``switch`` as 0."""

    method: str
    model: bool = False
    normalised: bool = False
    clip: float = math.inf
    switch: float = math.inf


def ips(decisions: Decisions, *, clip: float | None = None) -> Estimate:
    """Weigh each reward by how much likelier the judged policy is to do what the log did (inverse propensity).

    Unbiased without ``clip`` where the log may do all that the policy would. Raises NotEnoughData where no decision has
    any weight. Source: Horvitz and Thompson 1952; 3-methods E.

    >>> log = Decisions(reward=[1, 0, 1, 0], propensity=[0.5] * 4, target=[1, 0, 0.8, 0.2], user=[1, 2, 3, 4])
    >>> ips(log).value, ips(log).weight_max
    (0.9, 2.0)
    """
    return estimate(decisions, Formula("IPS", clip=_bound("clip", clip)))


def snips(decisions: Decisions, *, clip: float | None = None) -> Estimate:
    """Weigh as ``ips``, and divide by the weights: a little biased, mostly much steadier, and within the rewards.

    Raises NotEnoughData where no decision has any weight. Source: Swaminathan and Joachims 2015.
    """
    return estimate(decisions, Formula("SNIPS", normalised=True, clip=_bound("clip", clip)))


def direct(decisions: Decisions) -> Estimate:
    """Believe the model (direct method): what it expects of the judged policy, and no weights at all.

    Its interval is that of a model which is free to fit: how wrong another one is, nothing tells. Raises InputFault
    without expected rewards.
    """
    return estimate(decisions, Formula("DM", model=True, switch=-1))


def doubly_robust(decisions: Decisions, *, clip: float | None = None) -> Estimate:
    """Believe the model, and weigh how far it was off: right on average if the propensities or the model are.

    Raises InputFault without expected rewards. Source: Dudík, Langford and Li 2011.
    """
    return estimate(decisions, Formula("DR", model=True, clip=_bound("clip", clip)))


def switch_doubly_robust(decisions: Decisions, *, switch: float) -> Estimate:
    """Weigh how far the model was off, but believe it alone where a weight would exceed ``switch``.

    ``switch`` 0 is ``direct`` (but for what has no weight anyway), a very large one ``doubly_robust``. Raises
    InputFault without expected rewards. Source: Wang, Agarwal and Dudík 2017.
    """
    return estimate(decisions, Formula("SWITCH-DR", model=True, switch=_bound("switch", switch)))


def estimate(decisions: Decisions, formula: Formula) -> Estimate:
    """Compute a formula over a log. Raises as the named estimators do."""
    return _estimate(decisions, formula, _found(decisions, formula))


def gain(decisions: Decisions, formula: Formula) -> Estimate:
    """Estimate how much more the judged policy would have brought than the log did, per decision.

    Both stand on the same decisions, so that the interval is that of the difference, often the narrower one.
    """
    found, logged = _found(decisions, formula), float(decisions.reward.mean())
    pull = found.pull - (decisions.reward - logged) / len(decisions)
    gained = _estimate(decisions, formula, found._replace(value=found.value - logged, pull=pull))
    return replace(gained, method=f"{formula.method} less the log")


class _Found(NamedTuple):
    """What a formula came to, and each decision's part in it."""

    value: float
    pull: Floats
    weight: Floats  # as used
    load: Floats  # as it counts in how far the estimate may be off


def _found(decisions: Decisions, formula: Formula) -> _Found:
    """Compute the value, and how each decision pulls on it.

    What is left to a model rests on the rewards that it learned from. A model that is free to fit passes a decision's
    luck on by the weight that the formula spares it, so that the pulls of a switched formula are those without switch:
    else the interval would take the model for the truth.
    """
    cut = np.minimum(decisions.weight, formula.clip)
    weight = np.where(decisions.weight <= formula.switch, cut, 0.0)
    if not weight.any() and (formula.normalised or not formula.model):
        problem = "holds nothing that the policy would do"
        raise NotEnoughData("the log", f"{len(weight)} decisions", problem, "judge a policy nearer to the log's")
    expected, taken = _expectations(decisions, model=formula.model)
    missed, base = decisions.reward - taken, float(expected.mean())
    value = base + float((weight * missed).sum()) / _divisor(weight, formula)
    felt = cut if formula.model else weight
    divisor = _divisor(felt, formula)
    correction = float((felt * missed).sum()) / divisor
    share = felt / divisor if formula.normalised else 1 / divisor
    pull = felt * missed / divisor - share * correction + (expected - base) / len(weight)
    return _Found(value, pull, weight, np.maximum(felt, 1.0) if formula.model else felt)


def _divisor(weight: Floats, formula: Formula) -> float:
    return float(weight.sum()) if formula.normalised else float(len(weight))


def _expectations(decisions: Decisions, *, model: bool) -> tuple[Floats, Floats]:
    if not model:
        nothing = np.zeros(len(decisions))
        return nothing, nothing
    if decisions.expected_target is None or decisions.expected_taken is None:
        action = "give expected_taken and expected_target, as expectation.crossfit makes them"
        raise InputFault("the decisions", None, "come without a model's expectations", action)
    return decisions.expected_target, decisions.expected_taken


def _estimate(decisions: Decisions, formula: Formula, found: _Found) -> Estimate:
    cluster = decisions.cluster
    low, high = spread.bounds(found.value, found.pull, cluster, found.load)
    return Estimate(
        found.value,
        low,
        high,
        formula.method,
        decisions=len(decisions),
        users=int(cluster.max()) + 1,
        effective=spread.effective(found.weight),
        weight_max=float(found.weight.max()),
        clipped=float((decisions.weight > min(formula.clip, formula.switch)).mean()),
    )


def _bound(name: str, value: float | None) -> float:
    if value is None:
        return math.inf
    if not value >= 0:
        raise SettingsFault(name, value, "is no bound of weights", "give a number from 0 on, or none")
    return float(value)
