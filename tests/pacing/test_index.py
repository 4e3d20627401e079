import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pacing_desk import MONDAY_S, ZONES, made_candidate, made_parameters, made_user

from andante.pacing.index import index
from andante.pacing.response import moment

PARAMETERS = made_parameters()
PRESSED = {"fatigue": 1.5, "habituation": 4.0, "pressure_anchor_s": MONDAY_S}


def indexed(parameters=PARAMETERS, user=PRESSED, per_week=3.0, **candidate):
    now = moment(made_user(**user)[0], parameters[0], ZONES, MONDAY_S, per_week)
    return index(now, parameters[0], made_candidate(**candidate)[0])


def test_the_index_is_the_formula_of_the_methods():
    worth, opened = indexed(value=30.0, relevance=2.0)
    open_rate, organic, conversion = 1 / 20, 1 - math.exp(-0.1), 2 / 40
    pressure = math.exp(-0.2 * 1.5 - 0.03 * 4)
    gain = 1 - organic + 0.1
    brings = conversion * 30.0 * open_rate * 2.0 * pressure * gain
    per_day, tired, used = 3 / 7, 2.5 / math.log(2), 15 / math.log(2)
    slope = 0.2 * tired + 0.03 * used
    wear = per_day * slope * conversion * 10.0 * open_rate * gain * math.exp(-slope * per_day)
    wear += per_day * 0.2 * tired * 0.001 * math.exp(0.2 * tired * per_day)
    assert opened == pytest.approx(open_rate * 2.0 * pressure)
    assert worth == pytest.approx(brings - 0.001 * math.exp(0.3) * 1.0 - wear - 0.001 - 0.0005)


def test_opens_are_never_more_than_certain():
    assert indexed(relevance=1e6)[1] == 1.0


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 100), st.floats(0, 15), st.floats(0.1, 10))
def test_more_value_relevance_or_rest_is_never_worth_less(value, relevance, more):
    base = indexed(value=value, relevance=relevance)[0]
    assert indexed(value=value + more, relevance=relevance)[0] >= base
    assert indexed(value=value, relevance=relevance + more)[0] >= base
    assert indexed(value=value, relevance=relevance, user={})[0] >= base


def test_a_user_who_would_come_anyway_is_worth_less_of_a_push():
    eager = PRESSED | {"visits": 60.0, "evidence_anchor_s": MONDAY_S}
    assert indexed(user=eager)[0] < indexed()[0]


def test_a_higher_shadow_price_is_taken_off_in_full():
    dear = made_parameters(shadow_price=0.1005)
    assert indexed(dear)[0] == pytest.approx(indexed()[0] - 0.1)
