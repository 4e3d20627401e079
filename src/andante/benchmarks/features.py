"""Features of a generated shop beside pandas: time and peak memory, from Parquet and from CSV, within a stated limit.

Both sides start from the same file in a fresh process and end with the same features of every user (that they
are the same is a test of its own). Ours folds the events into ledgers within DuckDB's memory limit and spills
what does not fit.
"""

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from andante.benchmarks.measure import Measurement, measure, ratio

SEED = 7
START = date(2026, 1, 5)
DAYS = 84
MIB = 1 << 20
MILLION = 1_000_000


def features(
    events: int, users: int, *, scale: int = 3, memory_max_mib: int = 2048, peer: bool = True
) -> list[dict[str, Any]]:
    """Measure the features of generated logs, beside pandas, and then ours on ``scale`` times as many events.

    Returns one row a measurement; ratios are pandas' over ours for time and ours over pandas' for memory.
    """
    with tempfile.TemporaryDirectory(prefix="andante-bench-") as folder:
        small = [_written(folder, events, users, kind) for kind in ("parquet", "csv")]
        rows: list[dict[str, Any]] = []
        for path in small:
            ours = _ours(path, memory_max_mib)
            rows.append(_row("andante", path, events, users, ours))
            if peer:
                theirs = measure("andante.benchmarks.features:by_pandas", {"path": str(path)})
                found = ratio(ours, theirs)
                rows.append(_row("pandas", path, events, users, theirs))
                rows[-2] |= {"times_faster": round(found.speed, 2), "share_of_memory": round(found.memory, 2)}
        large = _written(folder, events * scale, users * scale, "parquet")
        rows.append(_row("andante", large, events * scale, users * scale, _ours(large, memory_max_mib)))
    for row in rows:
        row["memory_limit_mib"] = memory_max_mib if row["by"] == "andante" else None
    _show(rows)
    return rows


def _written(folder: str, events: int, users: int, kind: str) -> Path:
    """Write a shop's log, generated in a process of its own so that its memory is not ours."""
    path = Path(folder) / f"{events}.{kind}"
    measure(
        "andante.benchmarks.features:write",
        {"path": str(path), "events": events, "users": users, "kind": kind},
    )
    return path


def write(path: str, events: int, users: int, kind: Literal["parquet", "csv"]) -> None:
    """Write a generated log."""
    from andante.simulation.shop_log import ShopLog

    ShopLog(users=users, days=DAYS, seed=SEED, start=START, events_target=events).write(path, format=kind)


def _ours(path: Path, memory_max_mib: int) -> Measurement:
    """Measure our features."""
    return measure("andante.benchmarks.features:by_andante", {"path": str(path), "memory_max_mib": memory_max_mib})


def by_andante(path: str, memory_max_mib: int) -> dict[str, Any]:
    """Compute the features of a file into a table, by the expressions that `andante run` uses."""
    import duckdb
    import ibis

    from andante.profiles.features import features as profile
    from andante.profiles.ledger import DAYS as LEDGER
    from andante.profiles.ledger import ORDERS, fold
    from andante.profiles.terms import TERMS
    from andante.vocabulary.event import EVENT_COLUMNS

    with tempfile.TemporaryDirectory(prefix="andante-bench-") as scratch:
        connection = duckdb.connect()
        connection.execute("SET temp_directory = ?", [scratch])
        connection.execute(f"SET memory_limit = '{memory_max_mib}MiB'")
        connection.execute("SET preserve_insertion_order = false")
        types = ", ".join(f"'{name}': '{kind}'" for name, kind in EVENT_COLUMNS.items())
        if path.endswith(".csv"):  # parsed once, since each ledger reads its columns anew
            scan = f"read_csv('{path}', header = true, columns = {{{types}}})"
            connection.execute(f'CREATE TABLE events AS SELECT user_id, type, "at", category, query, value FROM {scan}')
        else:
            connection.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{path}')")
        backend = ibis.duckdb.from_connection(connection)
        for ledger in (LEDGER, ORDERS, TERMS):
            fold(backend, ledger, "events")
        rows = profile(backend, START + timedelta(days=DAYS))
        connection.execute(f"CREATE TABLE features AS {backend.compile(rows)}")
        counted = connection.execute("SELECT count(*), sum(events) FROM features").fetchone()
    return {"users": counted[0], "events": int(counted[1]), "features": len(rows.columns) - 1}


def by_pandas(path: str) -> dict[str, Any]:
    """Compute the same features by pandas."""
    from andante.benchmarks.pandas_features import features as profile

    found = profile(path, START + timedelta(days=DAYS))
    return {"users": len(found), "events": int(found["events"].sum()), "features": found.shape[1] - 1}


def _row(by: str, path: Path, events: int, users: int, measured: Measurement) -> dict[str, Any]:
    """Put one measurement into plain figures."""
    return {
        "by": by,
        "file": path.suffix[1:],
        "events": events,
        "users": users,
        "file_mib": round(path.stat().st_size / MIB),
        "seconds": round(measured.seconds_wall, 2),
        "peak_mib": round(measured.peak_rss_bytes / MIB),
        "features": measured.result["features"],
        "rows": measured.result["users"],
    }


def _show(rows: list[dict[str, Any]]) -> None:
    """Print the measurements."""
    table = Table(title="Features of every user", title_justify="left")
    shown = (
        "by",
        "file",
        "events",
        "seconds",
        "peak_mib",
        "memory_limit_mib",
        "times_faster",
        "share_of_memory",
    )
    for column in shown:
        table.add_column(column.replace("_", " "), justify="left" if column in {"by", "file"} else "right")
    for row in rows:
        table.add_row(*(_shown(row.get(column)) for column in shown))
    Console().print(table)


def _shown(value: Any) -> str:
    """Write a figure short enough for a terminal: millions as such."""
    if value is None:
        return ""
    if isinstance(value, int) and value >= MILLION and value % MILLION == 0:
        return f"{value // MILLION} M"
    return f"{value:,}" if isinstance(value, int) else str(value)
