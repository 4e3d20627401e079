import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pacing_desk import MONDAY_S, ZONES, made_parameters, made_user
from scipy import stats

from andante.draw import CANDIDATE, SEND, uniform
from andante.pacing.explore import chance_of, choose, send_probability
from andante.pacing.response import moment
from andante.vocabulary.flow import VERDICT

NOW = moment(made_user()[0], made_parameters()[0], ZONES, MONDAY_S, 3.0)
money = st.floats(-1, 1)


def judged(*indices):
    verdicts = np.zeros(len(indices), VERDICT).view(np.recarray)
    verdicts["index"] = indices
    return verdicts


def test_what_is_worth_as_much_as_waiting_goes_out_half_of_the_times():
    assert send_probability(0.3, 0.3, NOW, made_parameters(floor=0.02)[0]) == 0.5


@given(money, money)
def test_no_probability_is_below_the_floor_or_above_its_complement(index, worth):
    assert 0.02 <= send_probability(index, worth, NOW, made_parameters(floor=0.02)[0]) <= 0.98


@given(money, money, st.floats(0, 1))
def test_more_advantage_is_never_less_likely(index, worth, more):
    parameters = made_parameters(floor=0.02)[0]
    assert send_probability(index + more, worth, NOW, parameters) >= send_probability(index, worth, NOW, parameters)


@given(money, money)
def test_without_temperature_and_floor_nothing_is_left_to_chance(index, worth):
    certain = made_parameters(temperature=0.0, floor=0.0)[0]
    assert send_probability(index, worth, NOW, certain) == float(index >= worth)


def test_softness_is_a_share_of_the_worth_of_a_usual_push():
    parameters = made_parameters(temperature=0.5)[0]
    assert send_probability(0.5 * NOW.usual, 0.0, NOW, parameters) == pytest.approx(1 / (1 + np.exp(-1)))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_choices_are_as_frequent_as_is_logged(share):
    parameters = made_parameters(explore_candidates=share)[0]
    verdicts, best, eligible = judged(0.1, np.nan, 0.4, -0.2, np.nan, 0.3), 2, 4
    draws = 20_000
    counts = np.zeros(6)
    for number in range(draws):
        counts[choose(uniform(11, number, CANDIDATE), verdicts, eligible, best, parameters)] += 1
    places = [0, 2, 3, 5]
    logged = np.array([chance_of(place, eligible, best, parameters) for place in places])
    assert logged.sum() == pytest.approx(1.0)
    assert counts[[1, 4]].sum() == 0
    possible = logged > 0
    assert counts[places][~possible].sum() == 0
    if possible.sum() > 1:
        assert stats.chisquare(counts[places][possible], draws * logged[possible]).pvalue > 0.001


def test_sends_are_as_frequent_as_is_logged():
    parameters = made_parameters(floor=0.02)[0]
    for index in (-0.05, -0.004, 0.0, 0.004, 0.05):
        likely = send_probability(index, 0.0, NOW, parameters)
        sent = sum(uniform(13, number, SEND) < likely for number in range(20_000))
        assert stats.binomtest(sent, 20_000, likely).pvalue > 0.001


def test_the_only_candidate_is_chosen_for_sure():
    parameters = made_parameters(explore_candidates=0.5)[0]
    assert choose(0.1, judged(np.nan, -0.3), 1, 1, parameters) == 1
    assert chance_of(1, 1, 1, parameters) == 1.0
