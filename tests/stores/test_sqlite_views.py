"""The log reads as tables with plain SQL, and exports as Parquet."""

import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from andante.stores.contract import Checkpoints, Commit, Row, Waiting
from andante.stores.reader import SqliteReader
from andante.stores.schema import APPLICATION_ID
from andante.stores.sqlite import SqliteStore
from andante.stores.views import VIEWS
from andante.testing.store_contract import everything, flat, rows
from andante.vocabulary.fault import MissingExtra
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import RULES, Action, Reason

NOON = "2026-05-28T20:26:40Z"


@pytest.fixture
def golden(tmp_path):
    """Return the path of the golden database of version 1, opened once by today's code."""
    path = tmp_path / "golden.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((Path(__file__).parent / "golden" / "version-1.sql").read_text())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
    SqliteStore.open(path).close()
    return path


@pytest.fixture
def ask(golden):
    """Return a function that asks the database in plain SQL."""
    with closing(sqlite3.connect(golden)) as connection:
        yield lambda query: connection.execute(query).fetchall()


def test_the_golden_database_holds_what_it_always_held(golden):
    with SqliteStore.open(golden) as store:
        held = everything(store)
        opened = store.load()
    assert held["ends"] == (12, 9)
    assert held["users"] == ([0, 1], ["ann", "bo"])
    assert held["states"] == {0: (6, b"\x00\xff\x00\xff"), 1: (9, b"\x01" * 4)}
    assert held["preferences"][0]["max_per_day"] == ("2", 1_780_000_000_000_000)
    assert [key.position for key in held["keys"].values()] == [6]
    assert [(one.due_s, one.row.position) for one in opened.waiting] == [(1_780_009_000, 12)]
    assert len(held["rows"]) == 12


def test_decisions_have_words_and_iso_times(ask):
    assert ask("SELECT decision_id, user_id, at, kind, action, reason FROM decisions ORDER BY position")[:4] == [
        ("3fa2c1-6-0", "ann", "2026-05-28T20:27:40.000000Z", "request", "send", "best"),
        ("3fa2c1-7-1", "bo", "2026-05-28T20:27:41.000000Z", "request", "defer", "quiet_hours"),
        ("3fa2c1-8-1", "bo", "2026-05-28T20:27:42.000000Z", "request", "suppress", "holdout"),
        ("3fa2c1-9-1", "bo", "2026-05-28T21:26:40.000000Z", "release", "send", "transactional"),
    ]
    assert ask("SELECT candidate_id, channel, send_at, policy_version FROM decisions ORDER BY position")[:4] == [
        ("c1", "push", "2026-05-28T20:27:40Z", "1.1.abcd"),
        ("c2", "email", "2026-05-28T21:26:40Z", "1.1.abcd"),
        (None, None, None, "1.1.abcd"),
        ("c2", "email", "2026-05-28T21:26:40Z", "1.1.abcd"),
    ]
    assert ask("SELECT propensity, plan_per_week, credit, fatigue, explored, candidates FROM decisions LIMIT 1") == [
        (0.97, 3.5, 1.5, 0.5, 0, 2)
    ]


def test_verdicts_are_one_row_a_candidate(ask):
    columns = 'decision_id, place, candidate_id, reason, refused_by, allowed_at, "index", propensity'
    assert ask(f"SELECT {columns} FROM verdicts WHERE position = 6 ORDER BY place") == [
        ("3fa2c1-6-0", 0, "c1", "best", "", NOON, 0.5, 0.97),
        ("3fa2c1-6-0", 1, "c2", "consent_channel", "consent_channel,quiet_hours", None, None, 0.0),
    ]
    assert ask("SELECT count(*) FROM verdicts") == [(6,)]


def test_every_send_is_one_row_of_the_outbox(ask):
    assert ask("SELECT decision_id, user_id, candidate_id, channel, send_at FROM sends ORDER BY position") == [
        ("3fa2c1-6-0", "ann", "c1", "push", "2026-05-28T20:27:40Z"),
        ("3fa2c1-9-1", "bo", "c2", "email", "2026-05-28T21:26:40Z"),
    ]
    assert ask("SELECT json_extract(candidate, '$.value') FROM sends") == [(12.5,), (None,)]


def test_outcomes_carry_the_id_of_their_decision(ask):
    assert ask("SELECT decision_id, user_id, at, type, value, rating FROM outcomes") == [
        ("3fa2c1-6-0", "ann", "2026-05-28T20:28:20.000007Z", "opened", None, None),
        ("3fa2c1-6-0", "ann", "2026-05-28T20:30:00.000000Z", "rated", None, 4.0),
    ]


def test_events_have_their_columns_and_right_times_before_1970_too(ask):
    assert ask("SELECT user_id, at, type, event_id, item_id, category, query, value FROM events ORDER BY position") == [
        ("ann", "2026-05-28T20:26:40.250000Z", "search", "e1", None, None, "红 shoes", None),
        ("bo", "1969-12-31T23:59:58.500000Z", "purchase", None, "shoe", "shoes", None, 59.9),
    ]


def test_preference_changes_are_one_row_a_key(ask):
    assert dict(ask("SELECT key, value FROM preference_changes")) == {
        "consent.push": "true",
        "consent.email": "false",
        "categories.promotion": "true",
        "quiet_hours": '{"start":"22:00","end":"08:00"}',
        "max_per_day": "2",
        "time_zone": "null",
    }


def test_plans_are_read(ask):
    assert ask("SELECT user_id, plan_per_week, interest, theta FROM plans") == [("ann", 3.5, 0.7, 0.5)]


@pytest.mark.parametrize("code", list(Reason))
def test_every_reason_has_its_word(tmp_path, code):
    with SqliteStore.open(tmp_path / "log.db") as store:
        bits = sum(1 << rule for rule in RULES)
        body = f'{{"decision":{{"chosen":-1,"reason":{code:d}}},"verdicts":[{{"reason":{code:d},"refused":{bits}}}]}}'
        store.append(Commit(rows=[Row(1, Kind.REQUEST, 0, 0, Action.SUPPRESS, body)]))
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection:
        assert connection.execute("SELECT reason FROM decisions").fetchone() == (code.name.lower(),)
        assert connection.execute("SELECT reason, refused_by FROM verdicts").fetchone() == (
            code.name.lower(),
            ",".join(rule.name.lower() for rule in RULES),
        )


def test_a_view_of_an_older_release_is_written_anew(golden):
    with closing(sqlite3.connect(golden)) as connection:
        connection.execute("DROP VIEW plans")
        connection.execute("CREATE VIEW plans AS SELECT 1 AS old")
        connection.commit()
    SqliteStore.open(golden).close()
    with closing(sqlite3.connect(golden)) as connection:
        assert connection.execute("SELECT user_id FROM plans").fetchall() == [("ann",)]


def test_the_export_holds_the_rows_of_the_views(golden, ask, tmp_path):
    with SqliteReader(golden) as reader:
        assert reader.export(tmp_path / "out") == {"decisions": 5, "verdicts": 6, "outcomes": 2, "events": 2}
    for name in ("decisions", "verdicts", "outcomes", "events"):
        table = parquet.read_table(tmp_path / "out" / f"{name}.parquet")
        assert table.column_names == list(VIEWS[name].columns)
        times = [title for title, column in VIEWS[name].columns.items() if column.type == "time"]
        rest = [title for title in table.column_names if title not in times]
        quoted = ", ".join(f'"{title}"' for title in rest)
        assert [tuple(each.values()) for each in table.select(rest).to_pylist()] == ask(f"SELECT {quoted} FROM {name}")
        assert all(table.schema.field(title).type == pa.timestamp("us", "UTC") for title in times)
    events = parquet.read_table(tmp_path / "out" / "events.parquet")
    assert events["at"].to_pylist()[0] == datetime(2026, 5, 28, 20, 26, 40, 250_000, UTC)


def test_the_export_takes_the_log_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("andante.stores.export.ROWS_AT_ONCE", 7)
    with SqliteStore.open(tmp_path / "log.db") as store:
        store.append(Commit(rows=rows(1, 100)))
        assert store.export(tmp_path)["events"] == 100
        assert len(flat(store.read())) == 100
    file = parquet.ParquetFile(tmp_path / "events.parquet")
    assert file.num_row_groups == 15
    assert file.read()["position"].to_pylist() == list(range(1, 101))
    assert not list(tmp_path.glob("*.partial"))


def test_the_export_names_the_extra_that_it_needs(golden, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with SqliteReader(golden) as reader, pytest.raises(MissingExtra, match=r"andante\[plan\]"):
        reader.export(tmp_path)


def test_readers_take_no_lock_and_write_nothing(golden):
    with SqliteStore.open(golden) as store, SqliteReader(golden) as reader:
        assert not hasattr(reader, "append")
        assert isinstance(next(reader.load().checkpoints), Checkpoints)
        assert isinstance(store.load().waiting[0], Waiting)
