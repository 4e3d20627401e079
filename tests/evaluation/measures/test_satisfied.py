import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lives import life

from andante.evaluation.measures.satisfaction import satisfaction, within


def test_a_week_is_satisfied_if_its_pushes_lie_in_the_band():
    found = satisfaction(life(sends=[[2, 4], [1, 3], [5, 3], [0, 0]]), seed=1)

    assert found.satisfied_weeks.value == pytest.approx(4 / 8)


def test_a_user_is_met_if_the_mean_week_lies_in_the_band():
    found = satisfaction(life(sends=[[2, 4], [1, 3], [5, 5], [0, 0]]), seed=1)

    assert found.users_accurate.value == pytest.approx(2 / 4)


def test_losing_users_does_not_satisfy_them():
    left = life(
        sends=[[3, 3], [3, 3], [3, 0], [3, 0]],
        subscribed=[[1, 1], [1, 1], [1, 0], [1, 0]],
        band_low=[0.2] * 4,
        band_high=[4] * 4,
    )

    found = satisfaction(left, seed=1)

    assert found.satisfied_weeks.value == pytest.approx(6 / 8)
    assert found.satisfied_weeks_reached.value == 1
    assert found.users_accurate.value == pytest.approx(2 / 4)


def test_a_band_without_a_whole_number_is_taken_to_its_neighbours_and_told():
    found = satisfaction(
        life(sends=[[0, 1], [1, 2], [3, 3], [3, 3]], band_low=[0.3, 0.3, 2, 2], band_high=[0.7, 0.7, 4, 4]), seed=1
    )

    assert found.band_empty.value == pytest.approx(0.5)
    assert found.satisfied_weeks.value == pytest.approx(7 / 8)


@given(st.floats(0.1, 10), st.floats(0, 5))
def test_some_whole_number_of_pushes_always_satisfies(low, width):
    inside = within(np.arange(20)[None], np.array([low]), np.array([low + width]))

    assert inside.any()
    assert not within(np.array([[int(low + width) + 2]]), np.array([low]), np.array([low + width])).any()


def test_the_survey_speaks_for_who_answered():
    ratings = np.repeat([[1, 0], [1, 1], [0, 0], [0, 0]], 10, axis=0)
    rating_sum = np.repeat([[5, 0], [2, 4], [0, 0], [0, 0]], 10, axis=0)

    found = satisfaction(life(users=40, ratings=ratings, rating_sum=rating_sum), seed=1)

    assert found.stars.value == pytest.approx(11 / 3)
    assert found.content.value == pytest.approx(2 / 3)


def test_without_answers_the_survey_says_nothing():
    found = satisfaction(life(), seed=1)

    assert found.stars is None
    assert found.content is None
