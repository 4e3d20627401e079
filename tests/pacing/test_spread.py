import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pacing_desk import MONDAY_S, made_parameters
from scipy import stats

from andante.pacing.spread import spread
from andante.vocabulary.state import NEVER_S


def test_deferred_pushes_come_out_evenly():
    parameters = made_parameters(spread_s=1800)[0]
    seconds = [spread(parameters, number, MONDAY_S, NEVER_S) - MONDAY_S for number in range(5000)]
    assert (min(seconds), max(seconds)) == (0, 1800)
    assert stats.kstest(np.array(seconds) / 1800, "uniform").pvalue > 0.001


@given(st.integers(0, 2**63 - 1), st.integers(0, 7200), st.integers(-10, 10_000))
def test_a_spread_push_goes_out_between_the_earliest_and_the_latest_second(number, spread_s, room_s):
    second = spread(made_parameters(spread_s=spread_s)[0], number, MONDAY_S, MONDAY_S + room_s)
    assert MONDAY_S <= second <= MONDAY_S + max(min(spread_s, room_s), 0)
