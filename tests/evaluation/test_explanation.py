"""An explanation leaves nothing out, whatever the model."""

import numpy as np
import pytest

from andante.evaluation.explanation import Plan, explain
from andante.frequency.forest import ForestInterest
from andante.frequency.linear import LinearInterest

PLAN = Plan(f_base=3.0, theta=0.3, f_min=0.0, f_max=7.0)


@pytest.fixture(scope="module")
def users():
    rng = np.random.default_rng(1)
    X = rng.poisson(3.0, size=(600, 3)).astype(float)
    return X, (rng.random(600) < X[:, 0] / 10).astype(int)


@pytest.mark.parametrize("model", [ForestInterest(n_estimators=20), LinearInterest(alpha=0.05, beta=0.02)], ids=type)
def test_usual_pace_and_drivers_add_up_to_the_pace(users, model):
    X, y = users
    fitted = model.fit(X, y)
    values = dict(zip("abc", X[3], strict=True))
    why = explain("u", values, fitted, PLAN, usual=np.median(X, axis=0), scenarios={})
    assert why.usual_per_week + sum(d.per_week for d in why.drivers) == pytest.approx(why.uncapped_per_week)
    assert why.interest == pytest.approx(fitted.predict_proba(X[3:4])[0, 1])


def test_the_pace_stays_within_the_plan_while_the_drivers_do_not(users):
    X, y = users
    top = X[np.argmax(X[:, 0])]
    fitted = LinearInterest(alpha=0.09, beta=0.0).fit(X, y)
    why = explain("u", dict(zip("abc", top, strict=True)), fitted, PLAN, usual=X.mean(axis=0), scenarios={})
    assert why.per_week == PLAN.f_max < why.uncapped_per_week


def test_each_scenario_is_scored_by_the_model_itself(users):
    X, y = users
    fitted = ForestInterest(n_estimators=20).fit(X, y)
    values = dict(zip("abc", X[0], strict=True))
    more = values | {"a": 9.0}
    why = explain("u", values, fitted, PLAN, usual=X.mean(axis=0), scenarios={"more": more})
    expected = PLAN.pace(float(fitted.predict_proba([[*more.values()]])[0, 1]))
    assert [(change.deed, change.per_week) for change in why.changes] == [("more", pytest.approx(expected))]
