"""Checkpoints: which users' records have changed, and when they are written down again.

A round takes all that have changed, and writes them a slice a commit, in order of user, so that pages are written in
sequence and no commit has to wait for a long one. When the last slice of a round is durable, a recovery need not read
the log from before the round's beginning.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from andante.stores.contract import Commit
from andante.vocabulary.parameters import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from andante.stores.contract import Store

_PARAMETERS = "parameters"

LEAST_SLICE = 64
_LARGE_SLICE = 10_000
RECORDS_PER_STATE = 2
"""A commit of n records carries at most n / RECORDS_PER_STATE states, or LEAST_SLICE."""


class Slice(NamedTuple):
    """What one commit carries of a round."""

    rows: NDArray[np.int64]
    states: list[tuple[int, int, bytes]]  # (user, position, state)
    replay_from: int | None  # where the round ends with it: what the states then include
    meta: Mapping[str, str]  # and the parameters that held there


class Checkpoints:
    """The users whose records are newer than what is written of them."""

    def __init__(self, every: int) -> None:
        """Begin a round after so many records."""
        self.every = every
        self.position = 0  # of the last record that is durable
        self._started_at = 0  # position at which the latest round began
        self._changed = np.zeros(0, bool)
        self._round = np.zeros(0, np.int64)  # rows that this round has yet to write
        self._parameters = ""  # that held when the round began

    def resume(self, replay_from: int, position: int) -> None:
        """Take over from a log that is durable up to ``position``; a recovery reads what is after ``replay_from``."""
        self.position, self._started_at = position, replay_from

    def touch(self, rows: NDArray[np.int64], users: int) -> None:
        """Note that these users' records have changed, of so many users."""
        if users > len(self._changed):
            self._changed.resize(max(users, 2 * len(self._changed)), refcheck=False)
        self._changed[rows] = True

    def advance(self, position: int, parameters: NDArray[np.void]) -> None:
        """Note how far the log is durable, and begin a round where one is due."""
        self.position = position
        if not len(self._round) and position - self._started_at >= self.every:
            self.begin(parameters)

    def begin(self, parameters: NDArray[np.void]) -> None:
        """Begin a round now; what an unfinished one has yet to write is part of it."""
        self._changed[self._round] = True
        self._round = np.flatnonzero(self._changed)
        self._changed[self._round] = False
        self._started_at = self.position
        self._parameters = b64encode(parameters.tobytes()).decode()

    @property
    def unwritten(self) -> bool:
        """Tell whether any record is newer than what is written of it."""
        return bool(len(self._round)) or bool(self._changed.any())

    @property
    def behind(self) -> bool:
        """Tell whether a recovery would read rows that no record needs: such as change no user's."""
        return self.position > self._started_at

    def write_all(self, users: NDArray[np.void], store: Store) -> None:
        """Write the whole round that is running, or that it has nothing to write."""
        if not len(self._round):
            store.append(Commit(replay_from=self._started_at, meta={_PARAMETERS: self._parameters}))
        while len(self._round):
            part = self.slice(users, RECORDS_PER_STATE * _LARGE_SLICE)
            store.append(Commit(states=part.states, replay_from=part.replay_from, meta=part.meta))
            self.written(part)

    def slice(self, users: NDArray[np.void], records: int) -> Slice:
        """Return what the commit of so many records carries: the next states of the round that is running."""
        if not len(self._round):
            return Slice(self._round, [], None, {})
        rows = self._round[: max(LEAST_SLICE, records // RECORDS_PER_STATE)]
        written = map(bytes, users.view(f"V{users.itemsize}")[rows])
        states = list(zip(rows.tolist(), users["position"][rows].tolist(), written, strict=True))
        if len(rows) < len(self._round):
            return Slice(rows, states, None, {})
        return Slice(rows, states, self._started_at, {_PARAMETERS: self._parameters})

    def written(self, done: Slice) -> None:
        """Note that a slice is durable."""
        self._round = self._round[len(done.rows) :]


def parameters_in(meta: Mapping[str, str]) -> NDArray[np.void] | None:
    """Return the parameters (1,) that held where a recovery begins; None where it begins with the log."""
    if _PARAMETERS not in meta:
        return None
    return np.frombuffer(bytearray(b64decode(meta[_PARAMETERS])), PARAMETERS)
