import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pacing_desk import DAY_S, MONDAY_S, SHANGHAI, ZONES, made_candidate, made_parameters, made_user

from andante.pacing.index import index
from andante.pacing.reservation import reservation
from andante.pacing.response import moment
from andante.vocabulary.state import NEVER_S

NOON_S = MONDAY_S + 12 * 3600
USUAL = {
    "born_s": NOON_S - 30 * DAY_S,
    "asked_day": NOON_S // DAY_S - 30,
    "credit": 1.0,
    "credit_s": NOON_S,
    "rhythm_anchor_s": NOON_S,
}


def reserved(at_s=NOON_S, per_week=3.0, parameters=None, candidate=None, **user):
    parameters = made_parameters() if parameters is None else parameters
    users, candidate = made_user(**(USUAL | user)), made_candidate(**(candidate or {}))
    now = moment(users[0], parameters[0], ZONES, at_s, per_week)
    worth, _ = index(now, parameters[0], candidate[0])
    return now, worth, *reservation(users[0], now, parameters[0], ZONES, candidate[0], worth, at_s, per_week)


def by_hand(now, worth, hours, per_week, burst, quiet=()):  # noqa: PLR0913, PLR0917  the problem
    """Solve the same problem with the library's exponential, from noon in UTC and a credit of one."""
    arrival = 1 - math.exp(-now.offers / 24)
    rent = min(per_week / 168, now.offers / 24) * now.usual
    per_hour = per_week / 168
    waiting = 0.0
    for ahead in range(24, 0, -1):
        hour = (12 + ahead) % 24
        if hour in quiet:
            continue
        cost = now.cost + rent * max(ahead - (burst - 1) / per_hour, 0)
        waiting = max(waiting, (worth + now.cost) * hours[hour] / hours[12] - cost)
        if ahead <= 1 / per_hour:
            mean = now.usual * hours[hour]
            waiting += arrival * mean * math.exp(-(waiting + cost) / mean)
    return waiting


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.05, 30), min_size=24, max_size=24),
    st.floats(0.5, 14),
    st.floats(1, 2),
    st.floats(1, 60),
    st.booleans(),
)
def test_what_waiting_is_worth_agrees_with_backward_induction_by_hand(own, per_week, burst, value, night):
    parameters = made_parameters(burst=burst, rhythm_prior_weight=1e-6)
    quiet = (22, 23, 0, 1, 2, 3, 4, 5, 6, 7) if night else ()
    if night:
        parameters["quiet_start_min"], parameters["quiet_end_min"] = 22 * 60, 8 * 60
    now, worth, waiting, _ = reserved(per_week=per_week, parameters=parameters, candidate={"value": value}, hours=own)
    hours = np.array(own) / np.mean(own)
    assert waiting == pytest.approx(by_hand(now, worth, hours, per_week, burst, quiet), rel=2e-3, abs=1e-7)


def test_a_better_hour_of_the_same_day_is_waited_for():
    evening = np.ones(24)
    evening[20] = 12.0
    _, worth, waiting, later_s = reserved(hours=evening * 5)
    assert waiting > worth
    assert later_s == MONDAY_S + 20 * 3600


def test_hours_begin_on_the_users_own_clock():
    evening = np.ones(24)
    evening[20] = 12.0
    *_, later_s = reserved(hours=evening * 5, zone=SHANGHAI, parameters=made_parameters(offer_worth=1.0))
    assert later_s == MONDAY_S + DAY_S + (20 - 8 - 24) * 3600 + DAY_S


def test_a_candidate_that_expires_before_its_better_hour_does_not_wait_for_it():
    evening = np.ones(24)
    evening[20] = 12.0
    few = made_parameters(offer_a=1e-9)
    _, worth, waiting, later_s = reserved(
        hours=evening * 5, parameters=few, candidate={"expires_s": NOON_S + 3600, "value": 10.0}
    )
    assert waiting == pytest.approx(0.0, abs=1e-6)
    assert worth > 0
    assert later_s == NEVER_S


def test_what_would_never_expire_is_not_put_off_for_ever():
    for value in (1.0, 10.0, 100.0):
        rare = made_parameters(offer_a=0.1, offer_worth=value, refusal_loss=0.0, message_cost=0.0, shadow_price=0.0)
        _, worth, waiting, _ = reserved(parameters=rare, candidate={"value": value}, asked_day=0)
        assert worth >= waiting


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 86_399), st.integers(0, 1439), st.integers(0, 1439), st.floats(0, 40))
def test_no_quiet_hour_is_named(second, start_min, end_min, value):
    _, _, waiting, later_s = reserved(
        MONDAY_S + second, candidate={"value": value}, quiet_start_min=start_min, quiet_end_min=end_min
    )
    assert waiting >= 0
    if later_s < NEVER_S:
        minute = later_s % DAY_S // 60
        assert later_s % 3600 == 0
        assert MONDAY_S + second < later_s <= MONDAY_S + second + DAY_S
        assert start_min == end_min or (minute - start_min) % 1440 >= (end_min - start_min) % 1440


def test_a_user_with_credit_for_two_pushes_keeps_no_slot_for_others():
    two = reserved(parameters=made_parameters(burst=2.0), credit=2.0, candidate={"value": 5.0})
    one = reserved(parameters=made_parameters(burst=2.0), credit=1.0, candidate={"value": 5.0})
    assert two[2] <= two[1] < one[2]


def test_where_pushes_are_plenty_waiting_is_worth_less():
    free = made_parameters(fatigue_open=0.0, habituation_open=0.0, fatigue_refusal=0.0, most_per_week=200.0)
    worths = [reserved(per_week=pace, parameters=free)[2] for pace in (1.0, 7.0, 28.0, 168.0)]
    assert worths == sorted(worths, reverse=True)


def test_patience_weighs_what_waiting_is_worth():
    full, half, none = (reserved(parameters=made_parameters(patience=share))[2] for share in (1.0, 0.5, 0.0))
    assert half == pytest.approx(full / 2)
    assert none == 0.0
