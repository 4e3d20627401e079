import numpy as np
import pytest

from andante.evaluation.experiments.sample_ratio import FALSE_ALARMS, sample_ratio, sequential_p_values
from andante.vocabulary.fault import InputFault, NotEnoughData


def test_it_fires_on_one_percent_of_ninety_thousand():
    found = sample_ratio([45_450, 44_550], [0.5, 0.5])

    assert found.p_value == pytest.approx(0.0027, abs=1e-4)
    assert found.fires
    assert "do not believe the lift" in found.verdict


def test_it_is_silent_on_an_equal_split():
    assert not sample_ratio([45_000, 45_000], [1, 1]).fires


def test_on_right_splits_it_fires_as_often_as_it_says():
    firsts = np.random.default_rng(1).binomial(90_000, 0.5, size=1500)
    alarms = np.mean([sample_ratio([int(n), 90_000 - int(n)], [1, 1]).fires for n in firsts])

    assert 0.003 < alarms < 0.018  # 1 %, within what 1,500 splits can tell


def test_looking_at_any_time_keeps_its_rate_on_right_splits():
    rng, alarms = np.random.default_rng(2), 0
    for _ in range(400):
        first = (rng.random(5000) < 0.5).cumsum()
        counts = np.stack([first, np.arange(1, 5001) - first], axis=1).astype(float)
        alarms += sequential_p_values(counts, np.array([0.5, 0.5]))[-1] < 0.05

    assert alarms / 400 <= 0.05


def test_looking_at_any_time_finds_a_wrong_split_in_time():
    counts = np.array([[505.0, 495.0]]) * np.arange(1, 401)[:, None]

    p_values = sequential_p_values(counts, np.array([0.5, 0.5]))

    assert p_values[89] > FALSE_ALARMS  # 90,000 users are too few for a test that may be looked at any time
    assert p_values[-1] < FALSE_ALARMS
    assert np.all(np.diff(p_values) <= 0)


def test_the_price_of_looking_is_a_larger_p_value():
    found = sample_ratio([45_450, 44_550], [0.5, 0.5], any_time=True)

    assert found.p_value_any_time > found.p_value
    assert not found.fires


def test_shares_may_be_unequal_and_of_any_scale():
    assert not sample_ratio([9_700, 300], [97, 3]).fires
    assert sample_ratio([9_600, 400], [97, 3]).fires


def test_three_groups_are_judged_together():
    assert not sample_ratio([21_306, 21_307, 21_387], [1, 1, 1]).fires
    assert sample_ratio([21_306, 21_307, 22_387], [1, 1, 1]).fires


def test_the_sequential_p_value_of_three_groups_is_that_of_lindon_and_malek():
    # By hand with a Dirichlet of (1, 1, 1): the marginal of any ordered counts (2, 1, 0) is Γ(3) Γ(3) Γ(2) / Γ(6).
    spread = np.sqrt(0.25 / 4)  # weights that sum to 3
    counts = np.array([[2.0, 1.0, 0.0]])
    evidence = (2 * 2 * 1 / 120) / (1 / 27)

    found = sequential_p_values(counts, np.full(3, 1 / 3), spread=float(spread))

    assert found[0] == pytest.approx(min(1, 1 / evidence))


@pytest.mark.parametrize(("counts", "shares"), [([1, 2], [1]), ([5], [1]), ([-1, 9], [1, 1]), ([5, 5], [1, 0])])
def test_a_split_that_cannot_be_meant_is_refused(counts, shares):
    with pytest.raises(InputFault):
        sample_ratio(counts, shares)


def test_too_few_users_show_nothing():
    with pytest.raises(NotEnoughData, match="wait for more users"):
        sample_ratio([3, 3], [1, 1])
