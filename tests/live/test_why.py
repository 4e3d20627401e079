"""Why: what held a decision, when the next push may go out, and what would have changed it."""

from __future__ import annotations

import pytest
from live_desk import CERTAIN, DAY, HOUR, NOON, ask, consent, offer

from andante import Engine
from andante.vocabulary.fault import UnknownUser


def test_a_cap_is_named_with_the_limit_that_would_have_let_the_push_out() -> None:
    with Engine.open(":memory:", CERTAIN | {"caps": [{"scope": "global", "limit": 3, "window": "P7D"}]}) as engine:
        consent(engine)
        for number in range(4):
            engine.decide([ask("ann", NOON + number * HOUR, offer(f"c{number}"))])
        why = engine.explain("ann", NOON + 5 * HOUR)
    assert (why.decision.action, why.binding) == ("suppress", "cap_global")
    assert why.next_at == NOON + 7 * DAY
    (change,) = why.counterfactuals
    assert change.change == "with a cap of 4 in 7 days (global)"
    assert (change.before, change.after) == (3, 4)


def test_quiet_hours_are_named_and_so_is_their_end() -> None:
    quiet = {"start": "11:00", "end": "15:00"}
    with Engine.open(":memory:", CERTAIN | {"quiet_hours": quiet}) as engine:
        consent(engine)
        engine.decide([ask()])
        why = engine.explain("ann", NOON)
    assert why.binding == "quiet_hours"
    assert why.next_at == NOON + 3 * HOUR
    assert [change.setting for change in why.counterfactuals] == ["quiet_hours"]
    assert why.verdicts[0].refused_by == ("quiet_hours",)


def test_the_users_own_dial_is_named() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        consent(engine, max_per_day=1)
        for number in range(2):
            engine.decide([ask("ann", NOON + number * HOUR, offer(f"c{number}"))])
        why = engine.explain("ann", NOON + 2 * HOUR)
    assert why.binding == "dial"
    assert ("max_per_day", 1, 2) in [(one.setting, one.before, one.after) for one in why.counterfactuals]


def test_a_faster_plan_is_named_where_the_plan_holds_back() -> None:
    pacing = CERTAIN["pacing"] | {"default_per_week": 7.0, "burst": 1.0}
    with Engine.open(":memory:", CERTAIN | {"pacing": pacing}) as engine:
        consent(engine)
        for number in range(2):
            engine.decide([ask("ann", NOON + 12 * number * HOUR, offer(f"c{number}"))])
        why = engine.explain("ann", NOON + 13 * HOUR)
    assert why.binding == "pace"
    assert why.counterfactuals[0].setting == "plan_per_week"
    assert why.counterfactuals[0].after == pytest.approx(14.0)


def test_a_refusal_of_consent_has_no_counterfactual_of_ours() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        engine.set_preferences("ann", {"consent": {"push": False}, "at": NOON - DAY})
        engine.decide([ask()])
        why = engine.explain("ann", NOON)
    assert (why.binding, why.next_at, why.counterfactuals) == ("consent_channel", None, ())


def test_a_send_is_explained_by_its_worth() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        consent(engine)
        engine.decide([ask("ann", NOON, offer("a", value=1.0), offer("b", value=9.0))])
        why = engine.explain("ann", NOON)
    assert (why.decision.candidate_id, why.binding) == ("b", None)
    assert [verdict.reason for verdict in why.verdicts] == ["outranked", "best"]
    assert why.verdicts[1].index > why.verdicts[0].index


def test_a_user_who_was_never_heard_of_is_a_fault() -> None:
    with Engine.open(":memory:") as engine, pytest.raises(UnknownUser, match="nobody"):
        engine.explain("nobody")
