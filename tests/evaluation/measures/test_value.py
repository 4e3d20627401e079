import dataclasses

import numpy as np
import pytest
from lives import life, pushed

from andante.evaluation.measures.value import (
    at_matched_sends,
    frontier,
    gap_closed,
    incremental,
    incremental_over_seeds,
)
from andante.vocabulary.fault import InputFault, NotEnoughData

NOTHING = pushed(0, 0.0)


def test_what_happens_anyhow_cancels():
    found = incremental(pushed(2, 0.5), NOTHING, seed=1)

    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0), abs=1e-4)


def test_first_weeks_may_be_asked_for():
    assert incremental(pushed(2, 0.5), NOTHING, seed=1, weeks=1).value == pytest.approx(0.5, abs=1e-4)


def test_users_who_never_joined_are_not_eligible():
    present = np.arange(40)[:, None] % 2 * np.ones((40, 2)) > 0
    ours = life(users=40, value=np.ones((40, 2)), present=present)

    assert incremental(ours, life(users=40, present=present), seed=1).value == pytest.approx(2.0)


def test_users_who_left_stay_eligible():
    gone = life(value=np.repeat([[1.0], [0.0]], [2, 2], axis=0) * np.ones((4, 2)), installed=np.zeros((4, 2)))

    assert incremental(gone, life(), seed=1).value == pytest.approx(1.0)


def test_lives_of_other_users_are_refused():
    with pytest.raises(InputFault, match="same users and weeks"):
        incremental(pushed(2, 0.5), pushed(0, 0.0, users=399), seed=1)


def test_a_frontier_is_in_the_order_of_its_sends():
    points = frontier({"often": pushed(6, 0.6), "seldom": pushed(1, 0.3)}, NOTHING, seed=1)

    assert [point.name for point in points] == ["seldom", "often"]
    assert [point.sends_per_user_week.value for point in points] == [1.0, 6.0]
    assert points[1].incremental_value.value == pytest.approx(2.4, abs=1e-4)


def test_at_matched_sends_the_other_is_taken_on_the_chord():
    theirs = {"1": pushed(1, 0.4), "5": pushed(5, 0.8)}

    found = at_matched_sends(pushed(3, 0.9), theirs, NOTHING, seed=1)

    assert found.between == ("1", "5")
    assert found.sends_per_user_week == 3
    assert found.theirs.value == pytest.approx(4 * 0.6, abs=1e-4)
    assert found.ahead.value == pytest.approx(4 * 0.3, abs=1e-4)
    assert found.ahead_share.value == pytest.approx(0.5, abs=1e-4)


def test_below_the_first_point_the_chord_begins_at_no_push():
    found = at_matched_sends(pushed(1, 0.1), {"2": pushed(2, 0.4)}, NOTHING, seed=1)

    assert found.between == ("no push", "2")
    assert found.ahead.value == pytest.approx(4 * (0.1 - 0.2), abs=1e-4)


def test_more_sends_alone_put_nobody_ahead():
    theirs = {name: pushed(int(name), 0.1 * int(name)) for name in ("2", "6")}

    found = at_matched_sends(pushed(4, 0.4), theirs, NOTHING, seed=1)

    assert found.ahead.value == pytest.approx(0, abs=1e-4)


def test_the_interval_knows_that_the_match_is_estimated():
    rng = np.random.default_rng(2)
    ours = dataclasses.replace(pushed(3, 0.9), sends=rng.poisson(3, (400, 4)).astype(np.uint16))
    theirs = {"1": pushed(1, 0.0), "5": pushed(5, 4.0)}

    found = at_matched_sends(ours, theirs, NOTHING, seed=1)

    assert found.theirs.high - found.theirs.low > 0.1  # pushes are worth 4 each: where the match lies matters


def test_a_policy_beyond_the_frontier_cannot_be_matched():
    with pytest.raises(NotEnoughData, match=r"8\.00 pushes per user-week, the frontier ends at 5\.00"):
        at_matched_sends(pushed(8, 0.9), {"5": pushed(5, 0.8)}, NOTHING, seed=1)


def test_the_share_of_a_gap_is_between_its_ends():
    assert gap_closed(pushed(3, 0.7), pushed(3, 0.4), pushed(3, 0.8), seed=1).value == pytest.approx(0.75, abs=1e-3)


def test_a_share_of_no_gap_is_refused():
    with pytest.raises(NotEnoughData, match="not clearly above zero"):
        gap_closed(pushed(3, 0.7), pushed(3, 0.4), pushed(3, 0.4), seed=1)


def test_the_interval_over_seeds_is_students():
    pairs = [(pushed(3, gain, seed=k), pushed(0, 0.0, seed=k)) for k, gain in enumerate((0.1, 0.2, 0.3))]

    found = incremental_over_seeds(pairs)

    assert found.value == pytest.approx(0.8, abs=1e-4)
    assert found.high - found.value == pytest.approx(4.3027 * 0.4 / np.sqrt(3), rel=1e-3)


def test_one_seed_shows_no_spread():
    with pytest.raises(NotEnoughData, match="two worlds"):
        incremental_over_seeds([(pushed(3, 0.1), NOTHING)])


def test_a_world_without_users_is_refused():
    nobody = life(present=np.zeros((4, 2)))
    with pytest.raises(InputFault, match="none of them present"):
        incremental(nobody, nobody, seed=1)
