"""Retention: the old log goes, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from live_desk import CERTAIN, DAY, HOUR, NOON, ask, consent, offer

from andante import Engine
from andante.runners.replaying import replay
from andante.vocabulary.flow import Kind

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = CERTAIN | {
    "caps": [{"scope": "global", "limit": 2, "window": "P7D"}],
    "log": {"retention": "P10D", "keys": "P2D"},
}


def test_old_rows_go_and_states_replays_caps_and_explanations_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Engine.open(path, CONFIG) as engine:
        consent(engine)
        for day in range(30):
            engine.decide([ask("ann", NOON + day * DAY, offer(f"c{day}"), idempotency_key=f"k{day}")])
        before = engine._desk.population.users.tobytes()
        now = NOON + 29 * DAY + HOUR
        forgotten = engine.retain(now)
        assert forgotten.rows > 15  # those that still wait are kept
        assert forgotten.keys == 28
        assert engine.retain(now).rows == 0
        assert engine._desk.population.users.tobytes() == before
        kept = [row for rows in engine.log_rows() for row in rows]
        assert len([row for row in kept if row.kind == Kind.REQUEST]) < 15
        for day in range(30, 34):
            engine.decide([ask("ann", NOON + day * DAY, offer(f"c{day}"))])
        assert engine.explain("ann", NOON + 34 * DAY).binding in {"cap_global", None}
        after = engine._desk.population.users.tobytes()
    with Engine.open(path, CONFIG) as engine:
        assert engine._desk.population.users.tobytes() == after
    found = replay(path)
    assert (found.exact, found.decisions) == (True, 4)
    assert found.passed_over == len([row for row in kept if row.kind == Kind.REQUEST])
