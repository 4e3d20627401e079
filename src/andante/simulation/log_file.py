"""Log files: record batches written as they come, as Parquet, CSV or NDJSON, and put in the order of time."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from andante.simulation.faults import broken_lines
from andante.vocabulary.fault import SettingsFault

Format = Literal["parquet", "csv", "ndjson"]


def write_log(batches: Iterable[Any], schema: Any, path: Path, log_format: Format, *, bad_rows: float = 0.0) -> None:
    """Write batches of ``schema`` to one file, holding no more than a batch at a time.

    Parquet holds UTC timestamps; text holds RFC 3339 times that end in Z. A CSV gets
    ``bad_rows`` broken lines per good one. Raises SettingsFault for another format.
    """
    if log_format == "parquet":
        _write_parquet(batches, schema, path)
    elif log_format == "csv":
        _write_csv(batches, schema, path, bad_rows)
    elif log_format == "ndjson":
        _write_ndjson(batches, schema, path)
    else:
        raise SettingsFault("log format", log_format, "is not known", "use parquet, csv or ndjson")


def in_order(batches: Iterable[Any], schema: Any, rows: int, memory_limit: str) -> Iterator[Any]:
    """Yield the rows of ``batches`` in the order of time, then of the other columns, in batches of ``rows``.

    A sort that spills to disk keeps memory within ``memory_limit`` however long the log is.
    """
    with tempfile.TemporaryDirectory(prefix="andante-") as folder:
        unordered = Path(folder) / "unordered.parquet"
        _write_parquet(batches, schema, unordered)
        keys = ", ".join(['"at"', *(f'"{name}"' for name in schema.names if name != "at")])
        with _connection(memory_limit, folder) as connection:
            query = f"SELECT * FROM read_parquet(?) ORDER BY {keys}"
            yield from connection.execute(query, [str(unordered)]).to_arrow_reader(rows)


def _write_parquet(batches: Iterable[Any], schema: Any, path: Path) -> None:
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=batch.num_rows)


def _write_csv(batches: Iterable[Any], schema: Any, path: Path, bad_rows: float) -> None:
    text = schema.set(schema.get_field_index("at"), pa.field("at", pa.timestamp("us", tz="UTC")))
    written = broken = 0
    with path.open("wb") as file, pa_csv.CSVWriter(file, text) as writer:
        for batch in batches:
            writer.write_batch(batch.cast(text))
            written += batch.num_rows
            due = round(written * bad_rows) - broken
            if due:
                file.write("".join(f"{line}\n" for line in broken_lines(broken, due)).encode())
                broken += due


def _write_ndjson(batches: Iterable[Any], schema: Any, path: Path) -> None:
    """Write through DuckDB: Arrow has no writer of JSON."""
    stream = pa.RecordBatchReader.from_batches(schema, batches)
    with _connection("1GB", str(path.parent)) as connection:
        connection.register("log", stream)
        times = 'strftime("at", \'%Y-%m-%dT%H:%M:%S.%fZ\') AS "at"'
        connection.execute(f"COPY (SELECT * REPLACE ({times}) FROM log) TO '{_quoted(path)}' (FORMAT json)")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


@contextmanager
def _connection(memory_limit: str, folder: str) -> Iterator[Any]:
    """Open DuckDB in memory: one thread, so that equal seeds write equal files, and a place to spill."""
    settings = {"memory_limit": memory_limit, "temp_directory": folder, "threads": 1}
    with duckdb.connect(config=settings) as connection:
        yield connection
