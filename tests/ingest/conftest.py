"""What the tests of ingest share."""

import duckdb
import pytest
from ingest_desk import FIXTURES, Desk


@pytest.fixture
def desk(tmp_path):
    with duckdb.connect() as connection:
        yield Desk(connection, tmp_path)


@pytest.fixture(scope="session")
def fixtures():
    return FIXTURES
