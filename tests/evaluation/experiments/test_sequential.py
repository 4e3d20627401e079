import numpy as np
import pytest

from andante.evaluation.experiments.sequential import (
    EVENTS_MIN,
    USERS_MIN,
    Arm,
    best_rho,
    boundary,
    confidence_sequence,
    running,
)
from andante.vocabulary.fault import InputFault, NotEnoughData

USERS, RUNS = 4000, 250


def trial(rng, effect=0.0, users=USERS):
    treated = rng.random(users) < 0.5
    outcome = (rng.random(users) < 0.2 + effect * treated).astype(float)
    return outcome, treated


def errors(effect, seed):
    """How often a test is wrong at some look after every user: the sequence, and the usual test."""
    rng, wrong, naive = np.random.default_rng(seed), 0, 0
    for _ in range(RUNS):
        ours, theirs = running(*trial(rng, effect))
        found = confidence_sequence(ours, theirs, users_planned=USERS)
        wrong += bool(np.any((found.low > effect) | (found.high < effect)))
        error = np.sqrt(ours.error_squared + theirs.error_squared)
        late = np.isfinite(found.low)
        naive += bool(np.any(np.abs(found.value[late] - effect) > 1.96 * error[late]))
    return wrong / RUNS, naive / RUNS


@pytest.mark.parametrize("effect", [0.0, 0.1])
def test_the_sequence_keeps_five_percent_under_a_look_after_every_user_and_the_usual_test_does_not(effect):
    wrong, naive = errors(effect, seed=1)

    assert wrong <= 0.05
    assert naive > 0.2


def test_the_boundary_is_that_of_confseq():
    # confseq 0.0.11: normal_mixture_bound(v, alpha=.05, v_opt=10000, alpha_opt=.05, is_one_sided=False)
    rho = best_rho(10_000, 0.05)

    assert boundary([2_500, 10_000, 40_000], rho, 0.05) == pytest.approx(
        [163.214668591320, 303.520899037625, 625.422828737598], abs=1e-9
    )


def test_the_boundary_is_about_lowest_where_it_was_planned():
    planned = boundary(5000, best_rho(5000, 0.05), 0.05)

    assert all(planned <= 1.001 * boundary(5000, best_rho(other, 0.05), 0.05) for other in (500, 4000, 6000, 50_000))


def test_a_clear_effect_stops_the_trial_early():
    found = confidence_sequence(*running(*trial(np.random.default_rng(2), effect=0.2)), users_planned=USERS)

    assert found.stops_at is not None
    assert found.users[found.stops_at] < USERS / 2
    assert found.low[found.stops_at] > 0


def test_at_the_planned_end_the_interval_is_about_half_as_wide_again():
    ours, theirs = running(*trial(np.random.default_rng(3)))
    found = confidence_sequence(ours, theirs, users_planned=USERS)
    usual = 1.96 * np.sqrt(ours.error_squared[-1] + theirs.error_squared[-1])

    assert (found.high[-1] - found.value[-1]) / usual == pytest.approx(1.55, abs=0.03)


def test_the_p_value_crosses_five_percent_where_the_interval_leaves_out_zero():
    found = confidence_sequence(*running(*trial(np.random.default_rng(4), effect=0.08)), users_planned=USERS)

    assert found.stops_at == int(np.flatnonzero(found.p_value < 0.05)[0])
    assert np.all(np.diff(found.p_value) <= 0)


def test_looks_with_few_users_or_rare_outcomes_do_not_count():
    rng = np.random.default_rng(5)
    ours, theirs = running(*trial(rng))
    found = confidence_sequence(ours, theirs, users_planned=USERS)
    early = (np.minimum(ours.users, theirs.users) < USERS_MIN) | (np.minimum(ours.nonzero, theirs.nonzero) < EVENTS_MIN)

    assert np.all(np.isinf(found.high[early]))
    assert np.all(np.isfinite(found.high[~early]))


def test_chosen_looks_are_those_of_all_looks():
    outcome, treated = trial(np.random.default_rng(6))
    every, _ = running(outcome, treated)
    few, _ = running(outcome, treated, looks=[10, USERS])

    assert few.total.tolist() == [every.total[9], every.total[-1]]


def test_an_outcome_that_is_always_the_same_shows_nothing():
    treated = np.arange(1000) % 2 == 0

    assert confidence_sequence(*running(np.ones(1000), treated), users_planned=1000).stops_at is None


def test_shapes_that_differ_are_refused():
    with pytest.raises(InputFault, match="do not match"):
        running([1.0, 2.0], [1])


def test_users_who_disappear_are_refused():
    with pytest.raises(InputFault, match="fewer at a later look"):
        Arm([2, 1], [0, 0], [0, 0], [0, 0])


def test_no_look_is_no_trial():
    with pytest.raises(NotEnoughData, match="0 looks"):
        confidence_sequence(*running([], []), users_planned=10)


def test_a_plan_of_no_users_is_refused():
    with pytest.raises(InputFault, match="users > 0"):
        best_rho(0, 0.05)
