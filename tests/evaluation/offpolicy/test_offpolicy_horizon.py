"""Estimators over horizons: exact expectations, and one step is one decision."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from andante.evaluation.offpolicy import estimators as by
from andante.evaluation.offpolicy.horizon import Trajectories, per_decision, state_marginalised
from andante.vocabulary.fault import InputFault, NotEnoughData, SettingsFault

EXAMPLES = settings(max_examples=50, deadline=None)

SENDS_LOG, SENDS_JUDGED = np.array([0.5, 0.3]), np.array([0.9, 0.2])
"""The chance of a send in either state; a send tires (state 1) for sure, a hold rests."""
STEPS = 3


def reward_of(state, sent):
    return sent * (2.0 - state)


def truth():
    fresh, total = 1.0, 0.0
    for _ in range(STEPS):
        sent = fresh * SENDS_JUDGED[0] + (1 - fresh) * SENDS_JUDGED[1]
        total += fresh * SENDS_JUDGED[0] * 2 + (1 - fresh) * SENDS_JUDGED[1]
        fresh = 1 - sent
    return total


def lived(choices):
    """Return the columns of trajectories with these sends, and the chances of each."""
    sent = np.asarray(choices)
    state = np.hstack([np.zeros((len(sent), 1), int), sent[:, :-1]])
    propensity = np.where(sent, SENDS_LOG[state], 1 - SENDS_LOG[state])
    target = np.where(sent, SENDS_JUDGED[state], 1 - SENDS_JUDGED[state])
    return Trajectories(reward_of(state, sent), propensity, target, state), propensity.prod(axis=1)


@st.composite
def logs(draw, steps_most=4):
    shape = draw(st.integers(2, 12)), draw(st.integers(1, steps_most))
    unit = arrays.arrays(float, shape, elements=st.floats(0.05, 1))
    reward = arrays.arrays(float, shape, elements=st.floats(-10, 10))
    state = arrays.arrays(np.int64, shape, elements=st.integers(0, 3))
    return Trajectories(draw(reward), draw(unit), draw(unit), draw(state))


def test_weighing_by_all_that_was_done_is_right_on_average():
    every = list(product((0, 1), repeat=STEPS))
    log, chance = lived(every)
    found = per_decision(log)
    contributions = (np.cumprod(log.ratio, axis=1) * log.reward).sum(axis=1)
    assert found.value == pytest.approx(contributions.mean())
    assert chance @ contributions == pytest.approx(truth(), abs=1e-12)


def test_weighing_by_states_is_exact_where_the_log_holds_what_is_to_be_expected():
    every = list(product((0, 1), repeat=STEPS))
    times = np.rint(lived(every)[1] * 1000).astype(int)  # its chances are thousandths
    log, _ = lived(np.repeat(every, times, axis=0))
    for method in (per_decision, state_marginalised):
        for normalised in (False, True):
            assert method(log, normalised=normalised).value == pytest.approx(truth(), abs=1e-12)


def test_weighing_by_states_is_the_steadier():
    rng = np.random.default_rng(5)
    log, _ = lived(rng.integers(0, 2, (400, 12)))
    one, other = per_decision(log), state_marginalised(log)
    assert other.effective > 3 * one.effective
    assert other.weight_max < one.weight_max
    assert other.high - other.low < one.high - one.low


@EXAMPLES
@given(logs(steps_most=1))
def test_one_step_is_one_decision(log):
    single = log.whole()
    for found in (per_decision(log), state_marginalised(log)):
        expected = by.ips(single)
        assert (found.low, found.value, found.high) == pytest.approx(
            (expected.low, expected.value, expected.high), abs=1e-8
        )
        assert found.effective == pytest.approx(expected.effective)
    only = replace(log, state=np.zeros_like(log.state))
    for found in (per_decision(log, normalised=True), state_marginalised(only, normalised=True)):
        expected = by.snips(single)
        assert (found.low, found.value, found.high) == pytest.approx(
            (expected.low, expected.value, expected.high), abs=1e-8
        )


@EXAMPLES
@given(logs(), st.floats(0, 1))
def test_the_pulls_of_all_trajectories_cancel_and_rewards_scale(log, discount):
    for method in (per_decision, state_marginalised):
        for normalised in (False, True):
            one = method(log, discount=discount, normalised=normalised)
            two = method(replace(log, reward=2 * log.reward), discount=discount, normalised=normalised)
            assert (two.low, two.value, two.high) == pytest.approx((2 * one.low, 2 * one.value, 2 * one.high), abs=1e-7)
            assert one.low - 1e-9 <= one.value <= one.high + 1e-9


@EXAMPLES
@given(logs())
def test_the_log_judged_by_its_own_policy_is_its_mean_over_the_horizon(log):
    own = replace(log, target=log.propensity)
    for method in (per_decision, state_marginalised):
        assert method(own).value == pytest.approx(log.reward.sum(axis=1).mean(), abs=1e-9)


def test_clipping_bounds_products_and_is_told():
    log, _ = lived(list(product((0, 1), repeat=STEPS)))
    found = per_decision(log, clip=1.0)
    assert found.weight_max == 1.0
    assert 0 < found.clipped < 1
    assert found.value < per_decision(log).value


def test_a_whole_trajectory_is_one_decision_however_long_it_is():
    rows, steps = 50, 2_000
    rng = np.random.default_rng(6)
    sent = rng.integers(0, 2, (rows, steps))
    log = Trajectories(sent, np.full((rows, steps), 0.5), np.full((rows, steps), 0.5) + 0.01 * sent)
    whole = log.whole(discount=0.99)
    assert whole.weight == pytest.approx(log.ratio.prod(axis=1))
    assert whole.reward[0] == pytest.approx((0.99 ** np.arange(steps) * sent[0]).sum())


def test_trajectories_of_one_user_are_one_piece_of_evidence():
    log, _ = lived(np.random.default_rng(7).integers(0, 2, (200, 4)))
    columns = (np.repeat(column, 3, axis=0) for column in (log.reward, log.propensity, log.target, log.state))
    same = Trajectories(*columns, user=np.repeat(np.arange(200), 3))
    one, thrice = per_decision(log), per_decision(same)
    assert (thrice.low, thrice.high) == pytest.approx((one.low, one.high))
    assert thrice.users == 200


def test_a_step_at_which_nothing_was_tried_is_named():
    log = Trajectories([[1, 1], [0, 0]], [[0.5, 0.5]] * 2, [[0.5, 0.0]] * 2)
    with pytest.raises(NotEnoughData, match="up to step 1"):
        per_decision(log)


def test_states_are_asked_for_where_they_are_needed():
    with pytest.raises(InputFault, match="have no states"):
        state_marginalised(Trajectories([[1.0]], [[0.5]], [[0.5]]))


def test_a_discount_is_a_share():
    log, _ = lived([[0, 1, 0], [1, 0, 0]])
    with pytest.raises(SettingsFault, match="discount"):
        per_decision(log, discount=1.1)
