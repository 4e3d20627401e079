"""An explanation adds up, speaks plainly, and says what would change."""

import json
import re

import pyarrow.parquet
import pytest


@pytest.fixture(scope="module")
def somebody(finished):
    out, _printed = finished
    rows = pyarrow.parquet.read_table(out / "frequencies.parquet").to_pylist()
    return max(rows, key=lambda row: row["pushes_per_week"])


def _explained(andante, finished, user):
    out, _printed = finished
    found = andante("explain", user, "--out", out, "--json")
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)["explanation"]


def test_the_parts_add_up_to_the_pace(andante, finished, somebody):
    why = _explained(andante, finished, somebody["user_id"])
    total = why["usual_per_week"] + sum(driver["per_week"] for driver in why["drivers"])
    assert total == pytest.approx(why["uncapped_per_week"], abs=1e-6)
    assert why["per_week"] == pytest.approx(somebody["pushes_per_week"], abs=1e-3)
    assert why["method"] == "TreeSHAP"


def test_drivers_come_strongest_first(andante, finished, somebody):
    sizes = [abs(driver["per_week"]) for driver in _explained(andante, finished, somebody["user_id"])["drivers"]]
    assert sizes == sorted(sizes, reverse=True)


def test_answering_a_push_promises_more_than_ignoring_three(andante, finished, somebody):
    changes = {c["deed"]: c["per_week"] for c in _explained(andante, finished, somebody["user_id"])["changes"]}
    assert changes["answers_next_push"] >= changes["ignores_three_pushes"]


def test_the_words_name_the_user_the_pace_and_the_reasons(andante, finished, somebody):
    out, _printed = finished
    printed = andante("explain", somebody["user_id"], "--out", out).stdout
    assert somebody["user_id"] in printed
    said = float(re.search(r"gets ([\d.]+) pushes a week", printed)[1])
    assert said == pytest.approx(somebody["pushes_per_week"], abs=0.0101)
    assert "What raises it" in printed
    assert "What would change it" in printed
    assert "_30d" not in printed


def test_a_user_who_is_in_no_plan_is_one_line_and_exit_code_2(andante, finished):
    out, _printed = finished
    found = andante("explain", "nobody", "--out", out)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert "nobody" in found.stderr


def test_a_folder_without_a_run_says_to_run_first(andante, tmp_path):
    found = andante("explain", "u", "--out", tmp_path)
    assert found.returncode == 2
    assert "andante run" in found.stderr
