"""Opening a database of many users, and replaying a log from its beginning: seconds, memory and bytes."""

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from andante.benchmarks.engine_figures import Figure, measured
from andante.benchmarks.measure import Measurement, measure

OPEN_S_MAX, OPEN_BYTES_MAX = 10.0, 1.5e9
MILLION = 1_000_000
REPLAYED_USERS_SHARE = 10
"""One user to so many records of the log that is replayed."""

AT_ONCE = 10_000
_HERE = "andante.benchmarks.engine_opening"


def opening_figures(users: int, records: int, repeats: int, folder: Path) -> list[Figure]:
    """Measure opening a database of so many users, and one whose log has so many records and no checkpoint."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="andante-bench-") as place:
        return _opened(Path(place) / "users.db", users, repeats) + _replayed(Path(place) / "log.db", records, repeats)


def build(path: str, users: int) -> int:
    """Write a database of so many users, and return the bytes of one state."""
    from andante.benchmarks.engine_database import build as build_database
    from andante.vocabulary.state import USER

    build_database(Path(path), users)
    return USER.itemsize


def live(path: str, users: int, records: int) -> float:
    """Write a database of so many users through so many decisions, and return how long deciding took."""
    from andante.benchmarks.engine_database import batches
    from andante.benchmarks.engine_users import CONFIG, SEED
    from andante.live.engine import Engine

    seconds = 0.0
    with Engine.open(path, {**CONFIG, "consent": {"default": "allow"}}) as engine:
        for requests in batches(users, records, AT_ONCE, seed=SEED):
            start = time.perf_counter()
            engine.decide(requests)
            seconds += time.perf_counter() - start
    return seconds


def open_once(path: str) -> dict[str, Any]:
    """Open a database, and return the seconds without those of imports, and what was found."""
    from andante.live.engine import Engine

    start = time.perf_counter()
    engine = Engine.open(path, _config(path))
    seconds = time.perf_counter() - start
    users = engine._desk.population  # noqa: SLF001  nothing on the surface counts users
    found = {"seconds": seconds, "users": len(users), "with_past": int((users.users["position"] > 0).sum())}
    engine._desk.store.close()  # noqa: SLF001  closing the engine would write checkpoints: the next repeat wants none
    return found


def _opened(path: Path, users: int, repeats: int) -> list[Figure]:
    width = measure(f"{_HERE}:build", {"path": str(path), "users": users}).result
    runs = [measure(f"{_HERE}:open_once", {"path": str(path)}) for _ in range(repeats)]
    _insist(runs, users)
    at_most_s, at_most_bytes = (OPEN_S_MAX, OPEN_BYTES_MAX) if users >= MILLION else (None, None)
    file_bytes = path.stat().st_size / users
    return [
        measured("opening", f"{users:,} users", "s", _seconds(runs), at_most=at_most_s),
        measured(
            "opening", f"{users:,} users, peak memory of the process", "bytes",
            [float(run.peak_rss_bytes) for run in runs], at_most=at_most_bytes,
        ),
        measured("opening", "state of a user", "bytes", [float(width)], note=f"{file_bytes:.0f} bytes a user on disk"),
    ]  # fmt: skip


def _replayed(path: Path, records: int, repeats: int) -> list[Figure]:
    users = max(1, records // REPLAYED_USERS_SHARE)
    deciding_s = measure(f"{_HERE}:live", {"path": str(path), "users": users, "records": records}).result
    runs = []
    for _ in range(repeats):
        _forget_checkpoints(path)
        runs.append(measure(f"{_HERE}:open_once", {"path": str(path)}))
    note = (
        f"without any checkpoint; peak memory {median(run.peak_rss_bytes for run in runs) / 1e9:.2f} GB; "
        f"deciding them first took {deciding_s:.0f} s in batches of {AT_ONCE:,}"
    )
    return [measured("opening", f"replaying {records:,} records of the log", "s", _seconds(runs), note=note)]


def _forget_checkpoints(path: Path) -> None:
    """Leave nothing of the states but the log that they are the fold of."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM states")
        database.execute("DELETE FROM meta WHERE key IN ('replay_from', 'parameters')")


def _config(path: str) -> dict[str, Any]:
    """Return the configuration that a database was written with, so that opening it publishes nothing new."""
    from andante.benchmarks.engine_users import CONFIG

    return {**CONFIG, "consent": {"default": "allow"}} if Path(path).stem == "log" else CONFIG


def _insist(runs: list[Measurement], users: int) -> None:
    """Raise where a figure would be that of an emptier database."""
    for run in runs:
        if (run.result["users"], run.result["with_past"]) != (users, users):
            raise RuntimeError(f"the database of {users} users opened with {run.result}")


def _seconds(runs: list[Measurement]) -> list[float]:
    return [run.result["seconds"] for run in runs]
