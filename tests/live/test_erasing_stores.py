"""Both stores of our own erase as the contract says; in a file, bytes go too, and a sweep that is due is not lost."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from andante.stores import erasure as erasing
from andante.stores.contract import Commit, Store
from andante.stores.memory import MemoryStore
from andante.stores.sqlite import SqliteStore
from andante.testing.erasing_contract import ErasingContract, erasure
from andante.testing.store_contract import FULL, key, row, states
from andante.vocabulary.flow import Kind


class TestSqliteStoreErases(ErasingContract):
    def opened(self, folder: Path) -> Store:
        return SqliteStore.open(folder / "log.db")


class TestMemoryStoreErases(ErasingContract):
    @pytest.fixture(autouse=True)
    def _kept(self):
        self.kept: dict[Path, MemoryStore] = {}

    def opened(self, folder: Path) -> Store:
        self.kept[folder] = self.kept[folder].reopened() if folder in self.kept else MemoryStore()
        return self.kept[folder]


def found(folder, *needles):
    """Return which needles are in any file; another process reads, since closing a file here gives up its locks."""
    files = sorted(str(file) for file in folder.rglob("*") if file.is_file())
    return [one for one in needles if subprocess.run(["grep", "-aqF", one, *files], check=False).returncode == 0]


def lived(store, users=40, rounds=60):
    """Let users write rows of many sizes side by side, so that pages are shared and split."""
    position = 0
    store.append(Commit(users=[(user, f"canary-{user:03}-id") for user in range(users)]))
    for turn in range(rounds):
        rows = [
            row(
                position + 1 + user,
                user=user,
                body=f'{{"query":"canary-{user:03}-{"x" * (user * turn % 3000)}"}}',
            )
            for user in range(users)
        ]
        wishes = [(user, f"wish-{turn}", f'"canary-{user:03}-wish"', turn) for user in range(users)]
        store.append(Commit(rows=rows, preferences=wishes))
        position += users
    return position


def erase_one(store, user, last):
    positions = [one.position for rows in store.rows_of(user) for one in rows]
    store.erase(
        erasure(
            last + 1,
            user=user,
            tombstone=f"erased-{user:032x}",
            positions=positions,
            keys=[],
            row=row(last + 1, Kind.NOTE, -1, body="{}"),
        )
    )
    return last + 1


def test_no_bytes_of_erased_users_are_in_any_file_of_an_open_database(tmp_path):
    with SqliteStore.open(tmp_path / "log.db") as store:
        last = lived(store)
        for user in range(0, 40, 3):
            last = erase_one(store, user, last)
        assert store.sweep()
        erased = [f"canary-{user:03}-" for user in range(0, 40, 3)]
        assert found(tmp_path, *erased) == []
        assert len(found(tmp_path, *(f"canary-{user:03}-" for user in range(1, 40, 3)))) == 13


@pytest.mark.parametrize("overwrite", [True, False])
def test_rows_are_overwritten_before_their_neighbours_move(tmp_path, monkeypatch, overwrite):
    if not overwrite:  # what would be left without it
        monkeypatch.setattr(erasing, "_OVERWRITE", "UPDATE log SET body = body WHERE position = ?")
    with SqliteStore.open(tmp_path / "log.db") as store:
        padding = ["x" * (n * 37 % 400) for n in range(3000)]
        user = [int(n % 8 == 0) for n in range(3000)]  # most rows of most pages are one user's: what is left is merged
        rows = [row(n, user=user[n], body=f'{{"query":"canary-{user[n]}-{padding[n]}"}}') for n in range(1, 3000)]
        store.append(Commit(rows=rows, users=[(0, "ann"), (1, "bo")]))
        erase_one(store, 0, 2999)
        assert not store.sweep(0)  # too large: its write-ahead log is emptied all the same
        assert found(tmp_path, "canary-0-") == ([] if overwrite else ["canary-0-"])
        assert erasing.SWEEP_DUE in store.load().meta


def test_what_moves_have_left_is_cleared_by_the_sweep(tmp_path):
    path = tmp_path / "log.db"
    with SqliteStore.open(path) as store:
        last = lived(store)
        with closing(sqlite3.connect(path)) as other:  # rows deleted by somebody who does not overwrite
            other.execute("PRAGMA secure_delete = OFF")
            other.execute("DELETE FROM log WHERE user = 7 AND position < ?", (last,))
            other.commit()
        last = erase_one(store, 7, last)
        store.sweep(0)
        assert found(tmp_path, "canary-007-") == ["canary-007-"]
        assert store.sweep()
        assert found(tmp_path, "canary-007-") == []
        assert erasing.SWEEP_DUE not in store.load().meta


def test_a_sweep_that_a_reader_holds_up_stays_due_and_is_done_when_the_file_is_opened_next(tmp_path, monkeypatch):
    monkeypatch.setattr("andante.stores.connection.BUSY_MS", 50)
    path = tmp_path / "log.db"
    with SqliteStore.open(path) as store:
        last = lived(store, rounds=5)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM log").fetchone()
            erase_one(store, 7, last)
            assert not store.sweep()
            assert erasing.SWEEP_DUE in store.load().meta
    with SqliteStore.open(path) as store:
        assert erasing.SWEEP_DUE not in store.load().meta
        assert found(tmp_path, "canary-007-") == []


def test_the_base_is_found_without_a_look_at_all_of_it_and_with_one_while_two_cuts_stand(tmp_path):
    with SqliteStore.open(tmp_path / "log.db") as store:
        store.append(FULL)
        store.append(Commit(rows=[row(5)], replay_from=5))
        store.retain(4, [(user, 4, bytes([user + 1]) * 24) for user in range(9)])
        with closing(sqlite3.connect(store.path)) as database:
            assert database.execute(erasing._PLACE_IN_BASE, (1, 1)).fetchone() is not None
            database.execute("INSERT INTO base VALUES (5, 0, 5, x'00'), (5, 1, 5, x'01')")  # a retention was killed
            database.commit()
            assert database.execute(erasing._PLACE_IN_BASE, (1, 1)).fetchone() is None
            store.erase(erasure(6))
            mine = "SELECT cut, position, hex(state) FROM base WHERE user = 1"
            assert database.execute(mine).fetchall() == [(4, 0, "00" * 24), (5, 0, "00" * 24)]
        assert states(store.base()[1])[2] == (4, b"\x03" * 24)
        assert store.recall([key(1)]) == {}
