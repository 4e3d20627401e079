"""Traces: the numbers of a decision, computed again, are the logged ones."""

from __future__ import annotations

import json
from math import isnan
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from inspection_desk import SHOP, live
from live_desk import CERTAIN, DAY, HOUR, NOON, ask, consent, offer
from promise_desk import entries

from andante import Engine
from andante.vocabulary.fault import InputFault, UnknownUser
from andante.vocabulary.reason import RULES

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = range(6)


def logged(engine: Any) -> dict[str, dict[str, Any]]:
    """Return the bodies of the log by position, in the digits of an id."""
    return {f"{entry.position:x}": entry.body for entry in entries(engine)}


def assert_as_logged(trace: Any, body: dict[str, Any]) -> None:
    assert trace.exact
    decision = body["decision"]
    assert trace.at.timestamp() == decision["at_s"]
    assert trace.decision.propensity == decision["propensity"]
    for field, known in (("credit", trace.pace.credit), ("plan_per_week", trace.pace.pace_per_week)):
        assert decision[field] == pytest.approx(known, rel=1e-6), field
    assert decision["fatigue"] == pytest.approx(trace.profile.F, rel=1e-6, abs=1e-12)
    assert decision["habituation"] == pytest.approx(trace.profile.H, rel=1e-6, abs=1e-12)
    if trace.choice.reservation is not None:
        assert trace.choice.reservation == decision["reservation"]
    for offered, verdict in zip(trace.candidates, body["verdicts"], strict=True):
        assert offered.verdict.index == verdict["index"]
        assert offered.verdict.propensity == verdict["propensity"]
        assert sum(1 << RULES[place] for place, rule in enumerate(offered.rules) if rule.refuses) == verdict["refused"]
        assert (offered.terms is None) == (verdict["index"] is None)
        if offered.terms is not None:
            assert_adds_up(offered)


def assert_adds_up(offered: Any) -> None:
    """What a page draws as a sum is one."""
    terms = offered.terms
    assert terms.index == pytest.approx(terms.brings - terms.cost, rel=1e-12, abs=1e-18)
    assert terms.cost == pytest.approx(terms.refusal_cost + terms.wear + terms.kappa + terms.mu, rel=1e-12, abs=1e-18)
    assert terms.p == pytest.approx(min(terms.q * terms.g * terms.relevance * terms.pressure, 1.0), rel=1e-6)
    assert terms.brings == pytest.approx(terms.c * terms.value * terms.p * terms.gain, rel=1e-6, abs=1e-18)
    assert terms.gain == pytest.approx(1 - terms.A + terms.carry_over, rel=1e-12)
    if not offered.transactional:
        assert offered.verdict.propensity == pytest.approx(offered.chance * offered.send_probability, rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_decision_of_a_random_history_is_traced_to_the_logged_numbers(seed: int) -> None:
    with Engine.open(":memory:", SHOP | {"engine": {"seed": seed}}) as engine:
        answered = live(engine, seed)
        bodies = logged(engine)
        traces = [engine.inspection.trace(decision_id) for decision_id in answered[seed % 3 :: 3]]
    for trace in traces:
        assert_as_logged(trace, bodies[trace.decision.decision_id.split("-")[1]])
    assert {trace.asked for trace in traces} == {"request", "release"}
    assert {trace.decision.action for trace in traces} == {"send", "defer", "suppress"}


def test_a_file_that_is_being_written_to_gives_the_same_traces_and_ids(tmp_path: Path) -> None:
    with Engine.open(tmp_path / "andante.db", SHOP | {"log": {"checkpoint_every": 50}}) as engine:
        answered = live(engine, 1, days=8)
        bodies = logged(engine)
        for decision_id in answered[::5]:
            trace = engine.inspection.trace(decision_id)
            assert trace.decision.decision_id == decision_id
            assert engine.user(trace.user_id).user_id == trace.user_id
            assert_as_logged(trace, bodies[decision_id.split("-")[1]])
            assert all(one.decision_id is None or one.decision_id in answered for one in trace.behaviour.last)
            assert set(trace.origins) <= set(answered)


def test_the_posteriors_are_those_that_the_index_was_made_of() -> None:
    with Engine.open(":memory:", SHOP) as engine:
        for decision_id in live(engine, 3, days=10)[::4]:
            trace = engine.inspection.trace(decision_id)
            for name, one in trace.profile.posteriors.items():
                mean = (one.prior_count + one.count) / (one.prior_exposure + one.exposure)
                assert one.mean == pytest.approx(mean, rel=1e-9), name
            for terms in (offered.terms for offered in trace.candidates if offered.terms):
                assert (terms.q, terms.c) == tuple(trace.profile.posteriors[key].mean for key in ("open", "conversion"))
            profile = trace.profile
            assert sum(profile.hours) / 24 == pytest.approx(1.0, rel=1e-9)
            active = profile.hours[profile.local_hour] * profile.weekdays[profile.weekday]
            assert profile.g == pytest.approx(active, rel=1e-12)


def test_a_trace_says_what_was_heard_before_and_when_credit_comes_back() -> None:
    slow = CERTAIN["pacing"] | {"default_per_week": 7.0, "burst": 1.0}
    with Engine.open(":memory:", CERTAIN | {"pacing": slow}) as engine:
        consent(engine)
        engine.ingest([{"user_id": "ann", "type": "cart", "at": NOON - DAY, "item_id": "shoe"}])
        first, second = (engine.decide([ask("ann", NOON + n * HOUR, offer(f"c{n}"))])[0] for n in range(2))
        engine.observe([{"decision_id": first.decision_id, "type": "opened", "at": NOON + HOUR / 2}])
        third = engine.decide([ask("ann", NOON + 2 * HOUR, offer("c3"))])[0]
        trace, later = engine.inspection.trace(second.decision_id), engine.inspection.trace(third.decision_id)
    assert [(one.type, one.item_id) for one in trace.behaviour.last] == [("cart", "shoe")]
    assert (later.behaviour.last[0].type, later.behaviour.last[0].decision_id) == ("opened", first.decision_id)
    assert trace.decision.reasons[0] == "pace"
    assert trace.pace.ready_at == NOON + DAY
    assert trace.choice.reservation is None
    assert 0 < trace.behaviour.counts["cart"] < 1


def test_a_trace_can_be_written_as_json() -> None:
    with Engine.open(":memory:", SHOP) as engine:
        decision_id = live(engine, 2, days=3)[-1]
        trace = engine.inspection.trace(decision_id)
    written = json.loads(msgspec.json.encode(trace))
    assert written["decision"]["decision_id"] == decision_id
    assert not any(isinstance(value, float) and isnan(value) for value in written["pace"].values())


@pytest.mark.parametrize("wrong", ["", "x", "{log}-0-0", "{log}-ffffff-0", "{log}-2-99", "other-2-0", "{log}-02-0", 7])
def test_an_id_that_names_no_decision_is_a_fault(wrong: Any) -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        consent(engine)
        asked = wrong.format(log=engine.log_name) if isinstance(wrong, str) else wrong
        with pytest.raises(InputFault, match="decision_id"):
            engine.inspection.trace(asked)


def test_nothing_is_traced_of_an_erased_user(tmp_path: Path) -> None:
    with Engine.open(tmp_path / "andante.db", CERTAIN) as engine:
        consent(engine)
        decision_id = engine.decide([ask()])[0].decision_id
        engine.erase("ann")
        with pytest.raises(UnknownUser):
            engine.inspection.trace(decision_id)
