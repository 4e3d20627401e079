"""``andante replay`` recomputes every decision of a log, and says so only where each came out to the bit."""

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from andante import Engine

START = datetime(2026, 6, 1, 4, tzinfo=UTC)
DECISIONS = 12
SETTINGS = {"pacing": {"default_per_week": 14, "burst": 32, "patience": 0}, "experiment": {"holdout": 0}}


def _replay(*words):
    command = [Path(sys.executable).parent / "andante", "replay", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def _decide(engine, count):
    for turn in range(count):
        candidate = {"candidate_id": f"c{turn}", "category": "promotion", "channel": "push"}
        at = START + timedelta(hours=20 * turn)
        engine.decide([{"user_id": user, "candidates": [candidate], "at": at} for user in ("ann", "bob")])


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """The file of an engine that decided for two users, and has closed it."""
    path = tmp_path_factory.mktemp("log") / "shop.db"
    with Engine.open(path, SETTINGS) as engine:
        for user in ("ann", "bob"):
            engine.set_preferences(user, {"consent": {"push": True}})
        _decide(engine, DECISIONS // 2)
    return path


def _changed(log, folder, statement):
    """Return a copy of a log with something rewritten."""
    path = folder / "changed.db"
    path.write_bytes(log.read_bytes())
    with sqlite3.connect(path) as connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()
    return path


def test_a_log_replays_to_the_bit_and_ends_with_0(log):
    found = _replay(log)
    assert found.returncode == 0, found.stderr
    lines = {cells[1].strip(): cells[2].strip() for cells in map(_cells, found.stdout.splitlines()) if len(cells) > 2}
    assert lines["decisions"] == str(DECISIONS)
    assert lines["different"] == "0"
    assert "exact" in found.stdout
    assert found.stderr == ""


def _cells(line):
    return line.split("│")


def test_the_figures_come_as_json_when_asked(log):
    found = _replay(log, "--json")
    figures = json.loads(found.stdout)
    assert figures["exact"] is True
    assert (figures["users"], figures["decisions"], figures["different"]) == (2, DECISIONS, 0)
    assert figures["sends"] > 0
    assert figures["policies"][0].startswith(f"{figures['step_version']}.")
    assert {"records", "state_digest", "time_zones", "seconds"} <= figures.keys()


def test_two_replays_end_in_the_same_state(log):
    first, second = (json.loads(_replay(log, "--json").stdout)["state_digest"] for _ in range(2))
    assert first == second


def test_a_decision_that_was_rewritten_is_named_and_ends_with_1(log, tmp_path):
    statement = (
        "UPDATE log SET action = (action + 1) % 3 WHERE position = (SELECT min(position) FROM log WHERE kind = 2)"
    )
    changed = _changed(log, tmp_path, statement)
    found = _replay(changed)
    assert found.returncode == 1
    assert "not exact" in found.stdout
    assert "action was" in found.stdout
    figures = json.loads(_replay(changed, "--json").stdout)
    assert (figures["exact"], figures["different"]) == (False, 1)
    assert figures["differences"][0]["decision_id"] in found.stdout


def test_one_bit_of_a_logged_number_is_enough(log, tmp_path):
    statement = (
        "UPDATE log SET body = json_set(body, '$.decision.propensity', "
        "json_extract(body, '$.decision.propensity') - 1e-16) "
        "WHERE position = (SELECT max(position) FROM log WHERE kind = 2)"
    )
    found = _replay(_changed(log, tmp_path, statement))
    assert found.returncode == 1
    assert "propensity was" in found.stdout


def test_a_log_is_replayed_while_an_engine_writes_to_it(log, tmp_path):
    path = tmp_path / "busy.db"
    path.write_bytes(log.read_bytes())
    with Engine.open(path) as engine:
        _decide(engine, 1)
        figures = json.loads(_replay(path, "--json").stdout)
    assert figures["exact"]
    assert figures["decisions"] == DECISIONS + 2


@pytest.mark.parametrize("kind", ["missing", "no database"])
def test_what_is_no_log_is_a_fault_of_one_line(tmp_path, kind):
    path = tmp_path / "shop.db"
    if kind == "no database":
        path.write_text("user_id,at\n")
    found = _replay(path)
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1
    assert str(path) in found.stderr
