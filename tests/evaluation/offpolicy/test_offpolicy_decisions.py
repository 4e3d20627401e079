"""What a log of decisions must be."""

import numpy as np
import pytest

from andante.evaluation.offpolicy.decisions import Decisions
from andante.evaluation.offpolicy.horizon import Trajectories
from andante.vocabulary.fault import InputFault

GOOD = {"reward": [1.0, 0.0], "propensity": [0.5, 0.25], "target": [1.0, 0.5], "user": [7, 7]}


def test_columns_become_arrays_and_weights_are_their_ratio():
    log = Decisions(**GOOD)
    assert log.weight.tolist() == [2.0, 2.0]
    assert log.cluster.tolist() == [0, 0]
    assert len(log) == 2


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("propensity", [0.5, 0.0], r"the propensity at row 1 \(0\) is not within \(0, 1\]"),
        ("propensity", [0.5, 1.5], r"the propensity at row 1 \(1.5\)"),
        ("target", [-0.1, 0.5], r"the target at row 0 \(-0.1\) is not within \[0, 1\]"),
        ("reward", [0.0, np.nan], r"the reward at row 1 \(nan\) is not a number"),
        ("reward", [], r"the log \(0 decisions\) cannot be judged"),
        ("target", [1.0], r"the column 'target' \(1 values\) does not match the 2 rewards"),
        ("user", [0.5, 1.5], r"the users \(float64\) are not whole numbers"),
        ("expected_taken", [0.1, 0.2], r"the model \(without expected_target\) is half a model"),
        ("unsupported", [0.1, 1.2], r"the unsupported at row 1 \(1.2\)"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_row(column, values, said):
    with pytest.raises(InputFault, match=said):
        Decisions(**GOOD | {column: values})


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("reward", [1.0, 0.0], "are no table"),
        ("target", [[1.0]], "does not match the rewards"),
        ("propensity", [[0.5, 0.0]], "the propensity at row 1"),
        ("state", [[0, -1]], r"int64 from -1"),
    ],
)
def test_trajectories_that_cannot_be_meant_are_refused(column, values, said):
    good = {"reward": [[1.0, 0.0]], "propensity": [[0.5, 0.5]], "target": [[1.0, 0.5]]}
    with pytest.raises(InputFault, match=said):
        Trajectories(**good | {column: values})
