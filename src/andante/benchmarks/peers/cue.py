"""The peer ``cue-notify``: asks its ``Gate`` the same questions that the engine is asked, and says how long it took.

Run by the peer's own interpreter: an order comes as JSON on standard input, the answer goes as JSON to standard output.
The gate is asked in its best shape: times that are parsed, zones that it knows already, nothing printed. ``Caller`` and
``run`` are the clockwork of both sides: the engine's callers are timed by the same lines.
"""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

CATEGORY = "promotion"

Asked = tuple[str, float, float]
"""A question: a user's id, when it is asked and when it is too late, as seconds since 1970."""


class Caller:
    """One caller, who asks one question after another and waits for each answer."""

    def __init__(self, ask: Callable[[Any], str], questions: Sequence[Any]) -> None:
        """Store what asks a question and returns the action that was decided, and the questions, ready to be asked."""
        self._ask, self._questions = ask, questions
        self.latencies_s: list[float] = []
        self.mix: Counter[str] = Counter()

    def work(self) -> None:
        """Ask them all."""
        ask, tell, latencies_s, mix = self._ask, time.perf_counter, self.latencies_s, self.mix
        for question in self._questions:
            start = tell()
            action = ask(question)
            latencies_s.append(tell() - start)
            mix[action] += 1


def run(callers: Sequence[Caller]) -> dict[str, Any]:
    """Let all callers work, several in a thread each; return seconds, latencies and actions."""
    if len(callers) == 1:
        start = time.perf_counter()
        callers[0].work()
        seconds = time.perf_counter() - start
    else:
        seconds = _together(callers)
    return {
        "seconds": seconds,
        "latencies_s": [latency for caller in callers for latency in caller.latencies_s],
        "mix": dict(sum((caller.mix for caller in callers), Counter())),
    }


def main() -> None:
    """Do what is ordered."""
    json.dump(answer(**json.load(sys.stdin)), sys.stdout)


def answer(  # noqa: PLR0913  an order is what its fields are
    *,
    database: str,
    quiet_hours: list[str],
    caps: list[list[Any]],
    users: list[list[str]],
    past: list[Asked],
    asked: list[list[Asked]],
    marks_sent: bool,
    gates: int,
) -> dict[str, Any]:
    """Ask each caller's questions, and return what it cost and what was decided.

    ``users`` are (id, zone), ``past`` is lived through before the clock runs. The callers share ``gates`` gates: one
    between all, or one each. ``marks_sent`` has the gate told of every push that it lets out.
    """
    from importlib.metadata import version

    from cue_notify.embedded import Gate  # type: ignore[import-not-found]  # it is in the peer's environment alone

    clock = _Clock()
    limits = {CATEGORY: [(window, limit) for window, limit in caps]}
    opened = [Gate(database, quiet_hours=tuple(quiet_hours), caps=limits, clock=clock) for _ in range(gates)]
    pragma = opened[0].engine.store.connection.execute
    durable = {name: pragma(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    pragma("PRAGMA synchronous = OFF")
    _introduce(opened[0], clock, users, past)
    pragma(f"PRAGMA synchronous = {durable['synchronous']}")
    callers = [
        Caller(_asker(opened[place % gates], clock, marks_sent=marks_sent), list(map(_timed, share)))
        for place, share in enumerate(asked)
    ]
    found = run(callers)
    for gate in opened:
        gate.close()
    return {**found, **durable, "version": version("cue-notify"), "python": sys.version.split()[0]}


class _Clock(threading.local):
    """The time that a caller believes in: each question brings its own."""

    now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return it."""
        return self.now


def _asker(gate: Any, clock: _Clock, *, marks_sent: bool) -> Callable[[Any], str]:
    """Return what asks one question of a gate."""

    def ask(question: tuple[str, datetime, datetime]) -> str:
        user, clock.now, expires = question
        decision = gate.check(user, category=CATEGORY, expires_at=expires)
        if marks_sent and decision.action == "send":
            gate.sent(decision)
        return str(decision.action)

    return ask


def _introduce(gate: Any, clock: _Clock, users: list[list[str]], past: list[Asked]) -> None:
    """Let the gate know every user's zone, by a question that is too late for an answer; then live through the past."""
    ask = _asker(gate, clock, marks_sent=True)
    for user, zone in users:
        gate.check(user, category=CATEGORY, timezone=zone, expires_at=clock.now - timedelta(days=1))
    for question in past:
        ask(_timed(question))


def _together(callers: Sequence[Caller]) -> float:
    """Return the seconds from when all callers are ready until the last is done."""
    ready = threading.Barrier(len(callers) + 1)

    def work(caller: Caller) -> None:
        ready.wait()
        caller.work()

    threads = [threading.Thread(target=work, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def _timed(question: Asked) -> tuple[str, datetime, datetime]:
    user, at_s, expires_s = question
    return user, datetime.fromtimestamp(at_s, UTC), datetime.fromtimestamp(expires_s, UTC)


if __name__ == "__main__":
    main()
