"""An interest estimator: a binary classifier whose ``predict_proba(X)[:, 1]`` is interest I in [0, 1].

The small families (``linear.py``, ``thresholds.py``) read a few named columns of X and share this base; a
family whose model reads all of X needs none of it, only the scikit-learn interface.
"""

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from andante.vocabulary.fault import SettingsFault

FloatArray = npt.NDArray[np.float64]
Column = int | str
"""A column of X: its index, or its name where X is a DataFrame."""


class ColumnInterest(ClassifierMixin, BaseEstimator):
    """Base of interest estimators that read a few columns of X; a subclass writes ``fit`` and ``_interest``.

    Other columns are not looked at and may hold anything, NaN included: hence the tag ``allow_nan``. What
    scikit-learn's own validation refuses (shapes, infinities, more than two classes) is a ``ValueError``, as
    everywhere in scikit-learn.
    """

    def predict_proba(self, X: Any) -> FloatArray:
        """Return an array (n, 2): 1 - I and I, one row per user."""
        interest = self._interest(self._validated(X))
        return np.column_stack((1 - interest, interest))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the class of each user: the second of ``classes_`` where I > 0.5."""
        engaged = self.predict_proba(X)[:, 1] > 0.5  # noqa: PLR2004  the middle of [0, 1]
        classes: npt.NDArray[Any] = self.classes_[engaged.astype(np.intp)]
        return classes

    @abstractmethod
    def _interest(self, X: FloatArray) -> FloatArray:
        """Return I in [0, 1], one per row of the validated X."""

    def _validated(self, X: Any) -> FloatArray:
        """Return X as floats, once this estimator is fitted and X has the columns it was fitted on."""
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan"))

    def _learn_classes(self, X: Any, y: Any) -> tuple[FloatArray, FloatArray]:
        """Validate X and y, set ``classes_``, and return X with y as 0.0 and 1.0."""
        X, y = validate_data(
            self,
            X,
            y,
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            ensure_min_samples=2,
            ensure_min_features=2,
        )
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if self.classes_.size != 2:  # noqa: PLR2004  engaged, and not
            raise ValueError(f"y holds one class only ({self.classes_[0]}): interest needs users of both classes")
        return X, codes.astype(np.float64)

    def _column(self, X: FloatArray, column: Column) -> FloatArray:
        """Return one column of the validated X, by index or by name."""
        if isinstance(column, str):
            names = list(getattr(self, "feature_names_in_", ()))
            if column not in names:
                known = ", ".join(names) if names else "none: X is not a DataFrame"
                raise SettingsFault("column", column, f"is not in X, whose names are {known}", "name a column of X")
            return X[:, names.index(column)]
        if not 0 <= column < X.shape[1]:
            raise SettingsFault("column", column, f"is not one of the {X.shape[1]} columns of X", "count from 0")
        return X[:, column]

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: two classes, NaN allowed, and no promise of accuracy on any data."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True
        return tags
