"""The sender keeps to a pace or a cap, by day, with the candidate that promises most; the purse keeps to a budget."""

import numpy as np
import pytest
from hand_made import START_S, Shop, crowd, tick
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.baselines.cap import FixedCap
from andante.baselines.memory import Memory
from andante.baselines.planned import Planned, receivers
from andante.baselines.purse import Purse
from andante.baselines.random_pace import RandomPace
from andante.baselines.sender import Sender
from andante.vocabulary.fault import InputFault
from andante.worlds.contract import DAY_S, HOUR_S, SEND, WEEK_S

NOON = 12 * HOUR_S


class Always:
    """Plans the same pace for everybody."""

    def __init__(self, per_week):
        self.per_week = per_week

    def plan(self, memory, allowance):  # noqa: ARG002  whatever is left
        return np.full(memory.crowd.users, self.per_week)


def test_of_the_candidates_of_a_request_the_live_one_that_promises_most_goes_out():
    offers = [(10.0, 1.0, HOUR_S), (4.0, 9.0, HOUR_S), (100.0, 9.0, 0)]
    shown = tick(START_S, [(0, NOON, offers)], number_first=7)
    sends = Sender(crowd(), 0).capped(shown, 1, WEEK_S)
    assert sends.tolist() == [(8, START_S + NOON)]


def test_nothing_goes_out_by_night_on_the_users_own_clock():
    shown = tick(START_S, [(0, hour * HOUR_S, [(1.0, 1.0, HOUR_S)]) for hour in range(24)])
    for offset_h in (0, 5):
        sends = Sender(crowd(offset_s=offset_h * HOUR_S), 0).capped(shown, 24, DAY_S)
        hours = (sends["at_s"] - START_S + offset_h * HOUR_S) // HOUR_S % 24
        assert hours.min() == 9
        assert hours.max() == 20


@pytest.mark.parametrize(("per_week", "limit", "weeks"), [(2.0, 2, 1), (0.5, 1, 2), (0.25, 1, 4), (1.25, 5, 4)])
def test_a_cap_is_never_passed_in_any_window_and_is_used_up(per_week, limit, weeks):
    shop = Shop(users=6, weeks=8, refusal=0.0)
    shop.live(FixedCap(per_week, 0))
    for user in range(6):
        at_s = np.array([when for who, when, _ in shop.sent if who == user])
        assert len(at_s) == limit * 8 / weeks
        assert (at_s[limit:] - at_s[:-limit] >= weeks * WEEK_S).all()


def test_a_cap_takes_what_comes_first():
    shown = tick(START_S, [(0, NOON, [(1.0, 1.0, HOUR_S)]), (0, NOON + HOUR_S, [(9.0, 9.0, HOUR_S)])])
    policy = FixedCap(1.0, 0)
    policy.begin(crowd())
    assert policy.decide(shown)["candidate"].tolist() == [0]


def test_a_cap_that_is_no_number_of_pushes_is_refused():
    for wrong in (-1.0, 0.3):
        with pytest.raises(InputFault, match="in quarters"):
            FixedCap(wrong, 0)


@given(st.sampled_from([0.0, 0.5, 1.0, 3.0, 7.0]))
@settings(max_examples=5, deadline=None)
def test_a_pace_is_kept_and_spread_over_the_week(per_week):
    shop = Shop(users=40, weeks=8, refusal=0.0)
    lived = shop.live(Planned(Always(per_week), 3))
    assert lived.sends.mean() == pytest.approx(per_week, abs=0.1)
    assert lived.sends.max() <= np.ceil(per_week) + 1
    for user in range(40):
        gaps = np.diff([when for who, when, _ in shop.sent if who == user])
        if per_week:
            assert (gaps >= 0.5 * WEEK_S / per_week - 1).all()


def test_who_has_unsubscribed_is_not_pushed_any_more():
    policy = FixedCap(7.0, 0)
    policy.begin(crowd())
    asked = [(user, NOON, [(1.0, 1.0, HOUR_S)]) for user in range(4)]
    assert len(policy.decide(tick(START_S, asked))) == 4
    left = tick(START_S + 2 * DAY_S, asked, outcomes=[(1, 1, 5, "unsubscribed", 0.0)], number_first=4)
    assert receivers(left, policy.decide(left)).tolist() == [0, 2, 3]


@given(st.floats(0.1, 3.0), st.floats(0.25, 7.0))
@settings(max_examples=15, deadline=None)
def test_a_budget_is_never_passed(budget, per_week):
    for policy in (
        Planned(RandomPace(1), 1, budget),
        Planned(Always(per_week), 1, budget),
        FixedCap(np.ceil(per_week * 4) / 4, 1, budget),
    ):
        lived = Shop(users=15, weeks=3).live(policy)
        assert lived.sends.sum() <= budget * lived.sends.size


def test_a_budget_is_used_up_where_a_plan_can():
    lived = Shop(users=60, weeks=8).live(Planned(RandomPace(1), 1, 2.0))
    assert lived.sends.mean() == pytest.approx(2.0, rel=0.05)


def test_a_purse_pays_for_the_earliest_sends_and_spreads_what_is_left():
    purse = Purse(crowd(users=2, weeks=2), 1.0)
    assert purse.allowance(START_S) == 1.0
    sends = np.zeros(3, SEND)
    sends["candidate"] = [5, 6, 7]
    assert purse.pay(sends)["candidate"].tolist() == [5, 6, 7]
    assert purse.allowance(START_S + WEEK_S) == 0.5
    assert purse.pay(sends)["candidate"].tolist() == [5]
    assert purse.left == 0
    assert Purse(crowd(), None).left is None


def test_random_paces_are_kept_for_good_and_drawn_alike_from_all():
    planner, memory = RandomPace(3), Memory(crowd(users=2000))
    paces = planner.plan(memory, None)
    assert (paces == planner.plan(memory, None)).all()
    found, often = np.unique(paces, return_counts=True)
    assert found.tolist() == list(planner.paces)
    assert often.min() > 0.7 * 2000 / len(found)
    assert planner.plan(memory, 1.5).mean() == pytest.approx(1.5)


def test_a_memory_counts_what_it_is_shown():
    memory = Memory(crowd(users=3, segment=[0, 0, 1]))
    memory.observe(
        tick(
            START_S,
            events=[(0, 10, "visit", 0.0), (0, 20, "visit", 0.0), (0, 30, "purchase", 12.5), (1, 40, "view", 0.0)],
            outcomes=[(0, 2, 50, "opened", 0.0), (0, 1, 60, "unsubscribed", 0.0)],
        )
    )
    memory.count(np.array([2, 2]))
    assert memory.visits.tolist() == [2, 0, 0]
    assert memory.spend.tolist() == [12.5, 0, 0]
    assert memory.opens.tolist() == [0, 0, 1]
    assert memory.sent.tolist() == [0, 0, 2]
    assert memory.reachable.tolist() == [True, False, True]
    assert memory.visited_s[0] == START_S + 20
    assert np.isfinite(memory.features()).all()
