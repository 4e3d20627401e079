"""How the time and memory of a simulated half year grow with its users, the engine deciding every push.

Each size is measured in a fresh interpreter, so that its peak of memory is its own. All sizes are measured in one run,
since only times of one machine in one state have a ratio. What the exponent says: time grows as users to its power, so
1 is linear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from andante.benchmarks.measure import measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SEED = 7
SIZES = (10_000, 30_000, 100_000)
WORLD = "reference"


def worlds_growth(sizes: Sequence[int] = SIZES, weeks: int = 26, *, threads: int = 1) -> list[dict[str, Any]]:
    """Live through the reference world at each size with the engine as it ships, and return a row for each.

    ``growth`` is the exponent between a size and the one before; that of the last row's ``growth_overall`` is fitted
    over all sizes.
    """
    rows: list[dict[str, Any]] = []
    for users in sizes:
        arguments = {"users": users, "weeks": weeks, "threads": threads}
        found = measure("andante.benchmarks.worlds_growth:half_year", arguments)
        row = {"world": WORLD, "users": users, "weeks": weeks, "threads": threads, **found.result}
        row["peak_memory_mib"] = found.peak_rss_bytes / 2**20
        row["growth"] = _exponent([*rows[-1:], row]) if rows else None
        rows.append(row)
    if len(rows) > 1:
        rows[-1]["growth_overall"] = _exponent(rows)
    _show(rows)
    return rows


def half_year(users: int, weeks: int, threads: int) -> dict[str, Any]:
    """Live through it once, after a small world has had everything compiled; return what it took and came to."""
    import time

    from andante.runners.simulating.step_policy import StepPolicy
    from andante.settings import Settings
    from andante.worlds.catalogue import world
    from andante.worlds.loop import live

    live(world(WORLD, 50, 1, SEED), StepPolicy())
    settings = Settings()
    policy = _Timed(StepPolicy(settings, threads=threads))
    begun = time.perf_counter()
    lived = live(world(WORLD, users, weeks, SEED), policy)
    seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "seconds_engine": policy.seconds,
        "requests": policy.requests,
        "records": policy.engine.records,
        "records_per_second": policy.engine.records / seconds,
        "sends": int(lived.sends.sum()),
    }


class _Timed:
    """A policy, and how long it takes to decide."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.seconds, self.requests = engine, 0.0, 0

    def begin(self, crowd: Any) -> None:
        self.engine.begin(crowd)

    def decide(self, tick: Any) -> Any:
        import time

        begun = time.perf_counter()
        sends = self.engine.decide(tick)
        self.seconds += time.perf_counter() - begun
        self.requests += len(tick.requests)
        return sends


def _exponent(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the power of users with which time grows: the slope of both logarithms."""
    users, seconds = (np.log([row[name] for row in rows]) for name in ("users", "seconds"))
    return float(np.polyfit(users, seconds, 1)[0])


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(title="A simulated half year", caption="growth 1 is linear: time is users to that power")
    for heading in ("users", "weeks", "records", "seconds", "of these, engine", "records/s", "memory", "growth"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            f"{row['users']:,}",
            str(row["weeks"]),
            f"{row['records']:,}",
            f"{row['seconds']:.1f}",
            f"{row['seconds_engine']:.1f}",
            f"{row['records_per_second']:,.0f}",
            f"{row['peak_memory_mib']:,.0f} MiB",
            "" if row["growth"] is None else f"{row['growth']:.2f}",
        )
    Console().print(table)
