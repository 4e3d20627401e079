"""``andante evaluate LOG`` prints tables with intervals, checks and a verdict."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import typer
from typer.testing import CliRunner

from andante import Engine
from andante.cli.evaluate import evaluate
from andante.vocabulary.fault import UnknownShape

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def command():
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(evaluate)
    return lambda *words: CliRunner().invoke(app, list(map(str, words)))


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "shop.db"
    settings = {"consent": {"default": "allow"}, "pacing": {"floor": 0.3, "default_per_week": 14.0}}
    with Engine.open(path, settings) as engine:
        for day in range(10):
            push = {"candidate_id": f"c{day}", "category": "promotion", "channel": "push"}
            at = START + timedelta(days=day)
            engine.decide([{"user_id": f"u{user}", "candidates": [push], "at": at} for user in range(60)])
    return path


def test_sections_checks_and_a_verdict_are_printed(command, log):
    found = command(log, "--within", "P1D")
    assert found.exit_code == 0, found.output
    for word in ("pushes per user-week", "95 %", "propensities:", "Nothing contradicts this log"):
        assert word in found.output


def test_the_figures_come_as_json(command, log):
    found = json.loads(command(log, "--json").output)
    assert found.keys() == {"shape", "title", "sections", "checks", "verdict"}
    assert found["shape"] == "engine"
    (decisions,) = [one for one in found["sections"][0]["figures"] if one["name"] == "decisions"]
    assert decisions["value"] == 600
    assert {check["answer"] for check in found["checks"]} <= {"good", "look", "bad", "unknown"}


def test_what_is_no_log_is_a_fault(command, tmp_path):
    (tmp_path / "notes.txt").write_text("hello\n")
    assert isinstance(command(tmp_path / "notes.txt").exception, UnknownShape)
