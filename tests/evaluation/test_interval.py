import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.evaluation.interval import (
    difference_over_users,
    interval_of,
    mean_over_users,
    over_users,
    ratio_over_users,
    resampled_totals,
    summed_by_user,
)
from andante.vocabulary.fault import InputFault, NotEnoughData


def test_equal_seeds_give_equal_intervals_and_others_do_not():
    x = np.random.default_rng(1).exponential(size=100)

    assert mean_over_users(x, seed=3) == mean_over_users(x, seed=3)
    assert mean_over_users(x, seed=3) != mean_over_users(x, seed=4)


def test_the_interval_of_a_mean_is_about_as_wide_as_students():
    x = np.random.default_rng(2).normal(size=400)

    found = mean_over_users(x, seed=1)

    assert found.high - found.low == pytest.approx(2 * 1.966 * x.std(ddof=1) / 20, rel=0.06)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=20), st.floats(-10, 10))
def test_what_is_common_to_both_policies_cancels(x, apart):
    x = np.array(x)

    found = difference_over_users(x + apart, x, seed=1, resamples=50)

    assert found.low == pytest.approx(apart, abs=1e-9)
    assert found.high == pytest.approx(apart, abs=1e-9)


def test_pairing_by_user_makes_the_interval_narrower():
    rng = np.random.default_rng(3)
    common = rng.exponential(10, size=300)
    one, other = common + rng.normal(1, 0.1, size=300), common

    paired = difference_over_users(one, other, seed=1)
    apart = mean_over_users(one, seed=1)

    assert paired.high - paired.low < 0.1 * (apart.high - apart.low)


def test_figures_of_two_calls_share_their_resamples():
    x, y = np.random.default_rng(4).normal(size=(2, 50))

    together = resampled_totals([x, y], seed=5, resamples=100)

    np.testing.assert_allclose(resampled_totals([y], seed=5, resamples=100)[:, 0], together[:, 1])


def test_a_ratio_and_its_figure_by_hand_agree():
    opens, sends = np.random.default_rng(5).poisson([[1], [5]], size=(2, 60))

    by_hand = over_users([opens, sends], lambda t: t[:, 0] / t[:, 1], seed=6)

    assert ratio_over_users(opens, sends, seed=6) == by_hand


def test_the_interval_over_users_covers_the_truth_and_the_one_over_rows_does_not():
    rng, truth, covered, rows_covered = np.random.default_rng(6), 0.2, 0, 0
    for run in range(300):
        share = rng.beta(0.4, 1.6, size=200)
        sends = rng.poisson(20, size=200)
        opens = rng.binomial(sends, share)
        found = ratio_over_users(opens, sends, seed=run, resamples=300)
        covered += found.low <= truth <= found.high
        reach = 1.96 * np.sqrt(truth * (1 - truth) / sends.sum())
        rows_covered += abs(opens.sum() / sends.sum() - truth) <= reach

    assert 0.91 <= covered / 300 <= 0.99  # 95 % within what 300 runs can tell
    assert rows_covered / 300 < 0.7


def test_rows_are_summed_to_their_user():
    (total,) = summed_by_user(["b", "a", "b"], [[1, 2, 3]])

    assert total.tolist() == [2, 4]


def test_one_user_gives_no_interval():
    with pytest.raises(NotEnoughData, match="at least two users"):
        mean_over_users([1.0], seed=1)


def test_an_unknown_value_is_refused_with_its_row():
    with pytest.raises(InputFault, match="row 1"):
        mean_over_users([1.0, np.nan], seed=1)


def test_columns_of_unequal_lengths_are_refused():
    with pytest.raises(InputFault, match="does not match"):
        ratio_over_users([1.0, 2.0], [1.0, 2.0, 3.0], seed=1)


def test_a_ratio_to_nothing_has_no_interval():
    with pytest.raises(NotEnoughData, match="has no interval"):
        ratio_over_users([1.0, 2.0], [0.0, 0.0], seed=1)


def test_few_undefined_resamples_are_left_out():
    drawn = np.append(np.linspace(0, 1, 100), np.nan)

    assert 0 <= interval_of(drawn).low < interval_of(drawn).high <= 1


def test_a_higher_level_gives_a_wider_interval():
    x = np.random.default_rng(7).normal(size=100)

    narrow, wide = (mean_over_users(x, seed=1, level=level) for level in (0.8, 0.99))

    assert wide.low < narrow.low < narrow.high < wide.high
