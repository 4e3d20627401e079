"""``andante check`` names every fault of a configuration at once, with its fix."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def _check(path, *options):
    command = [Path(sys.executable).parent / "andante", "check", path, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "andante.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def test_a_good_configuration_is_said_to_be_good(written):
    found = _check(written('[budget]\nper_user_week = 3.0\n[[caps]]\nscope = "global"\nlimit = 3\nwindow = "P1D"\n'))
    assert found.returncode == 0
    assert "nothing is wrong" in found.stdout


def test_all_faults_are_named_at_once_with_their_fix(written):
    found = _check(
        written('[budgt]\nper_user_week = 3\n[experiment]\nholdout = 0.7\n[plan]\nf_max_per_week = "many"\n')
    )
    assert found.returncode == 2
    for word in ("budget", "experiment.holdout", "plan.f_max_per_week"):
        assert word in found.stderr
    assert "3 faults" in found.stderr


def test_faults_come_as_json_when_asked(written):
    found = _check(written("[experiment]\nholdout = 2\n"), "--json")
    assert found.returncode == 2
    assert len(json.loads(found.stdout)["faults"]) == 1


def test_a_missing_file_is_a_fault_not_a_traceback(tmp_path):
    found = _check(tmp_path / "nothing.toml")
    assert found.returncode == 2
    assert "Traceback" not in found.stderr


def test_warnings_are_counted_and_leave_the_exit_code_at_0(written):
    found = _check(written('[[caps]]\nscope = "category:promotion"\nlimit = 5\nwindow = "P7D"\n'))
    assert found.returncode == 0
    assert "no fault, 1 warning" in found.stdout
