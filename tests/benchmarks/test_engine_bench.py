"""The engine's benchmark gives every figure with its spread and what it is beside; no test looks at a clock."""

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pytest

from andante.benchmarks import engine_durable, engine_history, engine_kernel, engine_opening, engine_peer
from andante.benchmarks.engine_database import batches, build
from andante.benchmarks.engine_figures import Figure, compared, measured
from andante.benchmarks.engine_questions import APART_S, ask_engine, questions, shares
from andante.benchmarks.engine_start import FIRST_DECISION
from andante.benchmarks.engine_users import (
    CATEGORIES,
    CHANNEL,
    CONFIG,
    DAY_S,
    START_S,
    ZONES,
    held,
    lived_in,
    mix,
    requests,
    told,
)
from andante.benchmarks.peers.cue import Caller, run
from andante.engine.batch import fold
from andante.live.engine import Engine
from andante.vocabulary.state import SLOTS

ROOT = Path(__file__).parents[2]


def whole(figure):
    """Tell whether a figure has all that a reader needs."""
    row = figure.to_dict()
    assert json.loads(json.dumps(row)) == row
    middle = figure.ours if figure.ratio is None else figure.ratio
    assert figure.lowest <= middle <= figure.highest
    assert (figure.beside is None) == (figure.ratio is None) == (figure.beside_what is None)
    assert (figure.target is None) == (figure.met is None)
    return figure.ours >= 0


def test_a_ratio_is_the_median_within_repeats_and_says_whether_it_met_its_target():
    figure = compared("p", "w", "1/s", [10.0, 30.0, 20.0], [10.0, 10.0, 10.0], "theirs", at_least=2.5)
    assert (figure.ratio, figure.lowest, figure.highest, figure.met) == (2.0, 1.0, 3.0, False)
    slower = compared("p", "w", "ns", [20.0], [10.0], "theirs", better="lower", at_least=0.5)
    assert (slower.ratio, slower.met) == (0.5, True)


def test_a_figure_that_stands_alone_is_held_against_what_it_may_be_at_most():
    assert measured("p", "w", "s", [1.0, 2.0, 9.0], at_most=2.0).met
    assert measured("p", "w", "s", [1.0]).to_dict().keys().isdisjoint({"ratio", "target", "met", "beside"})


def test_users_have_lived():
    users = lived_in(500)
    assert (users["sent_s"] > 0).sum() == 500 * SLOTS
    assert (users["sent_s"] < START_S).all()
    assert (users["forgotten_s"] < users["sent_s"].min(axis=1)).all()
    assert (users["open_exposure"] > 0).all()
    assert np.isfinite(users["plan_per_week"]).all()
    assert len(np.unique(users["zone"])) == len(ZONES)
    assert users.tobytes() == lived_in(500).tobytes()


def test_names_have_the_codes_that_an_engine_gives_them():
    names = held().names
    with Engine.open(":memory:", CONFIG) as engine:
        engine.decide(next(batches(1, 1, 1, seed=1)))
        assert engine._desk.names.categories == names.categories == CATEGORIES
        assert engine._desk.names.channels == names.channels == (CHANNEL,)


@pytest.mark.parametrize("candidates", [1, 4])
def test_decisions_on_users_with_a_past_are_of_many_kinds(candidates):
    policy, users = held(), lived_in(2_000)
    records, offered = requests(users, 2_000, candidates=candidates, skew=0.0, first_number=1, at_s=START_S)
    shares_ = mix(fold(users, records, offered, policy.parameters, policy.zones).decisions)
    assert sum(shares_.values()) == pytest.approx(1.0, abs=0.01)
    assert {name.split()[0] for name in shares_} == {"send", "defer", "suppress"}
    assert max(shares_.values()) < 0.6
    assert told(shares_).startswith(next(iter(shares_)))


def test_zipf_asks_most_about_few_and_uniform_about_all():
    users = lived_in(2_000)
    most = [
        np.bincount(requests(users, 2_000, candidates=1, skew=skew, first_number=1, at_s=START_S)[0]["user"]).max()
        for skew in (0.0, 1.1)
    ]
    assert most[0] < 20
    assert most[1] > 100


def test_the_bare_gather_touches_every_word_of_the_rows_it_is_given():
    words = np.zeros((4, 3), np.uint64)
    engine_kernel.gather()(words, np.array([2, 2, 0]))
    assert words.tolist() == [[1, 1, 1], [0, 0, 0], [2, 2, 2], [0, 0, 0]]
    users = np.zeros(4, [("a", "u8"), ("b", "u8")])
    engine_kernel.gather_ahead()(users, users.view(np.uint64).reshape(4, -1), np.array([2, 2, 0]), 1)
    assert users.tolist() == [(1, 1), (0, 0), (2, 2), (0, 0)]


def test_steps_are_measured_beside_both_gathers_on_one_thread_and_two():
    found = engine_kernel.steps(300, candidates=1, skew=0.0, repeats=2)
    assert all(len(found[name]) == 2 and min(found[name]) > 0 for name in ("bare", "ahead", "one", "two"))
    assert found["mix"]
    assert all(map(whole, engine_kernel._step_figures("uniform", 1, found)))


def test_a_decision_is_measured_after_each_history():
    for found in (engine_history.of_the_step([1, 40], 2), engine_history.of_the_engine([1, 40], 2)):
        assert list(found) == ["1", "40"]
        assert all(len(run["costs"]) == 2 and min(run["costs"]) > 0 for run in found.values())
        assert all(map(whole, engine_history._figures("a decision", "ns", found)))


def test_a_database_of_users_with_a_past_opens_with_all_of_them(tmp_path):
    build(tmp_path / "users.db", 200)
    assert engine_opening.open_once(str(tmp_path / "users.db")).items() >= {"users": 200, "with_past": 200}.items()
    with Engine.open(tmp_path / "users.db", CONFIG) as engine:
        decided = engine.decide(next(batches(200, 100, 100, seed=1)))
        assert {decision.reasons[0] for decision in decided} - {"consent_channel"}
        assert engine._desk.names.zones[1:] == ZONES


def test_a_log_is_replayed_from_its_beginning_once_its_checkpoints_are_gone(tmp_path):
    path = tmp_path / "log.db"
    engine_opening.live(str(path), 20, 200)
    engine_opening._forget_checkpoints(path)
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM states").fetchone() == (0,)
    assert engine_opening.open_once(str(path))["with_past"] > 15


@pytest.mark.parametrize("as_tables", [False, True])
def test_a_durable_batch_is_measured_beside_the_same_rows_appended_bare(tmp_path, as_tables):
    build(tmp_path / "built.db", 100)
    found = engine_durable.in_batches(str(tmp_path / "built.db"), 100, 2_500, seed=1, as_tables=as_tables)
    assert found["decisions_per_s"] > 0 < found["rows_per_s"]
    assert 0 < found["store_share"] < 1
    assert sum(found["mix"].values()) == pytest.approx(1.0)


def test_the_callers_of_both_sides_ask_each_question_once():
    asked = []
    callers = [Caller(lambda question: asked.append(question) or "send", range(turn, 40, 4)) for turn in range(4)]
    found = run(callers)
    assert sorted(asked) == list(range(40))
    assert (found["mix"], len(found["latencies_s"])) == ({"send": 40}, 40)


def test_all_questions_about_a_user_come_from_one_caller_in_order_of_time():
    given = questions(30, days=2, past_days=3)
    parts = shares(given.asked, 4)
    assert sum(map(len, parts)) == len(given.asked) >= 60
    assert len(given.past) == 90
    assert max(at for _, at, _ in given.past) < min(at for _, at, _ in given.asked) + APART_S
    for part in parts:
        for user in {user for user, _, _ in part}:
            times = [at for name, at, _ in part if name == user]
            assert times == sorted(times)
    assert not {user for user, _, _ in parts[0]} & {user for user, _, _ in parts[1]}


@pytest.mark.parametrize(("callers", "at_once"), [(1, 1), (8, 1), (1, 16)])
def test_the_engine_sends_what_the_rules_of_both_sides_allow(callers, at_once):
    given = questions(60)
    found = ask_engine(":memory:", 60, callers, at_once=at_once)
    assert sum(found["mix"].values()) == len(given.asked)
    assert found["mix"]["send"] > len(given.users) / 2
    assert found["mix"]["suppress"] > 0
    assert found["mix"]["defer"] > 0


def test_a_past_of_daily_pushes_changes_nothing_of_what_may_be_sent_today():
    fresh, old = (ask_engine(":memory:", 40, 1, past_days=days)["mix"] for days in (0, 10))
    assert old["send"] >= fresh["send"] * 0.8
    assert sum(old.values()) == sum(fresh.values())


def test_figures_beside_a_peer_are_whole_and_without_one_ours_stand_alone():
    runs = [{"seconds": 2.0, "latencies_s": [0.001, 0.002, 0.003], "mix": {"send": 4}}] * 2
    assert all(map(whole, engine_peer._latency_figures("callers", runs)))
    alone = engine_peer.memory_figures(20, 1, None)
    assert all(map(whole, alone))
    assert all(figure.ratio is None for figure in alone)


def test_without_a_python_for_the_peer_it_is_left_out_with_a_reason(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, said = engine_peer.peer_interpreter(tmp_path / "no-python")
    assert found is None
    assert "cue-notify 0.6.0" in said
    assert "--peer-python" in said


def test_the_peers_environment_is_refused_for_what_is_no_new_python(tmp_path):
    made = subprocess.run(
        [ROOT / "scripts" / "make-peer-environment", tmp_path / "venv", "/no/such/python"],
        capture_output=True, text=True, check=False, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert made.returncode == 2
    assert "/no/such/python is no Python 3.12 or newer" in made.stderr
    assert not (tmp_path / "venv").exists()


def test_the_peer_is_locked_with_hashes_and_without_addresses():
    lock = (ROOT / "requirements" / "peer.txt").read_text("utf-8")
    assert "cue-notify==0.6.0" in lock
    assert "--hash=sha256:" in lock
    assert "://" not in lock
    assert engine_peer.PEER.replace(" ", "==") in lock


def test_a_fresh_process_says_how_long_each_step_to_its_second_decision_took():
    compile(FIRST_DECISION, "first decision", "exec")
    assert all(name in FIRST_DECISION for name in ("import", "open", "first", "second"))


def test_a_figure_is_a_row_of_the_results():
    row = Figure("step", "uniform", "1/s", 2.0, 1.0, 3.0, 5).to_dict()
    assert row == {
        "part": "step",
        "what": "uniform",
        "unit": "1/s",
        "ours": 2.0,
        "lowest": 1.0,
        "highest": 3.0,
        "repeats": 5,
    }


def test_a_day_lies_between_two_days_of_requests():
    users = lived_in(50)
    first, second = (
        requests(users, 100, candidates=1, skew=0.0, first_number=number, at_s=START_S + day * DAY_S)[0]
        for number, day in ((1, 0), (101, 1))
    )
    assert first["at_s"].max() < second["at_s"].min()
    assert set(first["number"]).isdisjoint(second["number"])
