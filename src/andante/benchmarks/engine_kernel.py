"""The step in memory: beside a bare gather of records as wide, on two threads, and uncompiled.

The bare gather adds one to every 8-byte word of a user's record: the least that any step which reads and writes the
record can cost. It runs without and with the prefetch of the step, and the faster of the two is what the step is held
against.
"""

import time
from collections.abc import Callable
from functools import cache
from statistics import median
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from andante.benchmarks.engine_figures import Figure, compared, measured
from andante.benchmarks.engine_users import DAY_S, START_S, held, lived_in, mix, requests, told
from andante.benchmarks.measure import measure
from andante.engine.batch import AHEAD, fold
from andante.engine.prefetch import prefetch
from andante.engine.step import step
from andante.vocabulary.flow import DECISION, VERDICT

SKEWS = {"uniform": 0.0, "Zipf(1.1)": 1.1}
CANDIDATES = (1, 4)
THREADS = 2
GATHER_SHARE, THREADS_SHARE = 1 / 20, 1.7
"""Targets: of the rate of a bare gather, and of two threads beside one."""

UNCOMPILED = 300

_HERE = "andante.benchmarks.engine_kernel"


def step_figures(users: int, repeats: int) -> list[Figure]:
    """Measure the step on so many users, one day of as many requests a repeat."""
    figures = []
    for access, skew in SKEWS.items():
        for candidates in CANDIDATES:
            arguments = {"users": users, "candidates": candidates, "skew": skew, "repeats": repeats}
            run = measure(f"{_HERE}:steps", arguments).result
            figures += _step_figures(access, candidates, run)
    slow = measure(f"{_HERE}:uncompiled", {"repeats": repeats}, environment={"NUMBA_DISABLE_JIT": "1"}).result
    figures.append(measured("step", "the same source uncompiled, plain Python on records", "decisions/s", slow))
    return figures


def steps(users: int, candidates: int, skew: float, repeats: int) -> dict[str, Any]:
    """Return decisions per second of the bare gathers and of the step, each once a repeat in turn, and the outcomes."""
    policy, population = held(), lived_in(users)
    spare = np.zeros_like(population)
    records, offered = requests(
        population, users, candidates=candidates, skew=skew, first_number=1, at_s=START_S + DAY_S
    )
    order = records["user"].copy()
    bare, ahead = gather(), gather_ahead()
    words = spare.view(np.uint64).reshape(users, -1)
    bare(words, order[:1])
    ahead(spare, words, order[:1], AHEAD)
    fold(population, records[:1], offered, policy.parameters, policy.zones)
    rates: dict[str, list[float]] = {name: [] for name in ("bare", "ahead", "one", "two")}
    mixes = []
    for _ in range(repeats):
        rates["bare"].append(users / _seconds(lambda: bare(words, order)))
        rates["ahead"].append(users / _seconds(lambda: ahead(spare, words, order, AHEAD)))
        for name, threads in (("one", 1), ("two", THREADS)):
            _next_day(records, offered)
            start = time.perf_counter()
            stepped = fold(population, records, offered, policy.parameters, policy.zones, threads=threads)
            rates[name].append(users / (time.perf_counter() - start))
            mixes.append(mix(stepped.decisions))
    return {**rates, "mix": _middle(mixes), "width": population.itemsize}


def uncompiled(repeats: int) -> list[float]:
    """Return decisions per second of the step's source as Python runs it, without the compiler."""
    policy, users = held(), lived_in(UNCOMPILED)
    records, offered = requests(users, UNCOMPILED, candidates=1, skew=0.0, first_number=1, at_s=START_S)
    decisions, verdicts = np.zeros(UNCOMPILED, DECISION), np.zeros(UNCOMPILED, VERDICT)
    arrays = (users, records, offered, policy.parameters, decisions, verdicts)
    rows, asked, pushes, parameters, decided, found = (array.view(np.recarray) for array in arrays)

    def walk() -> None:
        for place in range(UNCOMPILED):
            row, one = asked[place].user, slice(place, place + 1)
            step(rows[row], asked[place], pushes[one], parameters[0], policy.zones, decided[place], found[one])

    rates = []
    for _ in range(repeats):
        _next_day(records, offered)
        rates.append(UNCOMPILED / _seconds(walk))
    return rates


@cache
def gather() -> Any:
    """Return a compiled loop that adds one to every word of the rows of an order."""

    @njit(nogil=True)
    def bare(words: NDArray[np.uint64], order: NDArray[np.int64]) -> None:
        for turn in range(order.size):
            row = order[turn]
            for word in range(words.shape[1]):
                words[row, word] += np.uint64(1)

    return bare


@cache
def gather_ahead() -> Any:
    """Return the same with the next rows fetched while one is worked on, as the step's loop does."""

    @njit(nogil=True)
    def bare(users: NDArray[np.void], words: NDArray[np.uint64], order: NDArray[np.int64], ahead: int) -> None:
        for turn in range(order.size):
            if turn + ahead < order.size:
                prefetch(users, order[turn + ahead])
            row = order[turn]
            for word in range(words.shape[1]):
                words[row, word] += np.uint64(1)

    return bare


def _step_figures(access: str, candidates: int, run: dict[str, Any]) -> list[Figure]:
    """Return the figures of one kind of access. The target is that of one decision: more candidates are more of it."""
    what = f"{access} access, {candidates} candidate{'s' if candidates > 1 else ''}"
    bare = [max(pair) for pair in zip(run["bare"], run["ahead"], strict=True)]
    note = (
        f"records of {run['width']} bytes; bare gather {median(run['bare']) / 1e6:.1f} M/s, with prefetch "
        f"{median(run['ahead']) / 1e6:.1f} M/s; outcomes: {told(run['mix'])}"
    )
    return [
        compared(
            "step",
            what,
            "decisions/s",
            run["one"],
            bare,
            "records/s of the bare gather",
            at_least=GATHER_SHARE if candidates == 1 else None,
            note=note,
        ),
        compared(
            "step",
            f"{what}, {THREADS} threads",
            "decisions/s",
            run["two"],
            run["one"],
            "on one",
            at_least=THREADS_SHARE,
        ),
    ]


def _next_day(records: NDArray[np.void], offered: NDArray[np.void]) -> None:
    """Move requests on by a day, with new numbers and pushes that nobody has seen."""
    records["number"] += np.uint64(len(records))
    records["at_s"] += DAY_S
    offered["expires_s"] += DAY_S
    offered["content"] += np.uint32(1)


def _middle(mixes: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean mix, the commonest first."""
    names = {name for shares in mixes for name in shares}
    mean = {name: sum(shares.get(name, 0.0) for shares in mixes) / len(mixes) for name in names}
    return dict(sorted(mean.items(), key=lambda item: -item[1]))


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
