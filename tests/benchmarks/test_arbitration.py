"""The engine brings more per send than first come, first served at as many sends, in worlds that know nothing of it."""

import numpy as np
import pytest

from andante.benchmarks.arbitration import ANDANTE, FIRST_COME, RISING, SEED, arbitration, lead, live, policy
from andante.benchmarks.arbitration_world import DAY_S, OFFERS_PER_DAY, START_S, Offer, world
from andante.draw import SPREAD, uniform
from andante.live.hashing import user_key

USERS, DAYS, SEEDS = 40, 14, 3


@pytest.fixture(scope="module")
def rows():
    return {(row["world"], row["policy"]): row for row in arbitration(USERS, DAYS, SEEDS)}


def test_the_engine_brings_more_per_send_than_first_come_first_served_at_equal_sends(rows):
    theirs = rows[RISING, FIRST_COME]
    assert theirs["sends"] == pytest.approx(rows[RISING, ANDANTE]["sends"], rel=0.03)
    assert theirs["expected_lead_low"] > 0
    assert theirs["brought_lead_low"] > 0
    assert theirs["expected_lead_low"] <= theirs["expected_lead"] <= theirs["expected_lead_high"]


def test_the_lead_does_not_hang_on_the_order_of_offers(rows):
    (shuffled,) = (row for (order, name), row in rows.items() if name == FIRST_COME and order != RISING)
    assert shuffled["expected_lead_low"] > 0


def test_waiting_adds_to_the_lead(rows):
    (unwaiting,) = (row for row in rows.values() if "waiting" in row["policy"])
    assert unwaiting["expected_lead_low"] > 0


def test_everybody_keeps_within_the_pace(rows):
    assert all(0 < row["sends_per_user_week"] <= 4 for row in rows.values())


def test_a_policy_in_a_world_comes_to_the_same_every_time():
    once, again = (live(world(10, 7, SEED), policy(ANDANTE, SEED, 3.0)) for _ in range(2))
    assert np.array_equal(once.sends, again.sends)
    assert np.array_equal(once.brought, again.brought)


def test_a_policy_has_no_lead_over_itself():
    lived = live(world(60, 14, SEED), policy(FIRST_COME, SEED, 3.0))
    found = lead(lived, lived)
    assert found["expected_lead"] == found["expected_lead_low"] == found["expected_lead_high"] == 0


def test_first_come_first_served_sends_the_first_offer_for_which_there_is_room_and_credit():
    place, an_hour_s = world(20, 10, SEED), 3600
    lived = live(place, policy(FIRST_COME, SEED, 168.0))  # a push an hour: credit is short once, at the beginning
    for user in range(20):
        credit, since = 1 + uniform(np.uint64(SEED), np.uint64(user_key(f"user-{user}")), SPREAD) / 2, None
        sent = []
        for where, at_s in np.ndenumerate(place.offered_s[user]):
            credit = min(1.5, credit + (0 if since is None else (at_s - since) / an_hour_s))
            since = at_s
            in_day, in_week = (sum(at_s - before < span * DAY_S for _, before in sent) for span in (1, 7))
            if credit >= 1 and in_day < 1 and in_week < 4:
                credit -= 1
                sent.append((Offer(user, *where), int(at_s)))
        assert lived.sends[user] == len(sent)
        assert lived.expected[user] == pytest.approx(sum(place.worth(offer, at_s) for offer, at_s in sent))


def test_values_rise_within_a_day_and_offers_come_in_their_order():
    place = world(5, 3, SEED)
    assert place.value.shape == (5, 3, OFFERS_PER_DAY)
    assert (np.diff(place.value, axis=2) > 0).all()
    assert (np.diff(place.offered_s, axis=2) >= 0).all()
    assert not (np.diff(world(5, 3, SEED, rising=False).value, axis=2) > 0).all()


def test_the_same_push_in_the_same_hour_has_the_same_outcome_whoever_sends_it():
    place, offer = world(50, 2, SEED), Offer(3, 1, 2)
    at_s = START_S + DAY_S + 20 * 3600
    assert place.outcome(offer, at_s) == place.outcome(offer, at_s + 59)


def test_pushes_are_opened_as_often_as_the_world_says():
    place, at_s = world(100, 30, SEED), START_S + 15 * 3600
    offers = [Offer(*where) for where in np.ndindex(place.value.shape)]
    opened = np.mean([place.outcome(offer, at_s).opened_s is not None for offer in offers])
    rates = np.array([place.open_rate(user, at_s) for user in range(100)])
    assert opened == pytest.approx(rates.mean(), abs=4 * np.sqrt(rates.mean() / len(offers)))


def test_users_are_most_active_in_their_own_hours():
    place = world(50, 1, SEED)
    assert place.rhythm.mean(axis=1) == pytest.approx(np.ones(50))
    assert len(set(place.rhythm.argmax(axis=1).tolist())) > 5


def test_an_outcome_comes_after_its_push():
    place, at_s = world(30, 10, SEED), START_S + 18 * 3600
    outcomes = [place.outcome(Offer(*where), at_s) for where in np.ndindex(place.value.shape)]
    assert any(outcome.converted_s for outcome in outcomes)
    for outcome in outcomes:
        if outcome.converted_s is not None:
            assert at_s <= outcome.opened_s <= outcome.converted_s
