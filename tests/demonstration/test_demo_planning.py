"""The demonstration's slow clock plans by what shoppers did, and by nothing else of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.demonstration.planning import Planner, Terms, terms_of
from andante.demonstration.scenario import SETTINGS
from andante.settings import load
from andante.vocabulary.event import EventType
from andante.vocabulary.fault import NotEnoughData
from andante.vocabulary.flow import EVENT_CODES
from andante.worlds.contract import DAY_S

BEGIN_S = 1_767_571_200
SHOPPERS = 6
DONE = np.dtype([("user", "i8"), ("at_s", "i8"), ("type", "u1")])
VIEW, PURCHASE = EVENT_CODES[EventType.VIEW], EVENT_CODES[EventType.PURCHASE]
TERMS = Terms(budget=6.0, f_min=1.0)

events = st.lists(
    st.tuples(
        st.integers(0, SHOPPERS - 1), st.integers(BEGIN_S, BEGIN_S + 13 * DAY_S), st.sampled_from([VIEW, PURCHASE])
    ),
    max_size=60,
)


def planner(done):
    made = Planner(SHOPPERS, BEGIN_S)
    made.saw(np.array(done, DONE))
    return made


def interest(done, days=14):
    return planner(done).interest(BEGIN_S + days * DAY_S)


@given(events, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_told_and_who_did_them_do_not_matter(done, draw):
    shuffled = draw.sample(done, len(done))
    others = [(SHOPPERS - 1 - user, at_s, kind) for user, at_s, kind in shuffled]
    assert interest(others)[::-1] == pytest.approx(interest(done))


@given(events, st.integers(0, SHOPPERS - 1), st.integers(BEGIN_S, BEGIN_S + 13 * DAY_S))
def test_who_does_more_is_never_thought_less_interested_and_a_purchase_says_most(done, user, at_s):
    before, viewed, bought = (interest(done + more) for more in ([], [(user, at_s, VIEW)], [(user, at_s, PURCHASE)]))
    assert 0 <= before[user] <= viewed[user] <= bought[user] <= 1
    assert np.delete(viewed, user) == pytest.approx(np.delete(before, user))


def test_what_is_long_ago_counts_for_less_however_long_a_life_is():
    done = [(0, BEGIN_S, VIEW), (1, BEGIN_S + 7 * DAY_S, VIEW)]
    old, fresh, *_ = interest(done)
    assert old == pytest.approx(fresh / 2)
    assert np.isfinite(interest([(0, BEGIN_S + 104 * 7 * DAY_S, PURCHASE)], 104 * 7)).all()


@given(events)
def test_a_plan_keeps_to_the_budget_and_to_its_bounds(done):
    looked = [(user, BEGIN_S, VIEW) for user in range(SHOPPERS)]
    plan = planner(done + looked).plan(BEGIN_S + 14 * DAY_S, TERMS)
    assert plan.per_week.mean() == pytest.approx(6.0)
    assert ((plan.per_week >= 1.0) & (plan.per_week <= 14.0)).all()
    order = np.argsort(plan.interest)
    assert (np.diff(plan.per_week[order]) >= -1e-9).all()


def test_without_a_budget_theta_is_the_mean_interest_and_a_given_one_is_kept():
    made, now_s = planner([(0, BEGIN_S, PURCHASE)]), BEGIN_S + DAY_S
    free = made.plan(now_s, Terms())
    assert free.theta == pytest.approx(free.interest.mean())
    assert made.plan(now_s, Terms(budget=6.0, theta=0.5)).theta == 0.5


def test_nothing_is_planned_where_nobody_did_anything():
    with pytest.raises(NotEnoughData):
        planner([]).plan(BEGIN_S, TERMS)


def test_the_terms_are_those_of_the_settings():
    assert terms_of(load(SETTINGS, {})) == TERMS
