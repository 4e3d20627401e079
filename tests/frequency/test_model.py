"""The frequency model: interest and plan as one scikit-learn regressor."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from andante.frequency.forest import ForestInterest
from andante.frequency.linear import LinearInterest
from andante.frequency.model import FrequencyModel
from andante.frequency.plan import pace
from andante.frequency.thresholds import ThresholdInterest
from andante.vocabulary.fault import NotEnoughData, SettingsFault


def _argued(model):
    """Return the checks that do not apply to a model, each with the reason."""
    if not isinstance(model.interest, LinearInterest):
        return {}
    reason = "that check engages everybody, so the interest, which refuses negative counts, is not fitted"
    return {"check_fit_non_negative": reason}


@parametrize_with_checks(
    [
        FrequencyModel(),
        FrequencyModel(LogisticRegression(), budget=2.0),
        FrequencyModel(LinearInterest(calibrate=True)),
        FrequencyModel(ThresholdInterest(), theta=0.2),
    ],
    expected_failed_checks=_argued,
)
def test_it_keeps_the_rules_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture
def shop():
    """Return 600 users: views, purchases, recency (NaN: never), and their purchases in the next week."""
    draw = np.random.default_rng(12)
    rate = draw.gamma(0.8, 1.0, 600)
    frame = pd.DataFrame({"n": draw.poisson(8 * rate), "p": draw.poisson(2 * rate)}).astype(float)
    frame["recency_days"] = np.where(frame["p"] > 0, draw.exponential(20 / (0.1 + rate)), np.nan)
    return frame, draw.poisson(rate)


LINEAR = LinearInterest(views="n", purchases="p", calibrate=True)


def test_pace_is_base_times_interest_over_theta_within_its_bounds(shop):
    X, y = shop
    model = FrequencyModel(LINEAR, f_base=2.0, theta=0.3, f_min=0.5, f_max=5.0).fit(X, y)
    assert model.theta_ == 0.3
    assert np.array_equal(model.predict(X), pace(model.predict_interest(X), 0.3, 2.0, 0.5, 5.0))


def test_interest_is_that_of_the_classifier_fitted_on_who_was_active_at_all(shop):
    X, y = shop
    alone = LinearInterest(views="n", purchases="p", calibrate=True).fit(X, (y > 0).astype(int))
    assert np.array_equal(FrequencyModel(LINEAR).fit(X, y).predict_interest(X), alone.predict_proba(X)[:, 1])


def test_without_theta_or_budget_the_average_user_has_the_base_frequency(shop):
    X, y = shop
    model = FrequencyModel(LINEAR, f_base=3.0).fit(X, y)
    assert model.theta_ == pytest.approx(model.predict_interest(X).mean())
    assert model.predict(X).mean() == pytest.approx(3.0)


def test_a_budget_is_met_by_the_mean_pace(shop):
    X, y = shop
    assert FrequencyModel(LINEAR, budget=1.7).fit(X, y).predict(X).mean() == pytest.approx(1.7, rel=1e-9)


def test_replanning_meets_the_budget_on_other_users_and_leaves_the_model_alone(shop):
    X, y = shop
    model = FrequencyModel(LINEAR, budget=1.7).fit(X, y)
    before, livelier = model.theta_, X[X["n"] > 5]
    assert model.predict(livelier).mean() > 1.9
    assert model.replanned(livelier).predict(livelier).mean() == pytest.approx(1.7, rel=1e-9)
    assert model.replanned(livelier, budget=4.0).predict(livelier).mean() == pytest.approx(4.0, rel=1e-9)
    assert (model.theta_, model.budget) == (before, 1.7)


def test_replanning_with_a_budget_overrules_a_given_theta(shop):
    X, y = shop
    model = FrequencyModel(LINEAR, theta=0.4).fit(X, y)
    assert model.replanned(X).theta_ == 0.4
    assert model.replanned(X, budget=2.0).predict(X).mean() == pytest.approx(2.0, rel=1e-9)


def test_the_score_is_the_rank_correlation_of_pace_with_activity(shop):
    X, y = shop
    model = FrequencyModel(LINEAR).fit(X, y)
    assert model.score(X, y) == pytest.approx(spearmanr(model.predict(X), y).statistic)
    assert model.score(X, y) > 0.3


def test_a_plan_or_an_activity_that_ranks_nobody_scores_0(shop):
    X, y = shop
    model = FrequencyModel(LINEAR).fit(X, y)
    assert model.score(X, np.ones(len(y))) == 0
    assert FrequencyModel(LINEAR, f_min=2.0, f_max=2.0).fit(X, y).score(X, y) == 0


@pytest.mark.parametrize("interest", [LINEAR, ThresholdInterest(count="n", recency="recency_days")])
def test_cross_validation_in_order_of_time_finds_rank(shop, interest):
    scores = cross_val_score(FrequencyModel(interest), *shop, cv=TimeSeriesSplit(4), error_score="raise")
    assert scores.min() > 0.1


def test_a_search_reaches_the_parameters_of_the_interest_and_of_the_plan(shop):
    X, y = shop
    model = FrequencyModel(DecisionTreeClassifier(random_state=0))
    search = GridSearchCV(model, {"interest__max_depth": [1, 4], "f_base": [1.0, 2.0]}, cv=3, error_score="raise")
    assert search.fit(X[["n", "p"]], y).best_params_["interest__max_depth"] in {1, 4}


def test_it_stands_at_the_end_of_a_pipeline(shop):
    X, y = shop
    piped = make_pipeline(StandardScaler(), FrequencyModel(LogisticRegression(), budget=2.0)).fit(X[["n", "p"]], y)
    assert piped.predict(X[["n", "p"]]).mean() == pytest.approx(2.0)


def test_names_of_features_are_kept_and_watched(shop):
    X, y = shop
    model = FrequencyModel(LINEAR).fit(X, y)
    assert model.feature_names_in_.tolist() == ["n", "p", "recency_days"]
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X[["p", "n", "recency_days"]])


def test_fitting_leaves_the_given_interest_as_it_was(shop):
    given = LinearInterest(views="n", purchases="p")
    FrequencyModel(given).fit(*shop)
    assert not hasattr(given, "alpha_")


def test_the_forest_is_the_interest_when_none_is_given(shop):
    model = FrequencyModel().fit(*shop)
    assert isinstance(model.interest_, ForestInterest)
    assert model.score(*shop) > 0.3


def test_when_everybody_engages_everybody_has_one_pace():
    X, y = np.arange(20.0).reshape(10, 2), np.ones(10)
    model = FrequencyModel(LinearInterest(), budget=2.5).fit(X, y)
    assert model.predict_interest(X) == pytest.approx([11 / 12] * 10)
    assert model.predict(X) == pytest.approx([2.5] * 10)


def test_when_nobody_engages_there_is_nothing_to_learn_and_the_fault_says_where_to_look():
    with pytest.raises(NotEnoughData, match=r"engaged users \(0 of 10\) .* check the cut-off"):
        FrequencyModel(LinearInterest()).fit(np.arange(20.0).reshape(10, 2), np.zeros(10))


def test_theta_and_budget_together_are_a_fault():
    with pytest.raises(SettingsFault, match=r"theta and budget \(0.5, 2.0\) are both given"):
        FrequencyModel(LinearInterest(), theta=0.5, budget=2.0).fit([[0, 0], [1, 1]], [0, 1])


@pytest.mark.parametrize(
    "parameters", [{"theta": -1.0}, {"f_base": 0.0}, {"f_min": 3.0, "f_max": 1.0}, {"budget": 20.0}]
)
def test_a_parameter_out_of_range_is_a_fault(parameters):
    with pytest.raises(SettingsFault):
        FrequencyModel(LinearInterest(), **parameters).fit([[0, 0], [1, 1]], [0, 1])


def test_an_unknown_activity_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        FrequencyModel(LinearInterest()).fit([[0, 0], [1, 1]], [0, np.nan])
