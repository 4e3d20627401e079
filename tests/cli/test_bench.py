"""``andante bench`` measures both sides in one run and keeps its figures with the command that made them."""

import json
import subprocess
import sys
from pathlib import Path


def _bench(*words, cwd=None):
    command = [Path(sys.executable).parent / "andante", "bench", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=300)


def test_features_are_measured_beside_pandas_from_both_kinds_of_file(tmp_path):
    found = _bench("features", "--events", "20000", "--users", "500", "--scale", "2", "--json", "--write", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    rows = json.loads((tmp_path / "docs" / "results" / "features.json").read_text("utf-8"))["figures"]
    assert [(row["by"], row["file"]) for row in rows] == [
        ("andante", "parquet"), ("pandas", "parquet"), ("andante", "csv"), ("pandas", "csv"), ("andante", "parquet"),
    ]  # fmt: skip
    same_work = [(row["rows"], row["features"]) for row in rows[:4]]
    assert len(set(same_work)) == 1
    assert rows[0]["times_faster"] > 0
    assert "andante bench features" in (tmp_path / "docs" / "results" / "features.md").read_text("utf-8")


def test_scoring_gives_the_same_numbers_as_scikit_learn():
    found = _bench("scoring", "--rows", "3000", "--repeats", "1", "--json")
    assert found.returncode == 0, found.stderr
    figures = json.loads(next(line for line in found.stdout.splitlines() if line.startswith("{")))
    assert figures["max_difference"] <= 1e-5
