"""Promises 3 and 5: what was acknowledged survives kill -9 at any moment, and a full disk; nothing goes out twice.

``PROMISES_KILLS`` (40) says how many lives are ended.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import crash_child
import pytest
from crash_child import NOON, USERS
from model import Cap, Policy, hours
from promise_desk import ASKED, entries, folded, position_of, settings_of, states, walk, warm

from andante import Engine
from andante.runners.replaying import replay
from andante.vocabulary.fault import StoreFault
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import Action

KILLS = int(os.environ.get("PROMISES_KILLS", "40"))
LIVES_OF_A_FILE = 5
POLICY = Policy(
    caps=(
        Cap("global", 3, timedelta(days=1)),
        Cap("category:news", 1, timedelta(hours=8)),
        Cap("channel:email", 5, timedelta(days=7)),
    ),
    quiet=hours("22:00", "07:00"),
    transactional=frozenset({"receipt"}),
    gap=timedelta(minutes=10),
)
CONFIG = settings_of(POLICY, alone=True, checkpoint_every=20)


def killed(child):
    """Kill a process, unless it has just ended by itself."""
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


@dataclass
class Undertaker:
    """Starts children that work on a file, and sees them die."""

    process: subprocess.Popen

    def life(self, path, notes, seed, *, after_s=None, statements=0):
        """Run one life until it is killed, by us after so many seconds or by itself at a statement."""
        task = {"path": str(path), "notes": str(notes), "seed": seed, "config": CONFIG, "statements": statements}
        print(json.dumps(task), file=self.process.stdin, flush=True)
        child = int(self.process.stdout.readline())
        killer = threading.Timer(after_s or 20, killed, (child,))
        killer.start()
        status = int(self.process.stdout.readline())
        killer.cancel()
        assert status == -signal.SIGKILL, "the child ended by itself: see its standard error"


@contextmanager
def undertaker():
    with subprocess.Popen(
        [sys.executable, crash_child.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Undertaker(process)
        process.stdin.close()


def acknowledged(notes):
    """Read the side file: a last line that is cut was written by nobody who lived to say so."""
    lines = notes.read_text("utf-8").splitlines(keepends=True) if notes.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def audit(path, notes):
    """Open what a crash has left, and hold everything that was acknowledged against it. Return how many were."""
    with Engine.open(path, CONFIG) as engine:
        log, held = entries(engine), states(engine)
        rows = {entry.position: entry for entry in log}
        for note in acknowledged(notes):
            survives(engine, rows, note)
        assert len(entries(engine)) == len(log), "a retry of an acknowledged decision made a new one"
    judge = walk(log, POLICY, rules_alone=True)
    assert [broken for user in judge.model.people for broken in judge.model.over(user)] == []
    assert folded(path, CONFIG) == held, "state is not the fold of the log"
    assert replay(path).differences == []
    one_row_per_send(path, log)
    return len(acknowledged(notes))


def survives(engine, rows, note):
    if note["kind"] == "decision":
        assert crash_child.told(engine.decide([note["request"]])[0]) == note["answer"]
    if note["kind"] in {"decision", "release"}:
        row, answer = rows[position_of(note["answer"]["decision_id"])], note["answer"]
        assert row.kind in ASKED
        assert row.action.name.lower() == answer["action"]
    if note["kind"] == "event":
        receipt = engine.ingest([note["event"]])
        assert (receipt.accepted, receipt.duplicates) == (0, 1)
    if note["kind"] == "outcome":
        number = position_of(note["decision_id"])
        kept = [r for r in rows.values() if r.kind is Kind.OUTCOME and r.body["decision"] == number]
        assert note["type"] in {row.body["type"] for row in kept}


def one_row_per_send(path, log):
    """A send decision is its outbox row: there is exactly one."""
    sent = [entry.position for entry in log if entry.action is Action.SEND]
    with sqlite3.connect(path) as connection:
        try:
            rows = [position for (position,) in connection.execute("SELECT position FROM sends ORDER BY 1")]
        finally:
            connection.rollback()
    connection.close()
    assert rows == sent


@pytest.mark.parametrize("how", ["at any time", "at a statement"])
def test_nothing_acknowledged_is_lost_by_kill_9(how, tmp_path):
    draw = random.Random(how)
    kept = 0
    with undertaker() as reaper:
        for turn in range(KILLS // 2):
            folder = tmp_path / str(turn // LIVES_OF_A_FILE)
            folder.mkdir(exist_ok=True)
            path, notes = folder / "andante.db", folder / "notes.ndjson"
            when = (
                {"after_s": draw.uniform(0.005, 0.4)} if how == "at any time" else {"statements": draw.randint(1, 1200)}
            )
            reaper.life(path, notes, turn, **when)
            kept += audit(path, notes)
    assert kept > 5 * KILLS, "hardly anything was acknowledged: the proof is empty"


def ask(engine, draw, at):
    engine.decide([crash_child.asked(draw, f"full-{at}-{draw.random()}", at)])


def wish(engine, draw, at):
    engine.set_preferences(draw.choice(USERS), {"max_per_day": draw.randrange(9), "at": at})


def behave(engine, draw, at):
    engine.ingest([{"user_id": user, "type": "view", "at": at, "event_id": f"{user} {at}"} for user in USERS])


def release(engine, draw, at):
    engine.release(at + timedelta(days=40))
    ask(engine, draw, at)  # where nothing was due, nothing was written


def switch(engine, draw, at):
    engine.switch("campaign:spring", on=draw.random() < 0.5)


def plan(engine, draw, at):
    engine.publish(dict.fromkeys(USERS, 20.0))


CALLS = {"ask": ask, "wish": wish, "behave": behave, "release": release, "switch": switch, "plan": plan}


def test_a_full_disk_is_a_fault_and_nothing_is_acknowledged(tmp_path):
    path = tmp_path / "andante.db"
    draw = random.Random(5)
    with Engine.open(path, CONFIG) as engine:
        for user in USERS:
            engine.set_preferences(user, {"consent": {"push": True, "email": True}, "at": NOON})
        crash_child.work(engine, draw, "before")
        with full(engine):
            refused = dict.fromkeys(CALLS, 0)
            for turn in range(80):
                at = NOON + timedelta(hours=turn)
                name = draw.choice(sorted(CALLS))
                held, log, due = states(engine), entries(engine), engine.next_release()
                try:
                    CALLS[name](engine, draw, at)
                except StoreFault:
                    refused[name] += 1
                    assert (states(engine), entries(engine), engine.next_release()) == (held, log, due)
            assert all(refused.values()), refused
            assert engine.user(USERS[0]).known
            assert engine.explain(USERS[0], NOON).decision is not None
        assert crash_child.work(engine, draw, "after")
        log, held = entries(engine), states(engine)
    walk(log, POLICY, rules_alone=False)
    assert folded(path, CONFIG) == held
    with Engine.open(path, CONFIG) as engine:
        assert states(engine) == held


def test_a_vendors_quota_holds_though_the_disk_was_full_when_its_channel_was_first_seen(tmp_path):
    policy = Policy()
    offer = {"candidate_id": "c", "category": "promotion", "channel": "huawei"}  # two a day, as built in
    with Engine.open(tmp_path / "andante.db", settings_of(policy, alone=True)) as engine:
        warm(engine, ["ann"], NOON)
        with full(engine):
            fill(engine)
            with pytest.raises(StoreFault):
                engine.set_preferences("ann", {"consent": {"huawei": True}, "at": NOON})
        engine.set_preferences("ann", {"consent": {"huawei": True}, "at": NOON})
        asked = [{"user_id": "ann", "candidates": [offer], "at": NOON + timedelta(minutes=n)} for n in range(5)]
        assert [answer.action for answer in engine.decide(asked)].count("send") == 2


def fill(engine):
    """Take what room is left in the pages that there are."""
    with suppress(StoreFault):
        for turn in range(1000):
            engine.set_preferences("ann", {"max_per_day": turn % 9, "at": NOON})


@contextmanager
def full(engine):
    """Leave the database no page to grow."""
    writer = engine_writer(engine)
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    (most,) = writer.execute("PRAGMA max_page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        writer.execute(f"PRAGMA max_page_count = {most}")


def engine_writer(engine):
    """Reach through to the connection that writes: no surface offers a full disk."""
    return engine._desk.store._writer


def test_the_side_file_of_a_life_is_read_up_to_its_last_whole_line(tmp_path):
    notes = Path(tmp_path / "notes.ndjson")
    notes.write_text('{"kind": "event"}\n{"kind": "ev', "utf-8")
    assert acknowledged(notes) == [{"kind": "event"}]
