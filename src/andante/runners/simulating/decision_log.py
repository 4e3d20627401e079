"""The decision log of a simulation, as columns: what off-policy estimators and calibration are computed from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from andante.runners.simulating.shop import joined
from andante.vocabulary.flow import CANDIDATE, DECISION, RECORD, VERDICT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.engine.batch import Stepped
    from andante.worlds.contract import Ints


class Logged(NamedTuple):
    """Decisions in the order in which they were taken: n requests and releases, m candidates.

    The candidates of request ``i`` are ``count`` from ``first`` of its record.
    """

    records: NDArray[np.void]  # [n] of RECORD
    decisions: NDArray[np.void]  # [n] of DECISION
    candidates: NDArray[np.void]  # [m] of CANDIDATE
    verdicts: NDArray[np.void]  # [m] of VERDICT
    numbers: Ints  # [m] of the candidates in their world


class DecisionLog:
    """Gathers decisions piece by piece."""

    def __init__(self) -> None:
        """Begin with none."""
        self._pieces: list[Logged] = []
        self._candidates = 0

    def add(self, records: NDArray[np.void], candidates: NDArray[np.void], numbers: Ints, stepped: Stepped) -> None:
        """Add what was decided in one go."""
        moved = records.copy()
        moved["first"] += self._candidates
        self._candidates += len(candidates)
        self._pieces.append(Logged(moved, stepped.decisions, candidates, stepped.verdicts, numbers))

    def columns(self) -> Logged:
        """Return all of it."""
        kinds = RECORD, DECISION, CANDIDATE, VERDICT, np.dtype(np.int64)
        return Logged(*(joined([piece[place] for piece in self._pieces], kind) for place, kind in enumerate(kinds)))
