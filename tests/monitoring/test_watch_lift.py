"""Lift and fairness come out of a log as they were put in, with intervals, and say when it is too early."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from watched import CONFIG, DAY, HOUR, MONDAY, a_day, consented, us

from andante import Engine
from andante.draw import HOLDOUT, uniform
from andante.live.hashing import user_key
from andante.monitoring.lift import Compared, Fairness, Lift, fairness, lift
from andante.monitoring.lots import lots
from andante.monitoring.watch import Watch

WEEK_US = 7 * 86_400_000_000


def shop(users=4_000, *, lift_days=0.0, members_more=0.0, weeks=4, share=0.1, seed=5):  # noqa: PLR0913  what is put in
    """Return users of whom so many are held out and half are members; treated ones come so many days a week more."""
    rng = np.random.default_rng(seed)
    lot, member = rng.random(users), rng.random(users) < 0.5
    pushed = lot >= share
    own = rng.gamma(2.0, 0.5, users)
    visits = rng.poisson(own + lift_days * pushed, (weeks, users)).astype(float)
    sends = rng.poisson((2.0 + members_more * member) * pushed, (weeks, users)).astype(float)
    bought = visits * rng.exponential(20.0, (weeks, users)) * (rng.random((weeks, users)) < 0.1)
    known = np.ones(users, bool)
    return Compared(sends, visits, bought, known, lot, member, users, WEEK_US, (1 + weeks) * WEEK_US)


def test_the_interval_holds_the_lift_that_was_put_in():
    found = lift(shop(lift_days=0.3), 0.1, seed=1)
    assert found.words == "lift.up"
    assert found.visits.difference.low < 0.3 < found.visits.difference.high
    assert found.users_treated + found.users_held == 4_000
    assert found.weeks == 4
    assert msgspec.json.decode(msgspec.json.encode(found), type=Lift) == found


def test_where_pushes_bring_nothing_one_trial_of_twenty_says_otherwise():
    said = [lift(shop(800, share=0.3, seed=seed), 0.3, seed=1).words for seed in range(60)]
    assert 60 - said.count("lift.unclear") <= 8


def test_users_that_vary_much_have_a_wider_interval_than_their_visits_alone_would_say():
    users = shop(lift_days=0.3)
    found = lift(users, 0.1, seed=1).visits.held
    held = users.visits.sum(axis=0)[users.lot < 0.1]
    as_if_poisson = 2 * 1.96 * np.sqrt(held.sum()) / len(held) / 4
    assert found.high - found.low > 1.2 * as_if_poisson


@pytest.mark.parametrize(
    ("users", "share", "words", "lacks"),
    [
        (shop(share=0.0), 0.0, "lift.no_holdout", {}),
        (shop(500), 0.1, "lift.too_early", {"users": 100.0}),
        (shop(weeks=0), 0.1, "lift.too_early", {"weeks": 1.0, "users_active": 20.0}),
    ],
)
def test_too_early_names_what_is_lacking(users, share, words, lacks):
    found = lift(users, share, seed=1)
    assert (found.words, found.visits, found.lacks) == (words, None, lacks)


def test_erased_users_are_in_no_group():
    users = shop(lift_days=0.3)
    users.known[:500] = False
    found = lift(users, 0.1, seed=1)
    assert found.users_treated + found.users_held == 3_500


def test_members_who_are_pushed_more_often_for_no_reason_of_behaviour_are_found():
    assert fairness(shop(), seed=1).words == "fairness.no_difference"
    found = fairness(shop(members_more=1.0), seed=1)
    assert found.words == "fairness.not_explained"
    assert found.difference.low < 0.9 < found.difference.high  # a tenth of both is held out
    assert msgspec.json.decode(msgspec.json.encode(found), type=Fairness) == found
    assert fairness(shop(150), seed=1).words == "fairness.too_early"


def test_a_lot_is_the_draw_that_the_rule_takes():
    keys = [user_key(f"user-{number}") for number in range(50)]
    assert lots(7, keys).tolist() == [uniform(np.uint64(7), np.uint64(key), HOLDOUT) for key in keys]


def test_the_watch_holds_out_whom_the_engine_holds_out_and_knows_the_members(tmp_path):
    users = [f"user-{number}" for number in range(300)]
    with Engine.open(tmp_path / "shop.db", CONFIG) as engine:
        consented(engine, users, MONDAY - 10 * DAY)
        offer = {"candidate_id": "x", "category": "promotion", "channel": "push"}
        asked = [{"user_id": user, "candidates": [offer], "at": MONDAY - DAY} for user in users]
        answers = zip(users, engine.decide(asked), strict=True)
        held = {user for user, one in answers if one.reasons == ("holdout",)}
        for day in range(9):
            a_day(engine, users, MONDAY + day * DAY)
        engine.erase("user-1")
    watch, now_us = Watch(tmp_path / "shop.db"), us(MONDAY + 9 * DAY + HOUR)
    while watch.look(now_us):
        pass
    found = watch.lift(now_us)
    assert len(held - {"user-1"}) == found.users_held > 30
    assert found.users_held + found.users_treated == 299
    assert found.users_all == 300
    assert 1.3 < found.weeks < 1.5
    fair = watch.fairness(now_us)
    assert (fair.users_members, fair.users_ordinary) == (150, 149)


def test_a_holdout_that_was_changed_is_compared_from_the_next_whole_week_on(tmp_path):
    users = [f"user-{number}" for number in range(60)]
    path, watches = tmp_path / "shop.db", []
    for share in (0.2, 0.4):
        with Engine.open(path, CONFIG | {"experiment": {"holdout": share}}) as engine:
            consented(engine, users, MONDAY - 10 * DAY)
            for day in range(4):
                a_day(engine, users, MONDAY + (day + (8 if share > 0.3 else 0)) * DAY)
        watches.append(Watch(path))
    now_us = us(MONDAY + 25 * DAY)
    for watch in watches:
        while watch.look(now_us):
            pass
    found = watches[0].lift(now_us)
    assert found.since == MONDAY.replace(hour=0) + 10 * DAY  # the Thursday after
    assert found == watches[1].lift(now_us)
