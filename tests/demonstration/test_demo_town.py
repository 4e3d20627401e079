"""In a demonstration's town, pushes of others count as its own, campaigns annoy as they say, and who left returns."""

import pytest

from andante.demonstration.town import Reached, Town
from andante.worlds.agenda import COMPLAINED, OPENED, UNSUBSCRIBED
from andante.worlds.contract import HOUR_S

SHOPPERS = 300


def lived(hours, **push):
    """Live some hours, in whose first everybody gets a push; return the town and all outcomes by type."""
    town, outcomes = Town(SHOPPERS, 7, 1), []
    for hour, tick in enumerate(town.ticks()):
        outcomes += [int(one["type"]) for one in tick.outcomes]
        if hour == 9:
            numbers = town.reach(
                [Reached(user, tick.from_s + 60 * (user % 60), None, **push) for user in range(SHOPPERS)]
            )
            assert len(set(numbers.tolist())) == SHOPPERS
            assert numbers.min() >= 0
        if hour == hours:
            break
    return town, {kind: outcomes.count(kind) for kind in set(outcomes)}


def test_a_campaign_is_opened_by_its_appeal_and_left_by_its_annoyance():
    _, plain = lived(100, category="promotion")
    _, loved = lived(100, category="promotion", appeal=8.0)
    _, bad = lived(100, category="promotion", appeal=0.4, annoyance=150.0)
    assert loved[OPENED] > 2 * plain[OPENED] > 4 * bad.get(OPENED, 0)
    assert bad[UNSUBSCRIBED] > SHOPPERS / 20
    assert plain.get(UNSUBSCRIBED, 0) < SHOPPERS / 100
    assert bad[COMPLAINED] > 0


def test_what_the_world_offered_itself_can_be_reached_once_and_in_time():
    town = Town(SHOPPERS, 7, 1)
    ticks = town.ticks()
    for tick in ticks:
        if len(tick.candidates) > 1:
            number = tick.number_first
            user = int(tick.requests["user"][tick.requests["first"] == 0][0])
            assert town.reach([Reached(user, tick.from_s, number)] * 2).tolist() == [number, -1]
            break
    late = int(tick.candidates["expires_s"][1]) // HOUR_S
    for tick in ticks:
        if tick.from_s // HOUR_S > late:
            assert town.reach([Reached(0, 0, number + 1), Reached(0, 0, 10**9)]).tolist() == [-1, -1]
            return
    pytest.fail("the town ended before the candidate expired")


def test_who_left_comes_back_after_a_while_and_nobody_else_does():
    town = Town(SHOPPERS, 7, 4)
    town.left(range(100))
    back = [row for _ in town.ticks() for row in town.back()]
    assert set(back) <= set(range(100))
    assert len(back) == len(set(back))
    assert 60 < len(back) < 100
