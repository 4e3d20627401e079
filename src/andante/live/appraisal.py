"""Appraisal: what the step would know of many users, each at a second of their own, without changing any.

It is the portrait of one user in columns: one compiled loop over the formulas of ``andante.pacing``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from andante.compiled import as_records, entry
from andante.pacing.credit import credit_at, pace_per_week
from andante.pacing.response import moment, satisfaction
from andante.rules.holdout import holdout
from andante.zones.table import ZONES, Zones

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

APPRAISED = (
    "pace_per_week",
    "credit",
    "open_rate",
    "visits_today",
    "refusal_rate",
    "hazard",
    "satisfaction",
    "held_out",
)
"""The columns, named as in a user's view.

``hazard`` is the probability that one more push is refused, h·exp(ηF); ``held_out`` is 1 for a user of the holdout.
"""


def appraise(
    users: NDArray[np.void], at_s: NDArray[np.int64], parameters: NDArray[np.void], zones: Zones
) -> dict[str, NDArray[np.float64]]:
    """Return what is known of users (n,) of USER, each at its second of ``at_s`` (n,): the columns ``APPRAISED``.

    A user's clock never runs back, so a second before their latest decision is taken as that of the decision.
    """
    table = np.zeros((len(APPRAISED), len(users)))
    seconds = np.maximum(at_s, users["now_s"])
    _loop()(as_records(users), seconds, as_records(parameters), as_records(np.frombuffer(zones, ZONES)), table)
    return dict(zip(APPRAISED, table, strict=True))


@cache
def _loop() -> Callable[..., None]:
    loop: Callable[..., None] = entry(_make)
    return loop


def _make(digest: str) -> Callable[..., None]:
    def loop(users: Any, at_s: Any, parameters: Any, zones: Any, table: Any) -> None:
        _ = len(digest)  # part of the cache's key: see andante.compiled
        held = parameters[0]
        for place in range(at_s.size):
            user = users[place]
            per_week = pace_per_week(user, held, at_s[place])
            now = moment(user, held, zones[0], at_s[place], per_week)
            table[0, place] = per_week
            table[1, place] = credit_at(user, held, at_s[place], per_week)
            table[2, place] = now.open
            table[3, place] = now.organic
            table[4, place] = now.refusal
            table[5, place] = min(now.refusal * now.annoyance, 1.0)
            table[6, place] = satisfaction(user, held, at_s[place])
            # The rule of the holdout asks nothing of a candidate.
            table[7, place] = holdout(user, user, held, zones[0], at_s[place]) > at_s[place]

    return loop
