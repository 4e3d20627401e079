import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pacing_desk import DAY_S, MONDAY_S, WEEK_S, made_parameters, made_user
from scipy import stats

from andante.pacing.credit import credit_at, in_random_week, pace_per_week, ready_s, settle, turn_week
from andante.vocabulary.state import NEVER_S

PARAMETERS = made_parameters(default_per_week=1.0, least_per_week=0.5, most_per_week=6.0, burst=1.5)


def pace(**user):
    return pace_per_week(made_user(**user)[0], PARAMETERS[0], MONDAY_S)


def test_a_user_without_a_plan_has_the_default_pace():
    assert pace() == 1.0
    assert pace(adjustment=2.0) == 1.0


def test_feedback_moves_the_plan_within_the_bounds():
    assert pace(plan_per_week=3.0, adjustment=0.5) == 3.5
    assert pace(plan_per_week=3.0, adjustment=9.0) == 6.0
    assert pace(plan_per_week=3.0, adjustment=-9.0) == 0.5


def test_a_plan_of_no_pushes_stays_so_whatever_the_bounds_and_the_feedback():
    assert pace(plan_per_week=0.0) == 0.0
    assert pace(plan_per_week=0.0, adjustment=2.0) == 0.0


def test_a_random_pace_wins_over_the_plan_in_its_week_alone():
    users = made_user(plan_per_week=3.0, arm_per_week=5.0, arm_week=MONDAY_S // WEEK_S)
    assert pace_per_week(users[0], PARAMETERS[0], MONDAY_S) == 5.0
    assert in_random_week(users[0], MONDAY_S) == 1
    assert pace_per_week(users[0], PARAMETERS[0], MONDAY_S + WEEK_S) == 3.0
    assert in_random_week(users[0], MONDAY_S + WEEK_S) == 0


def test_credit_fills_with_time_up_to_the_burst():
    users = made_user(credit=0.25, credit_s=MONDAY_S)
    assert credit_at(users[0], PARAMETERS[0], MONDAY_S + DAY_S, 3.5) == 0.75
    assert credit_at(users[0], PARAMETERS[0], MONDAY_S + WEEK_S, 3.5) == 1.5
    assert credit_at(users[0], PARAMETERS[0], MONDAY_S - DAY_S, 3.5) == 0.25


def test_a_pace_of_nothing_leaves_no_credit():
    users = made_user(credit=1.5, credit_s=MONDAY_S)
    assert credit_at(users[0], PARAMETERS[0], MONDAY_S, 0.0) == 0.0
    assert ready_s(0.0, 0.0, MONDAY_S) == NEVER_S


def test_new_users_do_not_start_together():
    starts = [credit_at(made_user(key=key)[0], PARAMETERS[0], MONDAY_S, 3.0) for key in range(400)]
    beyond = PARAMETERS[0]["burst"] - 1.0
    assert beyond > 0.0
    assert stats.kstest(starts, "uniform", args=(1.0, beyond)).pvalue > 0.001


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 0.999), st.floats(0.01, 14), st.integers(0, 30 * DAY_S))
def test_credit_is_there_at_the_second_that_was_named_and_not_long_before(start, per_week, later_s):
    users = made_user(credit=start, credit_s=MONDAY_S)
    at_s = MONDAY_S + later_s
    credit = credit_at(users[0], PARAMETERS[0], at_s, per_week)
    settle(users[0], credit, at_s)
    second = ready_s(credit, per_week, at_s)
    assert credit_at(users[0], PARAMETERS[0], second, per_week) >= 1.0
    if second > at_s:
        assert credit_at(users[0], PARAMETERS[0], second - 2, per_week) < 1.0 or per_week < 1.0


def test_one_in_twenty_users_gets_a_random_pace_and_every_one_of_them_as_often():
    parameters = made_parameters(explore=0.05, arms=4)
    parameters["arm_per_week"][0, :4] = (1.0, 2.0, 3.0, 5.0)
    drawn = []
    for key in range(8000):
        users = made_user(key=key * 2_654_435_761)
        turn_week(users[0], parameters[0], MONDAY_S)
        drawn.append(float(users[0].arm_per_week))
    arms = np.array([arm for arm in drawn if not np.isnan(arm)])
    assert stats.binomtest(len(arms), len(drawn), 0.05).pvalue > 0.001
    assert stats.chisquare([np.sum(arms == arm) for arm in (1.0, 2.0, 3.0, 5.0)]).pvalue > 0.001


def test_a_user_draws_anew_each_week_and_once_in_it():
    parameters = made_parameters(explore=0.5, arms=1)
    users = made_user()
    drawn = []
    for week in range(200):
        turn_week(users[0], parameters[0], MONDAY_S + week * WEEK_S)
        drawn.append(not np.isnan(users[0].arm_per_week))
        before = users.tobytes()
        turn_week(users[0], parameters[0], MONDAY_S + week * WEEK_S + 2 * DAY_S)
        assert users.tobytes() == before
    assert stats.binomtest(sum(drawn), len(drawn), 0.5).pvalue > 0.001


def test_the_old_week_is_settled_at_the_old_pace():
    parameters = made_parameters(burst=9.0)
    thursday_s = MONDAY_S - 4 * DAY_S
    users = made_user(plan_per_week=1.0, arm_per_week=7.0, arm_week=thursday_s // WEEK_S, credit_s=thursday_s)
    at_s = thursday_s + WEEK_S + DAY_S
    turn_week(users[0], parameters[0], at_s)
    per_week = pace_per_week(users[0], parameters[0], at_s)
    assert per_week == 1.0
    assert credit_at(users[0], parameters[0], at_s, per_week) == pytest.approx(7 + 1 / 7)
