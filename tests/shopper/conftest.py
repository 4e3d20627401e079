"""One server for the tests that leave other users alone."""

import pytest
from shopper_desk import opened


@pytest.fixture
def shop(tmp_path):
    with opened(tmp_path / "shop.db", page_calls_per_minute=1_000_000) as shop:
        shop.consents()
        yield shop
