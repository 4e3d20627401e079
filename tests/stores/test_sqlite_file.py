"""What a file may be, and what becomes of it: ours, older, newer, another's, damaged, full."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from andante.stores import migration
from andante.stores.contract import Commit
from andante.stores.reader import SqliteReader
from andante.stores.schema import APPLICATION_ID, SCHEMA_VERSION
from andante.stores.sqlite import SqliteStore
from andante.testing.store_contract import FULL, everything, row, rows
from andante.vocabulary.fault import StoreFault, StoreFull, StoreUnreadable

GOLDEN = Path(__file__).parent / "golden"

VERSION_0 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE log (position INTEGER PRIMARY KEY, kind INTEGER, user INTEGER, at_us INTEGER, body TEXT);
CREATE TABLE users (number INTEGER PRIMARY KEY, user_id TEXT UNIQUE NOT NULL);
CREATE TABLE names (kind TEXT NOT NULL, code INTEGER NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (kind, code)) WITHOUT ROWID;
CREATE TABLE keys (digest BLOB PRIMARY KEY, body BLOB NOT NULL, position INTEGER NOT NULL,
  at_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE preferences (user INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, at_us INTEGER NOT NULL,
  PRIMARY KEY (user, key)) WITHOUT ROWID;
CREATE TABLE waiting (position INTEGER PRIMARY KEY, user INTEGER NOT NULL, due_s INTEGER NOT NULL);
CREATE TABLE states (user INTEGER PRIMARY KEY, position INTEGER NOT NULL, state BLOB NOT NULL);
INSERT INTO log VALUES (1, 1, 0, 1780000000000000, '{"type":"view"}'), (2, 1, 0, 1780000000000001, '{"type":"cart"}');
INSERT INTO users VALUES (0, 'ann');
INSERT INTO states VALUES (0, 2, x'0102');
INSERT INTO meta VALUES ('replay_from', '2'), ('log_name', '3fa2c1');
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.db"


def made(path, script, version, application_id=APPLICATION_ID):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
        connection.execute(f"PRAGMA application_id = {application_id}")
        connection.execute(f"PRAGMA user_version = {version}")


def refused_untouched(path, match):
    before, beside = path.read_bytes(), sorted(path.parent.iterdir())
    for opened in (SqliteStore.open, SqliteReader):
        with pytest.raises(StoreUnreadable, match=match):
            opened(path)
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == beside


# Versions.


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION])
def test_every_version_up_to_this_one_opens(path, version):
    script = VERSION_0 if version == 0 else (GOLDEN / f"version-{version}.sql").read_text()
    made(path, script, version)
    with SqliteStore.open(path) as store:
        opened = store.load()
        assert opened.meta["log_name"] == "3fa2c1"
        assert opened.users.ids[0] == "ann"
        assert next(store.read(0, 1))[0].position == 1
        store.append(Commit(rows=[row(opened.last_position + 1)]))
    with SqliteReader(path) as reader:
        assert reader.load().last_position == opened.last_position + 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert connection.execute("SELECT count(*) FROM events").fetchone()[0] >= 1


def test_a_migration_leaves_a_note(path):
    made(path, VERSION_0, 0)
    with SqliteStore.open(path) as store:
        assert "backup" in store.load().meta["migrated_from_0"]


def test_a_migration_that_fails_leaves_the_older_version(path, monkeypatch):
    made(path, VERSION_0, 0)
    monkeypatch.setitem(migration.STEPS, 0, (*migration.STEPS[0], "INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(StoreFault):
        SqliteStore.open(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert tables.isdisjoint({"epochs", "base"})


def test_every_older_version_has_a_step():
    assert sorted(migration.STEPS) == list(range(SCHEMA_VERSION))


def test_a_newer_version_is_refused_and_left_alone(path):
    made(path, VERSION_0, SCHEMA_VERSION + 1)
    refused_untouched(path, "upgrade Andante")


# Files of others.


def test_a_database_of_another_program_is_refused_and_left_alone(path):
    made(path, "CREATE TABLE shop (id); INSERT INTO shop VALUES (1)", 3, application_id=0)
    refused_untouched(path, "not made by Andante")


@pytest.mark.parametrize(
    "content", [b"event_id,user_id\n1,2\n" * 500, b"\x00" * 5_000, b"SQLite format 3\x00 not quite"]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(path, content):
    path.write_bytes(content)
    refused_untouched(path, "log.db")


def test_an_empty_file_becomes_a_database(path):
    path.touch()
    with SqliteStore.open(path) as store:
        store.append(FULL)
    with SqliteReader(path) as reader:
        assert reader.load().last_position == 4


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreUnreadable, match="nowhere"):
        SqliteStore.open(tmp_path / "nowhere" / "log.db")
    with pytest.raises(StoreUnreadable, match=r"nowhere\.db"):
        SqliteReader(tmp_path / "nowhere.db")


# Damage and lack of room.


def test_a_damaged_page_is_a_fault_that_names_the_backup(path):
    with SqliteStore.open(path) as store:
        store.append(Commit(rows=rows(1, 2_000)))
    with path.open("r+b") as file:
        for page in range(40, 60):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    with SqliteStore.open(path) as store, pytest.raises(StoreUnreadable, match="backup"):
        list(store.read())


def test_a_full_disk_appends_nothing_and_can_be_mended(path):
    with SqliteStore.open(path) as store:
        store.append(FULL)
        before = everything(store)
        (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
        store._writer.execute(f"PRAGMA max_page_count = {pages + 3}")
        for _ in range(3):
            with pytest.raises(StoreFull, match="free space"):
                store.append(Commit(rows=rows(5, 3_000), replay_from=9, meta={"log_name": "other"}))
            assert everything(store) == before
        store.append(Commit(rows=[row(5)]))
        store._writer.execute("PRAGMA max_page_count = 100000")
        store.append(Commit(rows=rows(6, 3_000)))
        assert store.load().last_position == 3_000


def test_after_a_fault_of_the_disk_nothing_more_is_written(path):
    class FailingDisk(list):
        def __iter__(self):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

    with SqliteStore.open(path) as store:
        store.append(FULL)
        with pytest.raises(StoreFault, match="check the disk"):
            store.append(Commit(rows=FailingDisk([row(5)])))
        with pytest.raises(StoreFault, match="open it again"):
            store.append(Commit(rows=[row(5)]))
    with SqliteStore.open(path) as store:
        store.append(Commit(rows=[row(5)]))


def test_a_copy_made_while_it_is_open_is_a_backup(path, tmp_path):
    copy = tmp_path / "copy.db"
    with SqliteStore.open(path) as store:
        store.append(FULL)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        store.append(Commit(rows=[row(5)]))
        with SqliteStore.open(copy) as restored:
            assert restored.load().last_position == 4
            restored.append(Commit(rows=[row(5)]))
        assert store.load().last_position == 5


def test_the_write_ahead_log_stays_bounded_beside_a_reader_that_never_ends(path, monkeypatch):
    monkeypatch.setattr("andante.stores.sqlite.WAL_PAGES", 20)
    monkeypatch.setattr("andante.stores.sqlite.WAL_BYTES_MAX", 200_000)
    monkeypatch.setattr("andante.stores.sqlite.WAIT_FOR_READERS_MS", 1)
    wal = Path(f"{path}-wal")
    with SqliteStore.open(path) as store:
        store.append(FULL)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM log").fetchone()
            for first in range(5, 5_000, 50):
                store.append(Commit(rows=rows(first, first + 49)))
            assert wal.stat().st_size > 1_000_000
            assert reader.execute("SELECT count(*) FROM log").fetchone() == (4,)
        for first in range(5_005, 6_000, 50):
            store.append(Commit(rows=rows(first, first + 49)))
        assert wal.stat().st_size < 400_000


def test_the_write_ahead_log_starts_over_above_its_bound(path, monkeypatch):
    bound = 1_000_000
    monkeypatch.setattr("andante.stores.sqlite.WAL_BYTES_MAX", bound)
    wal = Path(f"{path}-wal")
    with SqliteStore.open(path) as store:
        # As where readers overlap: it never starts over by itself.
        store._writer.execute("PRAGMA wal_autocheckpoint = 0")
        sizes = []
        for first in range(1, 10_000, 50):
            store.append(Commit(rows=rows(first, first + 49)))
            sizes.append(wal.stat().st_size)
        assert max(sizes) > bound
        assert sum(later < earlier for earlier, later in pairwise(sizes)) > 3
        assert max(sizes) < 4 * bound  # looked at every 16 commits


KILLED_WHILE_MAKING = """
import os, sqlite3, sys
writer = sqlite3.connect(sys.argv[1], isolation_level=None)
writer.execute("PRAGMA cache_size = 1")  # pages go to the file before the transaction ends
writer.execute("BEGIN IMMEDIATE")
writer.execute("CREATE TABLE meta (key TEXT, value TEXT)")
writer.executemany("INSERT INTO meta VALUES (?, ?)", [(str(key), "x" * 500) for key in range(1000)])
os._exit(1)
"""


def test_a_file_whose_maker_was_killed_is_made_anew(tmp_path):
    path = tmp_path / "log.db"
    subprocess.run([sys.executable, "-c", KILLED_WHILE_MAKING, str(path)], check=False)
    assert path.stat().st_size > 0
    assert Path(f"{path}-journal").stat().st_size > 0
    with SqliteStore.open(path) as store:
        store.append(Commit(rows=rows(1, 3)))
    with closing(sqlite3.connect(path)) as log:
        assert log.execute("SELECT count(*) FROM log").fetchone() == (3,)
