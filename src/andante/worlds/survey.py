"""The survey: how a user rates a week by the number of pushes that came."""

import numpy as np
from numpy.typing import NDArray

from andante.worlds.chance import DAYS, drawn, normals
from andante.worlds.contract import Floats, Ints
from andante.worlds.nature import Survey
from andante.worlds.people import People

_ASKED, _NOISE = 32, 33  # purposes of a day: the week's last
STARS = (1.0, 5.0)


def satisfaction(survey: Survey, pushes: Floats, band_low: Floats, band_high: Floats) -> Floats:
    """Return what a week of so many pushes is worth to users, in stars before noise.

    It is best within the user's band, and falls by ``slope`` for each factor e outside of it.

    >>> satisfaction(Survey(), np.array([3.0, 9.0]), np.array([2.0, 2.0]), np.array([4.0, 4.0])).round(1).tolist()
    [4.6, 2.8]
    """
    below = np.log(np.maximum(band_low, 1e-9) / np.maximum(pushes, 0.5))
    above = np.log(np.maximum(pushes, 1e-9) / band_high)
    return np.asarray(survey.best - survey.slope * np.maximum(0.0, np.maximum(below, above)))


def answers(survey: Survey, people: People, pushes: NDArray[np.uint16], week: int) -> tuple[Ints, Floats]:
    """Return who answers about this week, of those who had a push, and with how many whole stars."""
    moment = DAYS + 7 * week + 6
    asked = (pushes > 0) & (drawn(people.key, moment, _ASKED) < survey.asked) & ~people.bot
    user = np.flatnonzero(asked)
    felt = satisfaction(survey, pushes[user].astype(np.float64), people.band_low[user], people.band_high[user])
    noise = survey.noise * normals(people.key[user], moment, _NOISE)
    return user, np.clip(np.rint(felt + noise), *STARS)
