"""Ledgers merge: folding new rows into old ones gives what folding all of them at once gives."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andante.profiles.ledger import DAYS, ORDERS, PUSHES, fold
from andante.profiles.terms import TERMS

CUTOFF = date(2026, 2, 23)


def _rows(backend, ledger):
    return backend.table(ledger.table).order_by(list(ledger.keys)).to_pyarrow()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days_back=st.lists(st.integers(1, 50), min_size=1, max_size=3, unique=True))
@pytest.mark.parametrize("ledger", [DAYS, ORDERS, TERMS, PUSHES], ids=lambda ledger: ledger.table)
def test_a_log_cut_by_time_folds_to_the_same_ledger_as_the_whole(shop, backend, ledger, days_back):
    table = "messages" if ledger is PUSHES else "events"
    backend.raw_sql(f"CREATE OR REPLACE TABLE whole AS FROM '{shop / table}.parquet'")
    backend.raw_sql(f"DROP TABLE IF EXISTS {ledger.table}")
    fold(backend, ledger, "whole")
    expected = _rows(backend, ledger)
    backend.drop_table(ledger.table)
    cuts = sorted(CUTOFF - timedelta(days=d) for d in days_back)
    edges = ["1970-01-01", *map(str, cuts), "2100-01-01"]
    for first, last in pairwise(edges):
        backend.raw_sql(f"CREATE OR REPLACE TABLE part AS FROM whole WHERE \"at\" >= '{first}' AND \"at\" < '{last}'")
        fold(backend, ledger, "part")
    assert _rows(backend, ledger).equals(expected)


def test_folding_touches_only_the_days_that_the_new_rows_name(shop, backend):
    backend.raw_sql(f"CREATE TABLE whole AS FROM '{shop / 'events.parquet'}'")
    backend.raw_sql("CREATE TABLE old AS FROM whole WHERE \"at\" < '2026-03-05'")
    backend.raw_sql("CREATE TABLE new AS FROM whole WHERE \"at\" >= '2026-03-05'")
    days = fold(backend, DAYS, "old")
    changed = fold(backend, DAYS, "new")
    assert 0 < changed < days
    assert backend.table(DAYS.table).count().execute() == days + changed


def test_the_order_of_rows_changes_no_bit(shop, backend):
    found = []
    for order in ('user_id, "at"', "hash(event_id)"):
        backend.raw_sql(f"CREATE OR REPLACE TABLE whole AS FROM '{shop / 'events.parquet'}' ORDER BY {order}")
        backend.raw_sql(f"DROP TABLE IF EXISTS {DAYS.table}")
        fold(backend, DAYS, "whole")
        found.append(_rows(backend, DAYS))
    assert found[0].equals(found[1])
