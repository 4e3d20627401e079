"""``andante replay LOG --policy P`` prints what another policy would have brought, or that the log cannot say."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from andante import Engine
from andante.cli.main import app

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SETTINGS = {
    "consent": {"default": "allow"},
    "gap": {"minimum": "PT0S"},
    "pacing": {"default_per_week": 14.0, "burst": 7.0, "floor": 0.3, "temperature": 1.0, "patience": 0.0},
    "experiment": {"holdout": 0.0, "explore": 0.0},
}
FIELDS = {
    *("policy", "reward", "within_days", "opt_out_cost", "answer", "sentence", "over_weeks", "users", "user_weeks"),
    *("decisions", "used", "used_are", "too_young", "sends_per_user_week", "lines", "overlap", "held_fixed"),
    "to_answer",
}


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Ten days of 120 users, each asked once a day; a fourth of what is sent is opened."""
    path = tmp_path_factory.mktemp("log") / "shop.db"
    with Engine.open(path, SETTINGS) as engine:
        for day in range(10):
            at = START + timedelta(days=day)
            push = {"candidate_id": f"c{day}", "category": "promotion", "channel": "push"}
            asked = [{"user_id": f"u{user}", "candidates": [push], "at": at} for user in range(120)]
            sent = [one for one in engine.decide(asked) if one.action == "send"]
            engine.observe([{"decision_id": one.decision_id, "type": "opened", "at": at} for one in sent[::4]])
    return path


def _replay(*words):
    return CliRunner().invoke(app, ["replay", *map(str, words)])


def test_the_answer_is_a_table_a_verdict_and_what_was_held_fixed(log):
    found = _replay(log, "--policy", "cap=2/P7D", "--within", "P1D")
    assert found.exit_code == 0, found.output
    words = ("cap=2/P7D", "per-decision WIS", "ESS", "Pushes per user-week", "let through by the cap", "Held fixed")
    for word in words:
        assert word in found.output
    assert max(len(line) for line in found.output.splitlines() if "  " in line) <= 80  # the tables


def test_the_figures_come_as_json_with_all_fields(log):
    found = json.loads(_replay(log, "--policy", "logged", "--within", "P1D", "--json").output)
    assert found.keys() == FIELDS
    assert found["answer"] == "answers"
    values = {line["method"]: line["value"] for line in found["lines"] if line["per"] == "open decision"}
    assert values["IPS"] == values["SNIPS"] == values["mean"]


def test_what_cannot_be_answered_is_withheld_and_is_no_error(log):
    found = _replay(log, "--policy", "pace=3")
    assert found.exit_code == 0
    assert "cannot answer" in found.output
    assert "experiment.explore" in found.output
    figures = json.loads(_replay(log, "--policy", "pace=3", "--json").output)
    assert (figures["answer"], figures["lines"]) == ("cannot answer", [])


def test_without_a_policy_the_options_of_one_are_refused(log):
    assert _replay(log, "--reward", "clicks").exit_code == 2
    assert _replay(log).exit_code == 0


def test_an_unknown_policy_is_one_line_that_names_the_forms(log):
    command = [Path(sys.executable).parent / "andante", "replay", log, "--policy", "best"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1
    assert "cap=5/P7D" in found.stderr
