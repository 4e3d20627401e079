"""Inspection: users and their line of time, from any thread, and nothing is written."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from inspection_desk import SHOP, live
from live_desk import CERTAIN, DAY, HOUR, NOON, ask, consent, offer
from promise_desk import states

from andante import Engine
from andante.vocabulary.fault import Fault, InputFault, UnknownUser

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["memory", "sqlite"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return ":memory:" if request.param == "memory" else tmp_path / "andante.db"


def test_a_users_line_of_time_runs_from_the_newest_on(path: Any) -> None:
    with Engine.open(path, CERTAIN) as engine:
        consent(engine, "ann", "bob")
        engine.publish({"ann": 3.0})
        engine.ingest([{"user_id": "ann", "type": "cart", "at": NOON - DAY, "item_id": "shoe"}])
        decision = engine.decide([ask("ann", NOON)])[0]
        engine.observe([{"decision_id": decision.decision_id, "type": "opened", "at": NOON + HOUR}])
        line = engine.inspection.decisions_of("ann")
        assert engine.inspection.decisions_of("ann", 2) == line[:2]
    told = [one for one in line if one["kind"] != "plan"]  # published at the clock's own now
    assert [one["kind"] for one in told] == ["outcome", "decision", "event", "decision", "preferences"]
    assert told[0]["type"] == "opened"
    assert told[0]["decision_id"] == told[1]["decision_id"] == decision.decision_id
    assert (told[1]["action"], told[1]["asked"]) == (decision.action, "request")
    times = [datetime.fromisoformat(one["at"]) for one in line]
    assert times == sorted(times, reverse=True)


def test_fractions_of_a_second_are_in_their_order() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        consent(engine)
        moments = [NOON.replace(microsecond=part) for part in (0, 500_000, 1)]
        engine.ingest([{"user_id": "ann", "type": "view", "at": at} for at in moments])
        line = engine.inspection.decisions_of("ann", 3)
    assert [datetime.fromisoformat(one["at"]) for one in line] == sorted(moments, reverse=True)


def test_users_are_found_by_the_beginning_of_their_id() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        consent(engine, "ann", "anton", "bob", "an")
        look = engine.inspection
        assert look.users() == ["ann", "anton", "bob", "an"]
        assert look.users("an", 2) == ["ann", "anton"]
        assert look.users("z") == look.users(limit=0) == []
        engine.erase("anton")
        assert look.users("an") == ["ann", "an"]
        assert len(look.users("erased-")) == 0


def test_looking_writes_nothing(path: Any) -> None:
    with Engine.open(path, SHOP) as engine:
        answered = live(engine, 4, days=5)
        before = engine.position, states(engine), engine.policy_version
        look = engine.inspection
        look.survey()
        look.dry_run(offer("new"))
        look.trace(answered[-1])
        look.decisions_of(look.users()[0])
        assert (engine.position, states(engine), engine.policy_version) == before


def test_whom_nobody_heard_of_has_no_line_of_time() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        with pytest.raises(UnknownUser):
            engine.inspection.decisions_of("nobody")
        consent(engine)
        with pytest.raises(InputFault, match="limit"):
            engine.inspection.decisions_of("ann", 0)
        with pytest.raises(InputFault, match="prefix"):
            engine.inspection.users(7)  # type: ignore[arg-type]


def test_a_closed_engine_is_looked_at_no_more() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        look = engine.inspection
    for ask_it in (look.survey, look.users, lambda: look.dry_run(offer()), lambda: look.trace("a-1-0")):
        with pytest.raises(Fault, match="is closed"):
            ask_it()
