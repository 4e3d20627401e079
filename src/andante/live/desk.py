"""The desk: what one process holds of the engine, and the draft of the commit that is being written at it.

Only who sits in the chair (:mod:`andante.live.turns`) touches a desk. A draft gathers all that several callers
changed; it becomes durable in one commit, or everything that it did in memory is taken back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from andante.engine.batch import Stepped, fold
from andante.live.population import Population
from andante.live.waiting import WaitingRoom
from andante.stores.contract import Commit, Row, Standing, Store
from andante.stores.rows import Rows
from andante.vocabulary.flow import CANDIDATE, RECORD
from andante.vocabulary.parameters import policy_version
from andante.zones.table import Zones, build

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from andante.live.budget import BudgetController
    from andante.live.checkpoints import Checkpoints
    from andante.live.names import Names
    from andante.settings import Settings
    from andante.stores.contract import Checkpoints as Kept

NO_CANDIDATES = np.zeros(0, CANDIDATE)


class LiveStore(Store, Standing, Protocol):
    """A store that an engine can live on: it also knows what was last said of each preference, and its base."""

    def base(self) -> tuple[int, Iterator[Kept]]:
        """Return the position that was last retained from, and the states as of it: see ``Retained``."""
        ...


@dataclass(slots=True)
class Desk:
    """Everything that holds now: who the users are, what parameters decide, what waits, where the log ends."""

    store: LiveStore
    settings: Settings
    names: Names
    checkpoints: Checkpoints
    budget: BudgetController
    log_name: str = ""
    population: Population = field(default_factory=Population)
    parameters: NDArray[np.void] | None = None  # (1,) of PARAMETERS; None until some are published
    policies: dict[int, str] = field(default_factory=dict)  # names of all policies of this log, by version
    waiting: WaitingRoom = field(default_factory=WaitingRoom)
    position: int = 0  # of the last record that was given one
    channels: int = 0  # how many the parameters know of
    logged_settings: str = ""  # JSON of those that the log has
    _zones: Zones | None = None
    _zone_count: int = 0

    @property
    def zones(self) -> Zones:
        """Return the transitions of every zone that has a code."""
        names = self.names.zones
        if self._zones is None or len(names) != self._zone_count:
            self._zones, self._zone_count = build(names), len(names)
        return self._zones

    def deciding(self) -> NDArray[np.void]:
        """Return the parameters that hold."""
        if self.parameters is None:
            raise RuntimeError("no parameters were published: the engine publishes some when it opens")
        return self.parameters

    def publish(self, parameters: NDArray[np.void]) -> None:
        """Let these parameters hold from here on."""
        self.parameters = parameters
        self.policies[int(parameters["version"][0])] = policy_version(parameters[0])

    def checkpoint(self) -> None:
        """Write every record that is newer than its checkpoint."""
        if (self.checkpoints.unwritten or self.checkpoints.behind) and self.parameters is not None:
            self.checkpoints.begin(self.parameters)
            self.checkpoints.write_all(self.population.users, self.store)


class Draft:
    """One commit in the making."""

    def __init__(self, desk: Desk) -> None:
        """Remember how the desk was."""
        self.desk = desk
        self.rows = Rows()
        self.keys: dict[bytes, tuple[bytes, int, int]] = {}
        self.preferences: dict[tuple[int, str], tuple[str, int]] = {}
        self.waiting: list[tuple[int, int, int]] = []
        self.settled: list[int] = []
        self.meta: dict[str, str] = {}
        self._position = desk.position
        self._users = len(desk.population)
        self._parameters = desk.parameters
        self._channels = desk.channels
        self._logged_settings = desk.logged_settings
        self._settings, self._budget = desk.settings, desk.budget
        self._waiting = desk.waiting.mark()
        self._before: list[tuple[NDArray[np.int64], NDArray[np.void]]] = []

    def numbers(self, count: int) -> int:
        """Give out so many log positions, and return the first."""
        first = self.desk.position + 1
        self.desk.position += count
        return first

    def row(self, position: int) -> Row:
        """Return a row of this draft."""
        return Row._make(self.rows[position - self._position - 1])

    def rows_at(self, position: int) -> list[Row]:
        """Return the row of the log at this position, in a list of one, or an empty list."""
        if position > self._position:
            return [self.row(position)]
        return [Row(*row) for rows in self.desk.store.read(position - 1, position) for row in rows]

    def users(self, user_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows of users, adding new ones."""
        return self.desk.population.rows(user_ids)

    def fold(self, records: NDArray[np.void], candidates: NDArray[np.void] = NO_CANDIDATES) -> Stepped:
        """Step records, keeping how their users were before."""
        touched = records["user"]
        self._before.append((touched, self.desk.population.raw[touched]))
        return fold(self.desk.population.users, records, candidates, self.desk.deciding(), self.desk.zones)

    def commit(self) -> None:
        """Make all of it durable; where that fails, take all of it back and raise what the store raised."""
        desk = self.desk
        if not self.rows:
            return
        names = desk.names.pending()
        slice_ = desk.checkpoints.slice(desk.population.users, len(self.rows))
        try:
            desk.store.append(
                Commit(
                    rows=self.rows,
                    users=list(enumerate(desk.population.ids[self._users :], self._users)),
                    names=names,
                    keys=[(digest, *known) for digest, known in self.keys.items()],
                    preferences=[(*who, *what) for who, what in self.preferences.items()],
                    waiting=self.waiting,
                    settled=self.settled,
                    states=slice_.states,
                    replay_from=slice_.replay_from,
                    meta={**self.meta, **slice_.meta},
                )
            )
        except BaseException:
            self.undo()
            raise
        if names:
            desk.names.logged(names)
        desk.waiting.keep()
        desk.checkpoints.written(slice_)
        for touched, _ in self._before:
            desk.checkpoints.touch(touched, len(desk.population))
        desk.checkpoints.advance(desk.position, desk.deciding())

    def undo(self) -> None:
        """Take back everything that was done in memory."""
        desk = self.desk
        for touched, before in reversed(self._before):
            desk.population.raw[touched] = before
        desk.population.forget(self._users)
        desk.position = self._position
        desk.parameters = self._parameters
        desk.channels = self._channels
        desk.logged_settings = self._logged_settings
        desk.settings, desk.budget = self._settings, self._budget
        desk.waiting.undo(self._waiting)


def records_of(count: int, /, **fields: Any) -> NDArray[np.void]:
    """Return records of the step (count,) of RECORD with these fields filled.

    >>> records_of(2, number=[7, 8], kind=2)["number"].tolist()
    [7, 8]
    """
    records = np.zeros(count, RECORD)
    for name, value in fields.items():
        records[name] = value
    return records
