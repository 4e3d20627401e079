"""Promise 10: clock steps never reopen a cap's window. The wall clock jumps; true time runs on, and caps hold in it."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model import US, Cap, Model, Policy, Push, micros, moment
from promise_desk import effort, settings_of, warm

from andante import Engine
from andante.live.clock import SteadyClock

START_US = micros(datetime(2026, 5, 4, 12, tzinfo=UTC))
CAPS = (
    Cap("global", 2, timedelta(hours=1)),
    Cap("global", 5, timedelta(days=1)),
    Cap("channel:push", 3, timedelta(hours=8)),
)
POLICY = Policy(caps=CAPS)
OFFER = {"candidate_id": "c", "category": "promotion", "channel": "push"}
STEPS_US = [sign * hours * 3600 * US for sign in (1, -1) for hours in (1, 24)]


class Truth:
    """True time, and what somebody has set the wall clock wrong by."""

    def __init__(self):
        self.true_us, self.wrong_us = START_US, 0

    def __call__(self):
        return self.true_us + self.wrong_us


def clock_of(truth):
    return SteadyClock(truth, lambda: truth.true_us)


def true_sends(moves, *, stamped):
    """Ask for a push after every move of true time and of the wall, and return when, truly, one went out."""
    wall, sent = Truth(), []
    with Engine.open(":memory:", settings_of(POLICY, alone=True), clock=clock_of(wall)) as engine:
        engine.set_preferences("ann", {"consent": {"push": True}, "at": moment(START_US - US)})
        warm(engine, ["ann"], moment(START_US))
        for passed_us, step_us in moves:
            wall.true_us += passed_us
            wall.wrong_us += step_us
            request = {"user_id": "ann", "candidates": [OFFER]} | ({"at": moment(wall())} if stamped else {})
            if engine.decide([request])[0].action == "send":
                sent.append(wall.true_us)
    return sent


def over(sent):
    model = Model(POLICY)
    for at_us in sent:
        model.sent("ann", Push("promotion", "push"), at_us)
    return model.over("ann")


moves_back = st.lists(
    st.tuples(st.integers(0, 3 * 3600 * US), st.sampled_from([0, 0, 0, *[step for step in STEPS_US if step < 0]])),
    max_size=60,
)


@given(moves=moves_back, stamped=st.booleans())
@effort(40)
def test_a_clock_that_is_set_back_reopens_no_window(moves, stamped):
    assert over(true_sends(moves, stamped=stamped)) == []


@given(moves=st.lists(st.tuples(st.integers(0, 3600 * US), st.sampled_from([0, 0, 0, *STEPS_US])), max_size=60))
@effort(40)
def test_a_clock_that_is_set_forward_and_back_again_sends_no_more_than_its_own_time_allows(moves):
    """By stamps alone nobody can tell a leap from a quiet day: in the time that the stamps tell, caps hold."""
    wall, model = Truth(), Model(POLICY)
    with Engine.open(":memory:", settings_of(POLICY, alone=True)) as engine:
        engine.set_preferences("ann", {"consent": {"push": True}, "at": moment(START_US - US)})
        warm(engine, ["ann"], moment(START_US))
        for passed_us, step_us in moves:
            wall.true_us += passed_us
            wall.wrong_us += step_us
            (decision,) = engine.decide([{"user_id": "ann", "candidates": [OFFER], "at": moment(wall())}])
            if decision.action == "send":
                model.sent("ann", Push("promotion", "push"), model.clock("ann", wall()))
            model.decided("ann", wall())
    assert model.over("ann") == []


@pytest.mark.parametrize("seed", range(4))
def test_the_engines_own_clock_does_not_follow_a_wall_that_jumps(seed):
    """Callers who bring no time get the engine's, which reads the wall once: caps hold in true time."""
    draw = random.Random(seed)
    wall = Truth()
    model = Model(POLICY)
    with Engine.open(":memory:", settings_of(POLICY, alone=True), clock=clock_of(wall)) as engine:
        engine.set_preferences("ann", {"consent": {"push": True}, "at": moment(START_US - US)})
        warm(engine, ["ann"], moment(START_US))
        for _ in range(200):
            wall.true_us += draw.randrange(1800 * US)
            wall.wrong_us += draw.choice([0, 0, *STEPS_US])
            if engine.decide([{"user_id": "ann", "candidates": [OFFER]}])[0].action == "send":
                model.sent("ann", Push("promotion", "push"), wall.true_us)
    assert model.person("ann").sends
    assert model.over("ann") == []


def test_a_clock_reads_the_wall_once_and_then_counts_true_time():
    wall = Truth()
    clock = clock_of(wall)
    wall.wrong_us, wall.true_us = 24 * 3600 * US, START_US + 7
    assert clock.now_us() == START_US + 7


def test_a_decision_that_comes_late_is_taken_at_the_users_own_latest_moment():
    with Engine.open(
        ":memory:", settings_of(Policy(caps=(Cap("global", 1, timedelta(hours=1)),)), alone=True)
    ) as engine:
        engine.set_preferences("ann", {"consent": {"push": True}, "at": moment(START_US)})
        warm(engine, ["ann"], moment(START_US))
        asked = [
            {"user_id": "ann", "candidates": [OFFER], "at": moment(START_US + h * 3600 * US)}
            for h in (0, 5, 2, -100, 6)
        ]
        decisions = [engine.decide([request])[0] for request in asked]
    assert [decision.action for decision in decisions] == ["send", "send", "defer", "defer", "send"]
    assert min(d.send_at for d in decisions[2:4]) >= moment(START_US + 6 * 3600 * US)
