"""The fast simulation decides as the live engine does: the same candidates at the same seconds, in the same state."""

import numpy as np
import pytest
from tiny_world import START_S, TinyWorld, live

from andante.runners.simulating.engine_policy import EnginePolicy
from andante.runners.simulating.step_policy import StepPolicy
from andante.settings import load
from andante.vocabulary.reason import Action
from andante.vocabulary.state import USER
from andante.worlds.catalogue import world
from andante.worlds.contract import WEEK_S
from andante.worlds.loop import live as live_through

BUSY = {"pacing": {"default_per_week": 7, "burst": 3, "stale_after": "P3D"}, "gap": {"minimum": "PT10M"}}
CAPPED = {
    **BUSY,
    "caps": [
        {"scope": "global", "limit": 2, "window": "P1D"},
        {"scope": "category:promotion", "limit": 3, "window": "P7D"},
    ],
    "quiet_hours": {"start": "22:00", "end": "08:00"},
    "categories": {"recommendation": {"transactional": True}},
}
BUDGETED = {**BUSY, "budget": {"per_user_week": 2.0, "controller": True}}
SETTINGS = {"defaults": {}, "busy": BUSY, "capped": CAPPED, "budgeted": BUDGETED}
HASHED = {"sent_content"}
"""A world's campaigns and items are numbers already; the live engine hashes their names."""


def plan(week):
    """Plan some users more from week to week, and every fifth nothing."""
    return np.where(np.arange(12) % 5 == 0, np.nan, 1.0 + week + np.arange(12) % 3)


def sends(there):
    return sorted(there.sent.items())


def by_crowd(engine, users):
    """The engine's records in the order of the crowd: it numbers users as it meets them."""
    population = engine._desk.population
    return population.users[[population.row(f"user-{user}") for user in range(users)]]


@pytest.mark.parametrize("planned", [None, plan])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_fast_simulation_sends_and_learns_what_the_engine_does(name, planned):
    settings = load(SETTINGS[name], {})
    fast = StepPolicy(settings, plan=planned)
    ours = live(TinyWorld(), fast)
    with EnginePolicy(":memory:", settings, plan=planned) as engine:
        theirs = live(TinyWorld(), engine)
        assert sends(ours) == sends(theirs)
        assert len(ours.sent) > 20
        held = by_crowd(engine.engine, 12)
        assert fast._position == engine.engine._desk.position
        assert (
            len({fast.waiting, sum(map(len, (w.candidates for w in engine.engine._desk.waiting._waiters.values())))})
            == 1
        )
    np.testing.assert_array_equal(fast.users["sent_content"] > 0, held["sent_content"] > 0)
    for field in set(USER.names) - HASHED:
        np.testing.assert_array_equal(fast.users[field], held[field], err_msg=field)


@pytest.mark.parametrize("name", ["reference", "newcomers"])
def test_they_agree_in_the_worlds_of_the_catalogue(name):
    settings = load(CAPPED, {})
    ours = live_through(world(name, 40, 2, 5), StepPolicy(settings))
    with EnginePolicy(":memory:", settings) as engine:
        theirs = live_through(world(name, 40, 2, 5), engine)
    assert ours.sends.sum() > 30
    for column in ours.__slots__:
        np.testing.assert_array_equal(getattr(ours, column), getattr(theirs, column), err_msg=column)


def test_a_deferred_push_goes_out_later_within_the_simulation():
    policy = StepPolicy(load(CAPPED, {}), log=True)
    live(TinyWorld(), policy)
    logged = policy.logged()
    again = logged.records["kind"] == 3
    assert (logged.decisions["action"][again] == Action.SEND).sum() > 5


def test_no_cap_is_exceeded_and_nothing_goes_out_at_night():
    there = live(TinyWorld(users=30, weeks=3, asks_per_day=6), StepPolicy(load(CAPPED, {})))
    for user in range(30):
        times = np.array(
            sorted(
                at
                for number, at in there.sent.items()
                if there.shown[number][0] == user and there.shown[number][1]["category"] != 1
            )
        )
        assert all(((times > at - 86_400) & (times <= at)).sum() <= 2 for at in times)
        local_h = (times + there.crowd.offset_s[user]) % 86_400 / 3600
        assert ((local_h >= 8) & (local_h < 22)).all()


def test_a_user_who_has_left_is_not_pushed_once_it_is_known():
    there = live(TinyWorld(users=30, weeks=3), StepPolicy(load(BUSY, {})))
    assert there.left.any()
    assert there.undelivered.sum() <= 3


def test_several_threads_decide_as_one_does(monkeypatch):
    monkeypatch.setattr("andante.runners.simulating.step_policy.THREADED_FROM", 1)
    one, two = (live(TinyWorld(), StepPolicy(load(BUSY, {}), threads=threads)) for threads in (1, 2))
    assert sends(one) == sends(two)


def test_how_ticks_are_cut_changes_nothing_where_parts_are_the_same():
    hourly, six_hourly = (live(TinyWorld(tick_s=3600), StepPolicy(every_s=every_s)) for every_s in (3600, 7200))
    assert sends(hourly) == sends(six_hourly)


def test_the_log_says_what_was_sent_and_why():
    policy = StepPolicy(load(BUSY, {}), log=True)
    there = live(TinyWorld(), policy)
    logged = policy.logged()
    sent = logged.decisions["action"] == Action.SEND
    chosen = logged.records["first"][sent] + logged.decisions["chosen"][sent]
    assert sorted(
        zip(logged.numbers[chosen].tolist(), logged.decisions["send_at_s"][sent].tolist(), strict=True)
    ) == sends(there)
    assert ((logged.decisions["propensity"] > 0) & (logged.decisions["propensity"] <= 1)).all()
    assert len(logged.candidates) == logged.records["count"].sum()


def test_a_log_that_was_not_kept_is_not_given():
    with pytest.raises(RuntimeError, match="log=True"):
        StepPolicy().logged()


def test_the_budget_is_held_by_a_price():
    policy = StepPolicy(load({**BUDGETED, "budget": {"per_user_week": 0.5, "controller": True}}, {}))
    there = live(TinyWorld(users=60, weeks=3), policy)
    free = live(TinyWorld(users=60, weeks=3), StepPolicy(load(BUSY, {})))
    assert policy.parameters["shadow_price"][0] > 0
    assert len(there.sent) < 0.7 * len(free.sent)


def test_the_world_begins_where_it_says():
    assert START_S % WEEK_S == 4 * 86_400  # a Monday: the first of January 1970 was a Thursday
