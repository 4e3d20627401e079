"""The forest's interest: as accurate as scikit-learn's, the same on every run, kept as two text files."""

import json
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_estimator

from andante.frequency.forest import DESCRIPTION, FOREST, ForestInterest
from andante.vocabulary.fault import InputFault, SettingsFault, UnreadableInput

GOLDEN = Path(__file__).parent / "golden" / "forest-1"
GOLDEN_ROWS = [[3.0, 0.0], [0.5, 2.0], [float("nan"), 9.0], [12.0, float("nan")]]


def users(seed, *, rows=1000, features=6, missing=0.05):
    """Features of which four matter, and labels drawn with the interest they give: about one in three."""
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(rows, features))
    interest = 1 / (1 + np.exp(1 - 1.5 * X[:, 0] * X[:, 1] - np.sin(2 * X[:, 2]) + X[:, 3] ** 2 / 2))
    y = (draw.random(rows) < interest).astype(int)
    X[draw.random(X.shape) < missing] = np.nan
    return X, y


def trees(model):
    """The trees as text, without LightGBM's echo of parameters such as the number of threads."""
    return model.booster_.model_to_string().split("\nparameters:")[0]


def test_scikit_learn_s_checks_of_an_estimator_pass():
    drawn = "each tree draws rows, so a row of weight 2 is not two rows, nor a row of weight 0 none"
    failing = {"check_sample_weight_equivalence_on_dense_data": drawn}  # scikit-learn's forest: the same
    check_estimator(ForestInterest(n_estimators=20), expected_failed_checks=failing, on_skip=None)


def test_the_forest_ranks_and_calibrates_like_scikit_learn_s():
    X, y = users(0, rows=4000, missing=0.0)
    unseen, truth = users(1, rows=20_000, missing=0.0)
    ours = ForestInterest(min_samples_leaf=10).fit(X, y).predict_proba(unseen)[:, 1]
    forest = RandomForestClassifier(max_depth=12, min_samples_leaf=10, random_state=0).fit(X, y)
    theirs = forest.predict_proba(unseen)[:, 1]
    assert roc_auc_score(truth, ours) > roc_auc_score(truth, theirs) - 0.01
    assert brier_score_loss(truth, ours) < brier_score_loss(truth, theirs) + 0.003
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95
    assert abs(ours.mean() - truth.mean()) < 0.02


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), depth=st.integers(1, 6), least=st.integers(1, 40))
def test_a_leaf_holds_the_mean_label_of_its_users(seed, depth, least):
    X, y = users(seed, rows=300)
    model = ForestInterest(1, max_depth=depth, min_samples_leaf=least, max_samples=1 - 1e-12).fit(X, y)
    leaf, interest = model.booster_.predict(X, pred_leaf=True).ravel(), model.predict_proba(X)[:, 1]
    means = {index: y[leaf == index].mean() for index in np.unique(leaf)}
    wrong = {index for index in means if abs(interest[leaf == index][0] - means[index]) > 1e-12}
    assert len(wrong) <= 1  # LightGBM rounds the subsample down, so one user is in none of the leaves


def test_the_binary_objective_in_forest_mode_would_not_hold_mean_labels():
    X, y = users(2, missing=0.0)
    parameters = ForestInterest(max_depth=3)._lightgbm_parameters(*X.shape, float(y.mean()))
    parameters |= {"objective": "binary", "boost_from_average": True, "bagging_fraction": 1 - 1e-12}
    booster = lightgbm.train(parameters, lightgbm.Dataset(X, y, params=parameters), 1)
    leaf, interest = booster.predict(X, pred_leaf=True).ravel(), booster.predict(X)
    worst = max(abs(interest[leaf == index][0] - y[leaf == index].mean()) for index in np.unique(leaf))
    assert worst > 0.02


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31 - 1), weighted=st.booleans())
def test_the_same_users_and_seed_give_the_same_forest_bit_for_bit(seed, weighted):
    X, y = users(3)
    weight = np.random.default_rng(4).random(len(y)) if weighted else None
    one, again = (ForestInterest(10, random_state=seed).fit(X, y, weight) for _ in range(2))
    assert one.booster_.model_to_string() == again.booster_.model_to_string()


@pytest.mark.parametrize("weighted", [False, True])
def test_any_number_of_threads_grows_the_same_forest(weighted):
    X, y = users(3)
    weight = np.random.default_rng(4).random(len(y)) if weighted else None
    one, more = (ForestInterest(3, max_depth=5, n_jobs=n_jobs).fit(X, y, weight) for n_jobs in (1, 2))
    assert trees(one) == trees(more)


def test_another_seed_gives_another_forest():
    X, y = users(3)
    assert trees(ForestInterest(5, random_state=1).fit(X, y)) != trees(ForestInterest(5, random_state=2).fit(X, y))


def test_the_compiled_walk_predicts_lightgbm_s_own_bits():
    X, y = users(5)
    model = ForestInterest(30).fit(X, y)
    interest = model.predict_proba(X)
    np.testing.assert_array_equal(interest[:, 1], model.booster_.predict(X))
    np.testing.assert_array_equal(interest[:, 0], 1 - interest[:, 1])
    assert model.compiled_.predict_one(X[0]) == interest[0, 1]


def test_contributions_sum_to_the_interest():
    X, y = users(6)
    model = ForestInterest(30).fit(X, y)
    shares = model.contributions(X)
    assert shares.shape == (1000, 7)
    np.testing.assert_allclose(shares.sum(axis=1), model.predict_proba(X)[:, 1], rtol=0, atol=1e-12)
    assert np.unique(shares[:, -1]).size == 1
    assert abs(shares[0, -1] - y.mean()) < 0.03


def test_contributions_and_importances_name_the_features_that_matter():
    X, y = users(7, rows=2000)
    model = ForestInterest(20).fit(X, y)
    assert model.feature_importances_.sum() == pytest.approx(1)
    assert model.feature_importances_[:4].min() > model.feature_importances_[4:].max()
    moved = np.abs(model.contributions(X)[:, :-1]).mean(axis=0)
    assert moved[:4].min() > moved[4:].max()


def test_users_too_few_to_split_all_get_the_mean_label():
    X, y = users(8, rows=15)
    y[:6], y[6:] = 1, 0
    model = ForestInterest(5).fit(X, y)
    assert np.unique(model.predict_proba(X)[:, 1]).tolist() == [pytest.approx(0.4)]
    assert model.feature_importances_.tolist() == [0.0] * 6
    assert model.contributions(X)[:, -1].tolist() == pytest.approx([0.4] * 15)


def test_features_that_never_vary_give_the_mean_label():
    y = np.arange(100) % 4 == 0
    assert ForestInterest(5).fit(np.ones((100, 2)), y).predict_proba([[1, 1]])[0, 1] == pytest.approx(0.25)


def test_unknown_features_are_a_signal_of_their_own():
    draw = np.random.default_rng(9)
    X = draw.normal(size=(2000, 3))
    y = draw.random(2000) < 0.5
    X[y & (draw.random(2000) < 0.8), 1] = np.nan
    interest = ForestInterest(20).fit(X, y).predict_proba([[0, np.nan, 0], [0, 0, 0]])[:, 1]
    assert interest[0] > 0.9
    assert interest[1] < 0.3


def test_weights_move_interest_and_their_scale_does_not():
    X, y = users(10)
    plain = ForestInterest(20).fit(X, y).predict_proba(X)[:, 1]
    tripled = ForestInterest(20).fit(X, y, np.where(y == 1, 3.0, 1.0)).predict_proba(X)[:, 1]
    tiny = ForestInterest(20).fit(X, y, np.where(y == 1, 3e-9, 1e-9)).predict_proba(X)[:, 1]
    assert tripled.mean() > plain.mean() + 0.1
    np.testing.assert_allclose(tiny, tripled, atol=1e-6)
    assert 0 <= tripled.min() <= tripled.max() <= 1


@pytest.mark.parametrize("labels", [(0, 1), (False, True), ("cool", "keen"), (-1.0, 2.0)])
def test_classes_keep_their_type_and_order(labels, tmp_path):
    X, y = users(11)
    model = ForestInterest(10).fit(X, np.array(labels)[y])
    assert model.classes_.tolist() == list(labels)
    assert set(model.predict(X).tolist()) == set(labels)
    model.save(tmp_path)
    again = ForestInterest.load(tmp_path)
    assert again.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_names_of_a_data_frame_s_columns_are_kept_and_checked(tmp_path):
    X, y = users(12, features=4)
    frame = pd.DataFrame(X, columns=["views 7d", "cart:1", "días", '"quoted"'])
    model = ForestInterest(10).fit(frame, y)
    model.save(tmp_path)
    for one in (model, ForestInterest.load(tmp_path)):
        assert one.feature_names_in_.tolist() == frame.columns.tolist()
        np.testing.assert_array_equal(one.predict_proba(frame), model.predict_proba(frame))
        with pytest.raises(ValueError, match="feature names"):
            one.predict_proba(frame.iloc[:, ::-1])


def test_cross_validation_works_and_beats_chance():
    X, y = users(13)
    assert cross_val_score(ForestInterest(30), X, y, scoring="roc_auc").mean() > 0.6


def test_threads_that_share_one_model_get_the_same_answers():
    X, y = users(14)
    model = ForestInterest(20).fit(X, y)
    interest, shares = model.predict_proba(X), model.contributions(X[:5])

    def ask(_turn):
        return np.array_equal(model.predict_proba(X), interest) and np.array_equal(model.contributions(X[:5]), shares)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(40)))


def test_one_class_only_is_refused_in_words():
    with pytest.raises(ValueError, match=r"one class only \(1\)"):
        ForestInterest().fit([[1.0], [2.0]], [1, 1])


def test_a_forest_that_is_not_fitted_says_so(tmp_path):
    for ask in (
        lambda: ForestInterest().predict_proba([[1.0]]),
        lambda: ForestInterest().contributions([[1.0]]),
        lambda: ForestInterest().save(tmp_path),
        lambda: ForestInterest().feature_importances_,
    ):
        with pytest.raises(NotFittedError):
            ask()


def test_another_number_of_features_is_refused():
    X, y = users(15)
    model = ForestInterest(3).fit(X, y)
    for ask in (model.predict_proba, model.contributions):
        with pytest.raises(ValueError, match="X has 5 features, but ForestInterest is expecting 6"):
            ask(X[:, :5])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_estimators", 0),
        ("n_estimators", 2.5),
        ("max_depth", 0),
        ("max_depth", 17),
        ("max_depth", None),
        ("max_features", 0.0),
        ("max_features", 1.5),
        ("max_features", "log2"),
        ("min_samples_leaf", True),
        ("max_samples", 1.0),
        ("max_samples", "sqrt"),
        ("random_state", None),
        ("random_state", -1),
        ("n_jobs", 0),
        ("n_jobs", -2),
    ],
)
def test_a_parameter_out_of_range_is_a_fault_that_names_it(name, value):
    with pytest.raises(SettingsFault, match=f"^{name} "):
        ForestInterest(**{name: value}).fit([[0.0], [1.0]], [0, 1])


def test_parameters_from_a_search_may_be_numpy_s(tmp_path):
    X, y = users(16)
    model = ForestInterest(np.int64(3), max_features=np.float64(0.5), max_samples=np.float32(0.5)).fit(X, y)
    model.save(tmp_path)
    assert ForestInterest.load(tmp_path).get_params() == model.get_params()


def test_a_reloaded_forest_is_the_same_in_every_answer(tmp_path):
    X, y = users(17)
    model = ForestInterest(20, max_depth=5).fit(X, y)
    model.save(tmp_path / "made" / "here")
    again = ForestInterest.load(str(tmp_path / "made" / "here"))
    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.contributions(X), model.contributions(X))
    np.testing.assert_array_equal(again.feature_importances_, model.feature_importances_)
    again.save(tmp_path / "twice")
    for name in (FOREST, DESCRIPTION):
        assert (tmp_path / "twice" / name).read_bytes() == (tmp_path / "made" / "here" / name).read_bytes()


def test_a_pickled_forest_predicts_the_same():
    X, y = users(18)
    model = ForestInterest(5).fit(X, y)
    again = pickle.loads(pickle.dumps(model))  # noqa: S301  we wrote it
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_the_golden_forest_of_version_1_still_loads_and_predicts_its_numbers():
    model = ForestInterest.load(GOLDEN)
    assert model.feature_names_in_.tolist() == ["views", "recency_days"]
    expected = json.loads((GOLDEN / "interest.json").read_text(encoding="utf-8"))
    interest = model.predict_proba(pd.DataFrame(GOLDEN_ROWS, columns=model.feature_names_in_))[:, 1]
    assert interest.tolist() == expected


def test_today_s_description_has_the_fields_of_the_golden_one(tmp_path):
    ForestInterest.load(GOLDEN).save(tmp_path)
    saved, golden = (json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")) for folder in (tmp_path, GOLDEN))
    assert saved.keys() == golden.keys()
    assert saved["parameters"] == golden["parameters"]


@pytest.fixture
def saved(tmp_path):
    for name in (FOREST, DESCRIPTION):
        shutil.copyfile(GOLDEN / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", [FOREST, DESCRIPTION])
def test_a_missing_file_is_a_fault_that_names_it(saved, name):
    (saved / name).unlink()
    with pytest.raises(InputFault, match=f"{name}.*is not there"):
        ForestInterest.load(saved)


def test_another_version_is_a_fault_that_names_it(saved):
    described = json.loads((saved / DESCRIPTION).read_text(encoding="utf-8"))
    (saved / DESCRIPTION).write_text(json.dumps({"version": 2, "else": described}), encoding="utf-8")
    with pytest.raises(InputFault, match=r"version \(2\) is not version 1"):
        ForestInterest.load(saved)


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from([FOREST, DESCRIPTION]), cut=st.floats(0, 0.99), byte=st.none() | st.integers(0, 255))
def test_a_cut_or_changed_file_is_a_fault_or_reads_the_same(tmp_path_factory, name, cut, byte):
    folder = tmp_path_factory.mktemp("saved")
    shutil.copytree(GOLDEN, folder, dirs_exist_ok=True)
    whole = (GOLDEN / name).read_bytes()
    at = int(cut * len(whole))
    (folder / name).write_bytes(whole[:at] if byte is None else whole[:at] + bytes([byte]) + whole[at + 1 :])
    try:
        model = ForestInterest.load(folder)
    except InputFault:
        return
    rows = pd.DataFrame(GOLDEN_ROWS, columns=["views", "recency_days"])
    np.testing.assert_array_equal(model.predict_proba(rows), ForestInterest.load(GOLDEN).predict_proba(rows))


@pytest.mark.parametrize(
    "change",
    [
        {"version": None},
        {"classes": {}},
        {"classes_dtype": "<f4"},
        {"n_features": 3},
        {"parameters": {"depth": 1}},
        {"extra": 1},
    ],
)
def test_a_description_changed_by_hand_is_a_fault(saved, change):
    described = json.loads((saved / DESCRIPTION).read_text(encoding="utf-8")) | change
    (saved / DESCRIPTION).write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(InputFault):
        ForestInterest.load(saved)


def test_descriptions_that_are_not_objects_of_utf_8_are_faults(saved):
    for damage in (b"", b"[1]", b"null", b"{", b'{"version": 1}', b"\xff\xfe{}"):
        (saved / DESCRIPTION).write_bytes(damage)
        with pytest.raises(UnreadableInput):
            ForestInterest.load(saved)
