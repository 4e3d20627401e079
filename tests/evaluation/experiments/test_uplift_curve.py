import numpy as np
import pytest

from andante.evaluation.experiments.uplift import qini_curve, uplift
from andante.vocabulary.fault import InputFault, NotEnoughData

SCORE = np.array([0.9, 0.8, 0.8, 0.7, 0.6, 0.5, 0.4, 0.4, 0.2, 0.1])
OUTCOME = np.array([1.0, 0, 1, 1, 0, 0, 1, 0, 0, 0])
TREATED = np.array([1.0, 0, 1, 1, 0, 1, 0, 1, 0, 0])


def trial(rng, users=2000):
    works, treated = rng.random(users) < 0.5, rng.random(users) < 0.5
    return works, (rng.random(users) < 0.2 + 0.3 * (works & treated)).astype(float), treated


def test_the_qini_curve_is_that_of_scikit_uplift():
    # scikit-uplift 0.5.1, qini_curve: users, and Y_t - Y_c N_t / N_c; ours are shares, and per treated user.
    shares, curve = qini_curve(SCORE, OUTCOME, TREATED)

    assert (shares * 10).tolist() == pytest.approx([0, 1, 3, 4, 5, 6, 8, 9, 10])
    assert (curve * 5).tolist() == pytest.approx([0, 1, 2, 3, 3, 3, 4 / 3, 7 / 4, 2])


def test_the_areas_are_those_of_scikit_uplift():
    # Its areas are 19.75 under the Qini curve and 30.1 under the uplift curve, of 10 users, 5 of them treated.
    found = uplift(SCORE, OUTCOME, TREATED, seed=1, bins=1, resamples=2)

    assert found.qini.value == pytest.approx(19.75 / 50 - 0.4 / 2)
    assert found.auuc.value == pytest.approx(30.1 / 100)
    assert found.effect.value == pytest.approx(2 / 5)


def test_scores_by_chance_have_a_coefficient_of_about_zero():
    rng = np.random.default_rng(1)
    values, covered = [], 0
    for run in range(60):
        _, outcome, treated = trial(rng, users=600)
        found = uplift(rng.random(600), outcome, treated, seed=run, bins=1, resamples=200).qini
        values.append(found.value)
        covered += found.low <= 0 <= found.high

    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(60)
    assert covered >= 52  # 95 % of 60, within what 60 can tell


def test_a_score_that_knows_the_truth_is_clearly_above_zero_and_its_opposite_below():
    works, outcome, treated = trial(np.random.default_rng(2))

    assert uplift(works, outcome, treated, seed=1, bins=2).qini.low > 0
    assert uplift(~works, outcome, treated, seed=1, bins=2).qini.high < 0


def test_the_first_decile_has_the_highest_scores_and_shows_their_uplift():
    works, outcome, treated = trial(np.random.default_rng(3), users=8000)
    score = works + np.linspace(0, 0.5, 8000)

    found = uplift(score, outcome, treated, seed=1, bins=4, resamples=200).deciles

    assert [decile.score_mean for decile in found] == sorted((d.score_mean for d in found), reverse=True)
    assert all(decile.uplift.low < 0.3 < decile.uplift.high for decile in found[:2])
    assert all(decile.uplift.low < 0 < decile.uplift.high for decile in found[2:])
    assert sum(decile.treated + decile.held for decile in found) == 8000


def test_the_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(4)
    shuffled = rng.permutation(10)

    np.testing.assert_allclose(
        qini_curve(SCORE[shuffled], OUTCOME[shuffled], TREATED[shuffled]), qini_curve(SCORE, OUTCOME, TREATED)
    )


def test_a_long_curve_is_thinned_from_nothing_to_the_whole_effect():
    works, outcome, treated = trial(np.random.default_rng(5))

    found = uplift(works + np.random.default_rng(6).random(2000) / 2, outcome, treated, seed=1, resamples=50)

    assert len(found.curve) == 101
    assert found.curve[0] == (0.0, 0.0)
    assert found.curve[-1][1] == pytest.approx(found.effect.value)


def test_a_decile_without_held_out_users_is_named():
    with pytest.raises(NotEnoughData, match="decile 1"):
        uplift([4, 3, 2, 1], [1, 0, 1, 0], [1, 1, 0, 0], seed=1, bins=2)


def test_what_cannot_be_a_trial_is_refused():
    with pytest.raises(InputFault, match="do not match"):
        uplift([1, 2], [1, 0, 1], [1, 0, 1], seed=1)
    with pytest.raises(InputFault, match="score of row 1"):
        uplift([1, np.nan], [1, 0], [1, 0], seed=1)
    with pytest.raises(NotEnoughData, match="2 treated of 2"):
        uplift([1, 2], [1, 0], [1, 1], seed=1)
