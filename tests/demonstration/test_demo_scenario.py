"""The scenario asks for each campaign once, however its time is cut, and only the bad one makes shoppers speak up."""

from datetime import UTC, datetime
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from andante.demonstration import scenario
from andante.worlds.contract import DAY_S, HOUR_S

FIRST_S = 1_800_000_000
EVERYBODY = scenario.everybody(3)
END_S = 25 * DAY_S


@given(st.lists(st.integers(1, END_S), max_size=40))
def test_each_campaign_is_asked_once_however_time_is_cut(cuts):
    edges = sorted({0, END_S, *cuts})
    asked = [
        request
        for begin, end in pairwise(edges)
        for request in scenario.campaigns_at(FIRST_S, 1, FIRST_S + begin, FIRST_S + end, EVERYBODY)
    ]
    named = {(request["user_id"], request["candidates"][0]["campaign_id"]) for request in asked}
    assert len(named) == len(asked) == len(EVERYBODY) * len(scenario.CAMPAIGNS) * 3


def test_a_campaign_comes_early_and_the_bad_one_when_there_is_a_past_to_compare_with():
    asked = scenario.campaigns_at(FIRST_S, 1, FIRST_S, FIRST_S + 48 * HOUR_S, EVERYBODY)
    assert [request["candidates"][0]["campaign_id"] for request in asked[::3]] == ["spring-sale-1-0", "last-chance-1-0"]


def test_the_bad_campaign_alone_makes_shoppers_speak_up():
    draw = Random(3)
    kinds = []
    for name, annoys in (("spring-sale-1-0", False), ("last-chance-2-3", True), ("of-somebody-else", False)):
        push = scenario.reached(1, FIRST_S, "promotion", name)
        said = [wish for _ in range(400) for wish in scenario.reactions(push, "shopper-001", "d", draw)]
        assert bool(said) == annoys
        assert all(wish.at_s > FIRST_S for wish in said)
        kinds += [wish.kind for wish in said]
    assert set(kinds) == {"preferences", "words", "dislike"}


def test_the_settings_of_a_demonstration_hold():
    from andante.settings import faults, warnings  # noqa: PLC0415

    assert faults(scenario.SETTINGS, {}) == []
    assert warnings(scenario.SETTINGS, {}) == []


def test_thoughts_are_of_the_day_that_they_are_asked_for():
    day_s = int(datetime(2027, 3, 1, tzinfo=UTC).timestamp())
    thoughts = scenario.thoughts(scenario.everybody(400), day_s, Random(5))
    assert len(thoughts) == 4
    assert all(day_s <= wish.at_s < day_s + DAY_S and "max_per_week" in wish.told for wish in thoughts)
