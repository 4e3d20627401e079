"""The model that expects rewards has not seen those of the user whom it judges."""

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from andante.evaluation.offpolicy.expectation import boosted, crossfit, ridge
from andante.vocabulary.fault import InputFault, NotEnoughData


def log(rows=600, users=60, seed=1):
    rng = np.random.default_rng(seed)
    context = rng.normal(size=(rows, 2))
    action = rng.integers(3, size=rows)
    reward = context[:, 0] + 2.0 * (action == 2) + rng.normal(size=rows) * 0.1
    policy = np.tile([0.2, 0.3, 0.5], (rows, 1))
    return context, action, reward, policy, np.arange(rows) % users


def test_no_reward_of_a_user_is_expected_from_the_user_itself():
    _, action, _, policy, user = log()
    context = user[:, None].astype(float)
    reward = user.astype(float) ** 2  # a tree would know each user by heart
    found = crossfit(context, action, reward, policy, user, model=DecisionTreeRegressor(random_state=0), seed=0)
    assert np.all(found.taken != reward)


@pytest.mark.parametrize("model", [ridge(), boosted(1)])
def test_the_expected_reward_of_the_policy_is_the_mean_over_its_actions(model):
    context, action, reward, policy, user = log(3_000)
    found = crossfit(context, action, reward, policy, user, model=model, seed=0)
    assert found.target.mean() == pytest.approx((context[:, 0] + 1.0).mean(), abs=0.05)
    assert np.corrcoef(found.taken, reward)[0, 1] > 0.95


def test_a_policy_that_does_what_was_done_is_expected_what_was_taken():
    context, action, reward, _, user = log()
    found = crossfit(context, action, reward, np.eye(3)[action], user, model=ridge(), seed=0)
    assert found.target == pytest.approx(found.taken)


def test_a_classifier_gives_chances():
    context, action, reward, policy, user = log()
    found = crossfit(context, action, reward > 1, policy, user, model=LogisticRegression(), seed=0)
    assert 0 <= found.taken.min() <= found.taken.max() <= 1
    assert found.target.mean() == pytest.approx(0.5, abs=0.1)


def test_equal_seeds_give_equal_folds():
    columns = log()
    one, two, other = (crossfit(*columns, model=ridge(), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.taken, two.taken)
    assert not np.array_equal(one.taken, other.taken)


def test_too_few_users_for_the_folds_are_refused():
    with pytest.raises(NotEnoughData, match="4 users"):
        crossfit(*log(users=4), model=DummyRegressor(), seed=0)


@pytest.mark.parametrize(("place", "said"), [(0, "'context'"), (1, "'action'"), (3, "'policy'"), (4, "'user'")])
def test_columns_of_other_lengths_are_refused(place, said):
    columns = list(log())
    columns[place] = columns[place][:-1]
    with pytest.raises(InputFault, match=said):
        crossfit(*columns, model=DummyRegressor(), seed=0)


def test_an_action_that_the_policy_does_not_know_is_refused():
    context, action, reward, policy, user = log()
    with pytest.raises(InputFault, match="0 to 2"):
        crossfit(context, action, reward, policy[:, :2], user, model=DummyRegressor(), seed=0)
