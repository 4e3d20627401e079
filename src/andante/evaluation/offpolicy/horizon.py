"""What another policy would have brought over a horizon: logged trajectories, one a user, a decision a step.

What a policy does now changes what it meets later (fatigue, opt-outs), so decisions of one user cannot be judged one by
one where that matters. Two ways: weigh each step by all that was done up to it (the weights multiply, and soon a few
trajectories carry all), or by how often the policy would be in the state (the weights stay small, if the state says all
that matters of the past).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from andante.evaluation.offpolicy import spread
from andante.evaluation.offpolicy.decisions import Decisions, Floats, Ints, numbered
from andante.evaluation.offpolicy.estimators import Estimate
from andante.vocabulary.fault import InputFault, NotEnoughData, SettingsFault

LARGEST = 1e300
"""Products of odds beyond this would overflow: they say only that one trajectory carries all."""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectories:
    """Logged steps of users. All shapes are [trajectories, steps] unless said; a step is a decision, as in Decisions.

    A trajectory that ends early goes on with reward 0, propensity and target 1, and a state of its own. ``state`` is a
    whole number from 0 on; only ``state_marginalised`` needs it.

    Raises InputFault as Decisions does, and for shapes that differ.
    """

    reward: Floats
    propensity: Floats
    target: Floats
    state: Ints | None = None
    user: Ints | None = None  # [trajectories]: whose they are; None: each is of a user of its own

    def __post_init__(self) -> None:
        """Make every column an array of its type, and refuse what cannot be meant."""
        shape = np.shape(self.reward)
        if len(shape) != 2 or 0 in shape:  # noqa: PLR2004  trajectories and steps
            raise InputFault("the trajectories", f"of shape {shape}", "are no table", "give [trajectories, steps]")
        for name in ("propensity", "target", "state"):
            values = getattr(self, name)
            if values is not None and np.shape(values) != shape:
                found = f"of shape {np.shape(values)}"
                raise InputFault(
                    f"the column {name!r}", found, f"does not match the rewards' {shape}", "give a step each"
                )
        user = np.arange(shape[0]) if self.user is None else np.asarray(self.user).ravel()
        checked = Decisions(self.reward, self.propensity, self.target, np.repeat(user, shape[1]))
        for name in ("reward", "propensity", "target"):
            object.__setattr__(self, name, getattr(checked, name).reshape(shape))
        object.__setattr__(self, "user", checked.user[:: shape[1]])
        if self.state is not None:
            object.__setattr__(self, "state", _states(self.state))

    @property
    def ratio(self) -> Floats:
        """How much likelier the judged policy is to do what was done at each step."""
        return self.target / self.propensity

    @property
    def cluster(self) -> Ints:
        """The number of each trajectory's user: [trajectories]."""
        return numbered(np.asarray(self.user))

    def whole(self, *, discount: float = 1.0) -> Decisions:
        """Take each trajectory for one decision: all its rewards, and the odds of all that was done in it.

        ``overlap.diagnose`` of it says what weights over the whole horizon are worth. The odds are true, but not the
        two probabilities, which would soon be too small to write.
        """
        odds = np.clip(self.ratio.prod(axis=1), 0.0, LARGEST)
        reward = self.reward @ _discounts(discount, self.reward.shape[1])
        propensity = 1 / np.maximum(odds, 1.0)
        return Decisions(reward, propensity, np.minimum(odds, 1.0), np.asarray(self.user))


class _Steps(NamedTuple):
    """What an estimator found: the value, each trajectory's pull on it, and the weights that it used."""

    value: float
    pull: Floats  # [trajectories]
    weight: Floats  # [trajectories, steps]
    clipped: float


def per_decision(
    log: Trajectories, *, discount: float = 1.0, clip: float | None = None, normalised: bool = False
) -> Estimate:
    """Estimate the discounted sum of rewards per trajectory, each step weighed by all that was done up to it.

    ``clip`` bounds these products; ``normalised`` divides by the weights' mean at each step. Raises NotEnoughData where
    no trajectory has any weight at some step, and SettingsFault for a discount outside [0, 1]. Source: Precup, Sutton
    and Singh 2000; 3-methods E.

    >>> log = Trajectories(reward=[[0, 1], [1, 0]], propensity=[[0.5, 0.5]] * 2, target=[[0.8, 0.5], [0.2, 0.5]])
    >>> round(per_decision(log).value, 6), round(per_decision(log, discount=0.5).value, 6)
    (1.0, 0.6)
    """
    discounts = _discounts(discount, log.reward.shape[1])
    product = np.clip(np.cumprod(log.ratio, axis=1), 0.0, LARGEST)
    weight = product if clip is None else np.minimum(product, clip)
    _refuse_empty(weight)
    rows = len(weight)
    divisor = weight.sum(axis=0) if normalised else np.full(weight.shape[1], float(rows))
    brought = weight * log.reward * discounts
    steps = brought.sum(axis=0) / divisor
    share = weight / divisor if normalised else np.full(weight.shape, 1 / rows)
    pull = (brought / divisor - share * steps).sum(axis=1)
    clipped = 0.0 if clip is None else float((product > clip).mean())
    name = "per-decision WIS" if normalised else "per-decision IS"
    return _estimate(log, name, _Steps(float(steps.sum()), pull, weight, clipped))


def state_marginalised(log: Trajectories, *, discount: float = 1.0, normalised: bool = False) -> Estimate:
    """Estimate the same, each step weighed by how often the policy would be in its state, and by this step's odds.

    How often it would be there is counted forward from the first step, so the weights do not multiply; it is right only
    if the state says all of the past that matters. ``normalised`` divides by the odds' mean in each state and step.
    Raises as ``per_decision``, and InputFault without states. Source: Xie, Ma and Wang 2019.
    """
    if log.state is None:
        action = "number what the policy and the outcome depend on, or use per_decision"
        raise InputFault("the trajectories", None, "have no states", action)
    rewards = log.reward * _discounts(discount, log.reward.shape[1])
    odds = _even(log.ratio, log.state) if normalised else log.ratio
    visits = np.ones(odds.shape)  # how much more often the policy would be in the state than the log was
    for step in range(1, odds.shape[1]):
        visits[:, step] = _mean_within(visits[:, step - 1] * odds[:, step - 1], log.state[:, step])
    weight = visits * odds
    _refuse_empty(weight)
    ahead = np.zeros(len(weight))  # what the policy brings from where each trajectory is at the next step
    pull = np.zeros(len(weight))
    for step in reversed(range(odds.shape[1])):
        brought = odds[:, step] * (rewards[:, step] + ahead)
        ahead = _mean_within(brought, log.state[:, step])
        pull += visits[:, step] * (brought - (odds[:, step] if normalised else 1.0) * ahead)
    value = float(ahead.mean())
    pull = (pull + ahead - value) / len(weight)
    name = "state-marginalised WIS" if normalised else "state-marginalised IS"
    return _estimate(log, name, _Steps(value, pull, weight, 0.0))


def _estimate(log: Trajectories, method: str, found: _Steps) -> Estimate:
    low, high = spread.bounds(found.value, found.pull, log.cluster, found.weight.sum(axis=1))
    return Estimate(
        found.value,
        low,
        high,
        method,
        decisions=found.weight.size,
        users=int(log.cluster.max()) + 1,
        effective=min(spread.effective(column) for column in found.weight.T),
        weight_max=float(found.weight.max()),
        clipped=found.clipped,
    )


def _mean_within(values: Floats, state: Ints) -> Floats:
    """Return for each trajectory the mean over all that are in its state."""
    return (np.bincount(state, values) / np.maximum(np.bincount(state), 1))[state]


def _even(ratio: Floats, state: Ints) -> Floats:
    """Return the odds divided by their mean in each state and step: nothing where that is 0."""
    mean = np.stack([_mean_within(ratio[:, step], state[:, step]) for step in range(ratio.shape[1])], axis=1)
    even: Floats = np.divide(ratio, mean, out=np.zeros_like(ratio), where=mean > 0)
    return even


def _discounts(discount: float, steps: int) -> Floats:
    if not 0 <= discount <= 1:
        raise SettingsFault("discount", discount, "is not within [0, 1]", "give what a step later is worth")
    return np.asarray(discount ** np.arange(steps), dtype=np.float64)


def _refuse_empty(weight: Floats) -> None:
    empty = np.flatnonzero(~weight.any(axis=0))
    if len(empty):
        problem = f"holds nothing that the policy would have done up to step {empty[0]}"
        action = "shorten the horizon, or judge a policy nearer to the log's"
        raise NotEnoughData("the log", f"{len(weight)} trajectories", problem, action)


def _states(values: ArrayLike) -> Ints:
    state = np.asarray(values)
    if not np.issubdtype(state.dtype, np.integer) or state.min() < 0:
        found = f"{state.dtype} from {state.min()}"
        raise InputFault("the states", found, "are no whole numbers from 0 on", "number the states")
    return state.astype(np.int64)
