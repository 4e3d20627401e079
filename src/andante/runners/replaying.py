"""Replaying: every logged decision is taken again from the log alone, and compared bit for bit."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from andante.engine.batch import Stepped, fold
from andante.engine.migration import read_states
from andante.live.answers import decision_ids
from andante.live.hashing import user_key
from andante.live.names import Names
from andante.live.refolding import Published, Run, runs
from andante.stores.erasure import is_tombstone
from andante.stores.reader import SqliteReader
from andante.vocabulary.fault import StoreUnreadable
from andante.vocabulary.parameters import STEP_VERSION
from andante.vocabulary.reason import Action
from andante.vocabulary.state import new_users
from andante.zones.table import build, data_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SHOWN_MAX = 20
"""How many differences are described; all are counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that came out otherwise than it was logged."""

    decision_id: str
    field: str
    logged: float
    replayed: float


@dataclass(slots=True)
class Replayed:
    """What a replay found."""

    records: int = 0
    decisions: int = 0
    passed_over: int = 0  # decisions that the states which the replay began with include already
    sends: int = 0
    different: int = 0
    differences: list[Difference] = field(default_factory=list)
    users: int = 0
    erased: int = 0  # of the users
    state_digest: str = ""  # of all users' records at the end
    step_version: int = STEP_VERSION
    time_zones: str = ""
    policies: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def exact(self) -> bool:
        """Tell whether every decision came out as it was logged, to the bit."""
        return self.different == 0


def replay(path: Path) -> Replayed:
    """Replay the log of a database, which may be in use meanwhile. Raises StoreUnreadable where there is none."""
    begun = time.perf_counter()
    if not path.exists():
        raise StoreUnreadable("database", path, "does not exist", "give the file that the engine was opened with")
    with SqliteReader(path) as store:
        opened = store.load()
        for _ in opened.checkpoints:
            break
        names = Names(opened.names)
        users = new_users(len(opened.users.ids))
        users["key"] = [user_key(user_id) for user_id in opened.users.ids]
        _, states = store.base()
        for kept in states:
            users[kept.numbers] = read_states(kept.states)
        found = Replayed(users=len(users), time_zones=data_version())
        found.erased = sum(map(is_tombstone, opened.users.ids))
        log_name = opened.meta["log_name"]
        zones = build(names.zones)
        parameters: NDArray[np.void] | None = None
        for part in runs(store.read(0, opened.last_position), names):
            if isinstance(part, Published):
                parameters = part.parameters
                found.policies.append(part.policy)
                continue
            if parameters is None:
                raise StoreUnreadable("log", path, "begins without parameters", "restore it from a copy")
            stepped = fold(users, part.records, part.candidates, parameters, zones)
            _compare(found, part, stepped, log_name)
        found.state_digest = blake2b(users.tobytes(), digest_size=8).hexdigest()
    found.seconds = time.perf_counter() - begun
    return found


def _compare(found: Replayed, run: Run, stepped: Stepped, log_name: str) -> None:
    """Count what was decided, and what was decided otherwise."""
    found.records += len(run.rows)
    taken = stepped.effects[run.asked] > 0
    found.passed_over += int((~taken).sum())
    asked, logged = run.asked[taken], run.logged.decisions[taken]
    found.decisions += len(asked)
    found.sends += int((logged["action"] == Action.SEND).sum())
    again = stepped.decisions[asked]
    positions = np.array([row.position for row in run.rows])
    ids = decision_ids(log_name, positions, np.array([row.user for row in run.rows]))
    wrong = np.zeros(len(asked), bool)
    for name, place, was, is_ in _different(logged, again):
        wrong[place] = True
        _note(found, ids[asked[place]], name, was, is_)
    within = np.repeat(taken, run.logged.count)
    owner = np.repeat(np.arange(len(taken)), run.logged.count)[within]
    rank = np.cumsum(taken) - 1
    for name, place, was, is_ in _different(run.logged.verdicts[within], stepped.verdicts[within]):
        wrong[rank[owner[place]]] = True
        _note(found, ids[run.asked[owner[place]]], f"verdict.{name}", was, is_)
    found.different += int(wrong.sum())


def _different(logged: NDArray[np.void], again: NDArray[np.void]) -> Iterator[tuple[str, int, Any, Any]]:
    """Yield every field of every row that is not the same; an unknown number is the same as an unknown number."""
    for name in logged.dtype.names or ():
        was, is_ = logged[name], again[name]
        same = was == is_
        if was.dtype.kind == "f":
            same |= np.isnan(was) & np.isnan(is_)
        for place in np.flatnonzero(~same).tolist():
            yield name, place, was[place].item(), is_[place].item()


def _note(found: Replayed, decision_id: str, name: str, was: float, is_: float) -> None:
    if len(found.differences) < SHOWN_MAX:
        found.differences.append(Difference(decision_id, name, was, is_))
