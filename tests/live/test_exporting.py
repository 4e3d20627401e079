"""A user takes along all that is held of them, in words that another machine reads, and nothing of anybody else."""

import json

import pytest
from live_desk import CERTAIN, DAY, HOUR, NOON, ask, consent, offer

from andante import Engine
from andante.live import exporting
from andante.live.instants import micros

CONFIG = CERTAIN | {"quiet_hours": {"start": "22:00", "end": "08:00"}}


def export(engine, user_id, at):
    with engine._turns.chair():
        row = engine._row(user_id)
        standing = exporting.standing(engine._desk, row, micros(at) // 1_000_000)
    return standing | exporting.history(engine._desk, row)


@pytest.fixture(params=["memory", "file"])
def engine(request, tmp_path):
    with Engine.open(":memory:" if request.param == "memory" else tmp_path / "shop.db", CONFIG) as engine:
        consent(engine, "bob", "ann", "cyd", time_zone="Asia/Shanghai")
        yield engine


def test_an_export_holds_everything_in_the_words_of_the_surface(engine):
    engine.publish([{"user_id": "ann", "plan_per_week": 5.0, "interest": 0.6}])
    pushes = offer("shoe", item_id="sku-7", value=40.0), offer("hat", category="news")
    sent = engine.decide([ask("ann", NOON, *pushes, idempotency_key="k1")])[0]
    engine.ingest([{"user_id": "ann", "type": "search", "query": "red shoes", "event_id": "e1", "at": NOON}])
    engine.observe([{"decision_id": sent.decision_id, "type": "rated", "rating": 4, "at": NOON + HOUR}])
    engine.decide([ask("ann", NOON + 4 * HOUR), ask("bob", NOON)])  # deferred: night in Shanghai
    told = json.loads(json.dumps(export(engine, "ann", NOON + DAY)))
    assert (told["format"], told["version"], told["user_id"]) == ("andante.export", 1, "ann")
    assert told["preferences"]["consent.push"] == {"value": True, "at": "2026-10-19T12:00:00Z"}
    assert told["preferences"]["time_zone"]["value"] == "Asia/Shanghai"
    assert told["user"]["plan_per_week"] == 5.0
    assert told["plans"][0]["plan_per_week"] == 5.0
    assert told["events"][0] == {"at": "2026-11-18T12:00:00Z", "type": "search", "query": "red shoes", "event_id": "e1"}
    assert told["outcomes"] == [
        {"at": "2026-11-18T13:00:00Z", "type": "rated", "rating": 4.0, "decision_id": sent.decision_id}
    ]
    assert told["preference_changes"][0]["consent"] == {"push": True}
    decision = next(one for one in told["decisions"] if one["decision_id"] == sent.decision_id)
    assert {name: decision[name] for name in sent.to_dict()} == json.loads(json.dumps(sent.to_dict()))
    assert (decision["kind"], decision["at"], decision["idempotency_key"]) == ("request", "2026-11-18T12:00:00Z", "k1")
    assert [one["candidate_id"] for one in decision["candidates"]] == ["shoe", "hat"]
    assert [one["reason"] for one in decision["verdicts"]] == ["best", "outranked"]
    assert told["waiting"][-1]["candidates"][0]["candidate_id"] == "c"
    assert told["waiting"][-1]["due_at"] > "2026-11-18T16"


def test_an_export_holds_nothing_of_anybody_else(engine):
    for user in ("ann", "bob", "cyd"):
        engine.decide([ask(user, NOON, offer(f"for-{user}"), idempotency_key=f"key-{user}")])
        engine.ingest([{"user_id": user, "type": "search", "query": f"{user} asks", "at": NOON}])
    told = json.dumps(export(engine, "ann", NOON))
    assert "ann asks" in told
    assert not any(f"{user} asks" in told or f"-{user}" in told for user in ("bob", "cyd"))


def test_what_was_asked_again_names_the_decisions_that_deferred_it(engine):
    deferred = engine.decide([ask("ann", NOON + 4 * HOUR)])[0]
    assert deferred.action == "defer"
    released = [one for one in engine.release(NOON + DAY) if one.user_id == "ann"]
    told = export(engine, "ann", NOON + DAY)["decisions"]
    again = [one for one in told if one["kind"] == "release"]
    assert [one["decision_id"] for one in again] == [one.decision.decision_id for one in released]
    assert deferred.decision_id in again[0]["origins"]


def test_a_long_history_is_exported_whole(engine):
    for day in range(30):
        engine.decide([ask(user, NOON + day * DAY, offer(f"{user}-{day}")) for user in ("ann", "bob")])
    told = export(engine, "ann", NOON + 30 * DAY)
    assert [one["candidates"][0]["candidate_id"] for one in told["decisions"][1:]] == [
        f"ann-{day}" for day in range(30)
    ]
    assert len(told["user"]["last_sends"]) <= 32
