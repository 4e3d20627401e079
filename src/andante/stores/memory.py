"""The log in memory: for tests, trials and simulations. It ends with its process."""

from __future__ import annotations

from bisect import bisect_right
from operator import gt
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from andante.stores.columns import STATES_AT_ONCE, in_columns
from andante.stores.contract import CHUNK, Closing, Opened, Preference, Remembered, Row, Users, Waiting
from andante.stores.rows import Rows, positions_of
from andante.vocabulary.fault import StoreFault
from andante.vocabulary.flow import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Hashable, Iterable, Iterator, Sequence, Sized

    from andante.stores.contract import Checkpoints, Commit, Erasure


class MemoryStore(Closing):
    """A store in lists and dictionaries. What it holds outlives ``close``, so that a test can open it again."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._guard = RLock()
        self._closed = False
        self._rows = Rows()
        self._users: dict[int, str] = {}
        self._user_ids: set[str] = set()
        self._names: dict[tuple[str, int], str] = {}
        self._keys: dict[bytes, tuple[bytes, int, int]] = {}
        self._preferences: dict[int, dict[str, Preference]] = {}
        self._waiting: dict[int, int] = {}
        self._states: dict[int, tuple[int, bytes]] = {}
        self._base: tuple[int, dict[int, tuple[int, bytes]]] = (0, {})
        self._meta: dict[str, str] = {}

    def reopened(self) -> MemoryStore:
        """Close this store, and return another one that holds the same."""
        with self._guard:
            self.close()
            other = MemoryStore()
            mine = {name: value for name, value in vars(self).items() if name not in {"_guard", "_closed"}}
            vars(other).update(mine)
            return other

    def append(self, commit: Commit) -> None:
        """Apply the commit, all of it: everything that can fail is done before anything is changed."""
        with self._guard:
            self._use()
            self._refuse_disorder(positions_of(commit.rows))
            if commit.users or commit.names or commit.keys:  # most commits bring nothing but rows
                self._add_new(commit)
            if commit.preferences or commit.states or commit.meta or commit.replay_from is not None:
                self._replace(commit)
            self._rows += commit.rows
            for position, _, due_s in commit.waiting:
                self._waiting[position] = due_s
            for position in commit.settled:
                self._waiting.pop(position, None)

    def _add_new(self, commit: Commit) -> None:
        """Add what may be given but once."""
        keys = {digest: (body, position, at_us) for digest, body, position, at_us in commit.keys}
        names = {(kind, code): name for kind, code, name in commit.names}
        users = dict(commit.users)
        _refuse_clash(keys, self._keys, commit.keys)
        _refuse_clash(names, self._names, commit.names)
        _refuse_clash(users, self._users, commit.users)
        _refuse_clash(set(users.values()), self._user_ids, commit.users)
        self._users.update(users)
        self._user_ids.update(users.values())
        self._names.update(names)
        self._keys.update(keys)

    def _replace(self, commit: Commit) -> None:
        """Put what is newer in the place of what is older."""
        for user, key, value, at_us in commit.preferences:
            self._preferences.setdefault(user, {})[key] = Preference(value, at_us)
        for user, position, state in commit.states:
            self._states[user] = position, bytes(state)
        self._meta.update(commit.meta)
        if commit.replay_from is not None:
            self._meta["replay_from"] = str(commit.replay_from)

    def read(self, after: int = 0, upto: int | None = None, chunk: int = CHUNK) -> Iterator[list[Row]]:
        """Yield the rows with ``after < position <= upto`` in order, in lists of at most ``chunk``."""
        while True:
            with self._guard:
                self._use()
                positions = self._rows.positions
                start = bisect_right(positions, after)
                end = len(positions) if upto is None else bisect_right(positions, upto)
                rows = [Row._make(row) for row in self._rows[start : min(end, start + chunk)]]
            if not rows:
                return
            yield rows
            after = rows[-1].position

    def recall(self, digests: Sequence[bytes]) -> dict[bytes, Remembered]:
        """Return what is known of these idempotency keys."""
        with self._guard:
            self._use()
            known = ((digest, self._keys[digest]) for digest in digests if digest in self._keys)
            return {digest: Remembered(*key, self._row(key[1])) for digest, key in known}

    def load(self) -> Opened:
        """Return what a recovery starts from."""
        with self._guard:
            self._use()
            numbers = sorted(self._users)
            return Opened(
                meta=dict(self._meta),
                names=[(kind, code, name) for (kind, code), name in sorted(self._names.items())],
                users=Users(np.array(numbers, np.int64), [self._users[number] for number in numbers]),
                waiting=[
                    Waiting(due_s, row)
                    for at, due_s in sorted(self._waiting.items())
                    if (row := self._row(at)) is not None
                ],
                last_position=self._last(),
                replay_from=int(self._meta.get("replay_from", 0)),
                checkpoints=_columns(dict(self._states)),
            )

    def preferences(self, user: int) -> dict[str, Preference]:
        """Return what holds for this user, by key."""
        with self._guard:
            self._use()
            return dict(sorted(self._preferences.get(user, {}).items()))

    def retain(self, before: int, base_states: Iterable[tuple[int, int, bytes]]) -> int:
        """Drop the rows up to and including position ``before``, but for those that are needed; return how many."""
        with self._guard:
            self._use()
            replay_from = int(self._meta.get("replay_from", 0))
            if before > replay_from:
                raise StoreFault(
                    "retention", before, f"is above position {replay_from} of the checkpoints", "checkpoint first"
                )
            if before > self._base[0]:
                self._base = before, {user: (position, bytes(state)) for user, position, state in base_states}
                self._meta["retained_from"] = str(before)
            cut, last, before_count = self._base[0], self._last(), len(self._rows)
            self._rows = Rows(
                row
                for row in self._rows
                if row[0] > cut or row[0] == last or row[0] in self._waiting or row[1] == Kind.PARAMETERS
            )
            return before_count - len(self._rows)

    def base(self) -> tuple[int, Iterator[Checkpoints]]:
        """Return the position that was last retained from (0: never), and the states as of it."""
        with self._guard:
            cut, states = self._base
            return cut, _columns(states)

    def prune_keys(self, before_us: int) -> int:
        """Forget idempotency keys older than this instant; return how many."""
        with self._guard:
            old = [digest for digest, (_, _, at_us) in self._keys.items() if at_us < before_us]
            for digest in old:
                del self._keys[digest]
            return len(old)

    def rows_of(self, user: int, after: int = 0) -> Iterator[list[Row]]:
        """Yield the rows of one user with ``after < position``, in order, in lists."""
        for rows in self.read(after):
            if mine := [row for row in rows if row.user == user]:
                yield mine

    def erase(self, erasure: Erasure) -> None:
        """Remove a user, all of it."""
        with self._guard:
            self._use()
            self._refuse_disorder([erasure.row[0]])
            gone = set(erasure.positions)
            self._rows = Rows(row for row in self._rows if row[0] not in gone)
            self._rows.append(erasure.row)
            for position in gone:
                self._waiting.pop(position, None)
            for digest, position in erasure.keys:
                if digest in self._keys and self._keys[digest][1] == position:
                    del self._keys[digest]
            self._preferences.pop(erasure.user, None)
            self._user_ids.discard(self._users[erasure.user])
            self._users[erasure.user] = erasure.tombstone
            self._user_ids.add(erasure.tombstone)
            for states in (self._states, self._base[1]):
                if erasure.user in states:
                    states[erasure.user] = 0, erasure.state

    def sweep(self, bytes_max: int | None = None) -> bool:  # noqa: ARG002  nothing is left in memory, whatever its size
        """Return that nothing can be left: what a process lets go of is the system's to clear."""
        with self._guard:
            self._use()
            return True

    def close(self) -> None:
        """Refuse everything from now on."""
        self._closed = True

    def _use(self) -> None:
        if self._closed:
            raise StoreFault("store in memory", None, "was closed", "open another one")

    def _last(self) -> int:
        positions = self._rows.positions
        return positions[-1] if positions else 0

    def _row(self, position: int) -> Row | None:
        positions = self._rows.positions
        place = bisect_right(positions, position) - 1
        return Row._make(self._rows[place]) if place >= 0 and positions[place] == position else None

    def _refuse_disorder(self, positions: list[int]) -> None:
        before = [self._last(), *positions]
        if not all(map(gt, positions, before)):
            raise StoreFault(
                "commit",
                positions[0],
                f"does not follow position {before[0]} in order",
                "report this: nothing was appended",
            )


def _refuse_clash(new: Collection[Hashable], known: Container[Hashable], given: Sized) -> None:
    """Raise a fault where something new is there already, or was given twice, as a database with unique keys would."""
    if len(new) < len(given) or any(one in known for one in new):
        raise StoreFault("commit", None, "contradicts what the store holds", "report this: nothing was appended")


def _columns(states: dict[int, tuple[int, bytes]]) -> Iterator[Checkpoints]:
    """Yield states as columns, in order of user."""
    entries = [(user, position, state) for user, (position, state) in sorted(states.items())]
    for start in range(0, len(entries), STATES_AT_ONCE):
        yield from in_columns(entries[start : start + STATES_AT_ONCE])
