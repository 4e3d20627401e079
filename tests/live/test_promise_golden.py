"""Promises 15 and 16: today's code takes yesterday's decisions bit for bit, and opens yesterday's state."""

import json
import sqlite3
from contextlib import closing

import pytest
from promise_golden import GOLDEN, HISTORIES, Player, plain, read

from andante import Engine
from andante.runners.replaying import replay

STATES = sorted(path.stem for path in GOLDEN.glob("state-*.sql"))


@pytest.mark.parametrize("name", HISTORIES)
def test_every_decision_of_a_golden_history_is_taken_again(name):
    configuration, calls, end = read(name)
    with Engine.open(":memory:", configuration) as engine:
        player = Player(engine)
        for number, call in enumerate(calls):
            assert player.play(call) == call["answer"], f"call {number} of {name}: {call['call']}"
        assert player.end() == end


@pytest.mark.parametrize("name", HISTORIES)
def test_a_golden_history_is_worth_keeping(name):
    """It sends, defers and suppresses, and speaks of what its name says."""
    _, calls, end = read(name)
    answers = [answer for call in calls if call["call"] == "decide" for answer in call["answer"]]
    reasons = {reason for answer in answers for reason in answer["reasons"]}
    assert end["count"] > 80
    assert {answer["action"] for answer in answers} >= {"send", "defer"}
    wanted = {
        "everyday": {"best", "transactional", "pace", "quiet_hours"},
        "every_rule": {
            "holdout",
            "kill_switch",
            "duplicate",
            "gap",
            "cap_global",
            "cap_category",
            "vendor_quota",
        },
        "clocks_change": {"quiet_hours", "transactional"},
    }
    assert wanted[name] <= reasons


@pytest.mark.parametrize("name", STATES)
def test_a_database_of_an_earlier_version_opens_and_goes_on(name, tmp_path):
    told = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    path = tmp_path / "andante.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((GOLDEN / f"{name}.sql").read_text("utf-8"))
    assert replay(path).differences == []
    with Engine.open(path, told["configuration"]) as engine:
        player = Player(engine)
        player.ids = told["ids"]
        assert player.end() == told["end"]
        for answer, requests in told["keyed"]:
            assert plain([one.to_dict() for one in engine.decide(requests)], told["ids"]) == answer
        later = {**told["keyed"][-1][1][0], "idempotency_key": "a new one", "at": "2026-09-01T12:00:00+00:00"}
        assert engine.decide([later])[0].action in {"send", "defer", "suppress"}


def test_there_is_a_database_of_version_1():
    assert "state-1" in STATES
