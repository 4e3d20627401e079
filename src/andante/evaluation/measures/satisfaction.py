"""Whether users get as many pushes as they feel to be right: the seeds' headline.

Only a world knows a user's band; a shop has the survey. Both stand here, because they may disagree: who answers a
survey got a push that week and is still there. Source: both seeds; 3-methods E.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andante.evaluation.interval import RESAMPLES, Interval, divided, interval_of, known_interval_of, resampled_totals
from andante.evaluation.measures.life import Life, reachable, totals, weeks_present

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

CONTENT = 4.0
"""From so many stars of five an answer counts as satisfied."""


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """How many are pushed as often as they feel to be right."""

    satisfied_weeks: Interval  # share of all user-weeks; one in which the user had left is not satisfied
    satisfied_weeks_reached: Interval  # share of the user-weeks of those who were still there: flatters who loses users
    users_accurate: Interval  # share of users whose mean pushes per week lie in the band, and who are still there
    band_empty: Interval  # share of user-weeks whose band holds no whole number
    stars: Interval | None  # mean of the survey's answers; None with too few answers
    content: Interval | None  # share of answered weeks with four stars or more


def satisfaction(life: Life, *, seed: int, resamples: int = RESAMPLES) -> Satisfaction:
    """Return how well pushes match what users feel to be right, with intervals over users.

    Raises NotEnoughData where nobody is present.
    """
    reached = reachable(life)
    inside = within(life.sends, life.band_low, life.band_high) & reached
    weeks = weeks_present(life)
    mean = totals(life.sends) / np.maximum(weeks, 1)
    accurate = (mean >= life.band_low) & (mean <= life.band_high) & reached[:, -1]
    empty = np.ceil(life.band_low) > np.floor(life.band_high)
    answered = life.ratings > 0
    stars = np.divide(life.rating_sum, life.ratings, out=np.zeros(life.ratings.shape), where=answered)
    counts = [inside.sum(axis=1), weeks, reached.sum(axis=1), accurate & (weeks > 0), weeks > 0, empty * weeks]
    counts += [totals(life.rating_sum), totals(life.ratings), ((stars >= CONTENT) & answered).sum(axis=1)]
    drawn = resampled_totals([*counts, answered.sum(axis=1)], seed=seed, resamples=resamples)
    return Satisfaction(
        satisfied_weeks=_share(drawn, 0, 1),
        satisfied_weeks_reached=_share(drawn, 0, 2),
        users_accurate=_share(drawn, 3, 4),
        band_empty=_share(drawn, 5, 1),
        stars=known_interval_of(divided(drawn[:, 6], drawn[:, 7])),
        content=known_interval_of(divided(drawn[:, 8], drawn[:, 9])),
    )


def within(pushes: NDArray[np.number], band_low: Floats, band_high: Floats) -> Mask:
    """Return in which weeks the pushes lie in the user's band. Shapes [users, weeks], [users], [users].

    A week holds a whole number of pushes. A band without a whole number in it, such as 0.3 to 0.7, is taken to the
    nearest ones on both sides: no policy could ever satisfy it otherwise.

    >>> within(np.array([[0, 1, 2], [2, 3, 4]]), np.array([0.3, 2.4]), np.array([0.7, 4.0])).tolist()
    [[True, True, False], [False, True, True]]
    """
    empty = np.ceil(band_low) > np.floor(band_high)
    low = np.where(empty, np.floor(band_low), band_low)[:, None]
    high = np.where(empty, np.ceil(band_high), band_high)[:, None]
    return np.asarray((pushes >= low) & (pushes <= high))


def _share(drawn: Floats, part: int, whole: int) -> Interval:
    return interval_of(divided(drawn[:, part], drawn[:, whole]))
