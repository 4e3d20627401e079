"""Threshold rules: bands by recency and count, and their shrunken shares as interest."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import parametrize_with_checks

from andante.frequency.thresholds import BANDS, ThresholdInterest
from andante.vocabulary.fault import SettingsFault

GIVEN = {"count_thresholds": (10, 3, 1), "recency_thresholds": (7, 14, 30)}
NEVER = float("nan")


@parametrize_with_checks(
    [ThresholdInterest(), ThresholdInterest(count_thresholds=(1, 0, -1), recency_thresholds=(-1, 0, 1))]
)
def test_it_keeps_the_rules_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("count", "recency", "band"),
    [
        (10, 7.0, "hot"),  # thresholds belong to the better band
        (9, 7.0, "warm"),
        (10, 7.5, "warm"),
        (1, 1.0, "cool"),  # recent, but once
        (500, 29.0, "cool"),  # often, but long ago
        (500, 31.0, "cold"),
        (0, NEVER, "cold"),
        (500, NEVER, "cold"),
        (NEVER, 1.0, "cold"),
    ],
)
def test_a_user_is_in_the_first_band_whose_recency_and_count_both_hold(count, recency, band):
    model = ThresholdInterest(**GIVEN).fit([[1, 1], [2, 2]], [0, 1])
    assert model.bands([[count, recency]]).tolist() == [band]


def test_interest_is_the_share_of_the_band_shrunken_to_the_share_of_all():
    X = [[20, 1.0]] * 30 + [[1, 20.0]] * 10
    y = [1] * 24 + [0] * 6 + [1] * 2 + [0] * 8
    model = ThresholdInterest(**GIVEN, shrinkage=20).fit(X, y)
    share = 26 / 40
    hot, warm, cool, cold = model.interests_
    assert (hot, cool) == pytest.approx(((24 + 20 * share) / 50, (2 + 20 * share) / 30))
    assert (warm, cold) == pytest.approx((share, share))  # empty bands say nothing
    assert model.sizes_.tolist() == [30, 0, 10, 0]


def test_learned_thresholds_are_quantiles_of_those_who_ever_acted():
    recency = np.arange(101.0)
    X = np.column_stack((recency[::-1], recency))
    X = np.vstack((X, [[0.0, NEVER]] * 50))
    model = ThresholdInterest().fit(X, np.arange(151) % 2)
    assert model.recency_thresholds_.tolist() == [25, 50, 75]
    assert model.bands([[100, 0.0], [0, NEVER]]).tolist() == ["hot", "cold"]


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 400) | st.just(NEVER)), min_size=1))
def test_who_acts_more_and_later_is_never_in_a_colder_band(rows):
    model = ThresholdInterest(**GIVEN).fit([[1, 1], [2, 2]], [0, 1])
    X = np.array(rows, dtype=float)
    better = np.column_stack((X[:, 0] + 1, X[:, 1] / 2))
    rank = {name: place for place, name in enumerate(BANDS)}
    now, then = ([rank[name] for name in model.bands(rows)] for rows in (better, X))
    assert (np.array(now) <= np.array(then)).all()


def test_learned_bands_order_a_shop_s_interest():
    draw = np.random.default_rng(2)
    activity = draw.gamma(1.0, 5.0, 4_000)
    X = np.column_stack((draw.poisson(activity), draw.exponential(30 / (1 + activity))))
    y = (draw.poisson(activity / 5) > 0).astype(int)
    interests = ThresholdInterest().fit(X, y).interests_
    assert (np.diff(interests) < 0).all()


def test_names_columns_and_the_number_of_bands_are_free():
    frame = pd.DataFrame({"days": [1.0, 90.0, NEVER], "spend": [0.0, 0.0, 0.0], "visits": [9.0, 9.0, 0.0]})
    model = ThresholdInterest(
        count="visits",
        recency="days",
        names=("awake", "asleep"),
        count_thresholds=[1],
        recency_thresholds=[30],
    )
    assert model.fit(frame, [1, 0, 0]).bands(frame).tolist() == ["awake", "asleep", "asleep"]


def test_when_nobody_ever_acted_everybody_is_cold():
    X = [[0.0, NEVER]] * 4
    assert ThresholdInterest().fit(X, [0, 1, 0, 1]).bands(X).tolist() == ["cold"] * 4


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"recency_thresholds": (30, 14, 7)}, "recency_thresholds .* never falling"),
        ({"count_thresholds": (1, 3, 10)}, "count_thresholds .* never rising"),
        (
            {"count_thresholds": (10, 1)},
            "give 3 numbers, never rising, for the 4 bands hot, warm, cool, cold",
        ),
        ({"shrinkage": 0.0}, r"shrinkage \(0.0\)"),
        ({"recency": "days"}, r"column \(days\)"),
    ],
)
def test_a_wrong_parameter_is_a_fault_that_names_it(parameters, words):
    with pytest.raises(SettingsFault, match=words):
        ThresholdInterest(**parameters).fit([[1, 1], [2, 2]], [0, 1])
