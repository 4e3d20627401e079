"""The compiled forest predicts what the library that trained it predicts."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor

from andante.frequency.compiled import CHUNK_ROWS, CompiledForest
from andante.vocabulary.fault import Fault

EDGES = [
    0.0,
    -0.0,
    1e-45,
    1.1754942e-38,
    0.1,
    1 / 3,
    16_777_217.0,
    3.4e38,
    -3.4e38,
    5e-324,
    1e-35,
    -1e-35,
    np.nan,
]
WITH_INFINITY = [*EDGES, np.inf, -np.inf, 1e300, -1e300]


def users(seed, *, rows=300, features=4, missing=0.2):
    """Features with ties (one decimal) and unknown values, and a label that depends on them."""
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(rows, features)).round(1)
    y = (np.where(X[:, 0] > 0, X[:, features // 2], X[:, -1]) + draw.normal(size=rows) > 0).astype(int)
    X[draw.random(X.shape) < missing] = np.nan
    return X, y


def rows_near(thresholds, edges, width, seed, *, count=200):
    """Random rows of values on, just above and just below the thresholds, and of float edge cases."""
    exact = np.concatenate([thresholds, np.float32(thresholds).astype(float)])
    single = np.float32(thresholds)
    beside = [np.nextafter(single, np.float32(side)).astype(float) for side in (-np.inf, np.inf)]
    beside += [np.nextafter(thresholds, side) for side in (-np.inf, np.inf)]
    values = np.concatenate([exact, *beside, edges, np.random.default_rng(seed).normal(size=50)])
    return np.random.default_rng(seed + 1).choice(values, size=(count, width))


def lightgbm_forest(X, y, **parameters):
    averaged = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "boost_from_average": False}
    common = {"objective": "regression", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 3, "seed": 1}
    parameters = common | averaged | parameters
    trees = parameters.pop("trees", 7)
    categorical = parameters.pop("categorical", "auto")
    data = lightgbm.Dataset(X, y, params=parameters, categorical_feature=categorical)
    return lightgbm.train(parameters, data, trees)


def thresholds_of(compiled):
    inner = compiled.trees.nodes["threshold"]
    return inner[np.isfinite(inner)]


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    missing=st.sampled_from([0.0, 0.3]),
    boosting=st.sampled_from(["rf", "gbdt"]),
    leaves=st.integers(2, 40),
    features=st.integers(1, 6),
)
def test_lightgbm_s_predictions_are_reproduced_to_the_bit(seed, missing, boosting, leaves, features):
    X, y = users(seed, features=features, missing=missing)
    booster = lightgbm_forest(X, y, boosting=boosting, num_leaves=leaves)
    compiled = CompiledForest.from_lightgbm(booster)
    rows = np.vstack([X, rows_near(thresholds_of(compiled), WITH_INFINITY, features, seed)])
    np.testing.assert_array_equal(compiled.predict(rows), booster.predict(rows, num_threads=1))


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    missing=st.sampled_from([0.0, 0.3]),
    kind=st.sampled_from([RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier]),
    depth=st.sampled_from([1, 3, None]),
    features=st.integers(1, 6),
)
def test_sklearn_s_predictions_are_reproduced(seed, missing, kind, depth, features):
    X, y = users(seed, features=features, missing=missing)
    forest = kind(n_estimators=7, max_depth=depth, random_state=seed).fit(X, y)
    compiled = CompiledForest.from_sklearn(forest)
    rows = np.vstack([X, rows_near(thresholds_of(compiled), EDGES, features, seed)])
    if not missing:
        rows = np.nan_to_num(rows)
    with np.errstate(invalid="ignore", over="ignore"):  # its check of the rows sums them, in float32
        theirs = forest.predict(rows) if kind is RandomForestRegressor else forest.predict_proba(rows)[:, 1]
    np.testing.assert_allclose(compiled.predict(rows), theirs, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 700))
def test_one_row_is_predicted_as_in_any_batch(seed, count):
    X, y = users(seed, rows=700)
    compiled = CompiledForest.from_lightgbm(lightgbm_forest(X, y))
    alone = [compiled.predict_one(row) for row in X[:count]]
    np.testing.assert_array_equal(compiled.predict(X[:count]), np.array(alone, float))


def test_rows_in_any_type_order_or_protection_give_the_same():
    X, y = users(0, missing=0.1)
    compiled = CompiledForest.from_lightgbm(lightgbm_forest(X, y))
    expected = compiled.predict(X)
    protected = X.copy()
    protected.setflags(write=False)
    for rows in (np.asfortranarray(X), protected, np.repeat(X, 2, axis=1)[:, ::2], X.tolist()):
        np.testing.assert_array_equal(compiled.predict(rows), expected)
    halves = np.round(X)  # exact in float32, whatever the thresholds
    np.testing.assert_array_equal(compiled.predict(halves.astype(np.float32)), compiled.predict(halves))


def test_many_rows_give_the_same_on_any_number_of_threads():
    X, y = users(1)
    booster = lightgbm_forest(X, y)
    compiled = CompiledForest.from_lightgbm(booster)
    rows = np.random.default_rng(2).choice(X.ravel(), size=(2 * CHUNK_ROWS + 17, X.shape[1]))
    expected = booster.predict(rows, num_threads=1)
    for n_jobs in (None, 1, 3):
        np.testing.assert_array_equal(compiled.predict(rows, n_jobs=n_jobs), expected)


def test_threads_that_share_one_forest_all_get_the_right_numbers():
    X, y = users(3)
    compiled = CompiledForest.from_lightgbm(lightgbm_forest(X, y, trees=50))
    rows = np.tile(X, (120, 1))  # more than one chunk: each call starts threads of its own
    expected, first = compiled.predict(rows), compiled.predict_one(rows[0])
    assert len(rows) > 2 * CHUNK_ROWS

    def score(turn):
        if turn % 4:
            return {compiled.predict_one(rows[0]) for _ in range(200)} == {first}
        return np.array_equal(compiled.predict(rows), expected)

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(score, range(64)))


def test_a_pickled_forest_predicts_the_same():
    X, y = users(4)
    compiled = CompiledForest.from_lightgbm(lightgbm_forest(X, y))
    again = pickle.loads(pickle.dumps(compiled))  # noqa: S301  we wrote it
    np.testing.assert_array_equal(again.predict(X), compiled.predict(X))


def test_a_forest_without_any_split_predicts_its_constant():
    X, y = users(5, rows=30)
    booster = lightgbm_forest(X, y, min_data_in_leaf=30, boosting="gbdt", boost_from_average=True)
    compiled = CompiledForest.from_lightgbm(booster)
    np.testing.assert_array_equal(compiled.predict(X), booster.predict(X))
    assert compiled.predict_one(X[0]) == booster.predict(X[:1])[0]


def test_more_features_than_a_block_of_the_cache_are_scored_alike():
    draw = np.random.default_rng(6)
    X = draw.normal(size=(400, 700))
    booster = lightgbm_forest(X, X[:, 650] > 0)
    np.testing.assert_array_equal(CompiledForest.from_lightgbm(booster).predict(X), booster.predict(X, num_threads=1))


@pytest.mark.parametrize("shape", [(5, 3), (5, 5), (4,), (5, 4, 1), ()])
def test_rows_of_another_width_are_a_fault_that_names_both(shape):
    X, y = users(7)
    compiled = CompiledForest.from_lightgbm(lightgbm_forest(X, y))
    with pytest.raises(Fault, match="forest of 4 features"):
        compiled.predict(np.zeros(shape))


def test_a_row_of_another_width_is_a_fault():
    X, y = users(7)
    compiled = CompiledForest.from_lightgbm(lightgbm_forest(X, y))
    with pytest.raises(Fault, match=r"\(3,\).*forest of 4 features"):
        compiled.predict_one([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"objective": "binary"}, "objective"),
        ({"objective": "poisson"}, "objective"),
        ({"reg_sqrt": True}, "objective"),
        ({"objective": "multiclass", "num_class": 3}, "classes"),
        ({"zero_as_missing": True}, "zeros as missing"),
        ({"categorical": [0], "min_data_per_group": 1, "cat_smooth": 0}, "categorical"),
        ({"linear_tree": True, "boosting": "gbdt"}, "linear leaves"),
    ],
)
def test_what_the_walk_does_not_know_of_lightgbm_is_refused(parameters, named):
    X, _ = users(8, missing=0.0)
    X[:, 0] = np.abs(X[:, 0] * 10).astype(int) % 5
    X[::3, 1] = 0.0
    y = (X[:, 0] % 2 + (X[:, 1] > 0)).astype(int) % parameters.get("num_class", 2)
    with pytest.raises(Fault, match=named):
        CompiledForest.from_lightgbm(lightgbm_forest(X, y, **parameters))


def test_forests_of_sklearn_with_other_outputs_are_refused():
    X, y = users(9, missing=0.0)
    three = np.digitize(X[:, 0], [-0.5, 0.5])
    for labels in (three, np.column_stack([y, three]), np.zeros(len(X), int)):
        with pytest.raises(Fault, match="of the forest to compile"):
            CompiledForest.from_sklearn(RandomForestClassifier(3, random_state=0).fit(X, labels))
    with pytest.raises(Fault, match="outputs of the forest"):
        CompiledForest.from_sklearn(RandomForestRegressor(3, random_state=0).fit(X, np.column_stack([y, y])))


def test_importing_compiles_nothing():
    code = (
        "import andante.frequency.compiled as module\n"
        "kernels = [value for value in vars(module).values() if hasattr(value, 'signatures')]\n"
        "assert len(kernels) == 4 and not any(kernel.signatures for kernel in kernels), kernels"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_kernels_give_the_same_as_the_python_they_were_compiled_from():
    X, y = users(10, rows=40)
    compiled = CompiledForest.from_lightgbm(lightgbm_forest(X, y, trees=3))
    code = (
        "import pickle, sys\n"
        "compiled, rows = pickle.load(sys.stdin.buffer)\n"
        "sys.stdout.buffer.write(pickle.dumps((compiled.predict(rows), compiled.predict_one(rows[0]))))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps((compiled, X)),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    batch, one = pickle.loads(run.stdout)  # noqa: S301  we wrote it
    np.testing.assert_array_equal(batch, compiled.predict(X))
    assert one == compiled.predict_one(X[0])
