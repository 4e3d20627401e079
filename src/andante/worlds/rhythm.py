"""The hours of a day: how active a user is in each, and how readily a push is opened."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from andante.worlds.nature import Rhythm

HOURS = 24
TROUGH_H = 4.0
"""Middle of the hours from 3 to 5 in which the rhythm is at its least."""

DAYTIME = slice(9, 21)
"""Local hours in which pushes are usually sent: over these, opens are as the published rates say."""


class Hours(NamedTuple):
    """Multipliers by hour of the day in UTC and user, shape [24, users]. One hour's row is contiguous."""

    visits: NDArray[np.float32]  # mean 1 over the day
    opens: NDArray[np.float32]  # mean 1 over daytime, for a user without a shift


def hours(rhythm: Rhythm, shift_h: NDArray[np.float64], offset_h: NDArray[np.int64]) -> Hours:
    """Return the rhythm of users whose peaks are shifted, and whose clocks are offset from UTC, by so many hours."""
    local_h = (np.arange(HOURS)[:, None] + offset_h) % HOURS + 0.5
    active = profile(rhythm, local_h - shift_h)
    active /= active.mean(axis=0)
    usual = opened(rhythm, usual_day(rhythm))
    return Hours(active.astype(np.float32), (opened(rhythm, active) / usual[DAYTIME].mean()).astype(np.float32))


def profile(rhythm: Rhythm, local_h: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how active a user without a shift is at these times of day: peaks over a floor, of any scale.

    The floor is where the trough is the given share of the greatest peak.
    """
    fine = _peaks(rhythm, np.linspace(0, HOURS, 24 * 60, endpoint=False))
    top, bottom = fine.max(), _peaks(rhythm, np.array([TROUGH_H]))[0]
    floor = (rhythm.trough * top - bottom) / (1 - rhythm.trough)
    return np.asarray(floor + _peaks(rhythm, local_h))


def usual_day(rhythm: Rhythm) -> NDArray[np.float64]:
    """Return the multipliers of visits of a user without a shift, by local hour, shape [24]."""
    day = profile(rhythm, np.arange(HOURS, dtype=np.float64) + 0.5)
    return np.asarray(day / day.mean())


def opened(rhythm: Rhythm, active: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how opens follow activity: less steeply, since an unseen push waits on the screen."""
    return np.asarray(active**rhythm.open_power)


def _peaks(rhythm: Rhythm, local_h: NDArray[np.float64]) -> NDArray[np.float64]:
    turn = 2 * np.pi / HOURS
    noon = np.exp(rhythm.concentration * (np.cos(turn * (local_h - rhythm.noon_h)) - 1))
    evening = np.exp(rhythm.concentration * (np.cos(turn * (local_h - rhythm.evening_h)) - 1))
    return np.asarray((1 - rhythm.evening_share) * noon + rhythm.evening_share * evening)
