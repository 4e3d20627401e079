"""The contract of stores that can erase: inherit from ``ErasingContract``, say how yours is opened, and run pytest.

::

    class TestMyStoreErases(ErasingContract):
        def opened(self, folder):
            return MyStore(folder / "log")
"""
# ruff: noqa: S101, PLR2004, D102  these are tests: they assert, a value is its meaning, a name is a sentence

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import pytest

from andante.stores.contract import NO_USER, Commit, Erasing, Erasure, Row, Users
from andante.testing.store_contract import AT_US, FULL, FULL_ROWS, everything, flat, key, row, rows, states
from andante.vocabulary.fault import StoreFault
from andante.vocabulary.flow import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from andante.stores.contract import Store

BLANK = bytes(24)
TOMBSTONE = "erased-0000"


def erasure(position: int = 5, **more: Any) -> Erasure:
    """Return what erases the second user of ``FULL``."""
    told: dict[str, Any] = {
        "user": 1,
        "tombstone": TOMBSTONE,
        "state": BLANK,
        "positions": [3],
        "keys": [(key(1), 3)],
        "row": row(position, Kind.NOTE, NO_USER, body='{"note":"erasure"}'),
    }
    return Erasure(**{**told, **more})


class ErasingContract(ABC):
    """What every store that can erase shows."""

    @abstractmethod
    def opened(self, folder: Path) -> Store:
        """Return the store that lies in this folder, made new where there is none. An earlier one is closed."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Any]:
        """Return a new store of two users."""
        store = self.opened(tmp_path)
        assert isinstance(store, Erasing)
        store.append(FULL)
        store.append(Commit(preferences=[(1, "max_per_day", "3", AT_US)]))
        yield store
        store.close()

    def test_the_rows_of_one_user_are_found(self, store: Any) -> None:
        store.append(Commit(rows=[row(5), row(6, user=1), row(7)]))
        assert [one.position for one in flat(store.rows_of(1))] == [3, 6]
        assert [one.position for one in flat(store.rows_of(1, 3))] == [6]
        assert flat(store.rows_of(9)) == []
        assert all(isinstance(one, Row) for one in flat(store.rows_of(0)))

    def test_all_of_the_user_goes_and_a_note_stays(self, store: Any) -> None:
        store.erase(erasure())
        opened = store.load()
        assert flat(store.rows_of(1)) == []
        assert [one.position for one in flat(store.read())] == [1, 2, 4, 5]
        assert (opened.users.ids, opened.waiting, opened.last_position) == (["ann", TOMBSTONE], [], 5)
        assert states(opened.checkpoints)[1] == (0, BLANK)
        assert (store.recall([key(1)]), store.preferences(1)) == ({}, {})

    def test_nothing_of_anybody_else_changes(self, store: Any) -> None:
        store.append(Commit(rows=rows(5, 9), keys=[(key(2), key(102), 4, AT_US)], waiting=[(4, 0, 1_780_000_700)]))
        before = everything(store)
        store.erase(erasure(10))
        after = everything(store)
        assert after["rows"][:-1] == [one for one in before["rows"] if one.position != 3]
        assert after["keys"] == {key(2): before["keys"][key(2)]}
        assert after["preferences"][0] == before["preferences"][0]
        assert after["states"][0] == before["states"][0]
        assert [one.row for one in after["waiting"]] == [FULL_ROWS[3]]
        assert (after["names"], after["ends"]) == (before["names"], (10, 4))

    def test_the_id_is_free_again_and_the_number_is_not(self, store: Any) -> None:
        store.erase(erasure())
        with pytest.raises(StoreFault):
            store.append(Commit(rows=[row(6)], users=[(1, "bo")]))
        store.append(Commit(rows=[row(6)], users=[(2, "bo")]))
        users: Users = store.load().users
        assert (users.numbers.tolist(), users.ids) == ([0, 1, 2], ["ann", TOMBSTONE, "bo"])

    def test_the_base_of_a_retention_is_emptied_of_the_user_alone(self, store: Any) -> None:
        store.append(Commit(rows=rows(5, 9), users=[(2, "cy")], replay_from=9))
        store.retain(4, [(user, 4, bytes([user + 1]) * 24) for user in range(3)])
        store.erase(erasure(10))
        assert states(store.base()[1]) == {0: (4, b"\x01" * 24), 1: (0, BLANK), 2: (4, b"\x03" * 24)}

    def test_a_key_that_names_another_record_by_now_stays(self, store: Any) -> None:
        store.erase(erasure(keys=[(key(1), 2)]))
        assert key(1) in store.recall([key(1)])

    def test_an_erasure_that_does_not_follow_the_log_leaves_everything(self, store: Any) -> None:
        before = everything(store)
        with pytest.raises(StoreFault):
            store.erase(erasure(4))
        assert everything(store) == before

    def test_it_survives_an_opening_and_a_sweep_changes_nothing(self, store: Any, tmp_path: Path) -> None:
        store.erase(erasure())
        before = everything(store)
        store.close()
        again: Any = self.opened(tmp_path)
        assert everything(again) == before | {"meta": everything(again)["meta"]}
        assert again.sweep()
        assert again.sweep()
        assert everything(again)["rows"] == before["rows"]
        again.append(Commit(rows=[row(6)]))
        again.close()
