"""The main job, as a user runs it: six outputs that reopen, the same bytes again, and one clear line for each fault."""

import csv
import json

import duckdb
import numpy as np
import pyarrow.parquet
import pytest

from andante.frequency.storage import load_interest

OUTPUTS = ("frequencies.parquet", "frequencies.csv", "metrics.json", "quality.json", "report.html", "model")


def test_all_six_outputs_exist_and_reopen(finished):
    out, _printed = finished
    assert {path.name for path in out.iterdir()} >= set(OUTPUTS)
    table = pyarrow.parquet.read_table(out / "frequencies.parquet")
    with (out / "frequencies.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["user_id"] for row in rows] == table["user_id"].to_pylist()
    assert np.allclose([float(row["pushes_per_week"]) for row in rows], table["pushes_per_week"].to_numpy())
    assert json.loads((out / "metrics.json").read_text("utf-8"))["version"] == 1
    assert json.loads((out / "quality.json").read_text("utf-8"))["events"]["rows_clean"] > 20_000
    assert "<html" in (out / "report.html").read_text("utf-8")
    profiles = pyarrow.parquet.read_table(out / "model" / "profiles.parquet")
    names = json.loads((out / "model" / "plan.json").read_text("utf-8"))["features"]
    X = np.column_stack([profiles[name].to_numpy() for name in names])
    interest = load_interest(out / "model", names).predict_proba(X)[:, 1]
    assert np.allclose(interest, table["interest"].to_numpy(), atol=1e-5)


def test_the_mean_pace_meets_the_budget(finished):
    out, _printed = finished
    (mean,) = duckdb.execute(f"SELECT avg(pushes_per_week) FROM '{out}/frequencies.parquet'").fetchone()
    assert mean == pytest.approx(2.5, abs=1e-3)


def test_every_user_of_the_log_gets_one_pace(finished, logs):
    out, _printed = finished
    users = duckdb.execute(f"SELECT DISTINCT user_id FROM '{logs}/events.parquet' ORDER BY 1").fetchall()
    assert [(u,) for u in pyarrow.parquet.read_table(out / "frequencies.parquet")["user_id"].to_pylist()] == users


def test_the_table_names_segments_quality_and_the_report(finished):
    out, printed = finished
    metrics = json.loads((out / "metrics.json").read_text("utf-8"))
    for segment in metrics["segments"]:
        assert segment["name"].split()[0] in printed
    assert "AUC" in printed
    assert "report.html" in printed


def test_metrics_hold_intervals_and_baselines_for_both_targets(finished):
    out, _printed = finished
    metrics = json.loads((out / "metrics.json").read_text("utf-8"))
    assert metrics["drives_the_plan"] == "response"
    for target in metrics["targets"].values():
        model, *baselines = target["rankings"]
        assert model["score"] == "forest"
        assert {"recency_days", "gap_days", "linear", "thresholds"} <= {b["score"] for b in baselines}
        for ranking in target["rankings"]:
            for measure in ("auc", "spearman"):
                assert ranking[measure]["low"] <= ranking[measure]["value"] <= ranking[measure]["high"]
        assert 0 <= target["calibration"]["error"] <= 1
        assert len(target["cross_validation"]) >= 2


def test_the_same_input_and_seed_give_the_same_bytes(andante, finished, logs, tmp_path):
    out, _printed = finished
    again = andante(
        "run",
        logs / "events.parquet",
        "--messages",
        logs / "messages.parquet",
        "--out",
        tmp_path,
        "--budget",
        "2.5",
    )
    assert again.returncode == 0
    assert (tmp_path / "frequencies.csv").read_bytes() == (out / "frequencies.csv").read_bytes()


def test_the_order_of_rows_does_not_change_a_byte(andante, finished, logs, tmp_path):
    out, _printed = finished
    for table in ("events", "messages"):
        duckdb.execute(f"COPY (FROM '{logs}/{table}.parquet' ORDER BY hash(\"at\")) TO '{tmp_path}/{table}.parquet'")
    done = andante(
        "run", tmp_path / "events.parquet", "--messages", tmp_path / "messages.parquet",
        "--out", tmp_path / "out", "--budget", "2.5",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "frequencies.csv").read_bytes() == (out / "frequencies.csv").read_bytes()


def test_another_seed_gives_another_forest(andante, finished, logs, tmp_path):
    out, _printed = finished
    done = andante(
        "run", logs / "events.parquet", "--messages", logs / "messages.parquet", "--out", tmp_path, "--budget", "2.5",
        "--seed", "8",
    )  # fmt: skip
    assert done.returncode == 0
    assert (tmp_path / "frequencies.csv").read_bytes() != (out / "frequencies.csv").read_bytes()


@pytest.mark.parametrize("model", ["linear", "thresholds"])
def test_other_families_plan_too_and_can_be_explained(andante, logs, tmp_path, model):
    done = andante("run", logs / "events.parquet", "--model", model, "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["targets"]["activity"]["model"] == model
    explained = andante("explain", "u0000001", "--out", tmp_path, "--json")
    assert explained.returncode == 0, explained.stderr
    assert json.loads(explained.stdout)["explanation"]["method"] == "one feature after another"


def test_user_ids_that_a_spreadsheet_would_run_are_defused_in_csv_only(andante, logs, tmp_path):
    duckdb.execute(
        f"COPY (SELECT * REPLACE (CASE WHEN user_id = 'u0000001' THEN '=1+1' ELSE user_id END AS user_id) "
        f"FROM '{logs}/events.parquet') TO '{tmp_path}/events.parquet'"
    )
    assert andante("run", tmp_path / "events.parquet", "--out", tmp_path / "out").returncode == 0
    assert "=1+1" in pyarrow.parquet.read_table(tmp_path / "out" / "frequencies.parquet")["user_id"].to_pylist()
    with (tmp_path / "out" / "frequencies.csv").open(newline="", encoding="utf-8") as file:
        assert "'=1+1" in [row["user_id"] for row in csv.DictReader(file)]


def test_ratings_in_the_message_log_give_a_satisfaction_curve(andante, logs, tmp_path):
    shop_out = tmp_path / "out"
    done = andante("run", logs / "events.parquet", "--messages", logs / "messages.parquet", "--out", shop_out, "--json")
    found = json.loads(done.stdout)["satisfaction"]
    rated = duckdb.execute(
        f"SELECT count(DISTINCT (user_id, date_trunc('week', \"at\"))) FROM '{logs}/messages.parquet' "
        "WHERE type = 'rated'"
    ).fetchone()[0]
    if rated < 100:
        assert found is None
    else:
        assert 0 < found["best_per_week"] < 14
        assert "most_satisfied_per_week" in pyarrow.parquet.read_schema(shop_out / "frequencies.parquet").names


FAULTS = {
    "a file that is not there": (lambda folder: folder / "nothing.csv", "nothing.csv"),
    "an empty file": (lambda folder: _written(folder / "empty.csv", ""), "empty"),
    "a folder without data": (lambda folder: folder, str),
    "a header that nobody knows": (lambda folder: _written(folder / "x.csv", "a,b,c\n1,2,3\n"), "x.csv"),
}


def _written(path, text):
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("case", FAULTS)
def test_each_fault_of_the_input_is_one_line_and_exit_code_2(andante, case, tmp_path):
    source, word = FAULTS[case]
    (tmp_path / "in").mkdir()
    found = andante("run", source(tmp_path / "in"), "--out", tmp_path / "out")
    assert found.returncode == 2
    assert found.stdout == ""
    lines = found.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("andante: ")
    if isinstance(word, str):
        assert word in lines[0]


def test_a_log_that_is_too_short_says_what_to_do(andante, tmp_path):
    log = _written(tmp_path / "log.csv", "user_id,type,at\nu,view,2026-01-01T10:00:00Z\nv,view,2026-01-02T10:00:00Z\n")
    found = andante("run", log, "--out", tmp_path / "out")
    assert found.returncode == 2
    assert "longer log" in found.stderr


def test_an_unknown_model_is_named_with_those_there_are(andante, logs, tmp_path):
    found = andante("run", logs / "events.parquet", "--model", "oracle", "--out", tmp_path)
    assert found.returncode == 2
    assert "forest, linear, thresholds" in found.stderr


def test_profiles_that_are_kept_take_new_rows_only(andante, logs, tmp_path):
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    duckdb.execute(f"COPY (FROM '{logs}/events.parquet' WHERE \"at\" < '2026-03-01') TO '{old}'")
    duckdb.execute(f"COPY (FROM '{logs}/events.parquet' WHERE \"at\" >= '2026-03-01') TO '{new}'")
    for source in (old, new):
        done = andante("run", source, "--profiles", tmp_path / "profiles.duckdb", "--out", tmp_path / "kept")
        assert done.returncode == 0, done.stderr
    assert andante("run", logs / "events.parquet", "--out", tmp_path / "whole").returncode == 0
    kept, whole = ((tmp_path / out / "frequencies.csv").read_bytes() for out in ("kept", "whole"))
    assert kept == whole
