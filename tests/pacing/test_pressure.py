import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pacing_desk import DAY_S, MONDAY_S, made_parameters, made_user

from andante.pacing.pressure import press, pressed

PARAMETERS = made_parameters().view()[0]
instants = st.lists(st.integers(MONDAY_S, MONDAY_S + 60 * DAY_S), min_size=1, max_size=12)


def after(instants_s):
    users = made_user()
    for at_s in instants_s:
        press(users[0], PARAMETERS, at_s)
    return users[0]


def test_one_push_is_half_a_push_after_the_half_life():
    user = after([MONDAY_S])
    assert pressed(user, PARAMETERS, MONDAY_S) == (1.0, 1.0)
    assert pressed(user, PARAMETERS, MONDAY_S + 5 * DAY_S // 2)[0] == 0.5
    assert pressed(user, PARAMETERS, MONDAY_S + 15 * DAY_S)[1] == 0.5


@settings(max_examples=50, deadline=None)
@given(instants, st.randoms(use_true_random=False))
def test_the_order_in_which_pushes_are_booked_does_not_matter(instants_s, random):
    shuffled_s = random.sample(instants_s, len(instants_s))
    at_s = max(instants_s)
    direct = sum(0.5 ** ((at_s - sent_s) / (2.5 * DAY_S)) for sent_s in instants_s)
    assert pressed(after(instants_s), PARAMETERS, at_s)[0] == pytest.approx(direct, rel=1e-5)
    assert pressed(after(shuffled_s), PARAMETERS, at_s) == pytest.approx(pressed(after(instants_s), PARAMETERS, at_s))


def test_a_clock_that_stands_before_the_latest_push_still_sees_it_whole():
    assert pressed(after([MONDAY_S]), PARAMETERS, MONDAY_S - DAY_S) == (1.0, 1.0)
