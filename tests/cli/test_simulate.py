"""``andante simulate`` prints what came of a policy in a world, as a table or as JSON."""

import json

import pytest
import typer
from typer.testing import CliRunner

from andante.cli.simulate import SHOWN, simulate
from andante.runners.simulating.simulate import FIGURES
from andante.vocabulary.fault import Fault, InputFault

app = typer.Typer()
app.command()(simulate)

SMALL = ["--users", "60", "--weeks", "1", "--seed", "3"]


def run(*words):
    return CliRunner().invoke(app, [*SMALL, *words], env={"COLUMNS": "200"})


def test_the_table_names_every_figure_and_whom_it_was_held_against():
    found = run("--policy", "andante-pace-3", "--against", "none, pace-1")
    assert found.exit_code == 0, found.output
    for words, _ in SHOWN.values():
        assert words in found.output
    assert "above none" in found.output
    assert "above pace-1" in found.output
    assert "60 users, 1 week, seed 3" in found.output


def test_json_is_one_object_of_figures():
    found = run("--json", "--against", "", "--budget", "2")
    figures = json.loads(found.stdout)
    assert tuple(figures["figures"]) == FIGURES == tuple(SHOWN)
    assert (figures["world"], figures["policy"], figures["against"]) == ("reference", "andante", {})
    assert (figures["users"], figures["weeks"], figures["seed"], figures["budget"]) == (60, 1, 3, 2.0)
    assert figures["figures"]["value_per_user"].keys() == {"value", "low", "high"}


def test_the_configuration_decides(tmp_path):
    stopped = tmp_path / "shop.toml"
    stopped.write_text("[pacing]\ndefault_per_week = 0.0\n[experiment]\nexplore = 0.0\n")
    figures = json.loads(run("--json", "--config", str(stopped)).stdout)["figures"]
    assert figures["sends_per_user_week"]["value"] == 0.0
    assert figures["opens_per_push"] is None


def test_what_came_of_every_user_is_written(tmp_path):
    assert run("--policy", "pace-1", "--out", str(tmp_path / "lived.npz")).exit_code == 0
    assert (tmp_path / "lived.npz").stat().st_size > 0


def test_a_wrong_ending_is_a_fault_before_anything_is_lived(tmp_path):
    found = run("--out", str(tmp_path / "lived.csv"))
    assert isinstance(found.exception, InputFault)


def test_worlds_and_policies_are_listed():
    found = run("--list")
    assert "threshold-fatigue" in found.output
    assert "andante-pace-K" in found.output
    named = json.loads(run("--list", "--json").stdout)
    assert {"reference", "bots"} <= named["worlds"].keys()
    assert {"none", "andante", "best-cap"} <= named["policies"].keys()


@pytest.mark.parametrize("words", [["--world", "nowhere"], ["--policy", "nobody"], ["--against", "nobody"]])
def test_an_unknown_name_is_one_fault(words):
    found = run(*words)
    assert isinstance(found.exception, Fault)
    assert words[1] in str(found.exception)
    assert "\n" not in str(found.exception)
