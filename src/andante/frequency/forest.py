"""Interest by a random forest: the seeds' first model, trained by LightGBM and walked by compiled code."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, Self

import lightgbm
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from andante.frequency.compiled import CompiledForest
from andante.vocabulary.fault import InputFault, SettingsFault, UnreadableInput

FORMAT_VERSION = 1
"""Version of the persisted form, two text files."""

FOREST, DESCRIPTION = "forest.txt", "forest.json"  # LightGBM's text model, and all that it does not say

MANY_ROWS = 100_000  # below, LightGBM's threads gain little, and wait on each other on a busy machine
LEAF_RARER = 10  # of the rarer label in a leaf, on average
HISTOGRAMS_MB = 256  # of the nodes still open: twice as much grew the same trees no faster


class ForestInterest(ClassifierMixin, BaseEstimator):
    """Interest by a random forest: the share of engaged users among those alike (first seed, section 3.3).

    A true random forest (Breiman 2001): each tree is grown to the end on its own subsample of the users, each
    node chooses among its own sample of features, and the trees' leaves are averaged. LightGBM grows it on
    binned features in its ``rf`` mode, many times faster than scikit-learn at the same accuracy. The
    objective is L2 on the label 0 or 1, started from 0: then a leaf holds exactly the mean label of its
    users, as in scikit-learn's forest. (The binary objective in ``rf`` mode would take one Newton step from
    the mean: leaves of share 0.19 and 0.70 came out as 0.23 and 0.69.)

    - ``n_estimators``: trees.
    - ``max_depth``: 1 to 16 comparisons from root to leaf.
    - ``max_features``: share of the features that each node may choose from, or "sqrt".
    - ``min_samples_leaf``: users below which no node is split off, or "auto": as many as hold ten of the rarer
      label on average, and ten at least, so that a leaf's share means something where few engage.
    - ``max_samples``: share of the users that each tree sees, drawn without replacement, below 1. The
      default is the share of distinct users in a bootstrap sample, 1 - 1/e.
    - ``random_state``: an integer. The same users and seed give the same forest, bit for bit, on any number
      of threads (with sample weights too, for each feature is summed by one thread).
    - ``n_jobs``: threads; -1 is every core; None too, but one to train on fewer than 100,000 users.

    NaN means unknown, and a split learns where to send it. A feature without NaN in training reads NaN as 0.
    Learns ``classes_``, ``n_features_in_``, ``feature_names_in_`` (where X names its columns), ``booster_``
    and ``compiled_``, the ``CompiledForest`` that predicts.

    Raises ``SettingsFault`` for parameters out of range, and scikit-learn's ``ValueError`` for unusable X or
    y, labels of one class included.

    >>> X, y = [[float(visits)] for visits in range(100)], [visits > 60 for visits in range(100)]
    >>> forest = ForestInterest(n_estimators=10, min_samples_leaf=10).fit(X, y)
    >>> forest.predict_proba([[5.0], [95.0]])[:, 1].round(2).tolist()
    [0.0, 1.0]
    """

    def __init__(  # noqa: PLR0913  scikit-learn's own forest takes 19
        self,
        n_estimators: int = 100,
        *,
        max_depth: int = 12,
        max_features: float | str = "sqrt",
        min_samples_leaf: int | str = "auto",
        max_samples: float = 0.632,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        """Store the parameters; ``fit`` checks them."""
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.max_features = max_features
        self.min_samples_leaf = min_samples_leaf
        self.max_samples = max_samples
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Grow the forest on X (n users, n features; NaN is unknown) and y (n labels of two classes).

        ``sample_weight`` (n,), never negative, counts a user more or less often.
        """
        self._check_parameters()
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        self.classes_, engaged = _two_classes(y)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            weight = weight / weight.mean()  # so that min_samples_leaf stays in users
        rate = float(np.average(engaged, weights=weight))
        parameters = self._lightgbm_parameters(len(X), X.shape[1], rate)
        users = lightgbm.Dataset(X, engaged.astype(np.float32), weight=weight, params=parameters)
        booster = lightgbm.train(parameters, users, self.n_estimators)
        self.booster_ = _with_means_in_stumps(booster, float(np.average(engaged, weights=weight)))
        self.compiled_ = CompiledForest.from_lightgbm(self.booster_)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return an array (n, 2): 1 - I and I, one row per user of X (n, n_features)."""
        rows = self._validated(X)
        interest = self.compiled_.predict(rows, n_jobs=self.n_jobs)
        interest = np.clip(interest, 0.0, 1.0)  # a weighted mean may leave [0, 1] by a rounding
        return np.column_stack((1.0 - interest, interest))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each user: the second of ``classes_`` where I > 0.5."""
        engaged = self.predict_proba(X)[:, 1] > 0.5  # noqa: PLR2004  the middle of [0, 1]
        classes: NDArray[Any] = self.classes_[engaged.astype(np.intp)]
        return classes

    def contributions(self, X: Any) -> NDArray[np.float64]:
        """Return what moved each user's interest: an array (n, n_features + 1) that sums to I by row.

        A column per feature, in units of interest, then the mean interest of the training. These are the
        Shapley values of the trees (TreeSHAP: Lundberg, Erion, Lee 2018), exact but for rounding. Some
        ten milliseconds per user: made for explaining, not for scoring.
        """
        rows = self._validated(X)
        shares = self.booster_.predict(rows, pred_contrib=True, num_threads=self._threads(len(rows)))
        # LightGBM averages its predictions in rf mode, but not these.
        return np.asarray(shares / self.booster_.num_trees())

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """What the splits of each feature explained of the label's variance, as shares of 1."""
        check_is_fitted(self)
        gain = self.booster_.feature_importance("gain")
        return np.asarray(gain / (gain.sum() or 1.0))

    def save(self, folder: str | Path) -> None:
        """Write the fitted forest into a folder, made where it is missing, as two text files.

        Raises an InputFault for class labels that JSON cannot hold (neither numbers, booleans nor texts).
        """
        check_is_fitted(self)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        text = self.booster_.model_to_string()
        names = getattr(self, "feature_names_in_", None)
        try:
            saved = _Saved(
                version=FORMAT_VERSION,
                parameters={name: _plain(value) for name, value in self.get_params().items()},
                classes=self.classes_.tolist(),
                classes_dtype=self.classes_.dtype.str,
                n_features=self.n_features_in_,
                feature_names=None if names is None else names.tolist(),
            ).sealed(text)
        except ValidationError as error:
            labels, action = self.classes_.tolist(), "use numbers, booleans or texts as labels"
            raise InputFault("classes of the forest", labels, "cannot be written as JSON", action) from error
        # The description goes last: a save cut short leaves one that does not match its forest.
        (folder / FOREST).write_text(text, encoding="utf-8", newline="\n")
        described = saved.model_dump_json(indent=2) + "\n"
        (folder / DESCRIPTION).write_text(described, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Return the forest saved in a folder; it predicts the same bits.

        Raises an InputFault for a file that is missing or of another version, and UnreadableInput for one
        that was damaged or changed. Both files are text: nothing in them is executed.
        """
        saved = _read_description(Path(folder) / DESCRIPTION)
        path = Path(folder) / FOREST
        text = _read(path)
        if saved.sealed(text) != saved:
            raise UnreadableInput("saved forest", path, "is not what was saved with its description", _TRAIN_AGAIN)
        forest = cls(**saved.parameters)
        forest.classes_ = np.array(saved.classes, dtype=saved.classes_dtype)
        forest.n_features_in_ = saved.n_features
        if saved.feature_names is not None:
            forest.feature_names_in_ = np.array(saved.feature_names, dtype=object)
        forest.booster_ = lightgbm.Booster(model_str=text)
        forest.compiled_ = CompiledForest.from_lightgbm(forest.booster_)
        return forest

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: two classes, NaN allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def _validated(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan"))

    def _check_parameters(self) -> None:
        for name, low, high in (
            ("n_estimators", 1, None),
            ("max_depth", 1, 16),
            ("min_samples_leaf", 1, None),
            ("random_state", 0, 2**31 - 1),
        ):
            value = getattr(self, name)
            if name == "min_samples_leaf" and value == "auto":
                continue
            if not (_is_integer(value) and low <= value and (high is None or value <= high)):
                bounds = f"from {low} on" if high is None else f"from {low} to {high}"
                raise SettingsFault(name, value, f"is not an integer {bounds}", "choose one")
        for name, most in (("max_features", 1.0), ("max_samples", np.nextafter(1.0, 0.0))):
            share = getattr(self, name)
            if not (share == "sqrt" and name == "max_features") and not (_is_number(share) and 0 < share <= most):
                action = 'use (0, 1] or "sqrt"' if most == 1 else "use one between 0 and 1"
                raise SettingsFault(name, share, "is not a share", action)
        if self.n_jobs is not None and not (_is_integer(self.n_jobs) and (self.n_jobs >= 1 or self.n_jobs == -1)):
            raise SettingsFault("n_jobs", self.n_jobs, "is no number of threads", "use 1 or more, -1 or None")

    def _lightgbm_parameters(self, n_rows: int, n_features: int, rate: float) -> dict[str, Any]:
        share = n_features**-0.5 if self.max_features == "sqrt" else self.max_features
        least = self.min_samples_leaf
        if isinstance(least, str):  # "auto"
            least = max(LEAF_RARER, math.ceil(LEAF_RARER / max(min(rate, 1 - rate), 1 / n_rows)))
        most_leaves = int(n_rows * self.max_samples) // least
        return {
            "boosting": "rf",
            "objective": "regression",
            "boost_from_average": False,  # gradients are then exactly 0 or -1, and their sums exact
            "max_depth": self.max_depth,
            "num_leaves": max(2, min(2**self.max_depth, most_leaves)),  # LightGBM reserves memory for each
            "histogram_pool_size": HISTOGRAMS_MB,
            "min_data_in_leaf": least,
            "feature_fraction_bynode": share,
            "bagging_freq": 1,
            "bagging_fraction": self.max_samples,
            "seed": self.random_state,
            "deterministic": True,
            "force_col_wise": True,  # each feature is summed by one thread, in the order of the users
            "num_threads": self._threads(n_rows),
            "verbosity": -1,
        }

    def _threads(self, n_rows: int) -> int:
        """Return LightGBM's number of threads, where 0 is every core."""
        if self.n_jobs is None:
            return 1 if n_rows < MANY_ROWS else 0
        return 0 if self.n_jobs == -1 else int(self.n_jobs)


class _Saved(BaseModel):
    """What the description holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    parameters: dict[str, Any]
    classes: list[bool | int | float | str]
    classes_dtype: str
    n_features: int
    feature_names: list[str] | None
    sha256: str = ""  # of all the above and the text model: a change to either shows

    def sealed(self, text: str) -> "_Saved":
        """Return the same with the checksum that belongs to it and to the text model."""
        described = json.dumps(self.model_dump(exclude={"sha256"}), sort_keys=True)
        return self.model_copy(update={"sha256": hashlib.sha256((described + text).encode()).hexdigest()})


_TRAIN_AGAIN = "restore it from a copy, or train again"


def _read(path: Path) -> str:
    if not path.is_file():
        raise InputFault("saved forest", path, "is not there", "name the folder that save() wrote, or train again")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableInput("saved forest", path, "is not UTF-8 text", _TRAIN_AGAIN) from error


def _read_description(path: Path) -> _Saved:
    text = _read(path)
    try:
        described = json.loads(text)
        version = described["version"]  # read by itself: another version may have other fields
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableInput("saved forest", path, "does not say its version in JSON", _TRAIN_AGAIN) from error
    if version != FORMAT_VERSION:
        problem = f"is not version {FORMAT_VERSION}, the one known here"
        raise InputFault("saved forest's version", version, problem, "train again, or use the Andante that saved it")
    try:
        return _Saved.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"holds no usable {'.'.join(str(step) for step in first['loc'])} ({first['msg']})"
        raise UnreadableInput("saved forest", path, problem, _TRAIN_AGAIN) from error


def _two_classes(y: Any) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the two classes in order, and which of them each label is."""
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    classes, codes = np.unique(y, return_inverse=True)
    if classes.size == 1:
        raise ValueError(f"y holds one class only ({classes[0]}): interest needs users of both classes")
    return classes, codes


def _with_means_in_stumps(booster: Any, mean: float) -> Any:
    """Put the mean label into trees that found no split: LightGBM leaves 0 in the first of them."""
    for index, tree in enumerate(booster.model_to_string().split("\nTree=")[1:]):
        if "\nnum_leaves=1\n" in tree:
            booster.set_leaf_output(index, 0, mean)
    return booster


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_integer(value) or isinstance(value, float | np.floating)
