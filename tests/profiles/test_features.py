"""Features are what their names say, look at nothing after the cut-off, and agree with an independent computation."""

from datetime import date, timedelta

import numpy as np
import pytest

from andante.benchmarks import pandas_features
from andante.profiles.features import features, rhythm
from andante.profiles.ledger import DAYS, ORDERS, PUSHES, fold
from andante.profiles.terms import TERMS

CUTOFF = date(2026, 2, 23)

MINE = ("pushes", "pushes_30d", "responses", "response_rate", "recency_push_days")


def _events(backend, rows):
    """Make the table of events of a few (user, type, at, category, query, value)."""
    backend.raw_sql(
        'CREATE OR REPLACE TABLE events (event_id VARCHAR, user_id VARCHAR, type VARCHAR, "at" TIMESTAMP,'
        " item_id VARCHAR, category VARCHAR, query VARCHAR, value DOUBLE)"
    )
    for user, kind, at, category, query, value in rows:
        backend.con.execute(
            "INSERT INTO events VALUES (NULL, ?, ?, ?, NULL, ?, ?, ?)",
            [user, kind, at, category, query, value],
        )


def _of(backend, cutoff, user="u"):
    rows = features(backend, cutoff).to_pyarrow().to_pylist()
    return next(row for row in rows if row["user_id"] == user)


def test_pandas_finds_the_same_features(shop, folded):
    ours = features(folded, CUTOFF).order_by("user_id").to_pandas()
    theirs = pandas_features.features(str(shop / "events.parquet"), CUTOFF)
    assert ours["user_id"].tolist() == theirs["user_id"].tolist()
    assert sorted(set(ours.columns) - set(MINE)) == sorted(theirs.columns)
    for name in theirs.columns.drop("user_id"):
        np.testing.assert_allclose(
            ours[name].to_numpy(float), theirs[name].to_numpy(float), rtol=1e-9, atol=1e-9, err_msg=name
        )


def test_csv_and_parquet_give_the_same_features(tmp_path, shop, backend):
    backend.raw_sql(f"COPY (FROM '{shop / 'events.parquet'}') TO '{tmp_path / 'events.csv'}'")
    one = pandas_features.features(str(shop / "events.parquet"), CUTOFF)
    other = pandas_features.features(str(tmp_path / "events.csv"), CUTOFF)
    np.testing.assert_allclose(one.iloc[:, 1:].to_numpy(float), other.iloc[:, 1:].to_numpy(float))


def test_nothing_after_the_cutoff_moves_a_feature(shop, backend):
    backend.raw_sql(f"CREATE TABLE events AS FROM '{shop / 'events.parquet'}'")
    backend.raw_sql(f"CREATE TABLE past AS FROM events WHERE \"at\" < '{CUTOFF}'")
    for ledger in (DAYS, ORDERS, TERMS):
        fold(backend, ledger, "events")
    with_future = features(backend, CUTOFF).order_by("user_id").to_pyarrow()
    for ledger in (DAYS, ORDERS, TERMS):
        backend.drop_table(ledger.table)
        fold(backend, ledger, "past")
    assert features(backend, CUTOFF).order_by("user_id").to_pyarrow().equals(with_future)


def test_an_outcome_after_the_cutoff_does_not_count_as_a_response(backend):
    _events(backend, [("u", "view", "2026-01-01 10:00", None, None, None)])
    backend.raw_sql(
        'CREATE TABLE messages (decision_id VARCHAR, user_id VARCHAR, type VARCHAR, "at" TIMESTAMP, channel VARCHAR,'
        " category VARCHAR, rating DOUBLE)"
    )
    for push, kind, at in (
        ("d1", "sent", "2026-01-05 09:00"),
        ("d1", "opened", "2026-01-12 00:00"),
        ("d2", "sent", "2026-01-06 09:00"),
        ("d2", "clicked", "2026-01-06 10:00"),
    ):
        backend.con.execute("INSERT INTO messages VALUES (?, 'u', ?, ?, NULL, NULL, NULL)", [push, kind, at])
    fold(backend, DAYS, "events")
    fold(backend, ORDERS, "events")
    fold(backend, PUSHES, "messages")
    assert _of(backend, date(2026, 1, 12))["responses"] == 1
    assert _of(backend, date(2026, 1, 13))["responses"] == 2
    assert _of(backend, date(2026, 1, 6))["pushes"] == 1


@pytest.mark.parametrize(
    ("minutes", "sessions"), [((0, 20), 1), ((0, 29), 1), ((0, 61), 2), ((0, 20, 40, 200), 2), ((0,), 1)]
)
def test_a_session_ends_with_a_quiet_half_hour(backend, minutes, sessions):
    start = np.datetime64("2026-01-05T10:00")
    _events(backend, [("u", "view", str(start + np.timedelta64(m, "m")), None, None, None) for m in minutes])
    fold(backend, DAYS, "events")
    fold(backend, ORDERS, "events")
    assert _of(backend, date(2026, 1, 6))["sessions"] == sessions


def test_lines_at_one_instant_are_one_order(backend):
    lines = [
        ("u", "purchase", "2026-01-05 10:00", "a", None, 2.5),
        ("u", "purchase", "2026-01-05 10:00", "b", None, 4.0),
    ]
    _events(backend, [*lines, ("u", "purchase", "2026-01-05 11:00", "a", None, 1.0)])
    fold(backend, DAYS, "events")
    fold(backend, ORDERS, "events")
    found = _of(backend, date(2026, 1, 6))
    assert (found["purchases"], found["lines"], found["spend"]) == (2, 3, 7.5)


def test_windows_end_at_the_cutoff_and_hold_whole_days(backend):
    ages = (1, 7, 8, 30, 31)
    cutoff = date(2026, 3, 1)
    _events(backend, [("u", "view", f"{cutoff - timedelta(days=a)} 12:00", None, None, None) for a in ages])
    fold(backend, DAYS, "events")
    fold(backend, ORDERS, "events")
    found = _of(backend, cutoff)
    assert [found[f"views_{w}d"] for w in (1, 7, 30)] == [1, 2, 4]
    assert found["recency_days"] == 0.5
    assert found["recency_purchase_days"] is None


@pytest.mark.parametrize(
    ("older", "recent", "alike"),
    [("red shoes", "red shoes", 1.0), ("red shoes", "garden hose", 0.0), ("红色 跑鞋", "红色跑鞋", 1.0)],
)
def test_query_similarity_is_the_cosine_of_the_words(backend, older, recent, alike):
    _events(
        backend,
        [
            ("u", "search", "2026-01-01 10:00", None, older, None),
            ("u", "search", "2026-02-20 10:00", None, recent, None),
            ("v", "search", "2026-02-20 10:00", None, "something else", None),
        ],
    )
    fold(backend, DAYS, "events")
    fold(backend, ORDERS, "events")
    fold(backend, TERMS, "events")
    assert _of(backend, date(2026, 2, 23))["query_similarity_self"] == pytest.approx(alike)
    assert _of(backend, date(2026, 2, 23), "v")["query_similarity_self"] is None


def test_queries_are_compared_with_the_words_of_what_was_bought(backend):
    _events(
        backend,
        [
            ("u", "search", "2026-01-01 10:00", None, "Running Shoes", None),
            ("u", "purchase", "2026-01-02 10:00", "shoes.running", None, 9.0),
        ],
    )
    fold(backend, DAYS, "events")
    fold(backend, ORDERS, "events")
    fold(backend, TERMS, "events")
    assert _of(backend, date(2026, 2, 23))["query_similarity_bought"] == pytest.approx(1.0)


def test_a_sample_keeps_the_same_users_at_every_cutoff(folded):
    days = [CUTOFF, CUTOFF - timedelta(days=14)]
    later, earlier = (set(features(folded, day, sample=(3000, 10_000)).user_id.execute()) for day in days)
    everyone = set(features(folded, CUTOFF - timedelta(days=14)).user_id.execute())
    assert earlier == later & everyone
    assert 0 < len(later) < 400


def test_rhythm_counts_active_half_hours_by_weekday_and_hour(backend):
    _events(
        backend,
        [
            ("u", "view", "2026-01-05 10:05", None, None, None),  # a Monday
            ("u", "view", "2026-01-05 10:45", None, None, None),
            ("u", "view", "2026-01-05 10:46", None, None, None),
            ("v", "view", "2026-01-11 23:59", None, None, None),  # a Sunday
        ],
    )
    fold(backend, DAYS, "events")
    fold(backend, ORDERS, "events")
    found = rhythm(backend)
    assert found[0, 10] == 2
    assert found[6, 23] == 1
    assert found.sum() == 3
