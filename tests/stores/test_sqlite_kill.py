"""kill -9 at every boundary: what was acknowledged is there whole, and nothing is there half."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from writer_to_be_killed import ROWS, commit

from andante.stores.memory import MemoryStore
from andante.stores.sqlite import SqliteStore
from andante.testing.store_contract import everything

KILLS = int(os.environ.get("ANDANTE_KILLS", "12"))
"""Kills at seeded moments, of each kind; those between statements are always all of them."""


@pytest.fixture
def lives(tmp_path):
    """Return a function that lives one life on a database, and tells how it ended."""
    writer = Path(__file__).with_name("writer_to_be_killed.py")
    with subprocess.Popen(
        [sys.executable, str(writer)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:

        def live(path, **how):
            acknowledged = path.with_suffix(".acknowledged")
            process.stdin.write(json.dumps({"path": str(path), "acknowledged": str(acknowledged), **how}) + "\n")
            process.stdout.readline()
            return int(process.stdout.readline())

        yield live
        process.stdin.close()


def appended(count):
    """Return all that a store holds to which so many commits were appended."""
    store = MemoryStore()
    for number in range(count):
        store.append(commit(number))
    return everything(store)


def judge(path):
    """Open a database after a kill, and hold it against what was acknowledged; return how many commits it holds."""
    acknowledged = path.with_suffix(".acknowledged")
    last = max(map(int, acknowledged.read_text().split()), default=-1) if acknowledged.exists() else -1
    with SqliteStore.open(path) as store:
        found = everything(store)
    count, half = divmod(found["ends"][0], ROWS)
    assert half == 0
    assert count - 1 in {last, last + 1}  # at most the one that was being written when it died
    assert found == appended(count)
    return count


def test_a_kill_before_any_statement_loses_nothing_and_leaves_nothing_half(lives, tmp_path):
    begun = tmp_path / "begun.db"
    assert lives(begun, commits=3) == 0
    counts, ends = set(), []
    for start in (None, begun):
        for statement in range(1, 200):
            path = tmp_path / f"{start is None}-{statement}.db"
            if start is not None:
                shutil.copy(start, path)
                shutil.copy(start.with_suffix(".acknowledged"), path.with_suffix(".acknowledged"))
            ended = lives(path, commits=1, statements=statement)
            counts.add(judge(path))
            if ended == 0:
                ends.append(statement)
                break
            assert ended == -signal.SIGKILL
    assert counts == {0, 1, 3, 4}
    assert len(ends) == 2  # each begun life came to its end at last: no boundary was left out
    assert min(ends) > 20


def test_a_kill_within_a_statement_loses_nothing(lives, tmp_path):
    path, draw = tmp_path / "log.db", random.Random(7)
    killed = [lives(path, commits=50, instructions=draw.randrange(20, 900)) for _ in range(KILLS)]
    assert -signal.SIGKILL in killed
    assert judge(path) > 0


def test_a_kill_from_outside_loses_nothing(tmp_path):
    path, draw = tmp_path / "log.db", random.Random(11)
    program = "import sys, json; from writer_to_be_killed import live; live(**json.loads(sys.argv[1]))"
    how = json.dumps({"path": str(path), "acknowledged": "/dev/stdout", "commits": 1_000_000})
    for _ in range(max(2, KILLS // 4)):
        command = [sys.executable, "-c", program, how]
        with subprocess.Popen(command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True) as process:
            heard = [process.stdout.readline() for _ in range(draw.randrange(1, 100))]
            process.kill()
            heard += process.stdout.readlines()
        assert process.returncode == -signal.SIGKILL
        path.with_suffix(".acknowledged").write_text("".join(heard))
        judge(path)
