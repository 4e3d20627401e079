"""Feedback: what the docstring of the module proves, tested."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.frequency.feedback import additive, decreasing_step, multiplicative
from andante.vocabulary.fault import SettingsFault

F_MIN, F_MAX = 0.5, 14.0
unit = st.floats(0, 1)
paces = st.floats(0, 30)  # also paces that some earlier bounds allowed
alphas = st.floats(0, 0.99)
steps = st.floats(0, 40)


@given(paces, unit, unit, alphas)
def test_the_multiplicative_rule_keeps_the_bounds(f, interest, theta, alpha):
    assert F_MIN <= multiplicative(f, interest, theta, alpha, F_MIN, F_MAX) <= F_MAX


@given(paces, unit, unit, steps)
def test_the_additive_rule_keeps_the_bounds(f, interest, theta, epsilon):
    assert F_MIN <= additive(f, interest, theta, epsilon, F_MIN, F_MAX) <= F_MAX


@given(paces, st.lists(unit, min_size=2, max_size=2).map(sorted), unit, alphas, steps)
def test_neither_rule_gives_the_more_interested_less(f, interest, theta, alpha, epsilon):
    assert np.diff(multiplicative(f, interest, theta, alpha, F_MIN, F_MAX)) >= 0
    assert np.diff(additive(f, interest, theta, epsilon, F_MIN, F_MAX)) >= 0


@given(st.floats(F_MIN, F_MAX), unit, alphas, steps)
def test_interest_at_theta_changes_no_pace_within_the_bounds(f, theta, alpha, epsilon):
    assert multiplicative(f, theta, theta, alpha, F_MIN, F_MAX) == f
    assert additive(f, theta, theta, epsilon, F_MIN, F_MAX) == f


@given(unit, unit, st.floats(0.01, 0.99))
def test_the_bounds_are_fixed_points_on_their_sides(interest, theta, alpha):
    bound = F_MAX if interest >= theta else F_MIN
    assert multiplicative(bound, interest, theta, alpha, F_MIN, F_MAX) == bound
    assert additive(bound, interest, theta, 0.1, F_MIN, F_MAX) == bound


@given(st.floats(F_MIN, F_MAX), st.sampled_from([-0.6, -0.2, 0.2, 0.6]), st.floats(0.1, 0.9))
def test_constant_interest_takes_the_multiplicative_rule_straight_to_a_bound_in_the_time_stated(f, x, alpha):
    bound = F_MAX if x > 0 else F_MIN
    updates = math.ceil(abs(math.log(bound / f) / math.log1p(alpha * x)))
    path = [np.float64(f)]
    for _ in range(updates + 1):
        path.append(multiplicative(path[-1], 0.3 + x, 0.3, alpha, F_MIN, F_MAX))
    assert (np.diff(path) * np.sign(x) >= 0).all()
    assert path[-1] == bound
    assert updates < 2 or path[updates - 2] != bound


@given(st.floats(F_MIN, F_MAX), st.sampled_from([-1e-6, 0.4]), st.floats(0.1, 5))
def test_constant_interest_takes_the_additive_rule_straight_to_a_bound_in_the_time_stated(f, x, epsilon):
    bound = F_MAX if x > 0 else F_MIN
    updates = math.ceil(abs(bound - f) / epsilon)
    path = [np.float64(f)]
    for _ in range(updates + 1):
        path.append(additive(path[-1], 0.5 + x, 0.5, epsilon, F_MIN, F_MAX))
    assert (np.diff(path) * np.sign(x) >= 0).all()
    assert path[-1] == bound
    assert updates < 2 or path[updates - 2] != bound


@pytest.mark.parametrize(
    ("alpha", "reach", "updates"), [(0.1, 0.3, 50), (0.5, 0.5, 10), (0.5, 0.5, 400), (0.9, 0.5, 40)]
)
def test_under_noise_the_variance_of_the_multiplicative_pace_stays_below_its_bound(alpha, reach, updates):
    draw = np.random.default_rng(3)
    f = np.full(20_000, 3.0)
    for _ in range(updates):
        f = multiplicative(f, 0.5 + draw.uniform(-reach, reach, f.size), 0.5, alpha, F_MIN, F_MAX)
    one_update = (alpha / (1 - alpha * reach)) ** 2 * reach**2 / 3
    assert 0 < np.log(f).var() <= min(updates * one_update, math.log(F_MAX / F_MIN) ** 2 / 4)


def test_under_noise_the_multiplicative_pace_drifts_down_by_half_the_variance_of_an_update():
    draw = np.random.default_rng(4)
    f = np.full(40_000, 3.0)
    for _ in range(20):
        f = multiplicative(f, 0.5 + draw.uniform(-0.5, 0.5, f.size), 0.5, 0.2, 0.001, 1_000.0)
    drift = float(np.log(f / 3.0).mean())
    error = 1.96 * float(np.log(f).std()) / math.sqrt(f.size)
    assert drift == pytest.approx(-20 * 0.2**2 * (0.5**2 / 3) / 2, abs=2 * error)


@pytest.mark.parametrize("updates", [10, 500])
def test_under_noise_the_variance_of_the_additive_pace_stays_below_its_bound(updates):
    draw = np.random.default_rng(5)
    f = np.full(20_000, 7.0)
    for _ in range(updates):
        f = additive(f, 0.5 + draw.normal(0, 0.1, f.size), 0.5, 0.2, F_MIN, F_MAX)
    sampling = 1 + 3 * math.sqrt(2 / f.size)
    assert 0 < f.var() <= min(updates * 0.2**2, (F_MAX - F_MIN) ** 2 / 4) * sampling


@given(st.floats(1e-3, 10), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_with_every_allowed_alpha_a_pace_stays_above_0_and_at_most_doubles(f, distance, share):
    alpha = share / distance
    for interest in (1 - distance, 1 + distance):
        assert 0 < multiplicative(f, interest, 1.0, alpha, 0.0, 100.0) <= 2 * f


@given(st.floats(0.01, 5), st.floats(1.001, 10))
def test_an_alpha_that_could_turn_a_pace_negative_is_a_fault_that_names_the_limit(distance, excess):
    with pytest.raises(SettingsFault, match=r"give an alpha below .* 1 / max"):
        multiplicative([2.0, 2.0], [5.0 - distance, 5.0], 5.0, excess / distance, F_MIN, F_MAX)


def test_a_pace_of_0_stays_0_under_the_multiplicative_rule_and_rises_under_the_additive():
    assert multiplicative(0.0, 0.9, 0.1, 0.9, 0.0, F_MAX) == 0
    assert additive(0.0, 0.9, 0.1, 0.5, 0.0, F_MAX) == 0.5


def _chase(best, step_of):
    """Let interest fall with pace, and meet theta at ``best``; return the paces after 400 noisy updates."""
    draw = np.random.default_rng(6)
    f = np.full(500, 1.0)
    for update in range(400):
        interest = 0.5 - 0.05 * (f - best) + draw.normal(0, 0.2, f.size)
        f = additive(f, interest, 0.5, step_of(update), 0.0, F_MAX)
    return f


def test_a_decreasing_step_rests_where_interest_meets_theta_and_a_constant_one_does_not():
    resting = _chase(5.0, lambda update: decreasing_step(4.0, update))
    chattering = _chase(5.0, lambda _: 0.5)
    assert abs(resting.mean() - 5.0) <= 3 * resting.std() / math.sqrt(resting.size)
    assert resting.std() < 0.5 * chattering.std()


def test_every_argument_may_differ_by_user():
    updates, theta = np.array([0, 3]), np.array([0.5, 0.2])
    step = decreasing_step([0.4, 0.8], updates)
    assert additive([2.0, 3.0], [0.4, 0.4], theta, step, 0.0, F_MAX).tolist() == pytest.approx([1.6, 3.2])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: additive(1.0, 0.5, 0.5, -0.1, 0.0, 1.0), r"epsilon \(-0.1\)"),
        (lambda: multiplicative(1.0, 0.5, 0.5, -0.1, 0.0, 1.0), r"alpha \(-0.1\)"),
        (lambda: additive(float("nan"), 0.5, 0.5, 0.1, 0.0, 1.0), r"f \(nan\)"),
        (lambda: additive(1.0, float("nan"), 0.5, 0.1, 0.0, 1.0), "not finite for every user"),
        (lambda: additive(1.0, 0.5, 0.5, 0.1, 2.0, 1.0), "f_min and f_max"),
        (lambda: decreasing_step(0.1, -1), r"updates \(-1"),
    ],
)
def test_an_argument_out_of_range_is_a_fault_that_names_it(call, words):
    with pytest.raises(SettingsFault, match=words):
        call()
