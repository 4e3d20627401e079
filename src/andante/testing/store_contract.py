"""The contract of stores as tests: inherit from ``StoreContract``, say how yours is opened, and run pytest.

::

    class TestMyStore(StoreContract):
        def opened(self, folder):
            return MyStore(folder / "log")

Stores that are also ``Standing`` or ``Retained`` are held to that; the others skip those tests.
"""
# ruff: noqa: S101, PLR2004, D102  these are tests: they assert, a value is its meaning, a name is a sentence

from __future__ import annotations

import sys
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import pytest

from andante.stores.contract import NO_USER, Commit, Remembered, Retained, Row, Standing, Waiting
from andante.vocabulary.fault import StoreFault
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import Action

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from andante.stores.contract import Checkpoints, Line, Store

AT_US = 1_780_000_000_000_000
BODIES = (
    "{}",
    '{"type":"view"}',
    '{"query":"红 shoes \\u0000 🥾"}',
    '{"value":0.1}',
    '{"body":"' + "x" * 20_000 + '"}',
)


def row(position: int, kind: int = Kind.EVENT, user: int = 0, action: int | None = None, body: str = "{}") -> Row:
    """Return a row of the log."""
    return Row(position, kind, user, AT_US + position, action, body)


def rows(first: int, last: int) -> list[Row]:
    """Return rows of all these positions, with bodies of all sorts."""
    return [row(position, body=BODIES[position % len(BODIES)]) for position in range(first, last + 1)]


def key(number: int) -> bytes:
    """Return a digest."""
    return number.to_bytes(16, "big")


FULL = Commit(
    rows=(
        row(1, Kind.PARAMETERS, NO_USER),
        row(2, Kind.PREFERENCES),
        row(3, Kind.REQUEST, 1, Action.DEFER),
        row(4, Kind.REQUEST, 0, Action.SEND),
    ),
    users=((0, "ann"), (1, "bo")),
    names=(("zone", 0, "Asia/Shanghai"), ("channel", 0, "push")),
    keys=((key(1), key(101), 3, AT_US + 3),),
    preferences=((0, "max_per_day", "2", AT_US), (0, "consent.push", "true", AT_US)),
    waiting=((3, 1, 1_780_000_600),),
    states=((1, 3, b"\x01" * 24), (0, 4, b"\x00\xff" * 12)),
    replay_from=4,
    meta={"log_name": "3fa2c1"},
)
"""A commit with something of everything."""

CLASHES = {
    "a row at a position that is taken": Commit(rows=(row(4),)),
    "a row before the last one": Commit(rows=(row(2),)),
    "rows out of order": Commit(rows=(row(6), row(5))),
    "a row twice": Commit(rows=(row(5), row(5))),
    "a user's number that is taken": Commit(rows=(row(5),), users=((0, "cy"),)),
    "a user's id that is taken": Commit(rows=(row(5),), users=((2, "ann"),)),
    "a name that is taken": Commit(rows=(row(5),), names=(("zone", 0, "UTC"),)),
    "a key that is taken": Commit(
        rows=(row(5),),
        users=((2, "cy"),),
        names=(("zone", 1, "UTC"),),
        keys=((key(2), key(102), 5, AT_US), (key(1), key(101), 5, AT_US)),
        preferences=((0, "max_per_day", "9", AT_US),),
        waiting=((5, 0, 1),),
        settled=(3,),
        states=((0, 5, b"\x02" * 24),),
        replay_from=5,
        meta={"log_name": "other"},
    ),
}
"""Commits that contradict ``FULL``, and so must not be applied in part."""


class StoreContract(ABC):
    """What every store shows. Each test has a folder of its own."""

    @abstractmethod
    def opened(self, folder: Path) -> Store:
        """Return the store that lies in this folder, made new where there is none. An earlier one is closed."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """Return a new store."""
        store = self.opened(tmp_path)
        yield store
        store.close()

    # The log.

    def test_a_new_store_holds_nothing(self, store: Store) -> None:
        opened = store.load()
        assert list(store.read()) == []
        assert (opened.last_position, opened.replay_from) == (0, 0)
        assert (list(opened.names), opened.users.ids, list(opened.waiting)) == ([], [], [])
        assert list(opened.checkpoints) == []

    def test_rows_are_read_in_order_and_unchanged(self, store: Store) -> None:
        store.append(Commit(rows=rows(1, 7)))
        store.append(Commit(rows=list(map(plain, rows(8, 20)))))
        assert flat(store.read()) == rows(1, 20)
        assert all(isinstance(each, Row) for each in flat(store.read()))

    def test_positions_may_leave_gaps(self, store: Store) -> None:
        store.append(Commit(rows=[row(3), row(9)]))
        store.append(Commit(rows=[row(10)]))
        assert [each.position for each in flat(store.read())] == [3, 9, 10]
        assert store.load().last_position == 10

    @pytest.mark.parametrize(("after", "upto"), [(0, None), (0, 20), (5, None), (5, 12), (20, None), (7, 7), (25, 30)])
    @pytest.mark.parametrize("chunk", [1, 3, 20, 100])
    def test_reading_keeps_its_bounds(self, store: Store, after: int, upto: int | None, chunk: int) -> None:
        store.append(Commit(rows=rows(1, 20)))
        lists = list(store.read(after, upto, chunk=chunk))
        assert [each for part in lists for each in part] == rows(after + 1, 20 if upto is None else min(upto, 20))
        assert all(0 < len(part) <= chunk for part in lists)

    def test_a_reader_meets_what_is_appended_while_it_reads(self, store: Store) -> None:
        store.append(Commit(rows=rows(1, 2)))
        reader = store.read(chunk=2)
        assert next(reader) == rows(1, 2)
        store.append(Commit(rows=rows(3, 4)))
        assert flat(reader) == rows(3, 4)

    def test_readers_on_other_threads_see_whole_commits(self, store: Store) -> None:
        size, commits = 7, 40
        seen: list[int] = []

        def watch() -> None:
            while not seen or seen[-1] < size * commits:
                opened = store.load()
                list(opened.checkpoints)
                seen.append(opened.last_position)
                assert len(flat(store.read(upto=opened.last_position, chunk=10))) == opened.last_position

        watcher = threading.Thread(target=watch)
        watcher.start()
        for first in range(1, size * commits, size):
            store.append(Commit(rows=rows(first, first + size - 1)))
        watcher.join(timeout=60)
        assert not watcher.is_alive()
        assert all(position % size == 0 for position in seen)

    def test_commits_of_several_threads_are_all_kept(self, store: Store) -> None:
        count, failed = 40, []

        def work(thread: int) -> None:
            try:
                for turn in range(count):
                    known = [(key(1_000 * thread + turn), key(0), 1, AT_US)]
                    store.append(Commit(rows=[row(turn + 1)] if thread == 0 else (), keys=known))
            except StoreFault as fault:
                failed.append(fault)

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
        patience = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)  # threads meet between any two lines
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=60)
        finally:
            sys.setswitchinterval(patience)
        assert failed == []
        assert store.load().last_position == count
        assert (
            len(store.recall([key(1_000 * thread + turn) for thread in range(4) for turn in range(count)])) == 4 * count
        )

    # What is found again.

    def test_everything_is_there_after_it_was_opened_again(self, tmp_path: Path) -> None:
        store = self.opened(tmp_path)
        store.append(FULL)
        before = everything(store)
        store.close()
        again = self.opened(tmp_path)
        assert everything(again) == before
        again.append(Commit(rows=[row(5)]))
        assert again.load().last_position == 5
        again.close()

    def test_loading_gives_what_was_committed(self, store: Store) -> None:
        store.append(FULL)
        opened = store.load()
        assert opened.meta["log_name"] == "3fa2c1"
        assert list(opened.names) == [("channel", 0, "push"), ("zone", 0, "Asia/Shanghai")]
        assert (opened.users.numbers.tolist(), opened.users.ids) == ([0, 1], ["ann", "bo"])
        assert list(opened.waiting) == [Waiting(1_780_000_600, FULL_ROWS[2])]
        assert (opened.last_position, opened.replay_from) == (4, 4)
        assert states(opened.checkpoints) == {0: (4, b"\x00\xff" * 12), 1: (3, b"\x01" * 24)}

    def test_a_later_state_takes_the_place_of_the_earlier_one(self, store: Store) -> None:
        store.append(FULL)
        store.append(Commit(rows=[row(5)], states=[(1, 5, b"\x07" * 24), (2, 5, b"\x08" * 24)]))
        assert states(store.load().checkpoints) == {
            0: (4, b"\x00\xff" * 12),
            1: (5, b"\x07" * 24),
            2: (5, b"\x08" * 24),
        }
        assert store.load().replay_from == 4

    def test_many_states_are_streamed_as_matrices_in_order_of_user(self, store: Store) -> None:
        count = 5_003
        given = [(user, user, user.to_bytes(4, "big") * 6) for user in range(count)]
        store.append(Commit(rows=[row(1)], states=given[::-1]))
        blocks = list(store.load().checkpoints)
        assert all(block.states.shape == (len(block.numbers), 24) for block in blocks)
        assert len(blocks) > 1
        assert [number for block in blocks for number in block.numbers.tolist()] == list(range(count))
        assert states(blocks) == {user: (position, state) for user, position, state in given}

    def test_states_of_another_width_come_in_a_block_of_their_own(self, store: Store) -> None:
        store.append(Commit(states=[(0, 1, b"old"), (1, 1, b"newer"), (2, 1, b"wider")]))
        assert states(store.load().checkpoints) == {0: (1, b"old"), 1: (1, b"newer"), 2: (1, b"wider")}

    def test_a_commit_without_rows_moves_the_replay_on(self, store: Store) -> None:
        store.append(FULL)
        store.append(Commit(rows=[row(5)]))
        store.append(Commit(states=[(0, 5, b"\x05" * 24)], replay_from=5, meta={"parameters": "7"}))
        opened = store.load()
        assert (opened.replay_from, opened.last_position, opened.meta["parameters"]) == (5, 5, "7")
        assert opened.meta["log_name"] == "3fa2c1"

    def test_what_is_settled_waits_no_longer(self, store: Store) -> None:
        store.append(FULL)
        store.append(Commit(rows=[row(5, Kind.RELEASE, 1, Action.DEFER)], waiting=[(5, 1, 1_780_000_900)], settled=[3]))
        assert [(one.due_s, one.row.position) for one in store.load().waiting] == [(1_780_000_900, 5)]
        store.append(Commit(waiting=[(5, 1, 1_780_001_000)]))
        assert [one.due_s for one in store.load().waiting] == [1_780_001_000]

    def test_keys_are_recalled_with_their_records(self, store: Store) -> None:
        store.append(FULL)
        assert store.recall([key(1), key(2)]) == {key(1): Remembered(key(101), 3, AT_US + 3, FULL_ROWS[2])}
        assert store.recall([]) == {}

    def test_any_number_of_keys_is_recalled(self, store: Store) -> None:
        count = 2_500
        store.append(Commit(rows=[row(1)], keys=[(key(n), key(n + 1), 1, AT_US) for n in range(count)]))
        found = store.recall([key(n) for n in range(count + 10)])
        assert sorted(found) == [key(n) for n in range(count)]
        assert found[key(77)].body == key(78)

    def test_the_latest_preference_stands(self, store: Store) -> None:
        remembering = standing(store)
        store.append(FULL)
        store.append(Commit(preferences=[(0, "max_per_day", "null", AT_US + 9), (1, "member", "true", AT_US)]))
        assert remembering.preferences(0) == {"consent.push": ("true", AT_US), "max_per_day": ("null", AT_US + 9)}
        assert remembering.preferences(1) == {"member": ("true", AT_US)}
        assert remembering.preferences(99) == {}

    # All or nothing.

    @pytest.mark.parametrize("clash", CLASHES)
    def test_a_commit_that_contradicts_the_log_leaves_nothing(self, store: Store, clash: str) -> None:
        store.append(FULL)
        before = everything(store)
        with pytest.raises(StoreFault):
            store.append(CLASHES[clash])
        assert everything(store) == before
        store.append(Commit(rows=[row(5)]))
        assert store.load().last_position == 5

    def test_a_closed_store_refuses(self, store: Store) -> None:
        store.close()
        store.close()
        for act in (lambda: store.append(FULL), lambda: list(store.read()), lambda: store.recall([key(1)]), store.load):
            with pytest.raises(StoreFault):
                act()

    # Forgetting.

    def test_retention_keeps_what_is_needed(self, store: Store) -> None:
        forgetful = retained(store)
        store.append(FULL)
        store.append(Commit(rows=rows(5, 30), replay_from=30))
        base = [(0, 4, b"\x0a" * 24), (1, 3, b"\x0b" * 24)]
        assert forgetful.base()[0] == 0
        assert forgetful.retain(20, base) == 18
        assert [each.position for each in flat(store.read())] == [1, 3, *range(21, 31)]  # parameters, and what waits
        cut, checkpoints = forgetful.base()
        assert (cut, states(checkpoints)) == (20, {0: (4, b"\x0a" * 24), 1: (3, b"\x0b" * 24)})
        assert states(store.load().checkpoints) == {0: (4, b"\x00\xff" * 12), 1: (3, b"\x01" * 24)}
        assert store.recall([key(1)])[key(1)].row == FULL_ROWS[2]

    def test_retention_drops_what_waited_once_it_is_settled(self, store: Store) -> None:
        forgetful = retained(store)
        store.append(FULL)
        store.append(Commit(rows=rows(5, 9), replay_from=9))
        forgetful.retain(8, [(0, 4, b"base")])
        store.append(Commit(settled=[3]))
        assert forgetful.retain(8, [(0, 4, b"never")]) == 1
        assert [each.position for each in flat(store.read())] == [1, 9]
        assert states(forgetful.base()[1]) == {0: (4, b"base")}
        assert store.recall([key(1)])[key(1)] == Remembered(key(101), 3, AT_US + 3, None)

    def test_retention_never_drops_the_last_row(self, store: Store) -> None:
        forgetful = retained(store)
        store.append(Commit(rows=rows(1, 5), replay_from=5))
        assert forgetful.retain(5, [(0, 5, b"base")]) == 4
        store.append(Commit(rows=[row(6)]))
        assert [each.position for each in flat(store.read())] == [5, 6]

    def test_a_later_cut_takes_the_place_of_the_earlier_base(self, store: Store) -> None:
        forgetful = retained(store)
        store.append(Commit(rows=rows(1, 9), replay_from=9))
        forgetful.retain(3, [(0, 3, b"old"), (1, 3, b"old")])
        forgetful.retain(6, [(0, 6, b"new")])
        cut, checkpoints = forgetful.base()
        assert (cut, states(checkpoints)) == (6, {0: (6, b"new")})
        assert forgetful.retain(4, [(0, 4, b"older")]) == 0
        assert states(forgetful.base()[1]) == {0: (6, b"new")}

    def test_retention_above_the_checkpoints_is_refused(self, store: Store) -> None:
        forgetful = retained(store)
        store.append(FULL)
        store.append(Commit(rows=rows(5, 9)))
        before = everything(store)
        with pytest.raises(StoreFault, match="checkpoint"):
            forgetful.retain(5, [])
        assert everything(store) == before

    def test_old_keys_are_forgotten(self, store: Store) -> None:
        forgetful = retained(store)
        old, young = [bytes([n]) * 16 for n in range(0, 256, 5)], [bytes([n]) * 16 for n in range(1, 256, 5)]
        store.append(Commit(keys=[(digest, key(0), 1, AT_US) for digest in old]))
        store.append(Commit(keys=[(digest, key(0), 2, AT_US + 1) for digest in young]))
        assert forgetful.prune_keys(AT_US + 1) == len(old)
        assert store.recall([*old, *young]).keys() == set(young)


FULL_ROWS = [Row(*each) for each in FULL.rows]


def standing(store: Store) -> Standing:
    """Return the store as one that remembers preferences; skip the test where it does not."""
    if not isinstance(store, Standing):
        pytest.skip("remembers no preferences")
    return store


def retained(store: Store) -> Retained:
    """Return the store as one that can forget; skip the test where it cannot."""
    if not isinstance(store, Retained):
        pytest.skip("has no retention")
    return store


def plain(each: Row) -> Line:
    """Return a row as a writer may give it."""
    return (each.position, each.kind, each.user, each.at_us, each.action, each.body)


def flat(lists: Iterator[list[Row]]) -> list[Row]:
    """Return all rows of a read."""
    return [each for part in lists for each in part]


def states(checkpoints: Any) -> dict[int, tuple[int, bytes]]:
    """Return checkpoints by user."""
    found: dict[int, tuple[int, bytes]] = {}
    block: Checkpoints
    for block in checkpoints:
        for user, position, state in zip(block.numbers, block.positions, block.states, strict=True):
            found[int(user)] = int(position), state.tobytes()
    return found


def everything(store: Store) -> dict[str, Any]:
    """Return all that a store holds, to be compared; not what an opening writes of itself."""
    opened = store.load()
    told: dict[str, Any] = {
        "rows": flat(store.read()),
        "meta": {name: value for name, value in opened.meta.items() if name not in {"epoch", "writer"}},
        "names": list(opened.names),
        "users": (opened.users.numbers.tolist(), opened.users.ids),
        "waiting": list(opened.waiting),
        "ends": (opened.last_position, opened.replay_from),
        "states": states(opened.checkpoints),
        "keys": store.recall([key(number) for number in range(200)]),
    }
    if isinstance(store, Standing):
        told["preferences"] = {number: store.preferences(number) for number in opened.users.numbers.tolist()}
    return told
