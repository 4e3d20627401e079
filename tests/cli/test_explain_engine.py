"""``andante explain --db`` says what held a user's last decision, from a file that an engine may be writing to."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from andante import Engine
from andante.cli.explain import ACTIONS, REASONS
from andante.live.reading import explain_from
from andante.stores.sqlite import SqliteStore
from andante.vocabulary.fault import UnknownUser
from andante.vocabulary.reason import Action, Reason

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
EAGER = {
    "caps": [{"scope": "global", "limit": 3, "window": "P7D"}],
    "pacing": {"default_per_week": 168, "most_per_week": 168, "burst": 32}
    | dict.fromkeys(("patience", "floor", "temperature", "refusal_loss_pushes"), 0),
    "learning": dict.fromkeys(("fatigue_open", "habituation_open", "fatigue_refusal"), 0),
    "experiment": {"holdout": 0, "explore": 0},
    "quiet_hours": {"start": "22:00", "end": "08:00"},
}
"""Sends whatever the rules allow, three times a week."""


def _explain(*words):
    command = [Path(sys.executable).parent / "andante", "explain", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def _ask(engine, user, turn, *categories):
    candidates = [
        {"candidate_id": f"c{turn}-{place}", "category": category, "channel": "push"}
        for place, category in enumerate(categories or ("promotion",))
    ]
    request = {"user_id": user, "candidates": candidates, "at": START + timedelta(hours=4 * turn)}
    return engine.decide([request])[0]


@pytest.fixture
def busy(tmp_path):
    """An engine that is open, has used up bob's cap, and has asked once more; and its file."""
    path = tmp_path / "shop.db"
    with Engine.open(path, EAGER) as engine:
        for user in ("ann", "bob", "cid", "dee"):
            engine.set_preferences(user, {"consent": {"push": True}, "categories": {"news": False}})
        _ask(engine, "cid", 0)
        for turn in (0, 1, 2, 3, 6):  # three sends, one too many, and the next morning
            _ask(engine, "ann", turn)
            last = _ask(engine, "bob", turn, "promotion", "news")
        assert (last.action, last.reasons) == ("suppress", ("cap_global",))
        yield engine, path


AT = "2026-06-02T12:00:00Z"


def test_the_binding_rule_the_next_time_and_a_counterfactual_are_named_beside_a_running_engine(busy):
    _, path = busy
    found = _explain("bob", "--db", path, "--at", AT)
    assert found.returncode == 0, found.stderr
    words = " ".join(found.stdout.split())
    assert "not sent, because a cap over everything is full" in words
    assert "consent_category" in words
    assert "the rules allow it from: 2026-06-08 08:00:00 UTC" in words
    assert "with a cap of 4 in 7 days (global)" in words


def test_the_explanation_comes_as_json_when_asked(busy):
    _, path = busy
    figures = json.loads(_explain("bob", "--db", path, "--at", AT, "--json").stdout)
    assert figures["binding"] == "cap_global"
    assert figures["next_at"] == "2026-06-08T08:00:00Z"
    assert [verdict["refused_by"] for verdict in figures["verdicts"]] == [
        ["cap_global"],
        ["consent_category", "cap_global"],
    ]
    assert [(one["setting"], one["before"], one["after"]) for one in figures["counterfactuals"]] == [
        ("caps global 7 days", 3.0, 4.0)
    ]


def test_a_file_explains_every_user_as_its_engine_does(busy):
    engine, path = busy
    at = datetime.fromisoformat(AT)
    for user in ("ann", "bob", "cid", "dee"):
        assert explain_from(path, user, at) == engine.explain(user, at)


def test_a_file_explains_the_same_after_a_checkpoint_and_after_retention(busy):
    engine, path = busy
    at = datetime.fromisoformat(AT)
    before = explain_from(path, "bob", at)
    engine.close()
    assert explain_from(path, "bob", at) == before
    with SqliteStore.open(path) as store:
        opened = store.load()
        states = [
            (int(number), int(position), bytes(state))
            for part in opened.checkpoints
            for number, position, state in zip(*part, strict=True)
        ]
        assert store.retain(opened.last_position, states) > 0
    with Engine.open(path, EAGER) as again:
        decision = _ask(again, "bob", 7)
        found = explain_from(path, "bob", at)
        assert found.decision == decision
        assert [one.setting for one in found.counterfactuals] == ["caps global 7 days"]


def test_what_waits_is_explained_with_the_time_it_waits_for(busy):
    engine, path = busy
    assert _ask(engine, "cid", 4).action == "defer"
    words = " ".join(_explain("cid", "--db", path, "--at", AT).stdout.split())
    assert "deferred until 2026-06-02 08:" in words
    assert "because it is quiet hours where the user is" in words
    assert "outside quiet hours" in words


def test_a_send_says_why_it_went_out(busy):
    engine, path = busy
    assert _ask(engine, "cid", 7).action == "send"
    words = " ".join(_explain("cid", "--db", path).stdout.split())
    assert "c7-0 sent, because it is worth more than waiting" in words


def test_a_user_of_whom_nothing_was_asked_has_no_decision(busy):
    _, path = busy
    found = _explain("dee", "--db", path)
    assert found.returncode == 0
    assert "No decision on dee is in the log." in found.stdout


def test_an_unknown_user_and_a_missing_file_are_faults_of_one_line(busy, tmp_path):
    _, path = busy
    for words in (("eve", "--db", path), ("ann", "--db", tmp_path / "nothing.db")):
        found = _explain(*words)
        assert found.returncode == 2
        assert len(found.stderr.splitlines()) == 1
    assert not (tmp_path / "nothing.db").exists()
    with pytest.raises(UnknownUser, match="eve"):
        explain_from(path, "eve", START)


@pytest.mark.parametrize("words", [("ann", "--at", AT), ("ann", "--db", "x.db", "--at", "2026-06-01")])
def test_a_moment_without_a_zone_or_without_a_file_is_refused(words):
    found = _explain(*words)
    assert found.returncode == 2
    assert "--at" in found.stderr


def test_every_action_and_reason_has_words():
    assert set(ACTIONS) == {action.name.lower() for action in Action}
    assert set(REASONS) == {reason.name.lower() for reason in Reason}
