"""Drift tells a plan that has changed from one that has not, and says when there are too few to tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from watched import DAY, HOUR, MONDAY, OneGroup, OneSurvey, us

from andante.monitoring.gauges import Gauges, drift, stability
from andante.monitoring.tail import Chunk, Decided
from andante.monitoring.tally import Tally
from andante.vocabulary.reason import Action, Reason

HISTORY_US = 35 * 86_400_000_000
COUNTS = st.lists(st.integers(0, 10_000), min_size=4, max_size=4).filter(any)


def surveyed(now, then):
    gauges = Gauges(HISTORY_US)
    gauges.note(OneSurvey(MONDAY - 7 * DAY + HOUR, groups=(OneGroup(plan_histogram=then),)))
    gauges.note(OneSurvey(MONDAY, groups=(OneGroup(plan_histogram=now),)))
    return drift(Tally(HISTORY_US, 10), gauges, us(MONDAY))


@pytest.mark.parametrize(
    ("now", "words"),
    [((500, 500), "drift.stable"), ((660, 340), "drift.watch"), ((800, 200), "drift.shifted")],
)
def test_two_surveys_a_week_apart_are_compared(now, words):
    found = surveyed(now, (500, 500))
    assert (found.words, found.source) == (words, "surveys")
    assert found.now == tuple(count / 1_000 for count in now)


def test_few_users_say_nothing_and_no_survey_says_none():
    assert surveyed((20, 5), (5, 20)).words == "drift.too_early"
    nothing = drift(Tally(HISTORY_US, 10), Gauges(HISTORY_US), us(MONDAY))
    assert (nothing.words, nothing.source) == ("drift.too_early", "none")


def test_without_surveys_the_plans_that_decisions_followed_are_compared():
    tally = Tally(HISTORY_US, 10)
    tally.turn(us(MONDAY))
    decisions = [
        Decided(1, 0, us(MONDAY - back * DAY - HOUR), Action.DEFER, Reason.PACE, 0, plan)
        for back, plan in ((0, 5.0), (7, 1.0))
        for _ in range(300)
    ]
    tally.take(Chunk(decisions=decisions), np.zeros(600), {})
    found = drift(tally, Gauges(HISTORY_US), us(MONDAY))
    assert (found.words, found.source) == ("drift.shifted", "decisions")


@given(COUNTS, COUNTS)
def test_the_index_is_none_for_equal_shares_never_negative_and_the_same_both_ways(one, other):
    a, b = np.array(one, float), np.array(other, float)
    assert stability(a, a) == 0
    assert stability(a, b) >= 0
    assert stability(a, b) == pytest.approx(stability(b, a))
