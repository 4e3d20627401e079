"""The plan: pace as interest over theta, and theta for a budget."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq

from andante.frequency.plan import PACE_QUANTILES, budget_curve, pace, solve_theta
from andante.vocabulary.fault import NotEnoughData, SettingsFault

# Interests as a model gives them: many ties, and exact zeros and ones.
interests = st.lists(st.floats(0, 1, allow_subnormal=False) | st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=1)


@given(interests, st.floats(1e-6, 10), st.floats(0, 3), st.floats(0, 10))
def test_pace_keeps_its_bounds_and_never_falls_when_interest_rises(interest, theta, f_min, width):
    paces = pace(np.sort(interest), theta, 3.0, f_min, f_min + width)
    assert ((paces >= f_min) & (paces <= f_min + width)).all()
    assert (np.diff(paces) >= 0).all()


def test_a_user_whose_interest_is_theta_has_the_base_frequency():
    assert pace(0.37, 0.37, f_base=2.5).item() == pytest.approx(2.5)


def test_theta_may_differ_by_user():
    assert pace([0.4, 0.4], [0.2, 0.8], f_base=3.0).tolist() == [6.0, 1.5]


@given(interests, st.floats(0, 1), st.floats(0, 2), st.floats(0.01, 12), st.floats(0.1, 5))
def test_the_mean_pace_meets_every_budget_that_can_be_spent(interest, share, f_min, width, f_base):
    f_max = f_min + width
    some = np.asarray(interest) > 0
    most = float(np.where(some, f_max, f_min).mean())  # what the budget could buy at the very most
    budget = min(f_min + share * (most - f_min), f_max)  # a rounding above f_max cannot be spent
    assume(min(np.asarray(interest)[some], default=0) > 1e-9 and budget > f_min + 1e-6)
    theta = solve_theta(interest, budget, f_base, f_min, f_max)
    assert pace(interest, theta, f_base, f_min, f_max).mean() == pytest.approx(budget, rel=1e-9)


def test_theta_agrees_with_a_root_finder_on_the_plain_mean():
    interest = np.random.default_rng(7).beta(0.6, 3, 5_000)
    plain = brentq(lambda theta: pace(interest, theta, 3.0, 0.5, 9.0).mean() - 2.2, 1e-6, 10, xtol=1e-15)
    assert solve_theta(interest, 2.2, 3.0, 0.5, 9.0) == pytest.approx(plain, rel=1e-9)


def test_a_greater_budget_gives_a_lower_theta():
    interest = np.random.default_rng(8).beta(1, 4, 1_000)
    thetas = [solve_theta(interest, budget) for budget in (0.5, 1.0, 2.0, 4.0, 8.0)]
    assert thetas == sorted(thetas, reverse=True)


def test_ties_do_not_hide_the_budget():
    theta = solve_theta([0.2] * 7 + [0.0] * 3, budget=2.1)
    assert pace([0.2] * 7 + [0.0] * 3, theta).tolist() == pytest.approx([3.0] * 7 + [0.0] * 3)


def test_a_budget_beyond_what_the_interested_can_take_saturates_at_their_maximum():
    interest = [0.0, 0.0, 0.1, 0.9]
    assert pace(interest, solve_theta(interest, budget=10.0)).tolist() == pytest.approx([0, 0, 14, 14])


def test_the_greatest_budget_gives_everybody_the_greatest_pace():
    assert pace([0.3, 0.6], solve_theta([0.3, 0.6], budget=14.0)).tolist() == pytest.approx([14, 14])


def test_the_least_budget_gives_everybody_the_least_pace():
    assert pace([0.3, 0.6], solve_theta([0.3, 0.6], 1.0, f_min=1.0), f_min=1.0).tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("budget", "f_min", "words"),
    [
        (0.0, 0.0, "plans no push"),
        (0.5, 1.0, r"budget \(0.5\) .* between f_min \(1.0\)"),
        (15.0, 0.0, r"f_max \(14.0\)"),
        (float("nan"), 0.0, r"budget \(nan\)"),
    ],
)
def test_an_impossible_budget_is_a_fault_that_names_it(budget, f_min, words):
    with pytest.raises(SettingsFault, match=words):
        solve_theta([0.2, 0.4], budget, f_min=f_min)


@pytest.mark.parametrize(("interest", "words"), [([0.0, 0.0], "0 for every user"), ([], "holds no user")])
def test_interest_that_tells_nobody_apart_cannot_meet_a_budget(interest, words):
    with pytest.raises(NotEnoughData, match=words):
        solve_theta(interest, budget=2.0)


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_an_interest_that_is_no_number_above_0_is_a_fault(bad):
    with pytest.raises(SettingsFault, match="interest"):
        pace([0.3, bad], theta=0.5)


@pytest.mark.parametrize(
    "parameters", [{"f_base": 0.0}, {"f_min": -1.0}, {"f_min": 3.0, "f_max": 2.0}, {"f_max": float("inf")}]
)
def test_a_parameter_out_of_range_is_a_fault_that_names_it(parameters):
    with pytest.raises(SettingsFault, match=next(iter(parameters))):
        pace([0.3], 0.5, **parameters)


@pytest.mark.parametrize("theta", [0.0, -1.0, float("inf"), float("nan")])
def test_a_theta_that_is_not_above_0_is_a_fault(theta):
    with pytest.raises(SettingsFault, match="theta"):
        pace([0.3], theta)


def test_the_budget_curve_says_what_each_budget_would_give():
    interest = np.random.default_rng(9).beta(1, 6, 4_000)
    for point in budget_curve(interest, [1.0, 3.0, 9.0], f_min=0.25):
        paces = pace(interest, point.theta, f_min=0.25)
        assert point.mean_pace == pytest.approx(point.budget, rel=1e-9)
        assert point.share_at_min == np.mean(paces == 0.25)
        assert point.share_at_max == np.mean(paces == 14.0)
        assert point.quantiles == pytest.approx(np.quantile(paces, PACE_QUANTILES))
        assert point.engaged_pushes == pytest.approx(interest @ paces)


def test_each_further_push_of_the_budget_reaches_less_interest():
    interest = np.random.default_rng(10).beta(1, 6, 4_000)
    engaged = [point.engaged_pushes for point in budget_curve(interest, [2.0, 4.0, 6.0, 8.0, 10.0, 12.0])]
    gains = np.diff(engaged)
    assert (gains > 0).all()
    assert (np.diff(gains) <= 1e-6).all()


def test_a_million_users_are_planned_on_their_budget():
    interest = np.random.default_rng(11).beta(1, 6, 1_000_000)
    assert pace(interest, solve_theta(interest, 3.0)).mean() == pytest.approx(3.0, rel=1e-9)
