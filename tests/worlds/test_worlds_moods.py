import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.worlds.agenda import ORDER, agenda, listed, put, with_room
from andante.worlds.buying import order_probability
from andante.worlds.contract import DAY_S, HOUR_S
from andante.worlds.laws import laws
from andante.worlds.leaving import hazard
from andante.worlds.moods import fade_pressure, faded, moods, press
from andante.worlds.nature import Nature, Survey
from andante.worlds.opening import open_probability
from andante.worlds.people import people
from andante.worlds.survey import satisfaction

LAWS = laws(Nature())


def pushed_once():
    one = people(Nature(), 1, 1, 7)
    state = moods(one, 0)
    press(LAWS, state, 0)
    return one, state


@pytest.mark.parametrize(
    ("column", "half_life_days", "at_first"), [("fatigue", 3, 1), ("habituation", 15, 1), ("carry_over", 14, 0.008)]
)
def test_what_a_push_leaves_halves_exactly_in_its_half_life(column, half_life_days, at_first):
    one, state = pushed_once()
    for halvings in (1, 2):
        fade_pressure(LAWS, one, state, 0, halvings * half_life_days * DAY_S)
        assert getattr(state, column)[0] == pytest.approx(at_first / 2**halvings, rel=1e-12)


@settings(deadline=None)  # the first example compiles
@given(st.floats(0, 400 * DAY_S))
def test_depletion_halves_every_ten_days(elapsed_s):
    assert faded(1.0, LAWS.depletion_rate, elapsed_s) == pytest.approx(0.5 ** (elapsed_s / DAY_S / 10), rel=1e-9)


def test_carry_over_is_capped():
    _, state = pushed_once()
    for _ in range(60):
        press(LAWS, state, 0)
    assert state.carry_over[0] == 0.35


def test_opens_leaving_and_orders_follow_the_tables_formulas():
    assert open_probability(LAWS, 0.02, 2.0, 3.0, 10.0) == pytest.approx(0.04 * math.exp(-0.22 * 3 - 0.03 * 10))
    assert open_probability(LAWS, 0.5, 9.0, 0.0, 0.0) == 0.95
    assert hazard(LAWS, 0.001, 3.0) == pytest.approx(0.001 * math.exp(0.66))
    assert order_probability(LAWS, 0.034, 2.0) == pytest.approx(0.034 * math.exp(-1))


def test_satisfaction_is_best_in_the_band_and_falls_on_both_sides():
    felt = satisfaction(Survey(), np.array([1.0, 3.0, 4.0, 8.0]), np.full(4, 2.0), np.full(4, 5.0))
    assert felt[1] == felt[2] == 4.6
    assert felt[0] < 4.6
    assert felt[3] < 4.6


def due(entries, hours):
    book = with_room(agenda(hours), len(entries))
    for number, (hour, at_s) in enumerate(entries):
        put(book, hour, 0, ORDER, number, number, at_s, float(at_s))
    found = {}
    for hour in range(hours):
        places = np.zeros(len(book.at_s), np.int64)
        for place in places[: listed(book, hour, places)]:
            found[int(book.candidate[place])] = hour
    return book, found


@settings(deadline=None)  # the first example compiles
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20 * HOUR_S)), max_size=60))
def test_an_entry_is_due_in_its_hour_but_never_before_the_next_and_what_is_beyond_the_end_is_lost(entries):
    hours = 12
    book, found = due(entries, hours)
    wanted = {number: max(hour + 1, at_s // HOUR_S) for number, (hour, at_s) in enumerate(entries)}
    assert found == {number: hour for number, hour in wanted.items() if hour < hours}
    assert book.free[1] == len(book.at_s)  # every place is free again


def test_an_agenda_grows_without_losing_what_is_in_it():
    book = with_room(agenda(5), 1)
    for number in range(3000):
        book = with_room(book, 1)
        put(book, 0, 0, ORDER, number, number, 3 * HOUR_S, 0.0)
    places = np.zeros(len(book.at_s), np.int64)
    assert sorted(book.user[places[: listed(book, 3, places)]]) == list(range(3000))
