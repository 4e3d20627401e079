"""The views of a database as Parquet files, in memory that does not grow with the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from andante.stores.connection import faults
from andante.stores.views import REAL, TEXT, TIME, VIEWS, WHOLE, View
from andante.vocabulary.fault import MissingExtra

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

EXPORTED = ("decisions", "verdicts", "outcomes", "events")

ROWS_AT_ONCE = 10_000
"""Rows of the log behind one row group."""


def export(connection: sqlite3.Connection, path: Path, folder: Path) -> dict[str, int]:
    """Write a file of each exported view into the folder, all up to the same position; return the rows of each."""
    try:
        import pyarrow  # noqa: F401, ICN001, PLC0415  part of an extra
    except ModuleNotFoundError as missing:
        raise MissingExtra("library", "pyarrow", "is not installed", "pip install 'andante[plan]'") from missing
    folder.mkdir(parents=True, exist_ok=True)
    with faults(path):
        (upto,) = connection.execute("SELECT coalesce(max(position), 0) FROM log").fetchone()
        return {name: _write(connection, name, VIEWS[name], upto, folder / f"{name}.parquet") for name in EXPORTED}


def _write(connection: sqlite3.Connection, name: str, view: View, upto: int, target: Path) -> int:
    """Write one view; the file takes its name when it is whole."""
    import pyarrow as pa  # noqa: PLC0415  part of an extra
    from pyarrow import parquet  # noqa: PLC0415  the same

    partial = target.with_suffix(".partial")
    schema = pa.schema([(title, _arrow(column.type)) for title, column in view.columns.items()])
    between = "WHERE position > ? AND position <= ? ORDER BY position"
    step = f"SELECT max(position) FROM (SELECT position FROM log {between} LIMIT ?)"
    query = f"SELECT * FROM {name} {between}"
    written, after = 0, 0
    with parquet.ParquetWriter(partial, schema) as writer:
        while (end := connection.execute(step, (after, upto, ROWS_AT_ONCE)).fetchone()[0]) is not None:
            rows = connection.execute(query, (after, end)).fetchall()
            if rows:
                columns = zip(*rows, strict=True)
                arrays = [_array(list(values), field.type) for values, field in zip(columns, schema, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            written, after = written + len(rows), end
    partial.replace(target)
    return written


def _arrow(kind: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415  part of an extra

    return {TEXT: pa.string(), TIME: pa.timestamp("us", "UTC"), REAL: pa.float64(), WHOLE: pa.int64()}[kind]


def _array(values: list[Any], kind: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  part of an extra

    return pa.array(values, pa.string()).cast(kind) if pa.types.is_timestamp(kind) else pa.array(values, kind)
