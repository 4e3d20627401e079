"""Scans: one prepared file as a relation of DuckDB, and its columns as SQL."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from andante.ingest.container import Container
from andante.ingest.header import Header
from andante.ingest.quoting import escaped, literal, quoted
from andante.ingest.survey import JSON_DELIMITER

_FLOATS = {"float", "double"}
_NUMBERS = {"tinyint", "smallint", "integer", "bigint", "hugeint", "decimal"}
_NUMBERS |= {"utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"}
_NAIVE = {"timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "date"}


class Kind(Enum):
    """What DuckDB knows about a column's type."""

    TEXT = "text"
    NUMBER = "number"
    FLOAT = "float"
    NAIVE = "naive time"
    ZONED = "zoned time"


@dataclass(frozen=True, slots=True)
class Cell:
    """A source column as SQL."""

    sql: str
    kind: Kind = Kind.TEXT

    def text(self) -> str:
        """Return SQL for the cell as trimmed text; whole floats lose their point, as identifiers demand."""
        if self.kind is Kind.FLOAT:
            whole = f"{self.sql} = trunc({self.sql}) AND abs({self.sql}) < 1e15"
            rounded = f"CAST(CAST({self.sql} AS BIGINT) AS VARCHAR)"
            return f"CASE WHEN {whole} THEN {rounded} ELSE CAST({self.sql} AS VARCHAR) END"
        text = f"CAST({self.sql} AS VARCHAR)"
        # Looking for blanks costs a tenth of trimming, and hardly any field has them.
        return f"CASE WHEN {text} LIKE ' %' OR {text} LIKE '% ' THEN trim({text}) ELSE {text} END"


@dataclass(frozen=True, slots=True)
class Scan:
    """A FROM clause, its parameters, its columns by folded name, and SQL that is true for readable rows."""

    sql: str
    parameters: tuple[Any, ...]
    cells: Mapping[str, Cell]
    readable: str = "TRUE"

    def cell(self, name: str) -> Cell | None:
        """Return a source column by its name in any case, or None if the source has none of that name."""
        return self.cells.get(name.casefold())


def scan_delimited(container: Container, header: Header, newline: str, *, with_header: bool) -> Scan:
    """Return a scan of a file whose records are all known to be good in form.

    Columns are named by position: no name of the user's enters the SQL.
    """
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(header.names)))
    sql = f"""read_csv(?, auto_detect = false, all_varchar = true, header = {str(with_header).lower()},
        delim = ?, quote = '"', escape = '"', new_line = ?,
        compression = ?, columns = {{{columns}}})"""
    cells: dict[str, Cell] = {}
    for place, name in enumerate(header.names):
        cells.setdefault(name.casefold(), Cell(f"c{place}"))
    return Scan(sql, (escaped(container.path), header.delimiter, *_form(container, newline)), cells)


def scan_json(container: Container, header: Header, newline: str, wanted: Sequence[str]) -> Scan:
    """Return a scan of a file of one JSON object a line, with the wanted fields, found in a sample or not."""
    spelled = {name.casefold(): name for name in header.names}
    pointers: list[str] = []
    cells = {}
    for name in wanted:
        own = spelled.get(name.casefold(), name)
        ways = list(dict.fromkeys((_pointer(re.split(r"\.|(?=\[)", own)), _pointer([own]))))
        places = [f"row[{len(pointers) + place + 1}]" for place in range(len(ways))]
        pointers += ways
        cells[name.casefold()] = Cell(f"COALESCE({', '.join(places)})" if len(places) > 1 else places[0])
    listed = ", ".join(literal(pointer) for pointer in pointers)
    lines = """read_csv(?, auto_detect = false, all_varchar = true, header = false, delim = ?, quote = '',
        escape = '', new_line = ?, compression = ?, columns = {'line': 'VARCHAR'})"""
    # What is no JSON must not reach the functions that take it apart: they would stop the load.
    is_object = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE FALSE END"
    sql = f"""(SELECT json_extract_string(CASE WHEN readable THEN line END, [{listed}]) AS row, readable
        FROM (SELECT line, {is_object} AS readable FROM {lines} WHERE line IS NOT NULL))"""
    return Scan(sql, (escaped(container.path), JSON_DELIMITER, *_form(container, newline)), cells, "readable")


def scan_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[Scan, Header]:
    """Return a scan of a Parquet file and its columns, nested fields by their path. Raises duckdb.Error."""
    relation = connection.read_parquet(escaped(path))
    cells: dict[str, Cell] = {}
    names: list[str] = []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        for own, cell in _flat(name, quoted(name), kind):
            names.append(own)
            cells.setdefault(own.casefold(), cell)
    return Scan("read_parquet(?)", (escaped(path),), cells), Header(tuple(names), None, present=False)


def to_json(connection: duckdb.DuckDBPyConnection, path: Path, ordinals: npt.NDArray[np.int64]) -> Iterator[bytes]:
    """Return the rows of a Parquet file with these ordinals (rising), each as JSON. Raises duckdb.Error."""
    if not len(ordinals):
        return iter(())
    fields = ", ".join(f"{literal(name)}: {quoted(name)}" for name in connection.read_parquet(escaped(path)).columns)
    found = connection.execute(
        f"""SELECT row FROM (
              SELECT row_number() OVER () - 1 AS ordinal, CAST(to_json({{{fields}}}) AS VARCHAR) AS row
              FROM read_parquet(?))
            SEMI JOIN (SELECT unnest(?) AS ordinal) USING (ordinal) ORDER BY ordinal""",
        [escaped(path), ordinals.tolist()],
    )
    return (row.encode() for (row,) in found.fetchall())


def _flat(name: str, sql: str, kind: Any) -> list[tuple[str, Cell]]:
    if kind.id == "struct":
        return [
            found
            for child, inner in kind.children
            for found in _flat(f"{name}.{child}", f"{sql}.{quoted(child)}", inner)
        ]
    if kind.id == "list" and kind.children[0][1].id == "struct":
        return _flat(f"{name}[0]", f"{sql}[1]", kind.children[0][1])
    return [(name, Cell(sql, _kind(kind.id)))]


def _kind(duckdb_id: str) -> Kind:
    if duckdb_id in _FLOATS:
        return Kind.FLOAT
    if duckdb_id in _NUMBERS:
        return Kind.NUMBER
    if duckdb_id in _NAIVE:
        return Kind.NAIVE
    return Kind.ZONED if duckdb_id == "timestamp with time zone" else Kind.TEXT


def _pointer(parts: Sequence[str]) -> str:
    """Return a JSON pointer; a part like ``[0]`` is an index."""
    clean = (part[1:-1] if re.fullmatch(r"\[\d+\]", part) else part for part in parts)
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in clean)


def _form(container: Container, newline: str) -> tuple[str, str]:
    spelled = newline.replace("\r", "\\r").replace("\n", "\\n")
    return spelled, "gzip" if container.gzipped else "none"
