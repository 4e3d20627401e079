"""What value must not cost: users who leave, pushes at night, complaints. And how restless the frequency is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andante.evaluation.interval import RESAMPLES, Interval, divided, interval_of, known_interval_of, resampled_totals
from andante.evaluation.measures.life import Life, reachable, totals, weeks_present

Floats = NDArray[np.float64]

WEEK_JUDGED = 26


@dataclass(frozen=True, slots=True)
class Guardrails:
    """What pushes cost. Shares per push are None where next to nothing was sent."""

    optouts_per_push: Interval | None  # users not subscribed at the end, by uninstalling too
    uninstalls_per_push: Interval | None
    complaints_per_push: Interval | None
    night_share: Interval | None  # of pushes, between 23:00 and 07:00 of the user's clock
    reachable_share: Interval  # of users who had joined, at the end of week 26, or of the last week before
    reachable_week: int


def guardrails(life: Life, *, seed: int, resamples: int = RESAMPLES) -> Guardrails:
    """Return what pushes cost: each figure is a ratio of totals, with an interval over users.

    Opt-outs per push hide who was pushed: a policy that soon loses those who leave easily has fewer to lose later.
    Read them beside ``reachable_share``, which does not depend on pushes sent.
    """
    week = min(WEEK_JUDGED, life.present.shape[1]) - 1
    lost = life.present[:, -1] & ~life.subscribed[:, -1]
    gone = life.present[:, -1] & ~life.installed[:, -1]
    counts = [lost | gone, gone, totals(life.complaints), totals(life.night_sends), reachable(life)[:, week]]
    columns = [np.asarray(column, dtype=np.float64) for column in counts]
    columns += [totals(life.sends), life.present[:, week].astype(np.float64)]
    drawn = resampled_totals(columns, seed=seed, resamples=resamples)
    per_push = [known_interval_of(divided(drawn[:, k], drawn[:, 5])) for k in range(4)]
    return Guardrails(
        optouts_per_push=per_push[0],
        uninstalls_per_push=per_push[1],
        complaints_per_push=per_push[2],
        night_share=per_push[3],
        reachable_share=interval_of(divided(drawn[:, 4], drawn[:, 6])),
        reachable_week=week + 1,
    )


def volatility(
    pushes: NDArray[np.number], reached: NDArray[np.bool_], *, seed: int, resamples: int = RESAMPLES
) -> Interval:
    """Return the mean change of pushes from one week to the next, up or down.

    It is over pairs of weeks in all of which the user could be pushed.
    ``pushes`` may be sends or planned pushes per week; ``reached`` says who could still be pushed at the end of each
    week (`life.reachable`). Shapes [users, weeks]. A user's first week counts only if it is the first of all, since one
    who joins on a Sunday gets less. Sends vary by chance even at a constant plan (by about 1.1 √k for Poisson sends):
    compare at equal sends, or give the plan. Raises NotEnoughData where nobody was reached for two weeks.
    """
    k = np.asarray(pushes, dtype=np.float64)
    whole = reached & np.column_stack([np.ones(len(k), dtype=bool), reached[:, :-1]])
    both = whole[:, 1:] & whole[:, :-1]
    change = np.abs(np.diff(k, axis=1)) * both
    drawn = resampled_totals([change.sum(axis=1), both.sum(axis=1)], seed=seed, resamples=resamples)
    return interval_of(divided(drawn[:, 0], drawn[:, 1]))


def frequency(life: Life, *, seed: int, resamples: int = RESAMPLES) -> Interval:
    """Return pushes per user-week, over the weeks in which users had joined, reachable or not."""
    drawn = resampled_totals([totals(life.sends), weeks_present(life)], seed=seed, resamples=resamples)
    return interval_of(divided(drawn[:, 0], drawn[:, 1]))
