"""What a store is: an append-only log, and what its owner wants to find again after a crash.

The log is the truth. States are checkpoints of its fold; they are never older than what ``replay_from`` says, so a
recovery loads them and reads the rest of the log. Every implementation passes ``andante.testing.store_contract``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

CHUNK = 10_000
"""How many rows are read at once, unless the reader says otherwise."""

NO_USER = -1
"""The user of a row that belongs to nobody."""


class Row(NamedTuple):
    """One record of the log, as it is read."""

    position: int  # 1 or more; ascending
    kind: int  # Kind
    user: int  # row number of the user's record, or NO_USER
    at_us: int  # event time, microseconds since 1970 UTC
    action: int | None  # Action of a decision; None on every other kind
    body: str  # JSON


Line: TypeAlias = tuple[int, int, int, int, int | None, str]
"""One record of the log, as it is written: the fields of ``Row``. A plain tuple is written faster than a named one."""


class Remembered(NamedTuple):
    """What is known of an idempotency key."""

    body: bytes  # digest of what came with it, 16 bytes
    position: int  # of the record that it named
    at_us: int
    row: Row | None  # that record; None once retention has dropped it


class Waiting(NamedTuple):
    """A deferred push, to be asked again when it is due."""

    due_s: int
    row: Row  # the decision that deferred it


class Preference(NamedTuple):
    """One preference that holds, as the user gave it."""

    value: str  # JSON
    at_us: int


class Users(NamedTuple):
    """Every user, as two columns in ascending order of number."""

    numbers: NDArray[np.int64]
    ids: list[str]


class Checkpoints(NamedTuple):
    """States of n users, as three columns; all states have the same width."""

    numbers: NDArray[np.int64]  # (n,)
    positions: NDArray[np.int64]  # (n,): the last record that the state includes
    states: NDArray[np.uint8]  # (n, width); read-only


@dataclass(frozen=True, slots=True)
class Commit:
    """What becomes durable together, or not at all."""

    rows: Sequence[Line] = ()  # positions ascend, and begin above the last one of the log
    users: Sequence[tuple[int, str]] = ()  # new ones: (number, user_id)
    names: Sequence[tuple[str, int, str]] = ()  # new ones: (kind of name, code, name)
    keys: Sequence[tuple[bytes, bytes, int, int]] = ()  # new ones: (digest, digest of the body, position, at_us)
    preferences: Sequence[tuple[int, str, str, int]] = ()  # (user, key, JSON, at_us): takes the place of the older one
    waiting: Sequence[tuple[int, int, int]] = ()  # (position of the row, user, due_s): takes the place of an older one
    settled: Sequence[int] = ()  # positions that wait no longer
    states: Sequence[tuple[int, int, bytes]] = ()  # (user, position, state): takes the place of the older one
    replay_from: int | None = None  # every row up to and including this one is in the states; None: as before
    meta: Mapping[str, str] = field(default_factory=dict)  # takes the place of what had the same key


@dataclass(frozen=True, slots=True)
class Erasure:
    """All of one user that a store removes together, and what takes its place."""

    user: int
    tombstone: str  # takes the place of the id, so that numbers stay as they are
    state: bytes  # of a user of whom nothing is known: takes the place of the states
    positions: Sequence[int]  # of every row of the user
    keys: Sequence[tuple[bytes, int]]  # idempotency keys: (digest, position of the record that it named)
    row: Line  # appended in the same transaction: the note that says what was removed


@dataclass(frozen=True, slots=True)
class Opened:
    """What a store held when it was loaded."""

    meta: Mapping[str, str]
    names: Sequence[tuple[str, int, str]]  # (kind of name, code, name), in order of kind and code
    users: Users
    waiting: Sequence[Waiting]  # in order of position
    last_position: int  # of the log; 0 where it is empty
    replay_from: int  # ``read(replay_from)`` gives the rows that the states may lack; 0: all of them
    checkpoints: Iterator[Checkpoints]  # to be consumed once, before the store is written to


class Store(Protocol):
    """A durable log with one writer.

    An implementation must not acknowledge before the commit would survive a crash, must not apply a part of a commit,
    must not change, reorder or interpret a body, and must not let a reader hold up the writer. Its methods may be
    called from any thread.
    """

    def append(self, commit: Commit) -> None:
        """Make the commit durable, all of it, in one transaction.

        Raises ``StoreFault`` where that failed: ``StoreFull``, ``StoreBusy`` or ``StoreUnreadable``, or the bare fault
        where another writer has taken over or the commit contradicts the log. Then nothing of it was applied.
        """
        ...

    def read(self, after: int = 0, upto: int | None = None, chunk: int = CHUNK) -> Iterator[list[Row]]:
        """Yield the rows with ``after < position <= upto`` in order of position, in lists of at most ``chunk``.

        Without ``upto`` it ends with the last row that is committed when it gets there. It must not hold a lock or a
        snapshot between two lists.
        """
        ...

    def recall(self, digests: Sequence[bytes]) -> dict[bytes, Remembered]:
        """Return what is known of these idempotency keys; a key that is not in the answer is new."""
        ...

    def load(self) -> Opened:
        """Return what a recovery starts from, as of one moment.

        It must not hold all states in memory at once: they are streamed.
        """
        ...

    def close(self) -> None:
        """Let go of the store. Closing twice is no fault; anything else afterwards is a ``StoreFault``."""
        ...


@runtime_checkable
class Standing(Protocol):
    """A store that can be asked for one user's preferences as they were given."""

    def preferences(self, user: int) -> dict[str, Preference]:
        """Return what holds for this user, by key; an unknown user has none."""
        ...


@runtime_checkable
class Retained(Protocol):
    """A store that can forget. It must not forget what a recovery, a replay from its base, or a waiting push needs."""

    def retain(self, before: int, base_states: Iterable[tuple[int, int, bytes]]) -> int:
        """Drop the rows up to and including position ``before``; return how many.

        Kept of them are those that wait, every row of kind ``PARAMETERS``, and the last row of the log.

        ``base_states`` are (user, position, state) of *every* user as of ``before``: a replay of what is left starts
        from them, with ``read(before)``. Where an earlier call went as far, the base stays as it is, and what no
        longer waits is dropped. A call that was interrupted has left everything readable; the next one
        finishes it. Raises ``StoreFault`` where ``before`` is above ``replay_from``, for then states would be lost.
        """
        ...

    def base(self) -> tuple[int, Iterator[Checkpoints]]:
        """Return the position that was last retained from (0: never), and the states as of it."""
        ...

    def prune_keys(self, before_us: int) -> int:
        """Forget idempotency keys older than this instant; return how many."""
        ...


@runtime_checkable
class Erasing(Protocol):
    """A store that can erase one user, and leaves all others as they are.

    An implementation must not leave a part of a user after a crash, nor any of their bytes once it is swept.
    """

    def rows_of(self, user: int, after: int = 0) -> Iterator[list[Row]]:
        """Yield the rows of one user with ``after < position``, in order, in lists; it must not hold up the writer."""
        ...

    def erase(self, erasure: Erasure) -> None:
        """Remove a user in one durable transaction. Raises ``StoreFault`` where that failed; then nothing was."""
        ...

    def sweep(self, bytes_max: int | None = None) -> bool:
        """Clear what erased users may have left where the store lies; return whether nothing can be left.

        What is larger than ``bytes_max`` is left for another time, and so is what somebody reads meanwhile: the sweep
        stays due, and the next call does it. It may take long, and nobody can write meanwhile.
        """
        ...


@runtime_checkable
class Exported(Protocol):
    """A store whose log can be taken elsewhere."""

    def export(self, folder: Path) -> dict[str, int]:
        """Write decisions, verdicts, outcomes and events as Parquet files into the folder; return the rows of each.

        It must not need memory that grows with the log. Raises ``MissingExtra`` where pyarrow is not installed.
        """
        ...


class Closing:
    """Lets a store be used as a context manager."""

    def __enter__(self) -> Self:
        """Return the store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        raise NotImplementedError
