"""Durable decisions in batches, beside a bare append of exactly the rows that they leave in the log.

The bare table is what SQLite can do: the same columns, the same settings, the same thousand rows a transaction, and
nothing else. It is written in turn with the engine, a few batches each, so that a disk with moods treats both alike.
"""

import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from andante.benchmarks.engine_database import as_table, batches, build, request
from andante.benchmarks.engine_figures import Figure, compared, measured
from andante.benchmarks.engine_users import CATEGORIES, CONFIG, SEED, START_S, told
from andante.benchmarks.measure import measure
from andante.stores.connection import CACHE_KIB
from andante.stores.sqlite import WAL_PAGES, SqliteStore

AT_ONCE = 1_000
IN_TURN = 10
"""Batches that one side writes before it is the other's turn."""

BARE_SHARE = 0.5
_HERE = "andante.benchmarks.engine_durable"


def durable_figures(users: int, decisions: int, repeats: int, folder: Path) -> list[Figure]:
    """Measure so many decisions in batches over so many users, with a fresh copy of one database each repeat."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="andante-bench-") as place:
        built = Path(place) / "built.db"
        build(built, users)
        arguments = {"built": str(built), "users": users, "decisions": decisions}
        runs: dict[str, list[dict[str, Any]]] = {"a table": [], "a list": []}
        for turn in range(repeats):
            for given, several in runs.items():
                order = {**arguments, "seed": SEED + turn, "as_tables": given == "a table"}
                several.append(measure(f"{_HERE}:in_batches", order).result)
    return [figure for given, several in runs.items() for figure in _figures(given, several, users, decisions)]


def _figures(given: str, runs: list[dict[str, Any]], users: int, decisions: int) -> list[Figure]:
    ours, bare = ([run[side] for run in runs] for side in ("decisions_per_s", "rows_per_s"))
    note = (
        f"{decisions:,} decisions over {users:,} users, rows of {median(run['row_bytes'] for run in runs):.0f} bytes, "
        f"on {runs[0]['file_system']}; outcomes: {told(runs[0]['mix'])}"
    )
    what = f"batches of {AT_ONCE:,}, each {given}"
    return [
        compared(
            "durable", what, "decisions/s", ours, bare, "rows/s appended bare", at_least=BARE_SHARE, note=note,
        ),
        measured("durable", f"{what}: share of time in the store", "of 1", [run["store_share"] for run in runs]),
    ]  # fmt: skip


def in_batches(built: str, users: int, decisions: int, seed: int, *, as_tables: bool) -> dict[str, Any]:
    """Decide on a copy of a database, and append the same rows bare, in turn. Requests come as lists or as tables."""
    from andante.live.engine import Engine

    with tempfile.TemporaryDirectory(dir=Path(built).parent) as place:
        path, bare = Path(place) / "engine.db", Path(place) / "bare.db"
        shutil.copy(built, path)
        deciding_s = appending_s = 0.0
        rows = row_bytes = 0
        outcomes: Counter[str] = Counter()
        with timed_store() as in_store, Engine.open(path, CONFIG) as engine, closing(_bare(bare)) as table:
            log = sqlite3.connect(path)
            last = _last(log)
            asked = batches(users, decisions, AT_ONCE, seed=seed)
            warm_up()
            in_store[0] = 0.0  # opening writes, too
            while turn := list(islice(asked, IN_TURN)):
                given: list[Any] = list(map(as_table, turn)) if as_tables else turn
                decide = engine.decide_columns if as_tables else engine.decide
                start = time.perf_counter()
                answers: list[Any] = [decide(requests) for requests in given]
                deciding_s += time.perf_counter() - start
                outcomes.update(seen for answer in answers for seen in _seen(answer, as_table=as_tables))
                written = log.execute("SELECT * FROM log WHERE position > ? ORDER BY position", (last,)).fetchall()
                last, rows = _last(log), rows + len(written)
                row_bytes += sum(len(row[-1].encode()) for row in written)
                appending_s += _appended_s(table, written)
            log.close()
            return {
                "decisions_per_s": decisions / deciding_s,
                "rows_per_s": rows / appending_s,
                "store_share": in_store[0] / deciding_s,
                "row_bytes": row_bytes / rows,
                "file_system": file_system(path),
                "mix": {name: seen / decisions for name, seen in outcomes.most_common()},
            }


def _seen(answer: Any, *, as_table: bool) -> list[str]:
    if not as_table:
        return [f"{one.action} {one.reasons[0]}" for one in answer]
    told = answer.to_dict()
    return [f"{action} {reasons[0]}" for action, reasons in zip(told["action"], told["reasons"], strict=True)]


def warm_up() -> None:
    """Have the compiled code loaded, which is measured by itself elsewhere: see ``engine_start``."""
    from andante.live.engine import Engine

    with Engine.open(":memory:", CONFIG) as engine:
        engine.decide([request(0, START_S, CATEGORIES[0], 0, 1.0)])


@contextmanager
def timed_store() -> Iterator[list[float]]:
    """Let every append of this process add its seconds to the one number that is given."""
    seconds, append = [0.0], SqliteStore.append

    def timed(store: SqliteStore, commit: Any) -> None:
        list(commit.rows)  # what is yet to be written out is not the store's work
        start = time.perf_counter()
        try:
            append(store, commit)
        finally:
            seconds[0] += time.perf_counter() - start

    setattr(SqliteStore, "append", timed)  # noqa: B010  a method is given back below
    try:
        yield seconds
    finally:
        setattr(SqliteStore, "append", append)  # noqa: B010  as it was


def file_system(path: Path) -> str:
    """Return the kind of file system that a file is on, where the system tells: on one in memory nothing is durable."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "an unknown file system"
    place = path.resolve()
    found = [line.split()[1:3] for line in mounts.read_text(encoding="utf-8").splitlines()]
    above = [(mount, kind) for mount, kind in found if place.is_relative_to(mount)]
    return max(above, key=lambda pair: len(pair[0]))[1]


def _bare(path: Path) -> sqlite3.Connection:
    """Return a database with one table as the log's, and set as the store's is."""
    table = sqlite3.connect(path, isolation_level=None)
    table.execute("PRAGMA journal_mode = WAL")
    table.execute("PRAGMA synchronous = FULL")
    table.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    table.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    table.execute("CREATE TABLE log (position INTEGER PRIMARY KEY, kind, user, at_us, action, body TEXT)")
    return table


def _appended_s(table: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> float:
    """Append rows, a thousand a transaction, and return the seconds."""
    start = time.perf_counter()
    for first in range(0, len(rows), AT_ONCE):
        table.execute("BEGIN IMMEDIATE")
        table.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)", rows[first : first + AT_ONCE])
        table.execute("COMMIT")
    return time.perf_counter() - start


def _last(log: sqlite3.Connection) -> int:
    position: int = log.execute("SELECT coalesce(max(position), 0) FROM log").fetchone()[0]
    return position
