"""Surveys: all users counted, as each of them is seen alone."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import fmean
from threading import Event
from typing import Any

import pytest
from inspection_desk import SHOP, live
from live_desk import CERTAIN, DAY, NOON, ask, consent, offer

from andante import Engine
from andante.live.survey import GROUPS, PLAN_EDGES, Group, Survey

MANY = 5000
"""More users than a survey copies at once."""

COUNTS = ("users", "known", "reachable", "planned", "paused", "waiting")


def group(found: Survey, by: str, name: str) -> Group:
    return next(one for one in found.groups if (one.by, one.name) == (by, name))


def assert_adds_up(found: Survey) -> None:
    whole = group(found, "all", "all")
    assert whole.users == found.users
    for by in GROUPS:
        parts = [one for one in found.groups if one.by == by]
        for count in COUNTS:
            assert sum(getattr(one, count) for one in parts) == getattr(whole, count), (by, count)
        for histogram, total in (("plan_histogram", "planned"), ("pace_histogram", "users")):
            bins = [getattr(one, histogram) for one in parts]
            assert [sum(column) for column in zip(*bins, strict=True)] == list(getattr(whole, histogram))
            assert sum(getattr(whole, histogram)) == getattr(whole, total)
        paces = [one.pace_mean * one.users for one in parts if one.pace_mean is not None]
        assert sum(paces) == pytest.approx((whole.pace_mean or 0.0) * whole.users)


def bins(values: list[float]) -> list[int]:
    counted = Counter(max(place for place, edge in enumerate(PLAN_EDGES) if value >= edge) for value in values)
    return [counted[place] for place in range(len(PLAN_EDGES))]


def assert_is_of(one: Group, views: list[Any], at: Any) -> None:
    """Hold a group against what ``engine.user`` says of each of its users."""
    assert one.users == len(views)
    assert one.known == sum(view.known for view in views)
    assert one.reachable == sum(any(view.consent.values()) for view in views)
    assert one.paused == sum(view.paused_until is not None and view.paused_until > at for view in views)
    assert one.waiting == sum(view.waiting for view in views)
    plans = [view.plan_per_week for view in views if view.plan_per_week is not None]
    assert one.planned == len(plans)
    assert list(one.plan_histogram) == bins(plans)
    assert list(one.pace_histogram) == bins([view.pace_per_week for view in views])
    for mean, values in (
        (one.plan_mean, plans),
        (one.pace_mean, [view.pace_per_week for view in views]),
        (one.satisfaction_mean, [view.satisfaction for view in views]),
        (one.refusal_rate_mean, [view.refusal_rate for view in views]),
        (one.open_rate_mean, [view.open_rate for view in views]),
    ):
        assert mean == (pytest.approx(fmean(values), rel=1e-12) if values else None)


class Still:
    """A clock that stands still, so that ``engine.user`` speaks of one moment."""

    def now_us(self) -> int:
        return int((NOON + DAY).timestamp()) * 1_000_000


@pytest.mark.parametrize("seed", range(4))
def test_a_survey_says_what_is_known_of_each_user(seed: int) -> None:
    with Engine.open(":memory:", SHOP, clock=Still()) as engine:  # type: ignore[arg-type]
        live(engine, seed, users=20, days=9)
        engine.set_preferences("user-1", {"paused_until": NOON + 9 * DAY, "at": NOON})
        views = [engine.user(one) for one in engine.inspection.users()]
        found = engine.inspection.survey()
    assert found.at == NOON + DAY
    assert_adds_up(found)
    assert_is_of(group(found, "all", "all"), views, found.at)
    assert_is_of(group(found, "member", "member"), [view for view in views if view.member], found.at)
    assert_is_of(group(found, "member", "other"), [view for view in views if not view.member], found.at)
    assert group(found, "all", "all").paused >= 1
    assert group(found, "all", "all").waiting >= 1


def test_the_holdout_of_a_survey_is_who_is_never_pushed() -> None:
    held = CERTAIN | {"experiment": {"holdout": 0.5, "explore": 0.0}}
    names = [f"user-{number}" for number in range(40)]
    with Engine.open(":memory:", held) as engine:
        consent(engine, *names)
        decided = engine.decide([ask(name) for name in names])
        found = engine.inspection.survey(NOON)
    never = sum("holdout" in decision.reasons for decision in decided)
    assert 0 < never < len(names)
    assert group(found, "holdout", "holdout").users == never
    assert group(found, "holdout", "treated").users == len(names) - never


def test_what_users_did_lately_makes_their_persona() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        consent(engine, "quiet", "buyer", "browser", "once a buyer")
        consent(engine, "new", at=NOON - DAY)
        done = [
            ("buyer", "purchase", 1),
            ("browser", "view", 1),
            ("browser", "view", 2),
            ("once a buyer", "purchase", 29),
        ]
        engine.ingest([{"user_id": user, "type": kind, "at": NOON - days * DAY} for user, kind, days in done])
        found = engine.inspection.survey(NOON)
    personas = {one.name: one.users for one in found.groups if one.by == "persona"}
    assert personas == {"new": 1, "quiet": 2, "browser": 1, "buyer": 1}


@pytest.mark.parametrize(("default", "reachable"), [("deny", 2), ("allow", 4)])
def test_who_can_be_reached_follows_the_default_of_consent(default: str, reachable: int) -> None:
    with Engine.open(":memory:", CERTAIN | {"consent": {"default": default}}) as engine:
        for name, given in (
            ("both", {"push": True, "email": True}),
            ("one", {"push": True, "email": False}),
            ("none", {"push": False, "email": False}),
            ("half", {"push": False}),
            ("silent", {}),
        ):
            engine.set_preferences(name, {"consent": given, "member": False, "at": NOON})
        assert group(engine.inspection.survey(NOON), "all", "all").reachable == reachable


def test_an_erased_user_is_counted_no_more() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        consent(engine, "ann", "bob")
        engine.erase("ann")
        found = engine.inspection.survey(NOON)
    assert found.users == group(found, "all", "all").users == 1


def test_a_survey_of_nobody_has_every_group_and_no_means() -> None:
    with Engine.open(":memory:", CERTAIN | {"budget": {"per_user_week": 3.0}}) as engine:
        found = engine.inspection.survey(NOON)
        assert found.policy_version == engine.policy_version
    assert (found.users, found.budget_per_user_week, found.shadow_price) == (0, 3.0, 0.0)
    assert [(one.by, one.name) for one in found.groups] == [(by, name) for by in GROUPS for name in GROUPS[by]]
    assert {one.pace_mean for one in found.groups} == {None}


def test_surveys_add_up_while_threads_decide() -> None:
    """Users come and go between sends; every user of a survey is in one group of each kind."""
    over = Event()

    def decide(thread: int) -> None:
        turn = 0
        while not over.is_set():
            names = [f"{thread}-{turn}-{number}" for number in range(40)]
            for name in names[::4]:
                engine.set_preferences(name, {"consent": {"push": True}, "member": turn % 2 == 0})
            engine.decide([ask(name, NOON + turn * timedelta(minutes=1), offer(f"c{turn}")) for name in names])
            turn += 1

    with Engine.open(":memory:", CERTAIN) as engine, ThreadPoolExecutor(3) as pool:
        running = [pool.submit(decide, thread) for thread in range(3)]
        try:
            surveys = [engine.inspection.survey(NOON)]
            while surveys[-1].users < MANY and not any(done.done() for done in running):
                surveys.append(engine.inspection.survey(NOON))
        finally:
            over.set()
        for done in running:
            done.result()
        surveys.append(engine.inspection.survey(NOON))
        assert surveys[-1].users == len(engine.inspection.users(limit=10**6))
    assert len(surveys) > 2
    for found in surveys:
        assert_adds_up(found)
    assert sorted(found.users for found in surveys) == [found.users for found in surveys]
