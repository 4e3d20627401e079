"""Lots: the draw that says of each user whether they are held out, the same as the rule takes at every decision."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from andante.compiled import entry
from andante.draw import HOLDOUT, uniform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from andante.monitoring.rings import Floats


def lots(seed: int, keys: Sequence[int]) -> Floats:
    """Return each user's draw, in [0, 1), from their keys: whoever is below the share is held out. Shape [users]."""
    drawn = np.zeros(len(keys))
    _loop()(np.uint64(seed), np.array(keys, np.uint64), drawn)
    return drawn


@cache
def _loop() -> Any:
    return entry(_make)


def _make(digest: str) -> Callable[..., None]:
    def loop(seed: np.uint64, keys: np.ndarray, drawn: np.ndarray) -> None:
        _ = len(digest)  # part of the cache's key: see andante.compiled
        for place in range(len(keys)):
            drawn[place] = uniform(seed, keys[place], HOLDOUT)

    return loop
