"""Scores are judged by what came next, with intervals that respect whose rows they are."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm, spearmanr
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, precision_score, recall_score, roc_auc_score

from andante.evaluation import ranking
from andante.evaluation.ranking import bands, calibration, compare
from andante.vocabulary.fault import Fault, NotEnoughData

ROWS = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(0, 3), st.integers(0, 5)),  # score, outcome, user: many ties
    min_size=3,
    max_size=40,
)


def split(rows):
    score, outcome, users = (np.array(column) for column in zip(*rows, strict=True))
    assume(0 < np.count_nonzero(outcome) < len(outcome))
    return score / 3, outcome, users


@given(rows=ROWS)
@settings(deadline=None)
def test_auc_and_spearman_are_those_of_the_libraries_with_ties(rows):
    score, outcome, users = split(rows)
    (found,) = compare({"s": score}, outcome, users, seed=0, resamples=50)
    assert found.auc.value == pytest.approx(roc_auc_score(outcome > 0, score))
    expected = 0.0 if len(set(score)) == 1 else spearmanr(score, outcome).statistic
    assert found.spearman.value == pytest.approx(expected, abs=1e-12)


@given(rows=ROWS, seed=st.integers(0, 3))
@settings(deadline=None)
def test_a_resample_equals_the_libraries_on_the_rows_of_the_users_drawn(rows, seed):
    score, outcome, users = split(rows)
    owner = np.unique(users, return_inverse=True)[1]
    people = owner.max() + 1
    drawn = np.random.default_rng(seed).integers(people, size=people)
    taken = np.concatenate([np.flatnonzero(owner == user) for user in drawn])
    found = ranking._bootstrap([score], outcome.astype(float), owner.astype(np.int32), 1, seed)[1, 0]
    if len(set(outcome[taken] > 0)) == 1:
        assert math.isnan(found[0])
    else:
        assert found[0] == pytest.approx(roc_auc_score(outcome[taken] > 0, score[taken]))
    if min(len(set(outcome[taken])), len(set(score[taken]))) == 1:
        assert found[1] == 0
    else:
        assert found[1] == pytest.approx(spearmanr(score[taken], outcome[taken]).statistic, abs=1e-12)


def test_the_kernel_gives_the_same_compiled_and_as_plain_python():
    rng = np.random.default_rng(5)
    group = np.sort(rng.integers(0, 20, 60)).astype(np.int32)
    level, owner = (rng.integers(0, 4, 60).astype(np.int32) for _ in range(2))
    rest = (level > 0, np.array([2.0, 0.0, 1.0, 1.0]), np.array([-3.0, -1.0, 1.0, 3.0]), 60.0, 100.0)
    compiled = ranking._quality(group, level, owner, *rest)
    assert compiled == pytest.approx(ranking._quality.py_func(group, level, owner, *rest))


def test_a_perfect_score_has_auc_one_without_doubt():
    outcome = np.array([0, 0, 0, 1, 2, 3] * 5)
    (found,) = compare({"perfect": outcome}, outcome, np.arange(30), seed=1, resamples=100)
    assert (found.auc.value, found.auc.low, found.auc.high) == (1, 1, 1)
    assert found.spearman.low == pytest.approx(1)


def test_a_constant_score_ranks_nobody():
    (found,) = compare({"flat": np.ones(20)}, [0, 1] * 10, np.arange(20), seed=1, resamples=50)
    assert (found.auc.low, found.auc.high) == (0.5, 0.5)
    assert (found.spearman.value, found.spearman.low, found.spearman.high) == (0, 0, 0)


def test_a_random_score_has_an_interval_around_one_half():
    rng = np.random.default_rng(8)
    (found,) = compare(
        {"random": rng.normal(size=800)}, rng.integers(0, 3, 800), np.arange(800) // 4, seed=1, resamples=300
    )
    assert found.auc.low < 0.5 < found.auc.high
    assert found.spearman.low < 0 < found.spearman.high


def noisy(rng, outcome, noise):
    return outcome + noise * rng.normal(size=len(outcome))


def test_the_first_score_is_better_than_a_noisier_and_worse_than_a_sharper_one():
    rng = np.random.default_rng(3)
    outcome = rng.poisson(1.0, 1200)
    users = np.arange(1200) // 3
    scores = {
        "middle": noisy(rng, outcome, 1),
        "noisy": noisy(rng, outcome, 4),
        "sharp": noisy(rng, outcome, 0.3),
    }
    middle, noise, sharp = compare(scores, outcome, users, seed=0, resamples=300)
    assert middle.first_ahead is None
    assert noise.first_ahead is not None
    assert sharp.first_ahead is not None
    assert set(noise.first_ahead.verdicts.values()) == {"better"}
    assert set(sharp.first_ahead.verdicts.values()) == {"worse"}
    assert noise.first_ahead.auc.value == pytest.approx(middle.auc.value - noise.auc.value)


def test_a_score_has_no_clear_difference_from_itself():
    rng = np.random.default_rng(3)
    outcome = rng.poisson(1.0, 200)
    score = noisy(rng, outcome, 1)
    twin = compare({"one": score, "two": score * 2}, outcome, np.arange(200), seed=0, resamples=100)[1]
    assert twin.first_ahead is not None
    assert set(twin.first_ahead.verdicts.values()) == {"no clear difference"}
    assert (twin.first_ahead.auc.low, twin.first_ahead.auc.high) == (0, 0)


def test_spearman_without_ties_is_what_random_order_of_equal_scores_gives_on_average():
    rng = np.random.default_rng(5)
    outcome = rng.poisson(1.0, 400)
    score = np.minimum(outcome + rng.poisson(1.0, 400), 3)
    (found,) = compare({"tied": score}, outcome, np.arange(400), seed=0, resamples=20)
    shuffled = [spearmanr(score + rng.random(400) / 2, outcome).statistic for _ in range(400)]
    assert found.spearman_untied.value == pytest.approx(np.mean(shuffled), abs=3 * np.std(shuffled) / 20)
    assert found.spearman_untied.value < found.spearman.value


def clustered(rng, users, weeks, distance):
    """Draw rows of known AUC: a user's propensity and the user's noise in the score last all weeks."""
    engaged = rng.random((users, weeks)) < rng.beta(0.5, 0.5, size=(users, 1))
    noise = 0.95 * rng.normal(size=(users, 1)) + math.sqrt(1 - 0.95**2) * rng.normal(size=(users, weeks))
    return (distance * engaged + noise).ravel(), engaged.ravel(), np.repeat(np.arange(users), weeks)


def coverage(*, by_user, replications=600):
    rng = np.random.default_rng(12)
    distance = 1.0
    truth = norm.cdf(distance / math.sqrt(2))
    hits = 0
    for seed in range(replications):
        score, engaged, users = clustered(rng, 120, 5, distance)
        owners = users if by_user else np.arange(len(users))
        (found,) = compare({"s": score}, engaged, owners, seed=seed, resamples=200)
        hits += found.auc.low <= truth <= found.auc.high
    return hits / replications


def test_intervals_cover_the_known_auc_as_often_as_they_say():
    assert (
        0.93 <= coverage(by_user=True) <= 0.97  # the noise of 600 replications: 0.9 % at one standard error
    )  # 95 %, give or take two standard errors of 400 replications


def test_intervals_over_rows_would_be_too_narrow_where_users_repeat():
    assert coverage(by_user=False) < 0.85


def test_the_same_seed_gives_the_same_intervals_in_any_order_of_rows():
    rng = np.random.default_rng(4)
    score, engaged, users = clustered(rng, 60, 3, 1.0)
    names = np.array([f"user {user:03}" for user in users])
    order = rng.permutation(len(users))
    (one,) = compare({"s": score}, engaged, names, seed=9, resamples=50)
    (two,) = compare({"s": score[order]}, engaged[order], names[order], seed=9, resamples=50)
    (other,) = compare({"s": score}, engaged, names, seed=10, resamples=50)
    assert one.auc.low == pytest.approx(two.auc.low, abs=1e-12)
    assert one.spearman.high == pytest.approx(two.spearman.high, abs=1e-12)
    assert one.auc.low != other.auc.low


def test_large_data_get_fewer_resamples_and_say_so(monkeypatch):
    monkeypatch.setattr(ranking, "ROWS_RESAMPLED_MAX", 60 * 30)
    monkeypatch.setattr(ranking, "RESAMPLES_MIN", 10)
    (found,) = compare({"s": np.arange(60)}, [0, 1] * 30, np.arange(60), seed=0, resamples=1000)
    assert found.resamples == 30
    assert (found.rows, found.users, found.engaged) == (60, 60, 30)


@pytest.mark.parametrize("outcome", [[0, 0, 0], [1, 2, 3], []])
def test_an_outcome_of_one_kind_is_not_enough(outcome):
    with pytest.raises(NotEnoughData, match="give rows of both kinds"):
        compare({"s": np.arange(len(outcome))}, outcome, np.arange(len(outcome)), seed=0)


def test_unknown_or_missing_values_are_refused_by_name():
    with pytest.raises(Fault, match=r"score 'recency' \(1 NaN\)"):
        compare({"recency": [1, np.nan]}, [0, 1], [1, 2], seed=0)
    with pytest.raises(Fault, match=r"score 'short' \(1 values\)"):
        compare({"short": [1]}, [0, 1], [1, 2], seed=0)
    with pytest.raises(Fault, match=r"users \(3 values\)"):
        compare({"s": [1, 2]}, [0, 1], [1, 2, 3], seed=0)


def test_calibration_of_true_probabilities_is_near_zero_and_of_doubled_ones_is_not():
    rng = np.random.default_rng(6)
    chance = rng.beta(1, 4, 20_000) / 2
    engaged = rng.random(20_000) < chance
    assert calibration(chance, engaged).error < 0.01
    assert calibration(2 * chance, engaged).error == pytest.approx(chance.mean(), abs=0.01)


def test_calibration_bins_are_those_of_the_library_and_hold_equal_numbers():
    rng = np.random.default_rng(7)
    chance = rng.random(1000)
    engaged = (rng.random(1000) < chance).astype(int)
    found = calibration(chance, engaged, bins=8)
    observed, predicted = calibration_curve(engaged, chance, n_bins=8, strategy="quantile")
    assert [line.predicted for line in found.bins] == pytest.approx(predicted)
    assert [line.observed for line in found.bins] == pytest.approx(observed)
    assert {line.rows for line in found.bins} == {125}
    assert found.brier == pytest.approx(brier_score_loss(engaged, chance))
    for line in found.bins:
        assert 0 <= line.low < line.observed < line.high <= 1


@given(
    rows=st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=60),
)
def test_the_brier_score_decomposes_where_predictions_in_a_bin_are_equal(rows):
    predicted, engaged = zip(*rows, strict=True)
    found = calibration(predicted, engaged, bins=50)
    assume(len(found.bins) == len(set(predicted)))
    assert found.brier == pytest.approx(found.reliability - found.resolution + found.uncertainty, abs=1e-9)
    assert sum(line.rows for line in found.bins) == len(rows)


def test_equal_predictions_share_one_bin():
    found = calibration([0.3] * 100, [1] * 20 + [0] * 80)
    assert len(found.bins) == 1
    assert found.error == pytest.approx(0.1)


def test_interest_outside_zero_to_one_is_refused():
    with pytest.raises(Fault, match="is not within 0 to 1"):
        calibration([0.5, 1.5], [0, 1])
    with pytest.raises(NotEnoughData):
        calibration([], [])


@given(pairs=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_bands_are_counted_as_the_library_counts_them(pairs):
    actual, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    found = bands(actual, predicted, ["rarely", "weekly", "daily"])
    assert found.accuracy == pytest.approx((actual == predicted).mean())
    assert found.accuracy_of_commonest == pytest.approx(np.bincount(actual).max() / len(actual))
    for number, band in enumerate(found.bands):
        assert band.rows == np.count_nonzero(actual == number)
        if band.precision is None:
            assert number not in predicted
        else:
            assert band.precision == pytest.approx(precision_score(actual == number, predicted == number))
        if band.recall is None:
            assert number not in actual
        else:
            assert band.recall == pytest.approx(recall_score(actual == number, predicted == number))


def test_a_band_without_a_name_is_refused():
    with pytest.raises(Fault, match=r"bands \(3\) has no name"):
        bands([0, 3], [0, 1], ["rarely", "weekly", "daily"])
