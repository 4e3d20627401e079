"""The growth of simulated worlds is measured at several sizes, in one run."""

import pytest

from andante.benchmarks.worlds_growth import _exponent, worlds_growth


def test_a_row_for_each_size_says_what_it_took():
    rows = worlds_growth((40, 80), weeks=1)
    assert [row["users"] for row in rows] == [40, 80]
    assert rows[0]["growth"] is None
    assert rows[1]["growth"] == pytest.approx(rows[1]["growth_overall"])
    for row in rows:
        assert 0 < row["seconds_engine"] < row["seconds"]
        assert row["records"] > row["requests"] > row["users"]
        assert row["peak_memory_mib"] > 50


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_is_the_power_of_users_that_time_grows_with(power):
    rows = [{"users": users, "seconds": 0.001 * users**power} for users in (10, 30, 100)]
    assert _exponent(rows) == pytest.approx(power)
