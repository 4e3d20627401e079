"""Dry runs: what would come of asking everybody is what comes of it, and nothing is written."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from inspection_desk import SHOP, live
from live_desk import CERTAIN, HOUR, NOON, ask, consent, offer
from promise_desk import states

from andante import Engine
from andante.live.survey import PERSONAS
from andante.vocabulary.fault import InputFault

SURE = SHOP | {
    "experiment": {"holdout": 0.2, "explore": 0.0},
    "pacing": SHOP["pacing"]
    | {"explore_candidates": 0.0, "temperature": 1e-9, "floor": 0.0, "spread": "PT0S", "patience": 0.3},
}
"""The shop with nothing left to chance."""


def held(engine: Any) -> tuple[Any, ...]:
    """Return all that a dry run must leave alone."""
    names = engine._desk.names
    return (
        engine.position,
        states(engine),
        names.channels,
        names.categories,
        names.zones,
        engine.policy_version,
        engine.next_release(),
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "candidate",
    [
        offer("new"),
        offer("dear", value=50.0, channel="email"),
        offer("worthless", value=0.0),
        offer("again", category="news", campaign_id="campaign-1"),
        offer("receipt", category="receipt"),
        offer("unheard of", channel="jpush", category="sale"),
    ],
    ids=lambda one: one["candidate_id"],
)
def test_a_dry_run_of_this_moment_is_what_deciding_then_does(seed: int, candidate: dict[str, Any]) -> None:
    with Engine.open(":memory:", SURE) as engine:
        live(engine, seed, users=40, days=8)
        before = held(engine)
        found = engine.inspection.dry_run(candidate, NOON, days=0)
        assert held(engine) == before
        users = engine.inspection.users()
        decisions = engine.decide([ask(user, NOON, candidate) for user in users])
    sent = [decision for decision in decisions if decision.action == "send"]
    held_back = Counter(decision.reasons[0] for decision in decisions if decision.action != "send")
    assert (found.users, found.of, found.sampled) == (len(users), len(users), False)
    assert (found.reached, found.reached_now, found.by_day) == (len(sent), len(sent), (len(sent),))
    assert found.not_reached == dict(held_back)
    assert found.still_waiting == sum(decision.action == "defer" for decision in decisions)
    for user, decision in zip(users, decisions, strict=True):
        named = found.samples[decision.reasons[0]]
        assert user in named or len(named) == 5


def test_opens_and_opt_outs_are_the_sums_of_the_steps_own_numbers() -> None:
    with Engine.open(":memory:", SURE) as engine:
        live(engine, 5, users=40, days=8)
        found = engine.inspection.dry_run(offer("new", value=90.0), NOON, days=0)
        decisions = engine.decide([ask(user, NOON, offer("new", value=90.0)) for user in engine.inspection.users()])
        traces = [engine.inspection.trace(one.decision_id) for one in decisions if one.action == "send"]
    assert traces
    terms = [trace.candidates[0].terms for trace in traces]
    assert found.opens == pytest.approx(sum(one.p for one in terms if one))
    assert found.opt_outs == pytest.approx(sum(one.h for one in terms if one))


def test_those_who_are_deferred_are_asked_again_when_it_is_time() -> None:
    """At night nobody is reached at once; whoever is asleep only is reached in the morning, as by releases."""
    quiet = {"quiet_hours": {"start": "11:00", "end": "15:00"}, "categories": {}}
    with Engine.open(":memory:", CERTAIN | quiet) as engine:
        consent(engine, "ann", "bob")
        consent(engine, "eve", max_per_day=0)
        found = engine.inspection.dry_run(offer("c"), NOON, days=1)
        now = engine.inspection.dry_run(offer("c"), NOON, days=0)
        before = held(engine)
        later = engine.inspection.dry_run(offer("c"), NOON, days=3)
        assert held(engine) == before
        engine.decide([ask(user, NOON, offer("c")) for user in ("ann", "bob", "eve")])
        released = engine.release(NOON + 3 * HOUR)
    assert (now.reached, now.still_waiting) == (0, 2)
    assert now.not_reached == {"quiet_hours": 2, "dial": 1}
    assert found.reached == sum(one.decision.action == "send" for one in released) == 2
    assert (found.reached_now, found.by_day, found.still_waiting) == (0, (2,), 0)
    assert (later.by_day, later.seconds) == ((2, 0, 0), 3 * 86_400)
    assert found.not_reached == {"dial": 1}
    assert found.samples == {"best": ("ann", "bob"), "dial": ("eve",)}


def test_those_who_have_no_credit_are_reached_on_the_day_that_it_is_there() -> None:
    slow = CERTAIN["pacing"] | {"default_per_week": 7 / 3, "burst": 1.0, "stale_after": "P7D"}
    with Engine.open(":memory:", CERTAIN | {"pacing": slow}) as engine:
        consent(engine, "ann")
        engine.decide([ask("ann", NOON, offer("first"))])
        found = engine.inspection.dry_run(offer("second"), NOON + HOUR, days=7)
        short = engine.inspection.dry_run(offer("second"), NOON + HOUR, days=2)
    assert found.by_day == (0, 0, 1, 0, 0, 0, 0)
    assert (short.not_reached, short.still_waiting) == ({"pace": 1}, 1)


def test_groups_share_out_everybody_who_was_asked() -> None:
    with Engine.open(":memory:", SURE) as engine:
        live(engine, 2, users=30, days=8)
        found = engine.inspection.dry_run(offer("new", value=40.0), NOON)
    for by, names in (("member", ("member", "other")), ("persona", PERSONAS)):
        shares = [one for one in found.groups if one.by == by]
        assert tuple(one.name for one in shares) == names
        assert sum(one.users for one in shares) == found.users
        assert sum(one.reached for one in shares) == found.reached
        assert all(one.share == (one.reached / one.users if one.users else None) for one in shares)
    assert sum(found.by_day) == found.reached
    assert sum(found.not_reached.values()) == found.users - found.reached


def test_a_large_population_is_sampled_evenly_and_said_to_be() -> None:
    names = [f"user-{number:03}" for number in range(100)]
    with Engine.open(":memory:", CERTAIN) as engine:
        consent(engine, *names)
        found = engine.inspection.dry_run(offer("c"), NOON, most=5)
        whole = engine.inspection.dry_run(offer("c"), NOON, most=100)
    assert (found.users, found.of, found.sampled, found.reached) == (5, 100, True, 5)
    assert found.samples["best"] == tuple(names[::20])
    assert not whole.sampled


def test_a_dry_run_of_nobody_reaches_nobody() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        found = engine.inspection.dry_run(offer("c"), NOON, days=2)
    assert (found.users, found.reached, found.by_day, found.not_reached) == (0, 0, (0, 0), {})


@pytest.mark.parametrize(
    ("candidate", "more", "words"),
    [
        (offer("c", relevance=-1), {}, r"candidate\.relevance"),
        ({"channel": "push"}, {}, "category"),
        (offer("c", colour="red"), {}, "colour"),
        (7, {}, "candidate"),
        (offer("c"), {"days": -1}, "days"),
        (offer("c"), {"days": 32}, "days"),
        (offer("c"), {"most": 0}, "most"),
        (offer("c"), {"at": NOON.replace(tzinfo=None)}, "at"),
    ],
)
def test_what_no_request_could_ask_is_a_fault(candidate: Any, more: dict[str, Any], words: str) -> None:
    with Engine.open(":memory:", CERTAIN) as engine, pytest.raises(InputFault, match=words):
        engine.inspection.dry_run(candidate, **more)
