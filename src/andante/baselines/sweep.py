"""A sweep: the best of a few options, found by living through other worlds with each of them.

A sweep is what an operator could do at best: try every setting on all users for the whole time, in worlds of the same
kind with other users, and keep what brought most. It sees as much of the future of *other* users as there is, and
nothing of those who are judged: training seeds are never judged.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from andante.vocabulary.fault import InputFault
from andante.worlds.contract import Lived, Policy

Option = TypeVar("Option")
Lives = Callable[[Policy, int], Lived]
"""Lives through a world with a policy and a seed. It must give equal users and draws for equal seeds."""

OVER_BUDGET = 0.01
"""By how much of the budget an option may pass it in training, as a purse keeps it when it is judged."""


class Trial(NamedTuple):
    """What an option came to, in the mean over training worlds."""

    option: object
    value: float  # money per user
    per_week: float  # pushes per user-week


def sweep(
    make: Callable[[Option], Policy],
    options: Sequence[Option],
    lives: Lives,
    seeds: Sequence[int],
    budget: float | None = None,
) -> tuple[Option, tuple[Trial, ...]]:
    """Return the option that brings most value of those that keep the budget, and what all of them came to.

    Where none keeps it, the one that sends least. Each policy is made anew for each seed. Raises InputFault without
    options or seeds.
    """
    if not options or not seeds:
        raise InputFault("sweep", f"{len(options)} options, {len(seeds)} seeds", "has nothing to try", "give some")
    trials = tuple(_try(make, option, lives, seeds) for option in options)
    within = [place for place, one in enumerate(trials) if budget is None or one.per_week <= budget * (1 + OVER_BUDGET)]
    if within:
        best = max(within, key=lambda place: trials[place].value)
    else:
        best = min(range(len(options)), key=lambda place: trials[place].per_week)
    return options[best], trials


def _try(make: Callable[[Option], Policy], option: Option, lives: Lives, seeds: Sequence[int]) -> Trial:
    value = per_week = 0.0
    for seed in seeds:
        lived = lives(make(option), seed)
        value += float(lived.value.sum(dtype=float)) / lived.value.shape[0] / len(seeds)
        per_week += float(lived.sends.sum(dtype=float)) / lived.sends.size / len(seeds)
    return Trial(option, value, per_week)
