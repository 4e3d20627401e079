"""Satisfaction curves: their shape and optimum, what few ratings can tell, and the plan that loses least."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares, minimize

from andante.frequency.satisfaction import Curves, SatisfactionCurve, loss, optimal_plan
from andante.vocabulary.fault import NotEnoughData, SettingsFault

slopes, knees = st.floats(0.02, 1.0), st.floats(0.3, 10)
curve = st.builds(lambda a, bend, knee: (a, a - bend, knee), slopes, slopes, knees)
some_curves = st.lists(curve, min_size=1, max_size=5).map(lambda rows: Curves.continuous(*np.transpose(rows)))
GRID = np.linspace(0.25, 10, 40)


def _on_grid(curves, grid=GRID):
    return np.stack([curves.at(np.full(curves.a.size, f)) for f in grid])


# The curve and its optimum


@given(some_curves, st.floats(0, 40))
def test_satisfaction_stays_between_0_and_1(curves, f):
    s = curves.at(np.full(curves.a.size, f))
    assert ((s >= 0) & (s <= 1)).all()


@given(curve)
def test_both_pieces_meet_at_theta_s(parameters):
    one = Curves.continuous(*parameters)
    below, at = one.at(np.nextafter(one.theta_s, 0)), one.at(one.theta_s)
    assert below == pytest.approx(at, abs=1e-9)


@given(some_curves, st.floats(0, 3), st.floats(0.1, 12))
def test_no_pace_within_the_bounds_satisfies_more_than_the_optimum(curves, f_min, width):
    f_star, s_star = curves.optimum(f_min, f_min + width)
    tried = _on_grid(curves, np.linspace(f_min, f_min + width, 501))
    assert ((f_star >= f_min) & (f_star <= f_min + width)).all()
    assert (tried.max(axis=0) <= s_star + 1e-9).all()


@pytest.mark.parametrize(
    ("a", "b", "theta_s", "f_star"),
    [
        (0.2, -0.1, 3.0, 3.0),  # fatigue: the best is where it starts
        (0.2, 0.01, 3.0, 14.0),  # more is better for ever: the best is the most
        (0.2, 0.0, 3.0, 3.0),  # more is no better: the fewest of the best
        (0.2, -0.1, 20.0, 5.0),  # all satisfied at 1 / a, before theta_s
        (0.05, -0.1, 20.0, 14.0),  # theta_s lies beyond f_max
    ],
)
def test_the_best_pace_is_theta_s_under_fatigue_and_else_the_greatest_that_adds_something(a, b, theta_s, f_star):
    assert Curves.continuous(a, b, theta_s).optimum(0.0, 14.0)[0] == pytest.approx([f_star])


def test_bounds_win_over_the_best_pace():
    one = Curves.continuous(0.2, -0.1, 3.0)
    assert [one.optimum(0.0, 2.0)[0][0], one.optimum(5.0, 9.0)[0][0]] == [2.0, 5.0]


def test_a_curve_that_falls_at_theta_s_is_best_just_before_it():
    falls = Curves(*(np.array([part]) for part in (0.25, 0.01, 0.2, 3.0)))
    f_star, s_star = falls.optimum(0.0, 14.0)
    assert f_star[0] < 3.0
    assert (f_star[0], s_star[0]) == pytest.approx((3.0, 0.75))


# Learning curves from ratings


def _world(seed, users=400, ratings=5, noise=0.1):
    """Return true curves around those of 3 segments, and a few noisy ratings of each user at random paces."""
    draw = np.random.default_rng(seed)
    segment = draw.integers(0, 3, users)
    centre = np.log([[0.25, 0.35, 2.0], [0.2, 0.3, 3.0], [0.15, 0.25, 5.0]])
    a, bend, knee = np.exp(centre[segment] + draw.normal(size=(users, 3)) * (0.25, 0.3, 0.35)).T
    truth = Curves.continuous(a, a - bend, knee)
    user = np.repeat(np.arange(users), ratings)
    f = draw.uniform(0.2, 10, user.size)
    s = np.clip(truth.take(user).at(f) + draw.normal(size=user.size) * noise, 0, 1)
    return truth, segment, user, f, s


def _alone(f, s, start):
    """Return one user's own curve by least squares, without regard to anybody else: no pooling."""

    def curve_of(phi):
        a, bend, knee = np.exp(phi)
        return Curves.continuous(a, a - bend, knee)

    fit = least_squares(lambda phi: curve_of(phi).at(f) - s, start, bounds=([-7, -7, -3], [3, 3, 4]))
    return [part[0] for part in curve_of(fit.x)]


def _squared_error(curves, truth):
    return np.mean((_on_grid(curves) - _on_grid(truth)) ** 2, axis=0)


def _regret(curves, truth):
    f, _ = curves.optimum(0.0, 14.0)
    return truth.optimum(0.0, 14.0)[1] - truth.at(f)


def _is_below(ours, theirs):
    """Say whether the paired mean difference is below 0 with 95 % confidence."""
    difference = np.subtract(ours, theirs)
    return difference.mean() + 1.96 * difference.std(ddof=1) / np.sqrt(difference.size) < 0


def test_partial_pooling_beats_no_pooling_and_complete_pooling():
    errors, regrets = {}, {}
    for seed in range(6):  # 6 shops of 300 users with 3 ratings each: as many pairs as 1,800 users
        truth, segment, user, f, s = _world(seed, users=300, ratings=3)
        model = SatisfactionCurve().fit(f, s, user, segment[user])
        everyone = model.population_curve_
        start = np.log([everyone.a[0], everyone.a[0] - everyone.b[0], everyone.theta_s[0]])
        contenders = {
            "partial": model.curves(np.arange(segment.size)),
            "none": Curves(*np.transpose([_alone(f[user == u], s[user == u], start) for u in range(300)])),
            "complete": everyone.take(np.zeros(300, dtype=int)),
            "by segment": model.segment_curves_.take(segment),
        }
        for name, curves in contenders.items():
            errors.setdefault(name, []).extend(_squared_error(curves, truth))
            regrets.setdefault(name, []).extend(_regret(curves, truth))
    for other in ("none", "complete", "by segment"):
        assert _is_below(errors["partial"], errors[other])
        assert _is_below(regrets["partial"], regrets[other])


def test_with_many_exact_ratings_a_user_s_own_curve_is_found():
    truth, segment, user, f, s = _world(3, users=60, ratings=60, noise=0.005)
    found = SatisfactionCurve().fit(f, s, user, segment[user]).curves(np.arange(60))
    assert np.sqrt(_squared_error(found, truth).mean()) < 0.02


def test_how_users_and_ratings_scatter_is_estimated():
    _, segment, user, f, s = _world(4, users=1_500, ratings=12)
    model = SatisfactionCurve().fit(f, s, user, segment[user])
    assert model.noise_ == pytest.approx(0.1, abs=0.015)
    assert model.spread_ == pytest.approx([0.25, 0.3, 0.35], abs=0.12)


def test_users_without_differences_are_pooled_almost_wholly():
    draw = np.random.default_rng(5)
    user = np.repeat(np.arange(300), 5)
    f = draw.uniform(0.2, 10, user.size)
    s = np.clip(Curves.continuous(0.2, -0.08, 3.5).at(f) + draw.normal(size=user.size) * 0.1, 0, 1)
    model = SatisfactionCurve().fit(f, s, user)
    assert model.user_curves_.theta_s.std() < 0.15
    assert model.user_curves_.theta_s.mean() == pytest.approx(3.5, abs=0.25)


def test_a_user_with_fewer_ratings_stays_nearer_to_the_segment():
    _, _, user, f, s = _world(6)
    few = np.flatnonzero(user == 0)[:1]
    kept = np.concatenate((few, np.flatnonzero(user != 0)))
    all_of_them = SatisfactionCurve().fit(f, s, user, np.zeros(user.size))
    one_of_them = SatisfactionCurve().fit(f[kept], s[kept], user[kept], np.zeros(kept.size))
    few_apart, all_apart = (
        abs(np.log(model.user_curves_.theta_s[0] / model.segment_curves_.theta_s[0]))
        for model in (one_of_them, all_of_them)
    )
    assert few_apart < all_apart


def test_who_is_unknown_gets_the_segment_s_curve_and_else_the_population_s():
    _, segment, user, f, s = _world(7)
    names = np.char.add("u", user.astype(str))
    model = SatisfactionCurve().fit(f, s, names, np.array(["x", "y", "z"])[segment[user]])
    got = model.curves(["u7", "stranger", "stranger"], ["z", "y", "?"])
    assert got.theta_s[0] == model.user_curves_.theta_s[model.users_ == "u7"][0]
    assert got.theta_s[1] == model.segment_curves_.theta_s[1]
    assert got.theta_s[2] == model.population_curve_.theta_s[0]
    assert model.predict(2.0, ["stranger"]) == pytest.approx(model.population_curve_.at(np.array([2.0])))


def test_segments_without_users_are_learned_as_groups():
    _, segment, user, f, s = _world(8)
    model = SatisfactionCurve().fit(f, s, segments=segment[user])
    assert model.segments_.tolist() == [0, 1, 2]
    assert np.array_equal(model.curves(["anybody"], [2]).theta_s, model.segment_curves_.theta_s[2:])
    assert np.argsort(model.segment_curves_.theta_s).tolist() == [0, 1, 2]


def test_a_jump_at_theta_s_is_found_when_asked_for():
    draw = np.random.default_rng(9)
    f = draw.uniform(0.2, 10, 2_000)
    truth = Curves(*(np.array([part]) for part in (0.2, -0.02, 0.4, 4.0)))
    s = np.clip(truth.at(f) + draw.normal(size=f.size) * 0.05, 0, 1)
    jumping = SatisfactionCurve(continuous=False).fit(f, s).population_curve_
    assert jumping.theta_s[0] == pytest.approx(4.0, abs=0.3)
    assert [part[0] for part in (jumping.a, jumping.b, jumping.c)] == pytest.approx([0.2, -0.02, 0.4], abs=0.05)
    together = SatisfactionCurve().fit(f, s).population_curve_
    assert np.mean((jumping.at(f) - s) ** 2) < np.mean((together.at(f) - s) ** 2)


def test_a_jump_is_placed_once_for_all_users():
    _, segment, user, f, s = _world(10, users=100)
    model = SatisfactionCurve(continuous=False).fit(f, s, user, segment[user])
    assert np.ptp(model.user_curves_.theta_s) == pytest.approx(0, abs=1e-6)
    assert np.ptp(model.user_curves_.a) > 0.01


def test_the_same_ratings_in_another_order_give_the_same_curves():
    _, segment, user, f, s = _world(11, users=80)
    order = np.random.default_rng(0).permutation(f.size)
    one = SatisfactionCurve().fit(f, s, user, segment[user])
    other = SatisfactionCurve().fit(f[order], s[order], user[order], segment[user][order])
    assert other.user_curves_.theta_s == pytest.approx(one.user_curves_.theta_s, rel=1e-3)


@pytest.mark.parametrize(
    ("f", "s", "fault", "words"),
    [
        ([1.0] * 20, [0.5] * 20, NotEnoughData, "3 or more different paces"),
        ([1.0, 2.0, 3.0], [0.5] * 3, NotEnoughData, r"ratings \(3\)"),
        ([1.0, 2.0, 3.0] * 5, [4.0] * 15, SettingsFault, "stars"),
        ([-1.0, 2.0, 3.0] * 5, [0.4] * 15, SettingsFault, "negative or unknown"),
        ([1.0, 2.0], [0.4], SettingsFault, "one pace per rating"),
    ],
)
def test_ratings_that_cannot_be_used_are_a_fault_that_says_why(f, s, fault, words):
    with pytest.raises(fault, match=words):
        SatisfactionCurve().fit(f, s)


# The plan


def test_loss_is_the_sum_of_squared_distances_from_the_best():
    assert loss([1.0, 0.8, 0.5], [0.5, 0.8, 0.6]) == pytest.approx(0.26)


@given(some_curves)
def test_without_a_budget_nobody_loses(curves):
    plan = optimal_plan(curves)
    assert plan.loss == 0
    assert np.array_equal(plan.f, curves.optimum()[0])


@given(some_curves, st.floats(0.05, 0.95), st.sampled_from([0.0, 0.4]))
def test_under_a_budget_that_binds_it_is_spent_and_nobody_gets_more_than_the_best(curves, share, f_min):
    f_star, _ = curves.optimum(f_min)
    budget = f_min + share * (f_star.mean() - f_min)
    plan = optimal_plan(curves, budget, f_min)
    assert plan.f.mean() <= budget + 1e-9
    assert plan.f.mean() == pytest.approx(budget, abs=1e-7)
    assert ((plan.f >= f_min) & (plan.f <= f_star)).all()


def test_a_budget_that_does_not_bind_changes_nothing_and_its_price_is_0():
    curves = Curves.continuous([0.2, 0.3], [-0.1, -0.2], [3.0, 2.0])
    plan = optimal_plan(curves, budget=2.6)
    assert (plan.f.tolist(), plan.shadow_price) == ([3.0, 2.0], 0.0)


@pytest.mark.parametrize("seed", range(12))
def test_no_general_solver_finds_a_plan_that_loses_less(seed):
    draw = np.random.default_rng(seed)
    a = draw.uniform(0.05, 0.6, 4)
    curves = Curves.continuous(a, a - draw.uniform(0.02, 0.8, 4), draw.uniform(0.5, 8, 4))
    f_star, s_star = curves.optimum(0.0, 14.0)
    budget = f_star.mean() * draw.uniform(0.1, 0.95)
    plan = optimal_plan(curves, budget)
    found = [
        minimize(
            lambda f: loss(s_star, curves.at(f)),
            start,
            method="SLSQP",
            bounds=[(0.0, 14.0)] * 4,
            constraints={"type": "ineq", "fun": lambda f: budget - f.mean()},
            options={"ftol": 1e-12, "maxiter": 500},
        )
        for start in [
            np.full(4, budget),
            f_star * budget / f_star.mean(),
            *(f_star * draw.uniform(0, 1, (6, 4))),
        ]
    ]
    best = min(result.fun for result in found if result.x.mean() <= budget + 1e-6)
    assert plan.loss <= best + 1e-6
    assert plan.loss == pytest.approx(best, abs=1e-4)


def test_the_shadow_price_is_what_one_more_push_a_week_would_save():
    curves = Curves.continuous([0.3, 0.2, 0.1], [-0.1, 0.05, -0.1], [2.0, 3.0, 6.0])
    plan, more = optimal_plan(curves, 2.0), optimal_plan(curves, 2.0 + 1e-4 / 3)
    assert (plan.loss - more.loss) / 1e-4 == pytest.approx(plan.shadow_price, rel=1e-3)


def test_with_curves_that_jump_up_the_plan_keeps_the_budget_and_matches_a_search_over_a_grid():
    curves = Curves(*np.array([[0.05, 0.2], [-0.1, -0.1], [0.9, 1.0], [2.0, 3.0]]))
    grid = np.linspace(0, 4, 201)
    for budget in (2.0, 2.45, 2.5):
        plan = optimal_plan(curves, budget)
        pairs = [(x, y) for x in grid for y in grid if x + y <= 2 * plan.f.mean() + 1e-9]
        best = min(loss(plan.s_star, curves.at(np.array(pair))) for pair in pairs)
        assert plan.f.mean() <= budget + 1e-9
        assert plan.loss <= best + 1e-6  # the best for what it spends


def test_at_the_least_budget_everybody_has_the_least_pace():
    curves = Curves.continuous([0.3, 0.2], [-0.1, -0.1], [2.0, 3.0])
    assert optimal_plan(curves, 0.5, f_min=0.5).f == pytest.approx([0.5, 0.5])


def test_a_budget_below_the_least_pace_is_a_fault():
    with pytest.raises(SettingsFault, match=r"budget \(0.2\) is below f_min \(0.5\)"):
        optimal_plan(Curves.continuous(0.3, -0.1, 2.0), 0.2, f_min=0.5)
