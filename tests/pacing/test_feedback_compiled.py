import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pacing_desk import DAY_S, MONDAY_S, WEEK_S, made_parameters, made_user

from andante.frequency.feedback import additive, multiplicative
from andante.pacing.credit import turn_week
from andante.pacing.feedback import ANSWERED, adjusted, interest_after
from andante.vocabulary.flow import OUTCOME_CODES
from andante.vocabulary.parameters import ADJUST_ADDITIVE, ADJUST_MULTIPLICATIVE, ADJUST_NOT
from andante.vocabulary.state import SENT_TRANSACTIONAL

share = st.floats(0, 1)
THURSDAY_S = MONDAY_S - 4 * DAY_S
OPENED = 1 << OUTCOME_CODES["opened"]


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 20), share, share, st.floats(0, 0.99))
def test_the_formulas_are_those_of_the_slow_clock(pace, interest, theta, rate):
    bounds = {"least_per_week": 0.5, "most_per_week": 14.0}
    by_factor = made_parameters(adjusts=ADJUST_MULTIPLICATIVE, adjust_rate=rate, **bounds)
    by_step = made_parameters(adjusts=ADJUST_ADDITIVE, adjust_rate=rate, **bounds)
    assert adjusted(pace, interest, theta, by_factor[0]) == multiplicative(pace, interest, theta, rate, 0.5, 14.0)
    assert adjusted(pace, interest, theta, by_step[0]) == additive(pace, interest, theta, rate, 0.5, 14.0)


def test_the_worked_example_comes_out_with_the_right_sums():
    parameters = made_parameters(adjusts=ADJUST_ADDITIVE, adjust_rate=0.1)
    assert adjusted(2.0, 0.5 * 10 + 0.3 * 2, 3.0, parameters[0]) == 2.1
    assert adjusted(3.0, 0.5 * 5 + 0.3 * 1, 5.0, parameters[0]) == 2.9


@given(share, st.booleans(), share)
def test_after_one_answer_interest_is_where_the_moving_average_would_be(published, answered, rate):
    expected = (1 - rate) * published + rate * answered
    assert interest_after(published, int(answered), 1, rate) == pytest.approx(expected)


@given(share, st.integers(0, 32), st.integers(0, 32), share)
def test_interest_stays_a_probability_and_rises_with_answers(published, answered, silent, rate):
    low = interest_after(published, answered, answered + silent + 1, rate)
    high = interest_after(published, answered + 1, answered + silent + 1, rate)
    assert 0 <= low <= high <= 1


def test_a_rate_of_one_forgets_what_was_published_only_for_an_answer():
    assert interest_after(0.3, 0, 0, 1.0) == 0.3
    assert interest_after(0.3, 1, 2, 1.0) == 0.5


def pushed_user(sent_s, outcomes, scope=0):
    users = made_user(plan_per_week=2.0, interest=0.5, theta=0.4, arm_week=THURSDAY_S // WEEK_S)
    for slot, (second, bits) in enumerate(zip(sent_s, outcomes, strict=True)):
        users.sent_s[0, slot], users.sent_outcomes[0, slot], users.sent_scope[0, slot] = second, bits, scope
    return users


def adjustment_after(users, at_s, **changes):
    parameters = made_parameters(**({"adjusts": ADJUST_MULTIPLICATIVE, "adjust_rate": 0.5} | changes))
    turn_week(users[0], parameters[0], at_s)
    return float(users[0].adjustment)


def test_answers_of_the_week_move_the_pace_at_its_end():
    users = pushed_user([THURSDAY_S + DAY_S, THURSDAY_S + 2 * DAY_S], [OPENED, 0])
    interest = (0.9 * 0.5 + 0.1 * 1) / (0.9 + 0.1 * 2)
    expected = 2.0 * 0.5 * (interest - 0.4)
    assert adjustment_after(users, THURSDAY_S + WEEK_S) == pytest.approx(expected, rel=1e-5)


def test_without_a_push_there_is_no_feedback():
    assert adjustment_after(pushed_user([], []), THURSDAY_S + WEEK_S) == 0.0


def test_transactional_messages_are_no_feedback():
    users = pushed_user([THURSDAY_S + DAY_S], [OPENED], scope=SENT_TRANSACTIONAL)
    assert adjustment_after(users, THURSDAY_S + WEEK_S) == 0.0


def test_every_push_counts_in_one_turn_and_has_a_day_to_be_answered():
    late_s = THURSDAY_S + WEEK_S - DAY_S // 2
    users = pushed_user([late_s], [OPENED])
    assert adjustment_after(users, THURSDAY_S + WEEK_S) == 0.0
    second = adjustment_after(users, THURSDAY_S + 2 * WEEK_S)
    assert second > 0.0
    assert adjustment_after(users, THURSDAY_S + 3 * WEEK_S) == second


@pytest.mark.parametrize(
    "change", [{"theta": np.nan}, {"interest": np.nan}, {"plan_per_week": np.nan}, {"plan_per_week": 0.0}]
)
def test_without_plan_interest_or_theta_nothing_is_adjusted(change):
    users = pushed_user([THURSDAY_S + DAY_S], [OPENED])
    for field, value in change.items():
        users[field] = value
    assert adjustment_after(users, THURSDAY_S + WEEK_S) == 0.0


def test_adjustment_can_be_off():
    users = pushed_user([THURSDAY_S + DAY_S], [OPENED])
    assert adjustment_after(users, THURSDAY_S + WEEK_S, adjusts=ADJUST_NOT) == 0.0


def test_opened_clicked_and_converted_all_count_as_an_answer():
    assert sum(1 << OUTCOME_CODES[name] for name in ("opened", "clicked", "converted")) == ANSWERED
