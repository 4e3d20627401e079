"""The page of features lists what the code produces, no more and no less."""

import re
from datetime import date

import duckdb
import ibis

from andante.profiles.features import features
from andante.profiles.ledger import DAYS, ORDERS, PUSHES, fold
from andante.profiles.terms import TERMS


def test_the_page_lists_every_feature_once(page, shop):
    with duckdb.connect() as connection:
        for table in ("events", "messages"):
            connection.execute(f"CREATE TABLE {table} AS FROM '{shop / table}.parquet'")
        backend = ibis.duckdb.from_connection(connection)
        for ledger, table in ((DAYS, "events"), (ORDERS, "events"), (TERMS, "events"), (PUSHES, "messages")):
            fold(backend, ledger, table)
        produced = [name for name in features(backend, date(2026, 3, 1)).columns if name != "user_id"]
    listed = re.findall(r"^\| `(\w+)` \|", page("docs/features.md"), re.MULTILINE)
    assert sorted(listed) == sorted(produced)


def test_every_feature_has_a_unit_a_window_and_a_definition(page):
    rows = re.findall(r"^\| (`\w+` \|.*) \|$", page("docs/features.md"), re.MULTILINE)
    assert rows
    for row in rows:
        cells = [cell.strip() for cell in row.split(" | ")]
        assert len(cells) == 4, row
        assert all(cells), row
