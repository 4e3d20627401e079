"""What a decision costs after one past decision of its user, after a thousand, and after a million.

Two things could grow with the past: the step, which is asked about users of each past in turn, at every half hour of a
week; and all that the engine does around it, which is asked through its surface, in memory.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andante.benchmarks.engine_figures import Figure, compared, measured
from andante.benchmarks.engine_users import CATEGORIES, CHANNEL, CONFIG, START_S, Held, held, lived_in, mix, told
from andante.benchmarks.measure import measure
from andante.engine.batch import fold
from andante.vocabulary.flow import CANDIDATE, RECORD, Kind

HISTORIES = (1, 1_000, 1_000_000)
FLAT = 1 / 1.2
"""The target: after a million a decision costs at most a fifth more than after one."""

EVERY_S = 1800  # from one question to the next: a million of them reach to 2083, within the table of zones
USERS, TIMES = 16, 336  # whom the step is asked about after a history, and how often: at each half hour of a week
ROUNDS = 20
CALLS = 200  # of the engine, a repeat and history
AT_ONCE = 10_000
_HERE = "andante.benchmarks.engine_history"


def history_figures(longest: int, repeats: int) -> list[Figure]:
    """Measure decisions after histories of up to ``longest`` decisions of the same user."""
    lengths = [length for length in HISTORIES if length <= longest]
    order = {"lengths": lengths, "repeats": repeats}
    step = measure(f"{_HERE}:of_the_step", order).result
    engine = measure(f"{_HERE}:of_the_engine", order).result
    return [*_figures("the step", "ns", step), *_figures("a call of the engine", "µs", engine)]


def of_the_step(lengths: Sequence[int], repeats: int) -> dict[str, Any]:
    """Return nanoseconds a decision of the step for each history, measured in turn, and what was decided."""
    policy = held()
    lived = {length: _probe(length, policy) for length in lengths}
    found: dict[str, Any] = {str(length): {"costs": []} for length in lengths}
    for _ in range(repeats):
        for length, (users, records, offered) in lived.items():
            found[str(length)]["costs"].append(_step_ns(users, records, offered, policy))
    for length, (users, records, offered) in lived.items():
        decisions = fold(users.copy(), records, offered, policy.parameters, policy.zones).decisions
        found[str(length)]["mix"] = mix(decisions)
    return found


def of_the_engine(lengths: Sequence[int], repeats: int) -> dict[str, Any]:
    """Return microseconds a call with one request for each history, measured in turn: each is one user of an engine."""
    from andante.live.engine import Engine

    engines = {length: Engine.open(":memory:", {**CONFIG, "consent": {"default": "allow"}}) for length in lengths}
    asked = {}
    for length, engine in engines.items():
        for first in range(0, length, AT_ONCE):
            engine.decide([_request(turn) for turn in range(first, min(first + AT_ONCE, length))])
        asked[length] = length
    found: dict[str, Any] = {str(length): {"costs": []} for length in lengths}
    for _ in range(repeats):
        for length, engine in engines.items():
            calls = [[_request(turn)] for turn in range(asked[length], asked[length] + CALLS)]
            asked[length] += CALLS
            found[str(length)]["costs"].append(_call_us(engine, calls))
    return found


def _figures(what: str, unit: str, found: dict[str, Any]) -> list[Figure]:
    (short, first), *others = found.items()
    one = measured("history", f"{what} after {short}", unit, first["costs"], note=_outcomes(first))
    return [
        one,
        *(
            compared(
                "history",
                f"{what} after {int(length):,}",
                unit,
                run["costs"],
                first["costs"],
                f"{unit} after {short}",
                better="lower",
                at_least=FLAT,
                note=_outcomes(run),
            )
            for length, run in others
        ),
    ]


def _outcomes(run: dict[str, Any]) -> str | None:
    return f"outcomes: {told(run['mix'])}" if "mix" in run else None


def _probe(length: int, policy: Held) -> tuple[NDArray[np.void], NDArray[np.void], NDArray[np.void]]:
    """Return users who were asked about so often, a copy of each for each time of a week, and a question about each."""
    users = lived_in(USERS)
    users["sent_s"] = users["forgotten_s"] = 0  # this history is the only one
    for first in range(0, length, AT_ONCE):
        turns = np.arange(first, min(first + AT_ONCE, length))
        rows = np.broadcast_to(np.arange(USERS), (len(turns), USERS))
        fold(users, *_asked(rows, turns), policy.parameters, policy.zones)
    rows = np.arange(USERS * TIMES).reshape(TIMES, USERS)
    return np.tile(users, TIMES), *_asked(rows, length + np.arange(TIMES))


def _asked(rows: NDArray[np.int64], turns: NDArray[np.int64]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return a request for each row (turns, users), with one candidate that expires before the next turn."""
    count = rows.size
    draw = np.random.default_rng((int(turns[0]), count))
    records, offered = np.zeros(count, RECORD), np.zeros(count, CANDIDATE)
    records["kind"], records["count"] = Kind.REQUEST, 1
    records["number"] = 1 + turns[0] * USERS + np.arange(count)
    records["first"] = np.arange(count)
    records["user"], records["at_s"] = rows.ravel(), np.repeat(START_S + turns * EVERY_S, rows.shape[1])
    offered["value"], offered["relevance"] = draw.lognormal(-0.5, 1.0, count), 1.0
    offered["expires_s"] = records["at_s"] + EVERY_S
    offered["content"] = offered["campaign"] = draw.integers(1, 2**32, count, np.uint32)
    return records, offered


def _step_ns(users: NDArray[np.void], records: NDArray[np.void], offered: NDArray[np.void], policy: Held) -> float:
    """Return nanoseconds a decision: the median of rounds that all begin with the same users."""
    rounds = []
    for _ in range(ROUNDS):
        fresh = users.copy()
        start = time.perf_counter()
        fold(fresh, records, offered, policy.parameters, policy.zones)
        rounds.append(time.perf_counter() - start)
    return median(rounds) / len(records) * 1e9


def _call_us(engine: Any, calls: Sequence[list[dict[str, Any]]]) -> float:
    """Return microseconds a call: the median."""
    costs = []
    for call in calls:
        start = time.perf_counter()
        engine.decide(call)
        costs.append(time.perf_counter() - start)
    return median(costs) * 1e6


def _request(turn: int) -> dict[str, Any]:
    at_s = START_S + turn * EVERY_S
    push = {
        "candidate_id": f"push-{turn}",
        "category": CATEGORIES[0],
        "channel": CHANNEL,
        "expires_at": datetime.fromtimestamp(at_s + EVERY_S, UTC),
    }
    return {"user_id": "ann", "at": datetime.fromtimestamp(at_s, UTC), "candidates": [push]}
