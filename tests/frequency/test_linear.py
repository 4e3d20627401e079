"""Linear interest: I = alpha * n + beta * p, given or fitted, clipped or calibrated."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls
from scipy.stats import spearmanr
from sklearn.utils.estimator_checks import parametrize_with_checks

from andante.frequency.linear import LinearInterest, score_linear
from andante.vocabulary.fault import SettingsFault


@parametrize_with_checks([LinearInterest(), LinearInterest(alpha=0.1), LinearInterest(0.5, 0.3, calibrate=True)])
def test_it_keeps_the_rules_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture
def shop():
    """Return 20,000 users whose engagement is truly 0.02 * views + 0.1 * purchases."""
    draw = np.random.default_rng(1)
    counts = np.column_stack((draw.poisson(10, 20_000), draw.poisson(2, 20_000))).astype(float)
    engaged = draw.uniform(size=20_000) < score_linear(counts[:, 0], counts[:, 1], 0.02, 0.1)
    return counts, engaged.astype(int)


counts = st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 50)), min_size=1)


@given(counts, st.floats(0, 5), st.floats(0, 5))
def test_given_weights_are_used_as_they_are_and_clipped_to_0_and_1(rows, alpha, beta):
    model = LinearInterest(alpha, beta).fit([[0, 0], [1, 1]], [0, 1])
    n, p = np.transpose(rows)
    expected = np.clip(score_linear(n, p, alpha, beta), 0, 1)
    assert model.predict_proba(rows)[:, 1].tolist() == expected.tolist()


def test_fitted_weights_come_near_the_true_ones(shop):
    model = LinearInterest().fit(*shop)
    assert (model.alpha_, model.beta_) == pytest.approx((0.02, 0.1), abs=0.006)


def test_fitted_weights_are_the_non_negative_least_squares(shop):
    X, y = shop
    model = LinearInterest().fit(X, y)
    assert [model.alpha_, model.beta_] == pytest.approx(nnls(X, y.astype(float))[0].tolist())


def test_a_weight_that_would_be_negative_is_0():
    X = np.array([[8.0, 1.0], [9.0, 1.0], [0.0, 3.0], [1.0, 4.0]])
    assert LinearInterest().fit(X, [0, 0, 1, 1]).alpha_ == 0


def test_with_one_weight_given_only_the_other_is_fitted(shop):
    X, y = shop
    model = LinearInterest(alpha=0.01).fit(X, y)
    assert model.alpha_ == 0.01
    assert model.beta_ == pytest.approx(nnls(X[:, 1:], y - 0.01 * X[:, 0])[0][0])


@pytest.mark.parametrize("weights", [(0.5, 0.3), (None, None)])
def test_calibration_keeps_the_order_of_scores_and_meets_the_observed_share(shop, weights):
    X, y = shop
    model = LinearInterest(*weights, calibrate=True).fit(X, y)
    interest = model.predict_proba(X)[:, 1]
    score = score_linear(X[:, 0], X[:, 1], model.alpha_, model.beta_)
    assert ((interest > 0) & (interest < 1)).all()
    assert spearmanr(score, interest).statistic == pytest.approx(1)
    assert interest.mean() == pytest.approx(y.mean(), abs=1e-3)


def test_without_calibration_weights_as_great_as_the_seed_s_lose_the_order(shop):
    X, y = shop
    interest = LinearInterest(0.5, 0.3).fit(X, y).predict_proba(X)[:, 1]
    assert np.mean(interest == 1) > 0.99


def test_a_score_that_ranks_the_wrong_way_is_calibrated_to_one_interest_for_all():
    X, y = [[9, 1], [8, 1], [1, 0], [0, 0]], [0, 0, 0, 1]
    assert LinearInterest(0.5, 0.3, calibrate=True).fit(X, y).predict_proba(X)[:, 1] == pytest.approx([0.25] * 4)


def test_columns_are_chosen_by_name_or_by_index_and_the_others_may_hold_anything(shop):
    X, y = shop
    frame = pd.DataFrame({"recency_days": np.nan, "p": X[:, 1], "balance": -5.0, "n": X[:, 0]})
    plain = LinearInterest().fit(X, y).predict_proba(X)
    named = LinearInterest(views="n", purchases="p").fit(frame, y).predict_proba(frame)
    indexed = LinearInterest(views=3, purchases=1).fit(frame.to_numpy(), y).predict_proba(frame.to_numpy())
    assert np.array_equal(plain, named)
    assert np.array_equal(plain, indexed)


def test_an_unknown_count_counts_as_none():
    model = LinearInterest(0.1, 0.2).fit([[0, 0], [1, 1]], [0, 1])
    assert model.predict_proba([[np.nan, 2.0]])[0, 1] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"views": "clicks"}, r"column \(clicks\) is not in X, whose names are n, p"),
        ({"purchases": 7}, r"column \(7\) is not one of the 2 columns"),
        ({"alpha": -0.5}, r"alpha \(-0.5\)"),
        ({"beta": float("inf")}, r"beta \(inf\)"),
    ],
)
def test_a_wrong_parameter_is_a_fault_that_names_it(parameters, words):
    with pytest.raises(SettingsFault, match=words):
        LinearInterest(**parameters).fit(pd.DataFrame({"n": [0.0, 3.0], "p": [0.0, 1.0]}), [0, 1])


def test_a_name_without_a_data_frame_is_a_fault_that_says_so():
    with pytest.raises(SettingsFault, match="X is not a DataFrame"):
        LinearInterest(views="n").fit([[0, 0], [1, 1]], [0, 1])


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError, match="Negative values in data passed to LinearInterest"):
        LinearInterest().fit([[0, -1], [1, 1]], [0, 1])
