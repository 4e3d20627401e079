import numpy as np
import pytest

from andante.evaluation.measures.calibration import calibration_by, deciles
from andante.vocabulary.fault import InputFault


def test_a_model_that_is_right_on_the_whole_may_be_wrong_for_those_pushed_often():
    rng = np.random.default_rng(1)
    k = rng.integers(1, 5, 8000)
    truth = 0.1 + 0.1 * k
    found = calibration_by(np.full(8000, truth.mean()), rng.random(8000) < truth, k, np.arange(8000), seed=1)

    assert [group.label for group in found] == [1, 2, 3, 4]
    assert found[0].off.low > 0
    assert found[-1].off.high < 0
    assert np.average([group.off.value for group in found], weights=[group.rows for group in found]) == pytest.approx(
        0, abs=0.02
    )


def test_a_right_prediction_is_within_its_intervals():
    rng = np.random.default_rng(2)
    told = rng.random(20_000)

    found = calibration_by(told, rng.random(20_000) < told, deciles(told), np.arange(20_000), seed=1, resamples=400)

    assert len(found) == 10
    assert sum(group.off.low <= 0 <= group.off.high for group in found) >= 8


def test_a_user_with_many_rows_is_one_piece_of_evidence():
    rng = np.random.default_rng(3)
    came = np.repeat(rng.random(100) < 0.5, 20)

    many = calibration_by(np.full(2000, 0.5), came, np.ones(2000), np.repeat(np.arange(100), 20), seed=1)[0]
    each = calibration_by(np.full(2000, 0.5), came, np.ones(2000), np.arange(2000), seed=1)[0]

    assert many.observed.high - many.observed.low > 3 * (each.observed.high - each.observed.low)


def test_equal_predictions_share_a_decile():
    assert set(deciles([0.2] * 7 + [0.8] * 3)) == {1, 2}


def test_unequal_lengths_are_refused():
    with pytest.raises(InputFault, match="do not match"):
        calibration_by([0.5], [1, 0], [1, 1], [1, 2], seed=1)
