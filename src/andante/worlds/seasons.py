"""Seasons: how visits and orders rise and fall with the weekday and in promotion weeks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from andante.worlds.nature import Calendar

WEEK_H, DAY_H = 168, 24


class Seasons(NamedTuple):
    """Multipliers by hour of the world, shape [hours]. Weekdays turn at 00:00 UTC."""

    visits: NDArray[np.float64]
    orders: NDArray[np.float64]  # of the probability that a visit ends in one


def seasons(calendar: Calendar, weeks: int) -> Seasons:
    """Return the seasons of so many weeks. The mean over weekdays is 1; the last week of a period is a promotion.

    >>> seasons(Calendar(), 1).visits[:3].tolist()
    [1.0, 1.0, 1.0]
    """
    days = np.array(calendar.weekdays) / np.mean(calendar.weekdays)
    visits, orders = np.tile(np.repeat(days, DAY_H), weeks), np.ones(weeks * WEEK_H)
    every = calendar.promotion_every_weeks
    if every:
        promoted = np.repeat(np.arange(weeks) % every == every - 1, WEEK_H)
        visits[promoted] *= calendar.promotion_visits
        orders[promoted] *= calendar.promotion_buying
    return Seasons(visits, orders)
