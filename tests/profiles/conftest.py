"""Logs and ledgers that several tests of the profiles room read."""

import duckdb
import ibis
import pytest

from andante.profiles.ledger import DAYS, ORDERS, PUSHES, fold
from andante.profiles.terms import TERMS
from andante.simulation.shop_log import ShopLog


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """A generated shop of 400 users over 60 days: paths of its events and messages."""
    folder = tmp_path_factory.mktemp("shop")
    log = ShopLog(users=400, days=60, seed=11, events_target=20_000)
    log.write(folder / "events.parquet", format="parquet")
    log.write_messages(folder / "messages.parquet", format="parquet")
    return folder


@pytest.fixture
def backend():
    """An engine of features without any table."""
    connection = duckdb.connect()
    yield ibis.duckdb.from_connection(connection)
    connection.close()


@pytest.fixture
def folded(shop, backend):
    """An engine with all ledgers of the generated shop."""
    for table in ("events", "messages"):
        backend.raw_sql(f"CREATE TABLE {table} AS FROM '{shop / table}.parquet'")
    for ledger, table in ((DAYS, "events"), (ORDERS, "events"), (TERMS, "events"), (PUSHES, "messages")):
        fold(backend, ledger, table)
    return backend
