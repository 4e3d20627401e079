"""One writer a database: the second is refused by the lock, and one that lost its lock by the epoch."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from andante.stores.contract import Commit
from andante.stores.sqlite import SqliteStore
from andante.testing.store_contract import FULL, everything, row, rows
from andante.vocabulary.fault import StoreBusy, StoreFault, StoreUnreadable

HOLD = """
import sys
from andante.stores.sqlite import SqliteStore
store = SqliteStore.open(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""

FORK = """
import os, sys
from andante.stores.contract import Commit
from andante.stores.sqlite import SqliteStore
from andante.vocabulary.fault import StoreFault
store = SqliteStore.open(sys.argv[1])
told, tell = os.pipe()
child = os.fork()
if child == 0:
    try:
        store.append(Commit(meta={"child": "wrote"}))
        answer = "appended"
    except StoreFault as fault:
        answer = str(fault)
    os.write(tell, answer.encode() or b"?")
    sys.stdin.read()  # lives on, while its parent closes
    os._exit(0)
print(os.read(told, 1000).decode())
store.append(Commit(meta={"parent": "wrote"}))
store.close()
SqliteStore.open(sys.argv[1]).close()
print("opened again beside the child", flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.db"


def test_a_second_process_is_refused_and_told_who_holds_it(path):
    SqliteStore.open(path).close()
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreBusy) as busy:
            SqliteStore.open(path)
        assert f"process {holder.pid} on " in str(busy.value)
        assert "close it there first" in str(busy.value)
        holder.kill()
    with SqliteStore.open(path) as store:  # the kernel has dropped the lock
        assert store.load().meta["epoch"] == "3"


def test_a_second_store_in_one_process_is_refused(path, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with SqliteStore.open(path) as store:
        for other in (path, str(path), link):
            with pytest.raises(StoreBusy, match=f"process {os.getpid()} "):
                SqliteStore.open(other)
        store.append(FULL)
    SqliteStore.open(link).close()


def test_a_refused_opening_changes_nothing_for_the_holder(path):
    with SqliteStore.open(path) as store:
        before = store.load().meta["epoch"]
        with pytest.raises(StoreBusy):
            SqliteStore.open(path)
        store.append(FULL)
        assert store.load().meta["epoch"] == before


def test_a_writer_that_lost_its_lock_appends_nothing(path):
    stale = SqliteStore.open(path)
    stale.append(FULL)
    path.with_name("log.db.lock").unlink()  # as if the lock's disk had gone
    with SqliteStore.open(path) as store:
        before = everything(store)
        for commit in (Commit(rows=[row(5)]), Commit(meta={"log_name": "other"}), Commit(settled=[3])):
            with pytest.raises(StoreFault, match="another writer"):
                stale.append(commit)
        with pytest.raises(StoreFault, match="another writer"):
            stale.retain(2, [])
        assert everything(store) == before
        store.append(Commit(rows=[row(5)]))
    stale.close()


def test_a_writer_whose_file_was_replaced_appends_nothing(path, tmp_path):
    with SqliteStore.open(path) as store:
        store.append(FULL)
    copy = shutil.copy(path, tmp_path / "copy.db")
    with SqliteStore.open(path) as store:
        copy.replace(path)
        with pytest.raises(StoreFault, match="replaced"):
            store.append(Commit(rows=[row(5)]))
        path.unlink()
        with pytest.raises(StoreFault, match="replaced"):
            store.append(Commit(rows=[row(5)]))


def test_rows_written_by_others_are_noticed(path):
    with SqliteStore.open(path) as store:
        store.append(FULL)
        with closing(sqlite3.connect(path)) as shell:
            shell.execute("INSERT INTO log VALUES (9, 1, 0, 0, NULL, '{}')")
            shell.commit()
        with pytest.raises(StoreFault, match="another writer"):
            store.append(Commit(rows=[row(10)]))


def test_a_shell_that_holds_the_database_is_waited_for_and_then_named(path):
    with SqliteStore.open(path) as store:
        store.append(FULL)
        store._writer.execute("PRAGMA busy_timeout = 1")
        with closing(sqlite3.connect(path, isolation_level=None)) as shell:
            shell.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusy, match="another program"):
                store.append(Commit(rows=[row(5)]))
        store.append(Commit(rows=[row(5)]))


def test_a_forked_child_neither_writes_nor_keeps_the_lock(path):
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(path)], input="", capture_output=True, text=True, check=True, timeout=60
    )
    refusal, again = done.stdout.splitlines()
    assert "forked" in refusal
    assert again.startswith("opened again")
    with SqliteStore.open(path) as store:
        assert "child" not in store.load().meta


def test_every_opening_is_an_epoch_that_says_who(path):
    for _ in range(3):
        SqliteStore.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT epoch, pid FROM epochs").fetchall() == [(n, os.getpid()) for n in (1, 2, 3)]


def test_a_lock_without_a_name_is_still_a_lock(path):
    with SqliteStore.open(path):
        path.with_name("log.db.lock").write_text("{}")
        with pytest.raises(StoreBusy, match="another process"):
            SqliteStore.open(path)


def test_a_folder_that_nobody_may_write_to_is_a_fault(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnreadable, match="cannot be locked"):
        SqliteStore.open(tmp_path / "file" / "log.db")


def test_the_lock_says_who_holds_it_while_it_is_held(path):
    with SqliteStore.open(path):
        held = json.loads(path.with_name("log.db.lock").read_text())
        assert held["pid"] == os.getpid()


def test_retention_that_is_interrupted_is_finished_by_the_next_call(path, monkeypatch):
    monkeypatch.setattr("andante.stores.retention.ROWS_AT_ONCE", 10)
    monkeypatch.setattr("andante.stores.retention.STATES_AT_ONCE", 2)

    def breaking():
        yield from [(0, 50, b"half"), (1, 50, b"half"), (2, 50, b"half")]
        raise KeyboardInterrupt

    with SqliteStore.open(path) as store:
        store.append(Commit(rows=rows(1, 100), replay_from=100))
        with pytest.raises(KeyboardInterrupt):
            store.retain(50, breaking())
        assert store.base()[0] == 0
        assert len(next(store.read())) == 100
        assert store.retain(50, [(user, 50, b"whole") for user in range(5)]) == 50
        cut, blocks = store.base()
        assert (cut, [each.states.tobytes() for each in blocks]) == (50, [b"whole" * 5])
        assert next(store.read())[0].position == 51
