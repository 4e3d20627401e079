"""The comparison of policies says of each what it brought, at what cost, and whether it is behind."""

import pytest

from andante.benchmarks.policies import JUDGED, _verdict, policies
from andante.evaluation.interval import Interval
from andante.vocabulary.fault import InputFault

NAMES = ("andante", "best-cap", "uplift", "oracle")


@pytest.fixture(scope="module")
def rows():
    return policies(60, 4, 2, (1.0,), ("reference",), NAMES, frontier=(1.0, 2.0), pilot_users=80, sweep_users=60)


def test_there_is_a_row_for_every_policy_at_the_budget(rows):
    assert [row["policy"] for row in rows] == list(NAMES)
    for row in rows:
        assert row["budget"] == 1.0
        assert 0 < row["sends_per_user_week"] <= 1.05
        assert row["value_low"] <= row["value"] <= row["value_high"]
        assert 0 <= row["reachable_at_end"] <= 1


def test_the_best_cap_is_not_ahead_of_itself(rows):
    (cap,) = (row for row in rows if row["policy"] == "best-cap")
    assert cap["ahead_of_cap"] == cap["ahead_of_cap_low"] == cap["ahead_of_cap_high"] == 0


def test_a_share_of_a_gap_is_given_only_where_there_is_a_gap(rows):
    by_name = {row["policy"]: row for row in rows}
    clear = by_name["oracle"]["ahead_of_cap_low"] > 0
    assert (by_name["uplift"]["gap_closed"] is not None) == clear


def test_a_policy_that_is_behind_is_called_so():
    assert _verdict(Interval(-1, -2, -0.5)) == "behind"
    assert _verdict(Interval(0, -1, 1)) == "no clear difference"
    assert _verdict(Interval(1, 0.5, 2)) == "ahead"


def test_unknown_worlds_and_policies_are_named_with_those_there_are():
    with pytest.raises(InputFault, match="reference"):
        policies(10, 1, 1, (1.0,), ("nowhere",))
    with pytest.raises(InputFault, match=JUDGED[-1]):
        policies(10, 1, 1, (1.0,), ("reference",), ("nobody",))
