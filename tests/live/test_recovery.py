"""Recovery: checkpoints and log give back the state that was, whatever part of it each holds."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from live_desk import CERTAIN, DAY, HOUR, NOON, ask, consent, offer

from andante import Engine
from andante.settings import load
from andante.stores.memory import MemoryStore
from andante.vocabulary.fault import Fault, StoreFull

if TYPE_CHECKING:
    from pathlib import Path

LIVELY = {
    "caps": [{"scope": "global", "limit": 2, "window": "P1D"}],
    "quiet_hours": {"start": "22:00", "end": "08:00"},
    "pacing": {"default_per_week": 12.0},
}


def live(engine: Engine, days: int, seed: int) -> None:
    """Let some users live with an engine for a while."""
    rng = random.Random(seed)
    consent(engine, *(f"u{number}" for number in range(8)))
    for hour in range(0, days * 24, 3):
        at = NOON + hour * HOUR
        asked = [ask(f"u{rng.randrange(8)}", at, offer(f"c{hour}-{n}", value=rng.random())) for n in range(4)]
        sent = [decision for decision in engine.decide(asked) if decision.action == "send"]
        engine.observe([{"decision_id": one.decision_id, "type": "opened", "at": at + HOUR} for one in sent])
        engine.ingest([{"user_id": f"u{rng.randrange(8)}", "type": "view", "at": at}])
        engine.publish({f"u{rng.randrange(8)}": rng.random() * 10})
        engine.release(at)


def state(engine: Engine) -> bytes:
    return engine._desk.population.users.tobytes()


@pytest.mark.parametrize("every", [1, 50, 10_000])
def test_what_is_read_again_is_what_was(tmp_path: Path, every: int) -> None:
    config = LIVELY | {"log": {"checkpoint_every": every}}
    with Engine.open(tmp_path / "a.db", config) as engine:
        live(engine, 6, seed=every)
        before, waiting = state(engine), len(engine._desk.waiting)
    with Engine.open(tmp_path / "a.db", config) as engine:
        assert state(engine) == before
        assert len(engine._desk.waiting) == waiting > 0


def test_the_log_alone_gives_the_same_state_as_its_checkpoints(tmp_path: Path) -> None:
    with Engine.open(tmp_path / "a.db", LIVELY | {"log": {"checkpoint_every": 40}}) as engine:
        live(engine, 6, seed=3)
        before = state(engine)
    database = sqlite3.connect(tmp_path / "a.db")
    assert database.execute("SELECT count(*) FROM states").fetchone()[0] == 8
    database.execute("DELETE FROM states")
    database.execute("DELETE FROM meta WHERE key IN ('replay_from', 'parameters')")
    database.commit()
    database.close()
    with Engine.open(tmp_path / "a.db", LIVELY) as engine:
        assert state(engine) == before


def test_decisions_go_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    answers = []
    for reopened in (False, True):
        path = tmp_path / f"{reopened}.db"
        engine = Engine.open(path, LIVELY)
        live(engine, 4, seed=9)
        if reopened:
            engine.close()
            engine = Engine.open(path, LIVELY)
        later = [engine.decide([ask("u3", NOON + 5 * DAY + n * HOUR, offer(f"late{n}"))])[0] for n in range(30)]
        answers.append([(one.action, one.reasons, one.send_at, one.propensity) for one in later])
        engine.close()
    assert answers[0] == answers[1]


class Failing(MemoryStore):
    """A store whose disk is full now and then."""

    full = False

    def append(self, commit: Any) -> None:
        if self.full:
            raise StoreFull("disk", None, "is full", "make room")
        super().append(commit)


def test_a_commit_that_fails_leaves_everything_as_it_was() -> None:
    store = Failing()
    engine = Engine.over(store, load(CERTAIN | LIVELY, {}))
    live(engine, 2, seed=1)
    before, users, waiting = state(engine), len(engine._desk.population), len(engine._desk.waiting)
    store.full = True
    at = NOON + 9 * DAY
    for act in (
        lambda: engine.decide([ask("u1", at), ask("nobody", at)]),
        lambda: engine.release(at + DAY),
        lambda: engine.ingest([{"user_id": "u1", "type": "view", "at": at}]),
        lambda: engine.set_preferences("someone", {"consent": {"push": True}}),
        lambda: engine.publish({"u1": 3.0}),
        lambda: engine.switch("global", on=True),
    ):
        with pytest.raises(StoreFull):
            act()
        assert state(engine) == before
        assert (len(engine._desk.population), len(engine._desk.waiting)) == (users, waiting)
    store.full = False
    engine.decide([ask("u1", at)])
    assert state(engine) != before


def test_a_closed_engine_says_so() -> None:
    engine = Engine.open(":memory:")
    engine.close()
    engine.close()
    with pytest.raises(Fault, match="is closed"):
        engine.decide([ask()])
