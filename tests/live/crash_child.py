"""A process to be killed: it runs an engine on a file and writes down, durably, whatever the engine has acknowledged.

It is started once and forks a child for every life, so that a life costs no start of an interpreter. Each line on its
standard input is one life as JSON, the arguments of ``live``; it answers with the pid of the child, and after its end
with its wait status. With ``statements`` the child kills itself as it begins that many SQL statements, so that every
boundary between two of them is met.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
USERS = [f"user-{n}" for n in range(12)]
BATCH = 4


def main() -> None:
    """Serve lives until the input ends."""
    from andante import Engine  # noqa: PLC0415  this module is imported for its names alone, too
    from andante.live import checkpoints  # noqa: PLC0415

    checkpoints.LEAST_SLICE, checkpoints.RECORDS_PER_STATE = 2, 4  # rounds of checkpoints take many commits
    with Engine.open(":memory:", {}) as engine:  # compile, or load what is compiled, once for all children
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON})
        candidate = {"candidate_id": "c", "category": "promotion", "channel": "push"}
        engine.decide([{"user_id": "ann", "candidates": [candidate], "at": NOON}])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                live(Engine, **json.loads(line))
            finally:
                os._exit(3)
        say(child)
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def live(  # noqa: PLR0913  a life is all of these
    engine_type: Any, *, path: str, notes: str, seed: int, config: dict[str, Any], statements: int = 0
) -> None:
    """Work until killed."""
    if statements:
        die_at(statements)
    draw = random.Random(seed)
    with engine_type.open(path, config) as engine, open(notes, "a", encoding="utf-8") as book:  # noqa: PTH123
        for turn in range(10_000):
            book.writelines(json.dumps(note) + "\n" for note in work(engine, draw, f"{seed}-{turn}"))
            book.flush()
            os.fsync(book.fileno())


def work(engine: Any, draw: random.Random, name: str) -> list[dict[str, Any]]:
    """Make a few calls, and return what was acknowledged."""
    at = NOON + timedelta(minutes=draw.randrange(3 * 24 * 60), microseconds=draw.randrange(10**6))
    notes = []
    if draw.random() < 0.2:
        user, dial = draw.choice(USERS), draw.randrange(9)
        wishes = {"consent": {"push": draw.random() < 0.9, "email": True}, "max_per_week": dial}
        engine.set_preferences(user, {**wishes, "at": at})
    requests = [asked(draw, f"{name}-{n}", at) for n in range(BATCH)]
    decisions = engine.decide(requests)
    for request, decision in zip(requests, decisions, strict=True):
        body = {**request, "at": at.isoformat()}
        notes.append({"kind": "decision", "request": body, "answer": told(decision)})
    stamp, users = at.isoformat(), draw.sample(USERS, 3)
    events = [{"event_id": f"{name}-{user}", "user_id": user, "type": "view", "at": stamp} for user in users]
    rejected = {rejection.index for rejection in engine.ingest(events).rejected}  # of users who gave no consent
    notes += [{"kind": "event", "event": event} for place, event in enumerate(events) if place not in rejected]
    sent = [decision.decision_id for decision in decisions if decision.action == "send"]
    if sent:
        outcome = {"decision_id": sent[0], "type": draw.choice(["opened", "converted"]), "at": at}
        if engine.observe([outcome]).accepted:
            notes.append({"kind": "outcome", "decision_id": sent[0], "type": outcome["type"]})
    if draw.random() < 0.2:
        for one in engine.release(at):
            notes.append({"kind": "release", "answer": told(one.decision), "origins": list(one.origins)})
    return notes


def asked(draw: random.Random, key: str, at: datetime) -> dict[str, Any]:
    categories, channels = ["promotion", "news", "receipt", f"new-{draw.randrange(40)}"], ["push", "email"]
    candidates = [
        {"candidate_id": f"{key}-{n}", "category": draw.choice(categories), "channel": draw.choice(channels)}
        for n in range(draw.choice([1, 1, 3]))
    ]
    return {"user_id": draw.choice(USERS), "candidates": candidates, "at": at, "idempotency_key": key}


def told(decision: Any) -> dict[str, Any]:
    """Return an answer as JSON would carry it."""
    plain: dict[str, Any] = json.loads(json.dumps(decision.to_dict(), default=str))
    return plain


def die_at(statements: int) -> None:
    """Have every connection that is opened from now on count its statements, and the process die at one of them."""
    left = [statements]
    connect = sqlite3.connect

    def count(_statement: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counting(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = counting  # type: ignore[assignment]


if __name__ == "__main__":
    main()
