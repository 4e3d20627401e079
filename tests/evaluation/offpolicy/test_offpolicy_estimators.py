"""Estimators against exact expectations, and against each other where they must agree."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from andante.evaluation.offpolicy import estimators as by
from andante.evaluation.offpolicy.decisions import Decisions
from andante.evaluation.offpolicy.estimators import Formula
from andante.vocabulary.fault import InputFault, NotEnoughData, SettingsFault

EXAMPLES = settings(max_examples=50, deadline=None)

LOGGING = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
JUDGED = np.array([[0.1, 0.6, 0.3], [0.0, 0.5, 0.5]])
CHANCE = np.array([[0.2, 0.5, 0.9], [0.4, 0.1, 0.3]])
CONTEXTS = np.array([0.25, 0.75])
TRUTH = float((CONTEXTS[:, None] * JUDGED * CHANCE).sum())
WRONG = np.array([[0.6, 0.1, 0.2], [0.3, 0.9, 0.0]])
"""A model that is off everywhere."""

ALL = [
    by.ips,
    by.snips,
    by.direct,
    by.doubly_robust,
    lambda log: by.switch_doubly_robust(log, switch=1.0),
]


def modelled(context, action, reward, model):
    """Return decisions of this bandit under a model of its rewards."""
    context, action = np.asarray(context), np.asarray(action)
    return Decisions(
        reward=np.asarray(reward, float),
        propensity=LOGGING[context, action],
        target=JUDGED[context, action],
        user=np.arange(len(context)),
        expected_taken=model[context, action],
        expected_target=(JUDGED * model).sum(axis=1)[context],
    )


def every_log(decisions):
    """Yield all logs of so many decisions that can be, with their probabilities."""
    once = [
        (context, action, reward, CONTEXTS[context] * LOGGING[context, action] * chance)
        for context, action in product(range(2), range(3))
        for reward, chance in ((1, CHANCE[context, action]), (0, 1 - CHANCE[context, action]))
    ]
    for log in product(once, repeat=decisions):
        context, action, reward, chance = zip(*log, strict=True)
        yield context, action, reward, np.prod(chance)


@pytest.mark.parametrize(
    ("formula", "model"),
    [
        (Formula("IPS"), WRONG),
        (Formula("DR", model=True), WRONG),
        (Formula("DR", model=True), CHANCE),
        (Formula("DM", model=True, switch=-1), CHANCE),
        (Formula("SWITCH-DR", model=True, switch=1.5), CHANCE),
    ],
)
def test_the_mean_over_all_logs_that_can_be_is_the_truth(formula, model):
    total = 0.0
    for context, action, reward, chance in every_log(2):
        log = modelled(context, action, reward, model)
        if formula.model or log.weight.any():
            found = by._found(log, formula)
            assert found.pull.sum() == pytest.approx(0, abs=1e-12)
            total += chance * found.value
    assert total == pytest.approx(TRUTH, abs=1e-12)


def test_a_wrong_model_leaves_the_direct_method_wrong():
    total = sum(
        chance * by.direct(modelled(context, action, reward, WRONG)).value
        for context, action, reward, chance in every_log(2)
    )
    assert total == pytest.approx(float((CONTEXTS[:, None] * JUDGED * WRONG).sum()), abs=1e-12)
    assert abs(total - TRUTH) > 0.05


@st.composite
def logs(draw):
    count = draw(st.integers(2, 30))
    unit = arrays.arrays(float, count, elements=st.floats(0.01, 1))
    reward = draw(arrays.arrays(float, count, elements=st.floats(-10, 10)))
    expected = draw(arrays.arrays(float, count, elements=st.floats(-10, 10)))
    target = draw(arrays.arrays(float, count, elements=st.floats(-10, 10)))
    user = draw(arrays.arrays(np.int64, count, elements=st.integers(0, count)))
    user[:2] = -1, -2  # at least two users
    return Decisions(reward, draw(unit), draw(unit), user, expected, target)


@EXAMPLES
@given(logs(), st.floats(-5, 5))
def test_snips_moves_with_the_rewards(log, shift):
    moved, first = by.snips(replace(log, reward=log.reward + shift)), by.snips(log)
    for name in ("value", "low", "high"):
        assert getattr(moved, name) == pytest.approx(getattr(first, name) + shift, abs=1e-6)


@EXAMPLES
@given(logs(), st.floats(0.1, 100))
def test_every_estimate_scales_with_the_rewards(log, scale):
    scaled = replace(
        log,
        reward=log.reward * scale,
        expected_taken=log.expected_taken * scale,
        expected_target=log.expected_target * scale,
    )
    for method in ALL:
        one, other = method(log), method(scaled)
        for name in ("value", "low", "high"):
            assert getattr(other, name) == pytest.approx(scale * getattr(one, name), rel=1e-6, abs=1e-6)


@EXAMPLES
@given(logs())
def test_doubly_robust_without_a_model_is_ips(log):
    nothing = np.zeros(len(log))
    empty = replace(log, expected_taken=nothing, expected_target=nothing)
    assert by.doubly_robust(empty).value == pytest.approx(by.ips(log).value, abs=1e-9)


@EXAMPLES
@given(logs())
def test_doubly_robust_with_a_model_that_is_never_off_is_the_direct_method(log):
    fits = replace(log, expected_taken=log.reward)
    one, other = by.doubly_robust(fits), by.direct(fits)
    assert (one.low, one.value, one.high) == pytest.approx((other.low, other.value, other.high), abs=1e-9)


@EXAMPLES
@given(logs())
def test_switch_goes_from_the_direct_method_to_doubly_robust(log):
    assert by.switch_doubly_robust(log, switch=0.0).value == pytest.approx(by.direct(log).value)
    assert by.switch_doubly_robust(log, switch=1e9).value == pytest.approx(by.doubly_robust(log).value)


@EXAMPLES
@given(logs(), st.floats(0, 50), st.floats(0, 50))
def test_a_lower_clip_leaves_less_of_rewards_that_are_not_negative(log, one, other):
    low, high = sorted((one + 0.01, other + 0.01))
    log = replace(log, reward=np.abs(log.reward))
    less, more = by.ips(log, clip=low), by.ips(log, clip=high)
    assert less.value <= more.value + 1e-12
    assert less.weight_max <= low + 1e-12
    assert less.clipped >= more.clipped
    assert more.value <= by.ips(log).value + 1e-12


@EXAMPLES
@given(logs())
def test_the_log_judged_by_its_own_policy_is_its_mean(log):
    own = replace(log, target=log.propensity)
    for method in (by.ips, by.snips):
        found = method(own)
        assert found.value == pytest.approx(log.reward.mean(), abs=1e-9)
        assert found.effective == pytest.approx(len(log))
    assert by.gain(own, Formula("IPS")).value == pytest.approx(0, abs=1e-9)
    assert by.gain(own, Formula("IPS")).high == pytest.approx(0, abs=1e-9)


@EXAMPLES
@given(logs(), st.randoms(use_true_random=False))
def test_the_order_of_decisions_does_not_matter(log, random):
    order = list(range(len(log)))
    random.shuffle(order)
    names = ("reward", "propensity", "target", "user", "expected_taken", "expected_target")
    mixed = Decisions(**{name: getattr(log, name)[order] for name in names})
    for method in ALL:
        one, other = method(log), method(mixed)
        assert (one.low, one.value, one.high) == pytest.approx((other.low, other.value, other.high), abs=1e-8)


@EXAMPLES
@given(logs())
def test_the_value_lies_within_its_interval_and_the_effective_sample_within_the_log(log):
    for method in ALL:
        found = method(log)
        assert found.low - 1e-9 <= found.value <= found.high + 1e-9
        assert 0 <= found.effective <= len(log) * (1 + 1e-9)


def test_decisions_of_one_user_are_one_piece_of_evidence():
    log = modelled([0, 1] * 200, [0, 1, 2, 1] * 100, [1, 0, 0, 1] * 100, CHANCE)
    same = Decisions(*(np.repeat(column, 3) for column in (log.reward, log.propensity, log.target, log.user)))
    one, thrice = by.snips(log), by.snips(same)
    assert (thrice.low, thrice.high) == pytest.approx((one.low, one.high))
    alone = by.snips(replace(same, user=np.arange(len(same))))
    assert alone.high - alone.low < 0.7 * (one.high - one.low)


def test_rewards_of_a_skewed_policy_reach_further_up_than_down():
    rng = np.random.default_rng(3)
    log = Decisions((rng.random(300) < 0.05) * 1.0, [0.5] * 300, [0.5] * 300, np.arange(300))
    found = by.ips(log)
    assert found.high - found.value > 1.1 * (found.value - found.low) > 0


def test_a_gain_stands_on_the_same_decisions():
    rng = np.random.default_rng(4)
    level = np.repeat(rng.normal(size=200), 5)
    log = Decisions(level, [0.5] * 1000, rng.uniform(0.4, 0.6, 1000), np.repeat(np.arange(200), 5))
    found, gained = by.snips(log), by.gain(log, Formula("SNIPS", normalised=True))
    assert gained.value == pytest.approx(found.value - level.mean())
    assert gained.high - gained.low < 0.5 * (found.high - found.low)
    assert gained.method == "SNIPS less the log"


def test_a_policy_that_the_log_never_followed_has_no_estimate():
    log = Decisions([1, 0], [0.5, 0.5], [0, 0], [1, 2])
    with pytest.raises(NotEnoughData, match="holds nothing that the policy would do"):
        by.ips(log)


def test_one_user_says_nothing_of_chance():
    with pytest.raises(NotEnoughData, match="1 users with any weight"):
        by.ips(Decisions([1, 0], [0.5, 0.5], [0.5, 0.5], [1, 1]))


def test_what_is_left_to_a_model_is_no_more_certain_for_it():
    rng = np.random.default_rng(8)
    action = rng.integers(3, size=2_000)
    context, reward = np.zeros(2_000, int), (rng.random(2_000) < CHANCE[0][action]) * 1.0
    log = modelled(context, action, reward, CHANCE)
    one, other = by.doubly_robust(log), by.direct(log)
    assert other.high - other.low == pytest.approx(one.high - one.low)
    assert other.effective == 0


def test_a_model_that_is_needed_is_asked_for():
    with pytest.raises(InputFault, match="without a model's expectations"):
        by.doubly_robust(Decisions([1, 0], [0.5, 0.5], [0.5, 0.5], [1, 2]))


def test_a_bound_of_weights_is_not_negative():
    with pytest.raises(SettingsFault, match="clip"):
        by.ips(Decisions([1, 0], [0.5, 0.5], [0.5, 0.5], [1, 2]), clip=-1.0)
