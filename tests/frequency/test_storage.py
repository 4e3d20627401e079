"""Interest models survive the disk without pickle, and what cannot is refused before it learns."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from andante.frequency.families import interest_of, names
from andante.frequency.storage import FILE, check_storable, load_interest, save_interest
from andante.vocabulary.fault import SettingsFault, UnreadableInput

FEATURES = ("views", "purchases", "active_days", "recency_days")


@pytest.fixture(scope="module")
def users():
    rng = np.random.default_rng(2)
    X = rng.poisson(4.0, size=(500, 4)).astype(float)
    return X, (rng.random(500) < X[:, 2] / 10).astype(int)


@pytest.mark.parametrize("family", ["forest", "linear", "thresholds"])
def test_a_model_comes_back_with_the_same_bits(users, family, tmp_path):
    X, y = users
    fitted = interest_of(family, FEATURES, seed=3).fit(X, y)
    save_interest(fitted, family, tmp_path)
    again = load_interest(tmp_path, FEATURES)
    assert np.array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_the_installed_families_are_those_that_the_help_names():
    assert names() == ("forest", "linear", "thresholds")


def test_a_model_that_cannot_be_written_is_refused_by_name():
    with pytest.raises(SettingsFault, match="elsewhere"):
        check_storable(LogisticRegression(), "elsewhere")


@pytest.mark.parametrize("change", [{"version": 2}, {"kind": "Thief"}, {"family": "nobody", "kind": None}], ids=str)
def test_a_folder_of_another_making_is_refused(users, tmp_path, change):
    X, y = users
    save_interest(interest_of("linear", FEATURES, seed=0).fit(X, y), "linear", tmp_path)
    stored = json.loads((tmp_path / FILE).read_text("utf-8")) | change
    (tmp_path / FILE).write_text(json.dumps({k: v for k, v in stored.items() if v is not None}), "utf-8")
    with pytest.raises((UnreadableInput, SettingsFault)):
        load_interest(tmp_path, FEATURES)


def test_a_folder_without_a_model_says_to_run_again(tmp_path):
    with pytest.raises(UnreadableInput, match="andante run"):
        load_interest(tmp_path, FEATURES)
