"""The knapsack and the oracle choose the best pace of each user within a budget."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.baselines.knapsack import knapsack
from andante.baselines.oracle import Oracle
from andante.vocabulary.fault import InputFault

PACES = np.array([0.0, 1.0, 2.0, 3.0])


def brute_force(value, sends, budget):
    rows = np.arange(len(value))
    plans = (np.array(plan) for plan in product(range(value.shape[1]), repeat=len(value)))
    return max(value[rows, plan].sum() for plan in plans if sends[rows, plan].sum() <= budget + 1e-9)


def total(table, column):
    return float(table[np.arange(len(column)), column].sum())


steps = st.lists(
    st.lists(st.floats(0, 10, width=16), min_size=3, max_size=3).map(lambda found: sorted(found, reverse=True)),
    min_size=1,
    max_size=5,
)
curves = st.lists(st.lists(st.floats(-10, 10, width=16), min_size=4, max_size=4), min_size=1, max_size=4)


@given(steps, st.integers(0, 15))
def test_the_knapsack_is_as_good_as_brute_force_where_each_push_adds_less_than_the_one_before(gains, budget):
    value = np.hstack((np.zeros((len(gains), 1)), np.cumsum(gains, axis=1)))
    sends = np.broadcast_to(PACES, value.shape)
    found = knapsack(value, sends, budget)
    assert total(sends, found.column) <= budget
    assert total(value, found.column) == pytest.approx(brute_force(value, sends, budget), abs=1e-6)


@given(curves, st.integers(0, 12))
def test_for_any_curves_the_knapsack_keeps_the_budget_and_misses_the_best_by_less_than_one_users_range(value, budget):
    value = np.array(value)
    sends = np.broadcast_to(PACES, value.shape)
    found = knapsack(value, sends, budget)
    assert total(sends, found.column) <= budget
    slack = np.ptp(value, axis=1).max()
    assert total(value, found.column) >= brute_force(value, sends, budget) - slack - 1e-6


@given(curves)
def test_without_a_budget_everybody_gets_their_best_pace(value):
    value = np.array(value)
    found = knapsack(value, np.broadcast_to(PACES, value.shape))
    assert found.price == 0
    assert total(value, found.column) == pytest.approx(value.max(axis=1).sum(), abs=1e-9)


def test_the_price_of_a_push_is_what_the_last_one_bought_adds():
    value = np.array([[0.0, 5.0, 8.0, 9.0], [0.0, 4.0, 6.0, 7.0]])
    found = knapsack(value, np.broadcast_to(PACES, value.shape), 3)
    assert found.column.tolist() == [2, 1]
    assert found.price == pytest.approx(2.0)  # the push that is next to be bought would add 2


def test_a_knapsack_that_nothing_fits_in_says_so():
    with pytest.raises(InputFault, match="let a pace of 0 be among them"):
        knapsack(np.zeros((2, 1)), np.ones((2, 1)), 1.0)
    with pytest.raises(InputFault, match="do not match"):
        knapsack(np.zeros((2, 1)), np.ones((2, 2)), 1.0)
    with pytest.raises(InputFault, match="not all finite"):
        knapsack(np.full((2, 2), np.nan), np.ones((2, 2)))


@given(curves)
def test_the_oracle_beats_or_ties_every_constant_pace_in_its_own_curves(value):
    value = np.array(value)
    best = Oracle(PACES).best(value)
    assert best.value.sum() >= value.sum(axis=0).max() - 1e-9


@given(steps, st.sampled_from(PACES.tolist()))
def test_with_a_budget_the_oracle_beats_or_ties_every_constant_pace_within_it(gains, budget):
    value = np.hstack((np.zeros((len(gains), 1)), np.cumsum(gains, axis=1)))
    best = Oracle(PACES).best(value, budget=budget)
    assert best.per_week.mean() <= budget + 1e-9
    assert best.value.sum() >= value[:, budget >= PACES].sum(axis=0).max() - 1e-6


def test_the_oracle_counts_the_sends_that_are_expected_of_those_who_leave():
    value = np.array([[0.0, 1.0, 1.5, 1.6]])
    sends = np.array([[0.0, 0.9, 1.0, 1.1]])  # nobody stays long at a high pace
    assert Oracle(PACES).best(value, sends=sends, budget=1.0).per_week.tolist() == [2.0]
    assert Oracle(PACES).best(value, budget=1.0).per_week.tolist() == [1.0]


def test_the_oracle_refuses_curves_by_other_paces():
    with pytest.raises(InputFault, match="by 4 paces"):
        Oracle(PACES).best(np.zeros((3, 2)))
