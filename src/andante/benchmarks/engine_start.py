"""The first decision of a fresh process: what it waits for, with compiled code in its cache and without.

A service that starts pays for imports, for opening, and for the first call; the second call is what all later ones
cost. Where the cache is empty, the first call compiles.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from andante.benchmarks.engine_figures import Figure, measured

FIRST_DECISION = """
import json, sys, time
marks = [time.perf_counter()]
from andante.live.engine import Engine
marks.append(time.perf_counter())
engine = Engine.open(":memory:", {"consent": {"default": "allow"}})
marks.append(time.perf_counter())
request = {"user_id": "ann", "candidates": [{"candidate_id": "c1", "category": "promotion", "channel": "push"}]}
for _ in range(2):
    engine.decide([request])
    marks.append(time.perf_counter())
steps = [after - before for before, after in zip(marks, marks[1:])]
json.dump(dict(zip(("import", "open", "first", "second"), steps)), sys.stdout)
"""

SAID = {
    "import": "importing",
    "open": "opening in memory",
    "first": "the first decision",
    "second": "the second decision",
    "process": "the whole process",
}


COLD_MAX = 3
"""The most cold starts that are measured: each compiles for tens of seconds."""


def start_figures(repeats: int) -> list[Figure]:
    """Measure fresh processes with an empty cache, and as many as asked with what these left there."""
    runs: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
    for turn in range(min(repeats, COLD_MAX)):
        with tempfile.TemporaryDirectory(prefix="andante-cache-") as cache:
            runs["cold"].append(started(Path(cache)))
            warm = repeats - len(runs["warm"]) if turn + 1 == min(repeats, COLD_MAX) else 1
            runs["warm"] += [started(Path(cache)) for _ in range(warm)]
    return [
        measured("start", f"{what}, {kind} cache", "s", [run[name] for run in pairs])
        for kind, pairs in runs.items()
        for name, what in SAID.items()
    ]


def started(cache: Path) -> dict[str, float]:
    """Return the seconds of each step to the second decision of a fresh process with this cache of compiled code."""
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    environment = {**os.environ, "PYTHONPATH": path, "NUMBA_CACHE_DIR": str(cache)}
    start = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", FIRST_DECISION], env=environment, capture_output=True, text=True, check=True
    )
    return {**json.loads(run.stdout), "process": time.perf_counter() - start}
