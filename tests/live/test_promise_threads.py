"""Promise 1 under concurrency: many threads at the same users, one process at a file, and a log of the answers."""

import os
import random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from model import Cap, Policy, hours
from promise_desk import ASKED, entries, folded, position_of, settings_of, states, walk, warm

from andante import Engine
from andante.live.turns import Turns
from andante.vocabulary.fault import StoreBusy

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
USERS = [f"user-{n}" for n in range(20)]
THREADS, TURNS = 8, 60
POLICY = Policy(
    caps=(
        Cap("global", 3, timedelta(days=1)),
        Cap("category:news", 1, timedelta(hours=6)),
        Cap("channel:email", 4, timedelta(days=7)),
    ),
    gap=timedelta(minutes=5),
)


def hammer(engine, seed):
    """Do a bit of everything to all users at once, and return what was answered."""
    draw = random.Random(seed)
    answers = []
    for turn in range(TURNS):
        at = NOON + timedelta(minutes=draw.randrange(2 * 24 * 60), microseconds=draw.randrange(10**6))
        asked = draw.sample(USERS, 5)
        requests = [
            {
                "user_id": user,
                "at": at,
                "candidates": [
                    {
                        "candidate_id": f"{seed}-{turn}",
                        "category": draw.choice(["promotion", "news", f"new-{draw.randrange(50)}"]),
                        "channel": draw.choice(["push", "email"]),
                    }
                ],
            }
            for user in asked
        ]
        decisions = engine.decide(requests)
        answers += zip(requests, decisions, strict=True)
        sent = [decision.decision_id for decision in decisions if decision.action == "send"]
        if sent:
            kind = draw.choice(["opened", "converted", "delivered", "not_interested"])
            engine.observe([{"decision_id": draw.choice(sent), "type": kind, "at": at + timedelta(minutes=1)}])
        engine.ingest([{"user_id": draw.choice(USERS), "type": "view", "at": at}])
        if turn % 10 == 0:
            engine.set_preferences(draw.choice(USERS), {"max_per_week": draw.randrange(8), "at": at})
    return answers


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_eight_threads_at_twenty_users_never_exceed_a_cap(kind, tmp_path):
    path = ":memory:" if kind == "memory" else tmp_path / "andante.db"
    with Engine.open(path, settings_of(POLICY, alone=True)) as engine:
        warm(engine, USERS, NOON)
        for user in USERS:
            engine.set_preferences(user, {"consent": {"push": True, "email": True}, "at": NOON})
        with ThreadPoolExecutor(THREADS) as pool:
            answers = [pair for done in pool.map(lambda seed: hammer(engine, seed), range(THREADS)) for pair in done]
        log, held = entries(engine), states(engine)
    asked = {entry.position: entry for entry in log if entry.kind in ASKED}
    assert (
        len({decision.decision_id for _, decision in answers})
        == len(answers)
        == THREADS * TURNS * 5
        == len(asked) - len(USERS)
    )
    assert [entry.position for entry in log] == sorted(entry.position for entry in log)
    for request, decision in answers:
        entry = asked[position_of(decision.decision_id)]
        assert entry.action.name.lower() == decision.action
        assert entry.body["candidates"][0]["candidate_id"] == request["candidates"][0]["candidate_id"]
    judge = walk(log, POLICY, rules_alone=True)
    assert judge.judged == len(asked)
    assert [broken for user in judge.model.people for broken in judge.model.over(user)] == []
    if kind == "sqlite":
        assert folded(path, settings_of(POLICY, alone=True)) == held


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_nothing_goes_out_after_an_opt_out_was_taken_down(kind, tmp_path):
    """Threads ask all the time; once an opt-out has returned, no later question is answered with a send."""
    path = ":memory:" if kind == "memory" else tmp_path / "andante.db"
    policy = Policy(transactional=frozenset({"receipt"}))
    receipt = {"candidate_id": "c", "category": "receipt", "channel": "push"}
    asked = [{"user_id": user, "candidates": [receipt], "at": NOON} for user in USERS]
    out, late, before = set(), [], []
    with Engine.open(path, settings_of(policy)) as engine:
        for user in USERS:
            engine.set_preferences(user, {"consent": {"push": True}, "at": NOON})

        def ask(_):
            for _ in range(40):
                gone = set(out)  # before the question
                answers = engine.decide(asked)
                sent = {
                    request["user_id"]
                    for request, answer in zip(asked, answers, strict=True)
                    if answer.action == "send"
                }
                late.extend(sent & gone)
                before.extend(sent)
                engine.release(NOON)

        def leave(_):
            for user in USERS:
                engine.set_preferences(user, {"consent": {"push": False}, "at": NOON})
                out.add(user)

        with ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda task: task(None), [ask, ask, leave, ask, ask]))
        assert before
        assert late == []
        assert {answer.action for answer in engine.decide(asked)} == {"suppress"}
        walk(entries(engine), policy, rules_alone=False)


def test_eight_threads_that_release_ask_each_deferred_push_once():
    policy = Policy(quiet=hours("22:00", "08:00"), transactional=frozenset({"receipt"}))
    night, users = NOON + timedelta(hours=11), [f"user-{n}" for n in range(300)]
    receipt = {"candidate_id": "c", "category": "receipt", "channel": "push"}
    with Engine.open(":memory:", settings_of(policy)) as engine:
        for user in users:
            engine.set_preferences(user, {"consent": {"push": True}, "at": NOON})
        deferred = engine.decide([{"user_id": user, "candidates": [receipt], "at": night} for user in users])
        assert {answer.action for answer in deferred} == {"defer"}
        moments = [night + timedelta(hours=9, minutes=minute) for minute in range(40)]
        with ThreadPoolExecutor(THREADS) as pool:
            released = [one for done in pool.map(engine.release, moments) for one in done]
        origins = [origin for one in released for origin in one.origins]
        assert sorted(origins) == sorted(answer.decision_id for answer in deferred)
        assert {one.decision.action for one in released} == {"send"}
        assert engine.next_release() is None


class LateError(Exception):
    """A caller's patience is at its end."""


def test_a_caller_who_is_interrupted_while_waiting_holds_up_nobody():
    """A signal, of a timeout or of the keyboard, may end the wait of the main thread."""
    begun, go, answers = threading.Event(), threading.Event(), []

    def work(tickets):
        begun.set()
        go.wait(30)
        for ticket in tickets:
            ticket.answer = ticket.task

    def interrupt(_signal, _frame):
        raise LateError

    turns = Turns(work)
    first = threading.Thread(target=turns.take, args=("first",), daemon=True)
    first.start()
    begun.wait(30)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(LateError):
            turns.take("main")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    go.set()
    first.join(30)
    last = threading.Thread(target=lambda: answers.append(turns.take("last")), daemon=True)
    last.start()
    last.join(5)
    assert answers == ["last"]


def test_an_error_in_one_call_is_no_error_of_those_that_share_its_commit():
    """Whatever a task raises, the others of its commit are answered."""
    begun, go = threading.Event(), threading.Event()

    def wrong(_draft):
        begun.set()
        go.wait(30)
        raise ZeroDivisionError

    def right(_draft):
        return lambda: "answered"

    with Engine.open(":memory:", settings_of(POLICY)) as engine, ThreadPoolExecutor(3) as pool:
        blocker = pool.submit(engine._do, lambda draft: (begun.set(), go.wait(30), right(draft))[-1])
        begun.wait(30)
        tasks = [pool.submit(engine._do, task) for task in (wrong, right)]
        while len(engine._turns._table) < 2:
            pass  # both lie on the table
        go.set()
        assert blocker.result(30) == "answered"
        assert tasks[1].result(30) == "answered"


def test_the_holder_of_a_file_is_named_to_a_second_process(tmp_path):
    path = tmp_path / "andante.db"
    second = "import sys; from andante import Engine; Engine.open(sys.argv[1])"
    with Engine.open(path, settings_of(POLICY)) as engine:
        done = subprocess.run([sys.executable, "-c", second, path], capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert "StoreBusy" in done.stderr
        assert str(os.getpid()) in done.stderr
        with pytest.raises(StoreBusy, match=str(os.getpid())):
            Engine.open(path)
        engine.set_preferences("ann", {"consent": {"push": True}})
    Engine.open(path).close()
