"""The demonstration's clock never steps back, whatever is asked of it, and goes no further than it may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.demonstration.clock import SPEED_MAX, DemoClock
from andante.vocabulary.fault import InputFault

START_US = 1_800_000_000_000_000
FAR_US = START_US + 10**15


class Ticks:
    """A monotonic clock that tests turn."""

    def __init__(self):
        self.us = 5

    def __call__(self):
        return self.us


def running(speed):
    ticks = Ticks()
    clock = DemoClock(START_US, speed, ticks)
    clock.allow(FAR_US)
    return clock, ticks


STEPS = st.one_of(
    st.tuples(st.just("pass"), st.integers(0, 10_000_000)),
    st.tuples(st.just("speed"), st.floats(0, SPEED_MAX)),
    st.tuples(st.just("hurry"), st.integers(START_US - 10**9, START_US + 10**11)),
    st.tuples(st.just("allow"), st.integers(START_US - 10**9, START_US + 10**11)),
)


@given(st.lists(STEPS, max_size=60))
def test_it_never_steps_back_nor_beyond_what_it_was_allowed(steps):
    ticks = Ticks()
    clock, allowed_us, before_us = DemoClock(START_US, 3600.0, ticks), START_US, START_US
    for kind, amount in steps:
        if kind == "pass":
            ticks.us += amount
        elif kind == "speed":
            clock.run_at(amount)
        elif kind == "hurry":
            clock.hurry(amount)
        else:
            clock.allow(amount)
            allowed_us = max(allowed_us, amount)
        assert before_us <= clock.now_us() <= allowed_us
        before_us = clock.now_us()


def test_a_change_of_speed_is_continuous_and_takes_effect_at_once():
    clock, ticks = running(3600.0)
    ticks.us += 1_000_000
    assert clock.now_us() == START_US + 3600 * 1_000_000
    clock.run_at(60.0)
    assert clock.now_us() == START_US + 3600 * 1_000_000
    ticks.us += 1_000_000
    assert clock.now_us() == START_US + 3660 * 1_000_000


def test_it_hurries_up_to_a_moment_and_then_runs_as_before():
    clock, ticks = running(60.0)
    clock.hurry(START_US + 14_400_000_000)
    ticks.us += 500_000
    assert (clock.now_us(), clock.speed) == (START_US + 7_200_000_000, SPEED_MAX)
    ticks.us += 1_500_000
    assert (clock.now_us(), clock.speed) == (START_US + 14_400_000_000 + 60_000_000, 60.0)


def test_a_word_on_its_speed_ends_its_hurry_and_a_moment_that_is_over_begins_none():
    clock, ticks = running(60.0)
    clock.hurry(FAR_US)
    clock.run_at(1.0)
    ticks.us += 7
    assert (clock.now_us(), clock.speed) == (START_US + 7, 1.0)
    clock.hurry(START_US)
    assert clock.speed == 1.0


def test_a_pause_stands_still_and_what_it_lasted_is_not_made_up():
    clock, ticks = running(0.0)
    ticks.us += 60_000_000
    assert clock.now_us() == START_US
    clock.run_at(1.0)
    ticks.us += 7
    assert clock.now_us() == START_US + 7


def test_it_waits_for_those_who_are_behind_and_does_not_jump_when_they_come():
    ticks = Ticks()
    clock = DemoClock(START_US, 3600.0, ticks)
    ticks.us += 9_000_000
    assert clock.now_us() == START_US
    clock.allow(START_US + 1_000_000)
    ticks.us += 9_000_000
    assert clock.now_us() == START_US + 1_000_000
    clock.allow(FAR_US)
    assert clock.now_us() == START_US + 1_000_000
    ticks.us += 1_000
    assert clock.now_us() == START_US + 1_000_000 + 3_600_000


@pytest.mark.parametrize("speed", [-1.0, SPEED_MAX + 1, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused_and_changes_nothing(speed):
    clock, _ = running(60.0)
    with pytest.raises(InputFault, match="speed"):
        clock.run_at(speed)
    assert clock.speed == 60.0
    with pytest.raises(InputFault, match="speed"):
        DemoClock(START_US, speed)
