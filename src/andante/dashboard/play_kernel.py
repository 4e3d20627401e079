"""The play page's loop over time: pushes at an even pace, pressed and answered by the same kernels that decide."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from andante.compiled import as_records, entry
from andante.pacing.pressure import press
from andante.pacing.response import moment
from andante.vocabulary.state import NO_CLOCK, new_users
from andante.zones.table import build

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from andante.zones.table import Zones

WEEK_S = 604_800
STEP_S = 21_600
"""How far apart the samples of a course are."""

_BEGIN_S = 2_000 * WEEK_S + 4 * 86_400  # any Monday


class Course(NamedTuple):
    """How a user fares who is pushed at an even pace, from the first push on."""

    days: NDArray[np.float64]  # (samples,) since the first push
    fatigue: NDArray[np.float64]  # (samples,) F, in pushes
    habituation: NDArray[np.float64]  # (samples,) H, in pushes
    opened: NDArray[np.float64]  # (pushes,) probability that this push is opened
    refused: NDArray[np.float64]  # (pushes,) probability that the user opts out over it


def course(parameters: NDArray[np.void], per_week: float, weeks: int) -> Course:
    """Push a new user of these parameters (1,) so many times a week, for so many weeks, and return how it goes."""
    user = new_users(1)
    user["zone"] = NO_CLOCK
    times = np.zeros(0) if per_week <= 0 else np.arange(0, weeks * WEEK_S, WEEK_S / per_week)
    samples = np.arange(0, weeks * WEEK_S + 1, STEP_S)
    pressed, answered = np.zeros((samples.size, 2)), np.zeros((times.size, 2))
    _loop()(
        as_records(user),
        as_records(parameters),
        _zones(),
        per_week,
        _BEGIN_S + times.astype(np.int64),
        _BEGIN_S + samples.astype(np.int64),
        answered,
        pressed,
    )
    return Course(samples / 86_400, pressed[:, 0], pressed[:, 1], answered[:, 0], answered[:, 1])


@cache
def _zones() -> Zones:
    return build(("UTC",))


@cache
def _loop() -> Any:
    return entry(_make)


def _make(digest: str) -> Callable[..., None]:
    def loop(  # noqa: PLR0913, PLR0917  numba calls by position
        users: np.ndarray,
        parameters: np.ndarray,
        zones: Zones,
        per_week: float,
        sent: np.ndarray,
        sampled: np.ndarray,
        answered: np.ndarray,
        pressed: np.ndarray,
    ) -> None:
        _ = len(digest)  # part of the cache's key: see andante.compiled
        user, held = users[0], parameters[0]
        push = 0
        for sample in range(sampled.size):
            while push < sent.size and sent[push] <= sampled[sample]:
                before = moment(user, held, zones, sent[push], per_week)
                answered[push, 0] = min(before.open * before.pressure, 1.0)
                answered[push, 1] = min(before.refusal * before.annoyance, 1.0)
                press(user, held, sent[push])
                push += 1
            now = moment(user, held, zones, sampled[sample], per_week)
            pressed[sample, 0], pressed[sample, 1] = now.fatigue, now.habituation

    return loop
