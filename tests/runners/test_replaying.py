"""Replaying: a log's decisions are recomputed to the bit, and a changed one is found."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

import pytest

from andante import Engine
from andante.runners.replaying import replay
from andante.vocabulary.fault import StoreUnreadable

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.db"
    with Engine.open(path, {"pacing": {"default_per_week": 14.0}, "log": {"checkpoint_every": 20}}) as engine:
        for user in range(5):
            engine.set_preferences(f"u{user}", {"consent": {"push": True}, "at": NOON})
        for number in range(60):
            at = NOON + timedelta(hours=3 * number)
            candidate = {"candidate_id": f"c{number}", "category": "news", "channel": "push", "value": 1 + number % 7}
            engine.decide([{"user_id": f"u{number % 5}", "at": at, "candidates": [candidate]}])
            engine.release(at)
        engine.switch("category:news", on=True)
    return path


def test_every_decision_comes_out_as_it_was_logged(log: Path) -> None:
    found = replay(log)
    assert found.exact
    assert found.decisions > 60
    assert found.sends > 5
    assert len(found.policies) == 2


def test_the_state_at_the_end_is_that_of_the_engine(log: Path) -> None:
    with Engine.open(log) as engine:
        users = engine._desk.population.users
        assert replay(log).state_digest == blake2b(users.tobytes(), digest_size=8).hexdigest()


@pytest.mark.parametrize(
    ("field", "value"), [("decision.propensity", 0.123), ("decision.send_at_s", 7), ("verdicts.0.index", 5.0)]
)
def test_a_decision_that_was_changed_is_found(log: Path, field: str, value: float) -> None:
    database = sqlite3.connect(log)
    position, text = database.execute("SELECT position, body FROM log WHERE kind = 2 AND action = 2 LIMIT 1").fetchone()
    body = json.loads(text)
    *parents, last = field.split(".")
    node = body
    for parent in parents:
        node = node[int(parent)] if parent.isdigit() else node[parent]
    node[last] = value
    database.execute("UPDATE log SET body = ? WHERE position = ?", (json.dumps(body), position))
    database.commit()
    database.close()
    found = replay(log)
    assert found.different == 1
    (difference,) = found.differences
    assert difference.logged == value
    assert difference.decision_id.split("-")[1] == f"{position:x}"


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreadable, match=r"none\.db"):
        replay(tmp_path / "none.db")
