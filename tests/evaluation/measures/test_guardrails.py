import numpy as np
import pytest
from lives import life

from andante.evaluation.measures.guardrails import frequency, guardrails, volatility
from andante.evaluation.measures.life import reachable, weeks_present
from andante.vocabulary.fault import NotEnoughData


def test_what_pushes_cost_is_counted_per_push():
    found = guardrails(
        life(
            sends=[[5, 5], [5, 0], [5, 0], [0, 0]],
            subscribed=[[1, 1], [1, 0], [0, 0], [1, 1]],
            installed=[[1, 1], [1, 1], [0, 0], [1, 1]],
            night_sends=[[1, 0], [0, 0], [0, 0], [0, 0]],
            complaints=[[0, 0], [0, 0], [2, 0], [0, 0]],
        ),
        seed=1,
    )

    assert found.optouts_per_push.value == pytest.approx(2 / 20)
    assert found.uninstalls_per_push.value == pytest.approx(1 / 20)
    assert found.night_share.value == pytest.approx(1 / 20)
    assert found.complaints_per_push.value == pytest.approx(2 / 20)
    assert found.reachable_share.value == 0.5
    assert found.reachable_week == 2


def test_reachable_users_are_counted_at_week_26_even_if_the_world_goes_on():
    subscribed = np.ones((4, 30))
    subscribed[0, 20:] = 0
    subscribed[1, 27:] = 0

    found = guardrails(life(weeks=30, subscribed=subscribed), seed=1)

    assert found.reachable_share.value == 0.75
    assert found.reachable_week == 26


def test_without_pushes_there_is_no_cost_per_push():
    found = guardrails(life(), seed=1)

    assert found.optouts_per_push is None
    assert found.reachable_share.value == 1


def test_those_who_joined_late_are_not_lost():
    found = guardrails(
        life(
            present=[[0, 1], [1, 1], [1, 1], [0, 0]], subscribed=[[0, 1], [1, 1], [1, 1], [0, 0]], sends=np.ones((4, 2))
        ),
        seed=1,
    )

    assert found.optouts_per_push.value == 0
    assert found.reachable_share.value == 1


def test_volatility_is_the_mean_change_from_week_to_week():
    pushes = np.array([[1, 4, 2], [3, 3, 3]])

    assert volatility(pushes, np.ones((2, 3), bool), seed=1).value == pytest.approx((3 + 2) / 4)


def test_a_steady_pace_has_no_volatility():
    found = volatility(np.full((5, 6), 3), np.ones((5, 6), bool), seed=1)

    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_leaving_is_no_change_of_pace():
    pushes = np.array([[3, 3, 0, 0], [2, 2, 2, 2]])
    reached = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)

    assert volatility(pushes, reached, seed=1).value == 0


def test_a_week_in_which_a_user_joined_is_not_whole():
    pushes = np.array([[0, 1, 5, 5], [2, 2, 2, 2]])
    reached = np.array([[0, 1, 1, 1], [1, 1, 1, 1]], bool)

    assert volatility(pushes, reached, seed=1).value == 0


def test_nobody_reached_for_two_weeks_shows_no_volatility():
    with pytest.raises(NotEnoughData):
        volatility(np.ones((3, 2)), np.zeros((3, 2), bool), seed=1)


def test_frequency_counts_the_weeks_of_those_who_left():
    gone = life(users=2, sends=[[4, 0], [4, 4]], subscribed=[[0, 0], [1, 1]])

    assert frequency(gone, seed=1).value == 3
    assert weeks_present(gone).tolist() == [2, 2]
    assert reachable(gone).tolist() == [[False, False], [True, True]]
