"""Promises 3, 4 and 14 under kill -9: no send is lost, none goes out twice, and what is left is done after a restart.

``PROMISES_KILLS`` (40) says how many lives are ended. The peer lives on, and counts.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from functools import partial

import delivery_child
import pytest
from delivery_desk import running_peer

KILLS = int(os.environ.get("PROMISES_KILLS", "40"))
LIVES_OF_A_FILE = 5


@contextmanager
def undertaker():
    """Start a process that works, and is killed."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, delivery_child.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as process:

        def life(kill=None, **task):
            print(json.dumps(task), file=process.stdin, flush=True)
            child = int(process.stdout.readline())
            if kill is not None:
                kill()
                os.kill(child, signal.SIGKILL)
            return int(process.stdout.readline())

        yield life
        process.stdin.close()


def rows(path, query):
    with sqlite3.connect(path) as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def audit(path, notes, peer):
    """Hold what the peer has seen against the log; return what became of the sends."""
    sends = dict(rows(path, "SELECT decision_id, category FROM sends"))
    noted = [line for line in notes.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]
    assert {line.strip() for line in noted} <= set(sends), "an acknowledged send is not in the log"
    outbox = f"{path}.delivery"
    pushes = rows(outbox, "SELECT decision_id, state FROM pushes")
    assert sorted(decision_id for decision_id, _ in pushes) == sorted(sends), "a send is not exactly one push"
    states = dict(pushes)
    assert set(states.values()) <= {"accepted", "ambiguous", "failed"}, "a push is still on its way"
    ambiguous = {decision_id for decision_id, state in states.items() if state == "ambiguous"}
    for decision_id, category in sends.items():
        taken = sum(count for (one, _), count in peer.taken.items() if one == decision_id)
        if category == "promotion":
            assert taken <= 1, "a marketing push was taken twice"
            if taken == 1:
                assert states[decision_id] in {"accepted", "ambiguous"}
        if states[decision_id] == "accepted":
            assert taken >= 1, "a push was lost: nobody has taken it"
        if states[decision_id] == "failed":
            assert taken == 0
    query = """SELECT decision_id FROM attempts JOIN deliveries USING (delivery) JOIN pushes USING (position)
    WHERE status = 'ambiguous' AND json_extract(send, '$.transactional') IS NULL"""
    assert {decision_id for (decision_id,) in rows(outbox, query)} <= ambiguous, "attempted again after nobody knew"
    lapsed = len(rows(outbox, "SELECT 1 FROM attempts WHERE code = 'lapsed'"))
    return Counter(states.values()) + Counter(lapsed=lapsed)


@pytest.mark.parametrize("how", ["at any time", "at a statement"])
def test_no_send_is_lost_and_none_goes_out_twice(how, tmp_path):
    draw = random.Random(how)
    became = Counter()
    with undertaker() as life:
        for turn in range(KILLS // 2 // LIVES_OF_A_FILE):
            folder = tmp_path / str(turn)
            folder.mkdir()
            path, notes = folder / "shop.db", folder / "notes"
            notes.touch()
            with running_peer() as peer:
                task = {"path": str(path), "url": peer.url, "notes": str(notes)}
                assert life(**task, life=0, last=True) == 0
                for n in range(1, LIVES_OF_A_FILE + 1):
                    if how == "at a statement":
                        status = life(**task, life=n, statements=draw.randint(1, 900))
                    else:
                        status = life(partial(wait, peer, draw.randint(0, 25), draw.uniform(0, 0.03)), **task, life=n)
                    assert status == -signal.SIGKILL, "the child ended by itself: see its standard error"
                assert life(**task, life=LIVES_OF_A_FILE + 1, last=True) == 0
                became += audit(path, notes, peer)
    assert became["accepted"] > 2 * KILLS, "hardly anything went out: the proof is empty"
    assert became["lapsed"] > KILLS // 10, "hardly anything was under way when it was killed"


def wait(peer, requests, span_s):
    """Wait until the peer has seen so many more requests, and a moment more: any moment will do."""
    peer.wait_for(requests)
    threading.Event().wait(span_s)
