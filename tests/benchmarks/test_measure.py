import json
import sys
import time

import numpy as np
import pytest

from andante.benchmarks.measure import Measurement, machine, measure, ratio, write_results
from andante.vocabulary.fault import Fault

MEBIBYTE = 2**20
TARGETS = """
import os, subprocess, sys, time

def allocate(mebibytes):
    held = bytearray(mebibytes * 2**20)
    for place in range(0, len(held), 4096):
        held[place] = 1
    return len(held)

def allocate_in_a_child(mebibytes):
    subprocess.run([sys.executable, "-c", f"import targets; targets.allocate({mebibytes})"], check=True)

def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def rest(seconds):
    time.sleep(seconds)

def fail(words):
    print("about to fail")
    raise ValueError(words)

def unspeakable():
    return object()

def die():
    os.kill(os.getpid(), 9)

def variable(name):
    return os.environ.get(name)

def process():
    return os.getpid()
"""


@pytest.fixture(autouse=True)
def _targets(tmp_path, monkeypatch):
    (tmp_path / "targets.py").write_text(TARGETS)
    monkeypatch.syspath_prepend(tmp_path)


def test_the_answer_comes_back_from_another_process():
    assert measure("json:loads", {"s": '{"a": [1, 2]}'}).result == {"a": [1, 2]}
    pids = {measure("targets:process").result for _ in range(2)}
    assert len(pids) == 2


def test_memory_that_the_function_fills_is_seen():
    small = measure("targets:allocate", {"mebibytes": 1})
    large = measure("targets:allocate", {"mebibytes": 200})
    assert large.result == 200 * MEBIBYTE
    assert 190 * MEBIBYTE < large.peak_rss_bytes - small.peak_rss_bytes < 215 * MEBIBYTE


def test_memory_of_a_child_is_added():
    small = measure("targets:allocate_in_a_child", {"mebibytes": 1})
    large = measure("targets:allocate_in_a_child", {"mebibytes": 120})
    assert large.peak_rss_bytes - small.peak_rss_bytes > 100 * MEBIBYTE


def test_memory_of_the_measuring_process_is_not_counted():
    held = np.ones(300 * MEBIBYTE, dtype=np.uint8)
    assert measure("targets:allocate", {"mebibytes": 1}).peak_rss_bytes < held.nbytes / 2


def test_resting_costs_no_processor_time_and_spinning_does():
    spun = measure("targets:spin", {"seconds": 0.3})
    rested = measure("targets:rest", {"seconds": 0.3})
    assert spun.seconds_wall >= 0.29
    assert 0.29 <= spun.seconds_cpu < 0.6
    assert rested.seconds_wall >= 0.29
    assert rested.seconds_cpu < 0.15


def test_importing_is_not_part_of_the_time(tmp_path):
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.5)\ndef quick(): return 1\n")
    assert measure("slow_to_import:quick").seconds_wall < 0.25


def test_a_function_that_raises_surfaces_with_its_words():
    with pytest.raises(Fault, match=r"targets:fail \(ValueError: no such shop\) ended with exit code 1") as caught:
        measure("targets:fail", {"words": "no such shop"})
    assert "\n" not in str(caught.value)
    assert "about to fail" in caught.value.__notes__[0]
    assert "Traceback" in caught.value.__notes__[0]


@pytest.mark.parametrize("target", ["targets:absent", "no_such_module:run", "targets:unspeakable"])
def test_what_cannot_be_called_or_told_surfaces(target):
    with pytest.raises(Fault, match=target):
        measure(target)


def test_a_killed_function_surfaces():
    with pytest.raises(Fault, match="killed by signal 9"):
        measure("targets:die")


def test_a_limit_on_memory_is_held():
    limit = 150 * MEBIBYTE
    assert measure("targets:allocate", {"mebibytes": 1}, address_space_bytes=limit).result == MEBIBYTE
    with pytest.raises(Fault, match="MemoryError"):
        measure("targets:allocate", {"mebibytes": 200}, address_space_bytes=limit)


def test_a_limit_on_time_is_held():
    began = time.perf_counter()
    with pytest.raises(Fault, match=r"0\.5 s.*too long"):
        measure("targets:rest", {"seconds": 30}, timeout_s=0.5)
    assert time.perf_counter() - began < 10


def test_variables_reach_the_function_and_nobody_else(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    arguments = {"name": "OMP_NUM_THREADS"}
    assert measure("targets:variable", arguments, environment={"OMP_NUM_THREADS": "1"}).result == "1"
    assert measure("targets:variable", arguments).result is None


def test_a_ratio_above_one_means_that_ours_is_faster():
    found = ratio(Measurement(2.0, 4.0, 25, None), Measurement(10.0, 8.0, 100, None))
    assert (found.speed, found.speed_cpu, found.memory) == (5.0, 2.0, 0.25)


def test_the_machine_is_described_without_its_name():
    import socket  # noqa: PLC0415  only to know what must not be there

    found = machine()
    assert found["cores"] >= 1
    assert found["memory_gib"] > 0
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["libraries"]["numpy"] == np.__version__
    assert socket.gethostname() not in json.dumps(found)


def test_results_are_written_to_be_read_by_machines_and_people(tmp_path):
    figures = [{"engine": "ours", "seconds": 2.5, "rows": 1_000_000}, {"engine": "a|b", "seconds": 12345.6}]
    data, page = write_results(
        "features",
        figures,
        command="andante bench features",
        seed=7,
        commit="abc1234",
        folder=tmp_path / "results",
    )
    whole = json.loads(data.read_text())
    assert whole["figures"] == figures
    assert (whole["name"], whole["command"], whole["seed"], whole["commit"]) == (
        "features",
        "andante bench features",
        7,
        "abc1234",
    )
    text = page.read_text()
    assert "| engine | seconds | rows |" in text
    assert "| ours | 2.5 | 1,000,000 |" in text
    assert "| a\\|b | 12,346 |  |" in text
    assert "`andante bench features`, seed 7, commit abc1234." in text


def test_equal_figures_write_equal_files(tmp_path):
    written = [
        write_results("a", [{"x": 1}], command="c", seed=1, commit="d", folder=tmp_path / name)[0].read_bytes()
        for name in ("one", "two")
    ]
    assert written[0] == written[1]


def test_results_with_a_name_that_leaves_the_folder_are_refused(tmp_path):
    with pytest.raises(Fault, match="no file name"):
        write_results("../escape", [], command="c", seed=1, commit="d", folder=tmp_path)
