"""Whether a rate has risen above its baseline: an exact test that may be looked at all the time.

What is compared are pushes of an *epoch* (a day, a week) with pushes before it: n of which x were opted out of, against
m of which y were. Given x + y, x is binomial with share n / (n + m) if the rates are equal (Przyborowski & Wilenski
1940; for pushes, of which each has one opt-out at most, it errs on the safe side). The test is exact for any numbers,
also for three opt-outs, and knows that the baseline is itself an estimate.

Looking: the test is made at the end of the first bucket in which n has reached 20, 30, 45, ... 5.7 million pushes, at
most 32 times an epoch, each time at a 32nd of the level (alpha spending, Lan & DeMets 1983, with looks set by
pushes, which say nothing of opt-outs). Whoever looks in between sees the result of the last of these looks. Opt-outs
that come in late raise x at a look that has been: what is tested there grows towards its final value from below, so
that a look counts once however often it is repeated. The anytime-valid tests of ``evaluation.experiments`` are not used
here: the confidence sequence needs 20 opt-outs on both sides before it says anything, and the multinomial one needs to
know the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FIRST_LOOK = 20
"""Pushes of an epoch before the first look; every other one comes when they are half as many again."""
GROWTH = 1.5
LOOKS = 32
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Excess:
    """A rate that is above its baseline, at the first look that shows it."""

    bucket: int  # place of the look among the buckets
    pushes: int
    events: int
    p_value: float  # of this look alone
    level: float  # what it had to fall below


def excess(  # noqa: PLR0913  two rates have two numbers each, and a test its level
    pushes: ArrayLike,
    events: ArrayLike,
    *,
    baseline_pushes: float,
    baseline_events: float,
    false_alarms: float,
    ratio_min: float,
) -> Excess | None:
    """Return the first look at which the rate of an epoch is above its baseline's, or None.

    ``pushes`` and ``events`` are those of each bucket of the epoch that is over, in order: [buckets]. Where both rates
    are equal, the probability that any look of the epoch ever shows an excess is at most ``false_alarms``. A look
    shows it only where the rate is also ``ratio_min`` times the baseline's.

    >>> found = excess([1000], [30], baseline_pushes=10_000, baseline_events=50, false_alarms=0.01, ratio_min=1.5)
    >>> found.pushes, found.events
    (1000, 30)
    """
    sent, came = np.cumsum(np.asarray(pushes, np.float64)), np.cumsum(np.asarray(events, np.float64))
    places = looks(sent)
    if not len(places) or baseline_pushes <= 0:
        return None
    n, x = sent[places], came[places]
    level = false_alarms / LOOKS
    more = (x > 0) & (x / n >= ratio_min * baseline_events / baseline_pushes)
    places, n, x = places[more], n[more], x[more]
    if not len(places):  # nearly always, and then there is nothing to compute
        return None
    p_values = _tail(x, x + baseline_events, n / (n + baseline_pushes))
    return _first(places, p_values < level, n, x, p_values, level)


def above(pushes: ArrayLike, events: ArrayLike, *, tolerable: float, false_alarms: float) -> Excess | None:
    """Return the first look at which the rate of an epoch is above a share that is tolerable, or None.

    The same test where the baseline needs no estimate: x is binomial of n.

    >>> above([100], [20], tolerable=0.05, false_alarms=0.01).events
    20
    """
    sent, came = np.cumsum(np.asarray(pushes, np.float64)), np.cumsum(np.asarray(events, np.float64))
    places = looks(sent)
    places = places[came[places] > tolerable * sent[places]]
    if not len(places):
        return None
    n, x = sent[places], np.minimum(came[places], sent[places])
    p_values = _tail(x, n, np.full(len(n), tolerable))
    return _first(places, p_values < false_alarms / LOOKS, n, x, p_values, false_alarms / LOOKS)


def looks(sent: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the buckets at whose end one looks, from pushes up to the end of each: [buckets] → [looks].

    >>> looks(np.array([5.0, 21.0, 25.0, 29.0, 200.0])).tolist()
    [1, 4]
    """
    if not len(sent):
        return np.zeros(0, np.int64)
    due = np.floor(np.log(np.maximum(sent, FIRST_LOOK / 2) / FIRST_LOOK) / np.log(GROWTH) + ROUNDING).astype(np.int64)
    due = np.minimum(due, LOOKS - 1)
    return np.flatnonzero(np.diff(due, prepend=-1) > 0).astype(np.int64)


def _tail(x: NDArray[np.float64], of: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of x or more of so many."""
    from scipy.stats import binom  # noqa: PLC0415  only who is asked for alarms needs scipy

    return np.asarray(binom.sf(x - 1, of, share), dtype=np.float64)


def _first(  # noqa: PLR0913, PLR0917  the columns of the looks
    places: NDArray[np.int64],
    shown: NDArray[np.bool_],
    n: NDArray[np.float64],
    x: NDArray[np.float64],
    p_values: NDArray[np.float64],
    level: float,
) -> Excess | None:
    if not shown.any():
        return None
    at = int(np.argmax(shown))
    return Excess(int(places[at]), int(n[at]), int(x[at]), float(p_values[at]), level)
