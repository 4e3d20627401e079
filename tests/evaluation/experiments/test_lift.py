import numpy as np
import pytest

from andante.evaluation.experiments.lift import lift
from andante.vocabulary.fault import InputFault, NotEnoughData


def trial(rng, users, rho, effect=0.2):
    before, noise = rng.standard_normal((2, users))
    treated = rng.random(users) < 0.5
    return rho * before + np.sqrt(1 - rho**2) * noise + effect * treated, treated, before


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_the_past_removes_its_squared_correlation_from_the_variance_and_no_effect(rho):
    rng, plain, adjusted = np.random.default_rng(1), [], []
    for run in range(600):
        y, treated, before = trial(rng, 300, rho)
        plain.append(y[treated].mean() - y[~treated].mean())
        adjusted.append(lift(y, treated, before=before, seed=run, resamples=2).difference.value)

    assert np.var(adjusted) / np.var(plain) == pytest.approx(1 - rho**2, abs=0.09)
    assert np.mean(adjusted) == pytest.approx(0.2, abs=3 * np.std(adjusted) / np.sqrt(600))


def test_the_share_of_variance_removed_is_told():
    found = lift(*(trial(np.random.default_rng(2), 20_000, 0.6))[:2], before=None, seed=1, resamples=50)
    y, treated, before = trial(np.random.default_rng(2), 20_000, 0.6)

    assert found.variance_removed is None
    assert lift(y, treated, before=before, seed=1, resamples=50).variance_removed == pytest.approx(0.36, abs=0.02)


def test_the_adjusted_difference_is_that_of_a_regression_on_group_and_past():
    y, treated, before = trial(np.random.default_rng(3), 500, 0.7)
    design = np.column_stack([np.ones(500), treated, before])
    by_regression = np.linalg.lstsq(design, y, rcond=None)[0][1]

    assert lift(y, treated, before=before, seed=1).difference.value == pytest.approx(by_regression, abs=1e-12)


def test_the_interval_covers_the_truth_with_and_without_a_past():
    rng, covered = np.random.default_rng(4), np.zeros(2)
    for run in range(250):
        y, treated, before = trial(rng, 200, 0.6)
        for place, past in enumerate((None, before)):
            found = lift(y, treated, before=past, seed=run, resamples=300).difference
            covered[place] += found.low <= 0.2 <= found.high

    assert np.all(covered / 250 >= 0.91)
    assert np.all(covered / 250 <= 0.99)


def test_the_past_makes_the_interval_narrower():
    y, treated, before = trial(np.random.default_rng(5), 2000, 0.9)

    plain, adjusted = (lift(y, treated, before=past, seed=1).difference for past in (None, before))

    assert (adjusted.high - adjusted.low) / (plain.high - plain.low) == pytest.approx(np.sqrt(0.19), abs=0.05)


def test_the_relative_lift_is_left_out_where_the_held_out_came_to_nothing_clear():
    rng = np.random.default_rng(6)
    treated = np.arange(400) % 2 == 0

    assert lift(rng.normal(size=400), treated, seed=1).relative is None
    assert lift(2 + treated + rng.normal(size=400), treated, seed=1).relative.value == pytest.approx(0.5, abs=0.1)


def test_a_past_that_is_the_same_for_all_changes_nothing():
    y, treated, _ = trial(np.random.default_rng(7), 100, 0.5)

    assert lift(y, treated, before=np.ones(100), seed=1).difference == lift(y, treated, seed=1).difference


def test_unequal_lengths_are_refused():
    with pytest.raises(InputFault, match="do not match"):
        lift([1.0, 2.0], [1, 0, 1], seed=1)


def test_a_trial_without_a_holdout_shows_no_lift():
    with pytest.raises(NotEnoughData, match="0 held out"):
        lift([1.0, 2.0], [1, 1], seed=1)
