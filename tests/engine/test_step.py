"""The step: what is decided, and why."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scipy.stats import binomtest
from step_world import CERTAIN, DAY_S, HOUR_S, NOON_S, World

from andante.engine.step import APPLIED, IGNORED
from andante.vocabulary.flow import NO_CHOICE, Kind
from andante.vocabulary.reason import Action, Reason
from andante.vocabulary.state import NEVER_S

ORDERS = {"categories": {"order": {"transactional": True}}}


def test_a_push_that_nothing_holds_goes_out_now() -> None:
    decision = World().ask().decisions[0]
    assert (decision["action"], decision["reason"], decision["chosen"]) == (Action.SEND, Reason.BEST, 0)
    assert decision["send_at_s"] == NOON_S
    assert decision["propensity"] == 1.0


@pytest.mark.parametrize("place", [0, 1, 2, 15])
def test_the_candidate_worth_most_is_chosen_wherever_it_stands(place: int) -> None:
    world = World()
    offered = [world.candidate(content=100 + i, value=1.0) for i in range(16)]
    offered[place]["value"] = 5.0
    stepped = world.ask(*offered)
    assert stepped.decisions["chosen"][0] == place
    assert stepped.verdicts["reason"][place] == Reason.BEST
    assert set(np.delete(stepped.verdicts["reason"], place)) == {Reason.OUTRANKED}


def test_relevance_counts_as_much_as_value() -> None:
    world = World()
    stepped = world.ask(world.candidate(value=2.0), world.candidate(content=7, relevance=3.0))
    assert stepped.decisions["chosen"][0] == 1


def test_a_send_takes_its_place_in_the_caps_at_once() -> None:
    world = World({"caps": [{"scope": "global", "limit": 1, "window": "P1D"}], "gap": {"minimum": "PT0S"}})
    assert world.ask().decisions["action"][0] == Action.SEND
    held = world.ask(at_s=NOON_S + HOUR_S)
    assert held.decisions["action"][0] == Action.DEFER
    assert held.decisions["reason"][0] == Reason.CAP_GLOBAL
    assert held.decisions["send_at_s"][0] == NOON_S + DAY_S
    assert world.ask(at_s=NOON_S + DAY_S).decisions["action"][0] == Action.SEND


def test_a_clock_that_is_set_back_reopens_no_window() -> None:
    world = World({"caps": [{"scope": "global", "limit": 1, "window": "PT1H"}], "gap": {"minimum": "PT0S"}})
    world.ask()
    stepped = world.ask(at_s=NOON_S - 10 * DAY_S)
    assert stepped.decisions["reason"][0] == Reason.CAP_GLOBAL
    assert stepped.decisions["at_s"][0] == NOON_S


def test_a_transactional_push_asks_neither_plan_nor_caps() -> None:
    world = World(ORDERS | {"caps": [{"scope": "global", "limit": 1, "window": "P1D"}]})
    world.users["plan_per_week"] = 0.0
    for _ in range(5):
        decision = world.ask(world.candidate("order")).decisions[0]
        assert (decision["action"], decision["reason"], decision["propensity"]) == (
            Action.SEND,
            Reason.TRANSACTIONAL,
            1.0,
        )
    assert world.users["fatigue"][0] == 0.0


def test_a_transactional_push_goes_before_one_that_is_worth_more() -> None:
    world = World(ORDERS)
    stepped = world.ask(world.candidate(value=100.0), world.candidate("order", value=0.0))
    assert stepped.decisions["chosen"][0] == 1


def test_a_transactional_push_still_needs_consent_to_the_channel() -> None:
    world = World(ORDERS)
    world.users["channels_given"] = 0
    decision = world.ask(world.candidate("order")).decisions[0]
    assert (decision["action"], decision["reason"]) == (Action.SUPPRESS, Reason.CONSENT_CHANNEL)


def test_without_credit_a_push_waits_until_the_plan_has_some() -> None:
    world = World()
    world.users["plan_per_week"], world.users["credit"], world.users["credit_s"] = 7.0, 0.5, NOON_S
    decision = world.ask().decisions[0]
    assert (decision["action"], decision["reason"]) == (Action.DEFER, Reason.PACE)
    assert decision["send_at_s"] == NOON_S + DAY_S // 2


def test_a_push_that_would_be_stale_by_then_is_suppressed_for_the_same_reason() -> None:
    world = World()
    world.users["plan_per_week"], world.users["credit"], world.users["credit_s"] = 1.0, 0.0, NOON_S
    decision = world.ask().decisions[0]
    assert (decision["action"], decision["reason"]) == (Action.SUPPRESS, Reason.PACE)


def test_a_plan_of_no_pushes_sends_none() -> None:
    world = World()
    world.users["plan_per_week"] = 0.0
    assert world.ask().decisions["action"][0] == Action.SUPPRESS


def test_a_push_worth_less_than_it_costs_is_worthless() -> None:
    world = World({"pacing": CERTAIN["pacing"] | {"message_cost": 10.0}})
    decision = world.ask().decisions[0]
    assert (decision["action"], decision["reason"]) == (Action.SUPPRESS, Reason.WORTHLESS)


def test_the_soonest_of_refused_candidates_is_the_one_that_waits() -> None:
    caps = [{"scope": "category:promotion", "limit": 1, "window": "PT9H"}]
    world = World({"caps": caps, "gap": {"minimum": "PT2H"}})
    world.ask()
    stepped = world.ask(world.candidate(), world.candidate("news", content=5), at_s=NOON_S + 1)
    assert stepped.decisions["chosen"][0] == 1
    assert stepped.decisions["send_at_s"][0] == NOON_S + 2 * HOUR_S


def test_nothing_is_chosen_where_nothing_can_ever_go_out() -> None:
    world = World({"experiment": {"holdout": 0.5, "explore": 0.0}}, count=64)
    held = [world.ask(user=user).decisions[0] for user in range(64)]
    never = [decision for decision in held if decision["reason"] == Reason.HOLDOUT]
    assert 16 < len(never) < 48
    assert all(decision["chosen"] == NO_CHOICE and decision["action"] == Action.SUPPRESS for decision in never)


def test_a_record_that_is_in_the_state_already_changes_nothing() -> None:
    world = World()
    record, offered = world.record(Kind.REQUEST, NOON_S, count=1), world.candidate()
    assert world.step(record, offered).effects[0] == APPLIED
    before = world.users.tobytes()
    assert world.step(record, offered).effects[0] == IGNORED
    assert world.users.tobytes() == before


def test_a_release_is_no_new_offer() -> None:
    asked, released = World(), World()
    asked.ask()
    released.ask(kind=Kind.RELEASE)
    assert asked.users["offers"][0] > 0.0
    assert released.users["offers"][0] == 0.0


def test_what_is_logged_as_propensity_is_how_often_it_happens() -> None:
    pacing = {"temperature": 0.5, "explore_candidates": 0.3, "floor": 0.02, "patience": 0.0}
    chosen, logged = np.zeros(3), np.zeros(3)
    for number in range(4000):
        world = World({"pacing": pacing})
        world.number = number
        stepped = world.ask(*(world.candidate(content=9 + i, value=value) for i, value in enumerate((0.3, 1.0, 0.6))))
        logged = stepped.verdicts["propensity"]
        if stepped.decisions["action"][0] == Action.SEND:
            chosen[stepped.decisions["chosen"][0]] += 1
            assert stepped.decisions["propensity"][0] == logged[stepped.decisions["chosen"][0]]
        else:
            assert stepped.decisions["propensity"][0] == pytest.approx(1.0 - logged.sum())
    for count, propensity in zip(chosen.astype(int), logged, strict=True):
        assert 0.02 < propensity < 0.98
        assert binomtest(int(count), 4000, float(propensity)).pvalue > 0.001


def test_verdicts_say_until_when_each_rule_refuses() -> None:
    world = World({"gap": {"minimum": "PT3H"}})
    world.ask()
    refused = world.candidate("news")
    refused["expires_s"] = NOON_S + HOUR_S
    stepped = world.ask(world.candidate("news", content=3), refused, at_s=NOON_S + 60)
    assert stepped.verdicts["until_s"].tolist() == [NOON_S + 3 * HOUR_S, NEVER_S]
    assert stepped.verdicts["refused"].tolist() == [1 << Reason.GAP, 1 << Reason.GAP]


def test_the_rules_are_asked_again_of_what_was_chosen() -> None:
    """A judgement that lets everything through, as a fault in it would, still sends nothing that is refused."""
    script = """
        import numpy as np
        from andante.engine import step
        from andante.rules import judge as judging

        def lenient(user, candidate, parameters, zones, at_s, verdict):
            verdict.refused, verdict.until_s = 0, at_s

        step.judge = lenient
        from step_world import World
        world = World()
        world.users["channels_given"] = 0
        print(world.ask().decisions["reason"][0])
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str(int(Reason.FINAL_CHECK))
