import numpy as np
import pytest

from andante.evaluation.measures.fairness import by_segment, member_fairness
from andante.vocabulary.fault import InputFault, NotEnoughData

USERS, WEEKS = 4000, 8


def crowd(rng, rate, *, members_active):
    """Users of two segments, the second active; members are active more often by so much."""
    member = rng.random(USERS) < 0.3
    segment = (rng.random(USERS) < np.where(member, 0.5 + members_active, 0.5)).astype(int)
    sends = rng.poisson(rate(member, segment) * WEEKS)
    return sends, np.full(USERS, float(WEEKS)), member, segment


def judged(rate, members_active=0.0, seed=1, **more):
    sends, weeks, member, segment = crowd(np.random.default_rng(seed), rate, members_active=members_active)
    return member_fairness(sends, weeks, member, segment, seed=seed, resamples=400, **more)


def test_equal_frequency_is_no_difference():
    found = judged(lambda _, segment: 3.0 + 0 * segment)

    assert found.verdict == "no difference"
    assert "no difference in frequency" in found.sentence


def test_a_difference_that_behaviour_makes_is_explained_by_it():
    found = judged(lambda _, segment: 2.0 + 2 * segment, members_active=0.4)

    assert found.verdict == "explained by behaviour"
    assert found.difference.value == pytest.approx(0.8, abs=0.15)
    assert found.standardised.low < 0 < found.standardised.high


@pytest.mark.parametrize("extra", [1.0, -1.0])
def test_a_difference_for_membership_itself_is_found(extra):
    found = judged(lambda member, segment: 2.0 + 2 * segment + extra * member)

    assert found.verdict == "not explained by behaviour"
    assert found.standardised.value == pytest.approx(extra, abs=0.12)
    assert "give a reason or equalise it" in found.sentence


def test_a_difference_hidden_by_behaviour_shows_among_users_of_like_behaviour():
    # Members are more active and get less for it: the plain difference is small, the standardised one is not.
    found = judged(lambda member, segment: 2.0 + 2 * segment - 0.4 * member, members_active=0.4)

    assert found.difference.value > 0.25
    assert found.standardised.high < 0
    assert found.verdict == "not explained by behaviour"


def test_few_users_cannot_tell():
    rng = np.random.default_rng(3)
    sends, weeks, member, segment = (
        column[:60] for column in crowd(rng, lambda _, active: 3.0 + 0 * active, members_active=0)
    )

    assert member_fairness(sends * 3, weeks, member, segment, seed=1).verdict == "cannot tell"


def test_segments_of_one_kind_cannot_be_compared():
    member = np.arange(40) % 2 == 0

    found = member_fairness(np.where(member, 30.0, 10.0), np.full(40, 8.0), member, member.astype(int), seed=1)

    assert found.standardised is None
    assert found.uncomparable == 1
    assert found.verdict == "cannot tell"
    assert "no segment holds both" in found.sentence


def test_weeks_in_segments_of_one_kind_are_told():
    member = np.array([True, False] * 20 + [True] * 10)
    segment = np.array([0] * 40 + [1] * 10)

    found = member_fairness(np.where(member, 30.0, 10.0), np.full(50, 8.0), member, segment, seed=1)

    assert found.uncomparable == pytest.approx(0.2)
    assert found.standardised.value == pytest.approx(2.5)


def test_the_standardised_difference_is_that_by_hand():
    # Segment 0: 4 weeks of 6, rates 3 and 1; segment 1: 2 weeks of 6, rates 5 and 5.
    found = member_fairness([3, 1, 3, 1, 5, 5], [1] * 6, [1, 0, 1, 0, 1, 0], [0, 0, 0, 0, 1, 1], seed=4, resamples=20)

    assert found.standardised.value == pytest.approx(4 / 6 * 2)


def test_a_wider_margin_tolerates_more():
    tight, wide = (judged(lambda member, _: 3 + 0.3 * member, margin=margin) for margin in (0.1, 0.5))

    assert (tight.verdict, wide.verdict) == ("not explained by behaviour", "no difference")


def test_each_segment_has_its_own_frequency():
    found = by_segment([2.0, 4.0, 8.0, 8.0] * 9, [1.0, 1.0, 2.0, 2.0] * 9, [1, 1, 7, 7] * 9, seed=1)

    assert {segment: rate.value for segment, rate in found.items()} == {1: 3.0, 7: 4.0}


def test_a_segment_of_one_user_has_no_interval():
    assert by_segment([1.0] * 30, [1.0] * 30, [0] * 29 + [1], seed=1)[1] is None


def test_users_of_one_kind_only_are_refused():
    with pytest.raises(NotEnoughData, match="two users of each kind"):
        member_fairness([1.0, 2.0], [1.0, 1.0], [1, 1], [0, 0], seed=1)
    with pytest.raises(InputFault, match="do not match"):
        member_fairness([1.0, 2.0], [1.0, 1.0], [1, 0], [0], seed=1)
