"""Promise 17 at the level of the engine: an erased user is in no file and no answer, and nobody else has changed.

Run as a program, this file is a process to be killed while it erases.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_desk import CERTAIN, DAY, HOUR, NOON, ask, consent, offer
from promise_desk import effort, folded, states

from andante import Engine
from andante.live import erasing
from andante.live.instants import micros
from andante.runners.replaying import replay
from andante.stores.erasure import SWEEP_DUE, is_tombstone
from andante.vocabulary.fault import UnknownUser
from andante.vocabulary.flow import Kind
from andante.vocabulary.state import new_users

CONFIG = CERTAIN | {
    "caps": [{"scope": "global", "limit": 2, "window": "P1D"}],
    "log": {"retention": "P10D", "keys": "P10D", "checkpoint_every": 20},
}
CANARY = "canary-红"


def erase(engine, user_id, at=NOON):
    with engine._turns.chair():
        row, upto = engine._row(user_id), engine._desk.position
    found = erasing.traces(engine._desk.store, row, upto)
    with engine._turns.chair():
        return erasing.erase(engine._desk, user_id, found, micros(at))


def live(engine, *users, days=20, first=0):
    """Let users do and get a bit of everything, each with texts of their own."""
    consent(engine, *users, at=NOON - 40 * DAY, max_per_week=5, time_zone="Asia/Shanghai")
    engine.publish([{"user_id": user, "plan_per_week": 5.0, "interest": 0.6, "theta": 0.5} for user in users])
    for day in range(first, first + days):
        at = NOON + day * DAY
        requests = [
            ask(
                user,
                at,
                offer(f"{user}-{day}", item_id=f"{user}-item"),
                offer(f"{user}-b{day}"),
                idempotency_key=f"{user}-{day}",
            )
            for user in users
        ]
        sent = [one for one in engine.decide(requests) if one.action == "send"]
        engine.ingest(
            [
                {"user_id": user, "type": "search", "query": f"{user} asks", "event_id": f"{user}-e{day}", "at": at}
                for user in users
            ]
        )
        engine.observe([{"decision_id": one.decision_id, "type": "opened", "at": at + HOUR} for one in sent[::2]])


def everybody_else(engine):
    return {user: state for user, state in states(engine).items() if not user.startswith(CANARY)}


def digest(after):
    """Return what a replay calls its end, of states as an engine has them."""
    return blake2b(b"".join(after.values()), digest_size=8).hexdigest()


def in_files(folder, needle):
    """Return the files that hold a text; another process reads, since closing a file here gives up its locks."""
    read = subprocess.run(["grep", "-rlaF", needle, str(folder)], capture_output=True, text=True, check=False)
    return read.stdout.splitlines()


def test_nothing_of_an_erased_user_is_in_any_file_and_nobody_else_has_changed(tmp_path):
    path = tmp_path / "shop.db"
    with Engine.open(path, CONFIG) as engine:
        live(engine, "ann", CANARY, "bob")
        engine.retain(NOON + 15 * DAY)  # a base that holds the state
        live(engine, "ann", CANARY, "bob", days=3, first=20)
        assert in_files(tmp_path, CANARY)
        before = everybody_else(engine)
        receipt = erase(engine, CANARY, NOON + 24 * DAY)
        assert receipt.swept
        assert in_files(tmp_path, CANARY) == []
        assert {user: state for user, state in states(engine).items() if not is_tombstone(user)} == before
        live(engine, "ann", "bob", days=3, first=24)
        after = states(engine)
    assert in_files(tmp_path, CANARY) == []
    found = replay(path)
    assert (found.exact, found.users) == (True, 3)
    assert found.state_digest == digest(after)
    with Engine.open(path, CONFIG) as engine:
        assert states(engine) == after
        assert [tombstone for tombstone in engine._desk.population.ids if is_tombstone(tombstone)]


def test_the_receipt_counts_what_went_and_names_the_user_to_none_but_its_holder(tmp_path):
    with Engine.open(tmp_path / "shop.db", CONFIG) as engine:
        live(engine, CANARY, "bob", days=4)
        receipt = erase(engine, CANARY)
        assert receipt.removed["events"] == receipt.removed["requests"] - 1 == 4
        assert receipt.removed["idempotency_keys"] == 8
        assert receipt.removed["plans"] == receipt.removed["preference_changes"] == receipt.removed["states"] == 1
        assert receipt.removed["standing_preferences"] == 3
        assert receipt.names(CANARY)
        assert not receipt.names("bob")
        notes = [row for rows in engine.log_rows() for row in rows if row.kind == Kind.NOTE]
        told = json.loads(notes[0].body)
        assert (told["receipt_id"], told["subject"]) == (receipt.receipt_id, receipt.subject)
        assert told["removed"] == receipt.removed
        assert CANARY not in json.dumps(receipt.to_dict(), ensure_ascii=False)
        assert in_files(tmp_path, receipt.key) == []


def test_the_digest_tells_an_old_copy_of_what_was_removed(tmp_path):
    path = tmp_path / "shop.db"
    with Engine.open(path, CONFIG) as engine:
        live(engine, CANARY, "bob", days=4)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(tmp_path / "copy.db")) as target:
            source.backup(target)
        receipt = erase(engine, CANARY)
    with Engine.open(tmp_path / "copy.db", CONFIG) as engine:
        restored = [user for user in engine._desk.population.ids if receipt.names(user)]
        assert restored == [CANARY]
        row = engine._desk.population.row(CANARY)
        rows = [one for part in engine._desk.store.rows_of(row) for one in part]
        wishes = engine._desk.store.preferences(row)
        assert erasing._digest(bytes.fromhex(receipt.key), rows, wishes) == receipt.digest
        assert erasing._digest(bytes.fromhex(receipt.key), rows[1:], wishes) != receipt.digest
        erase(engine, CANARY)  # again, in the restored backup
    assert {Path(file).name for file in in_files(tmp_path, CANARY)} == set()


def test_a_user_of_the_same_id_starts_anew_and_must_consent_anew(tmp_path):
    with Engine.open(tmp_path / "shop.db", CONFIG) as engine:
        live(engine, CANARY, "bob")
        decided = engine.decide([ask(CANARY, NOON + 20 * DAY)])[0]
        erase(engine, CANARY)
        for forgotten in (engine.user, engine.explain, lambda user: erase(engine, user)):
            with pytest.raises(UnknownUser):
                forgotten(CANARY)
        events = engine.ingest([{"user_id": CANARY, "type": "view", "event_id": f"{CANARY}-e1", "at": NOON}])
        assert (events.accepted, events.rejected[0].field) == (0, "user_id")
        again = engine.decide([ask(CANARY, NOON + 21 * DAY)])[0]
        assert (again.action, again.reasons[0]) == ("suppress", "consent_channel")
        assert again.decision_id.split("-")[2] != decided.decision_id.split("-")[2]
        consent(engine, CANARY, at=NOON + 22 * DAY)
        view = engine.user(CANARY)
        assert (view.max_per_week, view.time_zone, view.plan_per_week, view.last_sends) == (None, None, None, ())
        assert engine.ingest([{"user_id": CANARY, "type": "view", "event_id": f"{CANARY}-e1", "at": NOON}]).accepted
        key = f"{CANARY}-3"  # of the erased one's request: forgotten with it
        assert engine.decide([ask(CANARY, NOON + 23 * DAY, idempotency_key=key)])[0].decision_id


def test_what_waited_for_an_erased_user_never_goes_out(tmp_path):
    config = CERTAIN | {"quiet_hours": {"start": "00:00", "end": "20:00"}}
    path = tmp_path / "shop.db"
    with Engine.open(path, config) as engine:
        consent(engine, CANARY, "bob")
        assert {one.action for one in engine.decide([ask(CANARY), ask("bob")])} == {"defer"}
        waiting = len(engine._desk.waiting)
        assert erase(engine, CANARY).removed["waiting"] == waiting // 2
        assert len(engine._desk.waiting) == waiting // 2
    with Engine.open(path, config) as engine:
        assert len(engine._desk.waiting) == waiting // 2
        assert {one.user_id for one in engine.release(NOON + DAY)} == {"bob"}


def test_outcomes_that_come_too_late_leave_the_log_exact(tmp_path):
    path = tmp_path / "shop.db"
    with Engine.open(path, CONFIG) as engine:
        consent(engine, CANARY, "bob")
        sent = engine.decide([ask(CANARY)])[0]
        assert sent.action == "send"
        erase(engine, CANARY)
        engine.observe([{"decision_id": sent.decision_id, "type": kind} for kind in ("opened", "unsubscribed")])
        after = states(engine)
        assert in_files(tmp_path, CANARY) == []
    assert folded(path, CONFIG) == after
    assert replay(path).exact


def test_an_engine_in_memory_erases_too():
    with Engine.open(":memory:", CONFIG) as engine:
        live(engine, CANARY, "bob")
        before = everybody_else(engine)
        assert erase(engine, CANARY).swept
        assert before.items() <= states(engine).items()
        assert CANARY not in repr([row for rows in engine.log_rows() for row in rows])


def test_decisions_go_on_while_users_are_erased(tmp_path):
    path, users = tmp_path / "shop.db", [f"{CANARY}-{number}" for number in range(12)]
    with Engine.open(path, CONFIG) as engine:
        live(engine, *users, "bob", days=4)
        faults = []

        def work():
            try:
                for hour in range(40):
                    engine.decide([ask("bob", NOON + 5 * DAY + hour * HOUR), ask("cyd", NOON + 5 * DAY)])
            except BaseException as fault:  # noqa: BLE001  shown below
                faults.append(fault)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for user in users:
            erase(engine, user)
        for thread in threads:
            thread.join(60)
        assert faults == []
        assert erasing.sweep(engine._desk)
        assert in_files(tmp_path, CANARY) == []
        after = states(engine)
    assert folded(path, CONFIG) == after
    assert replay(path).exact


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("live"), st.sampled_from(["a", "b", "c"]), st.integers(0, 30)),
        st.tuples(st.just("erase"), st.sampled_from(["a", "b", "c"]), st.just(0)),
        st.tuples(st.sampled_from(["open", "retain", "release"]), st.just(""), st.integers(0, 40)),
    ),
    min_size=4,
    max_size=14,
)


@effort(25)
@given(acts=ACTS)
def test_after_any_erasures_the_fold_of_the_log_is_the_state(tmp_path_factory, acts):
    path = tmp_path_factory.mktemp("fold") / "shop.db"
    engine = Engine.open(path, CONFIG)
    try:
        for act, user, day in acts:
            if act == "open":
                engine.close()
                engine = Engine.open(path, CONFIG)
            elif act == "retain":
                live(engine, "bob", days=1, first=day)
                engine.retain(NOON + day * DAY)
            elif act == "release":
                engine.release(NOON + day * DAY)
            elif act == "live":
                live(engine, user, "bob", days=2, first=day)
            elif engine._desk.population.row(user) is not None:
                others = {name: state for name, state in states(engine).items() if name != user}
                erase(engine, user)
                assert others.items() <= states(engine).items()
        after = states(engine)
        for name, state in after.items():
            if is_tombstone(name):
                blank = new_users(1)
                blank["key"] = engine._desk.population.users["key"][engine._desk.population.row(name)]
                assert state == blank.tobytes()
    finally:
        engine.close()
    found = replay(path)
    assert (found.exact, found.state_digest) == (True, digest(after))
    with Engine.open(path, CONFIG) as engine:
        assert states(engine) == after


# A crash in the middle.


def main() -> None:
    """Erase, for every line of input, in a child that dies as it begins so many statements; tell how it ended."""
    with Engine.open(":memory:", CONFIG) as engine:
        live(engine, "warm", days=1)  # loads what is compiled once, for all children
    for line in sys.stdin:
        path, statements = json.loads(line)
        child = os.fork()
        if child == 0:
            _erase_until(path, statements)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201  the parent reads it


def _erase_until(path, statements):
    with Engine.open(path, CONFIG) as engine:
        left = [statements]

        def count(_statement):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        engine._desk.store._writer.set_trace_callback(count)
        erase(engine, CANARY)
        os._exit(0)


def test_an_erasure_that_is_killed_at_any_statement_is_all_done_or_not_begun_and_is_finished_next(tmp_path):
    built = tmp_path / "built"
    built.mkdir()
    with Engine.open(built / "shop.db", CONFIG) as engine:
        live(engine, "ann", CANARY, days=3)
        before = everybody_else(engine)
    statement, ended, fates = 0, None, set()
    with subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tomb:
        while ended != 0:
            statement += 1
            path = tmp_path / str(statement) / "shop.db"
            path.parent.mkdir()
            path.write_bytes((built / "shop.db").read_bytes())
            print(json.dumps([str(path), statement]), file=tomb.stdin, flush=True)
            ended = int(tomb.stdout.readline())
            assert ended in {0, -signal.SIGKILL}
            with Engine.open(path, CONFIG) as engine:
                assert before.items() <= states(engine).items()
                fates.add(engine._desk.population.row(CANARY) is None)
                if engine._desk.population.row(CANARY) is not None:
                    assert engine.user(CANARY).consent == {"push": True}
                    erase(engine, CANARY, NOON + timedelta(days=9))
                assert SWEEP_DUE not in engine._desk.store.load().meta
                assert in_files(path.parent, CANARY) == []
                after = states(engine)
            found = replay(path)
            assert (found.exact, found.state_digest) == (True, digest(after))
        tomb.stdin.close()
    assert fates == {True, False}
    assert statement > 10


if __name__ == "__main__":
    main()
