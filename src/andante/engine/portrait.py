"""A portrait: what the step would know of one user at one moment, without changing anything."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andante.compiled import as_records, entry
from andante.pacing.credit import credit_at, in_random_week, pace_per_week
from andante.pacing.response import moment, satisfaction
from andante.zones.table import Zones

FIELDS = (
    "pace_per_week",
    "credit",
    "random_week",
    "fatigue",
    "habituation",
    "hour",
    "open_rate",
    "visits_today",
    "conversion_rate",
    "refusal_rate",
    "offer_worth",
    "cost",
    "satisfaction",
)


def portrait(user: NDArray[np.void], parameters: NDArray[np.void], zones: Zones, at_s: int) -> dict[str, float]:
    """Return what is known of a user (an array of one USER) at a second, by the names of ``FIELDS``."""
    numbers = np.zeros(len(FIELDS))
    _draw()(as_records(user.copy()), as_records(parameters), zones, max(at_s, int(user["now_s"][0])), numbers)
    return dict(zip(FIELDS, numbers.tolist(), strict=True))


@cache
def _draw() -> Any:
    return entry(_make)


def _make(digest: str) -> Callable[..., None]:
    def draw(users: np.ndarray, parameters: np.ndarray, zones: Zones, at_s: int, numbers: np.ndarray) -> None:
        _ = len(digest)  # part of the cache's key: see andante.compiled
        user, held = users[0], parameters[0]
        per_week = pace_per_week(user, held, at_s)
        now = moment(user, held, zones, at_s, per_week)
        numbers[0] = per_week
        numbers[1] = credit_at(user, held, at_s, per_week)
        numbers[2] = in_random_week(user, at_s)
        numbers[3], numbers[4], numbers[5] = now.fatigue, now.habituation, now.hour
        numbers[6], numbers[7], numbers[8], numbers[9] = now.open, now.organic, now.conversion, now.refusal
        numbers[10], numbers[11] = now.worth, now.cost
        numbers[12] = satisfaction(user, held, at_s)

    return draw
