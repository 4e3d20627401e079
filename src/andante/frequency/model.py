"""The frequency model: an interest estimator and a plan, as one scikit-learn regressor of pushes per week."""

from copy import copy
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from andante.frequency.plan import F_BASE, F_MAX, F_MIN, FloatArray, pace, solve_theta
from andante.vocabulary.fault import NotEnoughData, SettingsFault


class FrequencyModel(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Pushes per week, ``clip(f_base * I / theta, f_min, f_max)``, with interest I from any classifier.

    ``interest`` is a scikit-learn classifier with ``predict_proba``, cloned by ``fit`` into ``interest_``;
    None means ``ForestInterest()``. ``theta`` is given, or solved so that the mean pace of the users in
    ``fit`` is ``budget`` pushes a week; with neither it is their mean interest, which makes f_base the pace
    of the average user. Not both may be given.

    So ``cross_val_score``, ``Pipeline`` and ``GridSearchCV`` work; to search over the interest's own
    parameters, name it: ``GridSearchCV(FrequencyModel(LinearInterest()), {"interest__calibrate": [False,
    True]})``.

    A budget is met on the users it was solved for. To plan for other users, or for the same ones later, call
    ``replanned``.

    Learns ``interest_``, ``theta_``, ``n_features_in_``, and ``feature_names_in_`` when X is a DataFrame.
    Source: first seed, sections 3.3 and 3.4.

    >>> from andante.frequency.linear import LinearInterest
    >>> model = FrequencyModel(LinearInterest(alpha=0.1, beta=0.2), budget=2.0)
    >>> X = [[0, 0], [1, 0], [2, 1], [4, 2]]  # views, purchases
    >>> model.fit(X, [0, 1, 0, 5]).predict(X).round(9).tolist()
    [0.0, 0.615384615, 2.461538462, 4.923076923]
    """

    def __init__(  # noqa: PLR0913, PLR0917  the plan's own parameters, each with a default
        self,
        interest: Any = None,
        f_base: float = F_BASE,
        theta: float | None = None,
        budget: float | None = None,
        f_min: float = F_MIN,
        f_max: float = F_MAX,
    ) -> None:
        """Store the parameters; ``fit`` checks them."""
        self.interest = interest
        self.f_base = f_base
        self.theta = theta
        self.budget = budget
        self.f_min = f_min
        self.f_max = f_max

    def fit(self, X: Any, y: Any) -> Self:
        """Learn interest and theta from X (n users by features) and y (n counts of later activity).

        A user with y > 0 is engaged. When all are, interest is one constant. Raises ``NotEnoughData`` when
        none is: that is what a wrong cut-off looks like; ``SettingsFault`` when theta and budget are both
        given, or a parameter is out of range; and what the interest estimator raises for its own input.
        """
        if self.theta is not None and self.budget is not None:
            action = "give theta, or give the budget and let theta be solved for it"
            raise SettingsFault("theta and budget", f"{self.theta}, {self.budget}", "are both given", action)
        engaged = self._engaged(X, y)
        # When everybody engages nothing can tell them apart: a constant interest, and so one pace for all.
        self.interest_ = _constant(engaged) if engaged.all() else clone(_or_forest(self.interest)).fit(X, engaged)
        self.theta_ = _theta(self, X)
        return self

    def predict_interest(self, X: Any) -> FloatArray:
        """Return interest I in [0, 1], the probability to engage in the next period, one per row of X."""
        check_is_fitted(self)
        interest = self.interest_.predict_proba(X)[:, 1]  # validates X
        validate_data(
            self, X, reset=False, skip_check_array=True
        )  # its columns, which a constant interest does not look at
        return np.asarray(interest, dtype=np.float64)

    def predict(self, X: Any) -> FloatArray:
        """Return the pace, in pushes per week, one per row of X."""
        return pace(self.predict_interest(X), self.theta_, self.f_base, self.f_min, self.f_max)

    def score(self, X: Any, y: Any) -> float:
        """Return Spearman's rank correlation of pace and activity y, in [-1, 1]; 0 if either is constant."""
        paces, activity = self.predict(X), column_or_1d(y)
        if np.ptp(paces) == 0 or np.ptp(activity) == 0:
            return 0.0
        return float(spearmanr(paces, activity).statistic)

    def replanned(self, X: Any, budget: float | None = None) -> Self:
        """Return a model with the same interest, and theta solved anew for the users in X and this budget.

        With no budget given here, theta is found as in ``fit``.

        This is how a budget is met on the users to be planned, whose mean interest is not that of the users
        in training. The model itself is left as it is.
        """
        check_is_fitted(self)
        other: Self = copy(self)
        if budget is not None:
            other.set_params(budget=budget, theta=None)
        other.theta_ = _theta(other, X)
        return other

    def _engaged(self, X: Any, y: Any) -> npt.NDArray[np.intp]:
        """Return 1 for each user with activity, else 0; the interest estimator is the one to validate X."""
        activity = validate_data(self, y=y, y_numeric=True)
        validate_data(self, X, skip_check_array=True)
        if activity.size < 2:  # noqa: PLR2004  one user cannot be compared with another
            raise ValueError(f"y holds {activity.size} sample(s): FrequencyModel needs 2 or more")
        engaged: npt.NDArray[np.intp] = (activity > 0).astype(np.intp)
        if not engaged.any():
            action = "check the cut-off (is there data after it?), or take a longer period"
            raise NotEnoughData("engaged users", f"0 of {engaged.size}", "are too few to learn interest from", action)
        return engaged

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: those on X and on accuracy are the interest estimator's."""
        tags = super().__sklearn_tags__()
        interest = get_tags(_or_forest(self.interest))
        tags.input_tags = interest.input_tags
        if interest.classifier_tags is not None:  # else it is no classifier, and its fit will say so
            tags.regressor_tags.poor_score = interest.classifier_tags.poor_score
        return tags


def _theta(model: FrequencyModel, X: Any) -> float:
    """Return the model's threshold for the users in X: as given, for its budget, or their mean interest."""
    if model.theta is not None:
        pace(0.0, model.theta, model.f_base, model.f_min, model.f_max)  # refuses parameters out of range
        return float(model.theta)
    interest = np.asarray(model.interest_.predict_proba(X)[:, 1], dtype=np.float64)
    if model.budget is not None:
        return solve_theta(interest, model.budget, model.f_base, model.f_min, model.f_max)
    theta = float(interest.mean())
    pace(interest, theta, model.f_base, model.f_min, model.f_max)
    return theta


def _constant(engaged: npt.NDArray[np.intp]) -> Any:
    """Return a classifier with interest (k + 1) / (n + 2) for all: Laplace's rule, k of n users engaged."""
    labels = np.append(engaged, (0, 1))
    return DummyClassifier(strategy="prior").fit(np.zeros((labels.size, 1)), labels)


def _or_forest(interest: Any) -> Any:
    if interest is not None:
        return interest
    from andante.frequency.forest import ForestInterest  # noqa: PLC0415  its libraries are loaded only when it is used

    return ForestInterest()
