"""Insertion: a scan's rows go into the working table in the file's order, each with the code of its fault."""

from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import numpy.typing as npt

from andante.ingest.instants import DAY_MONTH_SQL, YEARLESS_SQL, Clock, holds, mostly_numbers
from andante.ingest.mapping import Mapping
from andante.ingest.scan import Scan
from andante.ingest.shapes import Shape
from andante.ingest.translation import Check, Kinds, Translation

_SAMPLE_ROWS = 1000
_DAILY_SAMPLE_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of one source go: a working table, under the source's number, judged as of now."""

    connection: duckdb.DuckDBPyConnection
    working: str
    number: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Inserted:
    """What went in: rows, ordinals (from 0, rising) and codes of those at fault, and how times were read."""

    rows: int
    faulty: npt.NDArray[np.int64]
    codes: npt.NDArray[np.uint8]
    checks: list[Check]
    fields: list[str]
    """For each check the source's own name of the column it judges."""
    daily: bool
    """All times are dates: the day of an event is known, not its hour."""
    yearless: bool
    """The dates have no year, and none is stated: they are of LEAP_YEAR for now."""
    guessed_order: str | None
    """``month/day`` or ``day/month`` where the dates do not tell which it is."""


def insert(place: Place, scan: Scan, shape: Shape, kinds: Kinds, mapping: Mapping) -> Inserted:
    """Insert all rows of a scan. A statement that fails leaves no row. Raises duckdb.Error."""
    translation = Translation(kinds, shape, scan, Clock(), mapping.decimal or ".")
    clock, guessed = _clock(place.connection, translation, mapping)
    translation = Translation(kinds, shape, scan, clock, mapping.decimal or ".")
    place.connection.execute(
        f"INSERT INTO {place.working} {translation.sql(place.number, place.now)}", list(scan.parameters)
    )
    rows, first = _extent(place)
    found = place.connection.execute(
        f"SELECT rowid - {first} AS ordinal, fault FROM {place.working}"
        f" WHERE source = {place.number} AND fault IS NOT NULL ORDER BY ordinal"
    ).fetchnumpy()
    checks = translation.checks(place.now)
    return Inserted(
        rows=rows,
        faulty=np.asarray(found["ordinal"], np.int64),
        codes=np.asarray(found["fault"], np.uint8),
        checks=checks,
        fields=[translation.field(check.column) if check.column else "" for check in checks],
        daily=_daily(place, mapping.time_zone),
        yearless=clock.yearless and clock.year is None,
        guessed_order=guessed,
    )


def withdraw(place: Place) -> None:
    """Take back the rows of the source."""
    place.connection.execute(f"DELETE FROM {place.working} WHERE source = {place.number}")


def _extent(place: Place) -> tuple[int, int]:
    """Return the number of rows of the source and the rowid of the first.

    DuckDB gives rows that one statement inserts neighbouring rowids in the order of the file (the session
    asks for insertion order); a gap would mean wrong lines in quarantine, so it is refused.
    """
    rows, first, last = place.connection.execute(
        f"SELECT count(*), min(rowid), max(rowid) FROM {place.working} WHERE source = {place.number}"
    ).fetchall()[0]
    if rows and last - first + 1 != rows:
        raise RuntimeError(f"rows of source {place.number} are not neighbours: {rows} between {first} and {last}")
    return rows, first or 0


def _clock(
    connection: duckdb.DuckDBPyConnection, translation: Translation, mapping: Mapping
) -> tuple[Clock, str | None]:
    """Return how the source's times are read, by what is stated or a sample, and a guess that was needed."""
    stated = Clock(unit=mapping.time_unit, format=mapping.time_format, year=mapping.year)
    if stated.unit or stated.format:
        return stated, None
    texts, parameters = translation.texts(), list(translation.scan.parameters)
    sample = [
        text
        for (text,) in connection.execute(
            f"SELECT time_text FROM ({texts}) WHERE time_text IS NOT NULL LIMIT {_SAMPLE_ROWS}", parameters
        ).fetchall()
    ]
    day_first, guessed = None, None
    if holds(sample, DAY_MONTH_SQL):
        day_first, guessed = _day_first(connection, texts, parameters)
    clock = Clock(
        numbers=mostly_numbers(sample),
        day_first=day_first,
        yearless=holds(sample, YEARLESS_SQL),
        year=mapping.year,
    )
    return clock, guessed


def _day_first(connection: duckdb.DuckDBPyConnection, texts: str, parameters: list[object]) -> tuple[bool, str | None]:
    """Tell from all dates whether the day stands first: no month is above 12."""
    first, second, slashed = connection.execute(
        rf"""SELECT count(*) FILTER (TRY_CAST(regexp_extract(time_text, '^(\d+)', 1) AS INTEGER) > 12),
                count(*) FILTER (TRY_CAST(regexp_extract(time_text, '^\d+[/.-](\d+)', 1) AS INTEGER) > 12),
                bool_or(contains(time_text, '/'))
             FROM ({texts}) WHERE regexp_matches(time_text, '{DAY_MONTH_SQL}')""",
        parameters,
    ).fetchall()[0]
    if first != second:
        return first > second, None
    return not slashed, "month/day" if slashed else "day/month"


def _daily(place: Place, zone: str | None) -> bool:
    local = f"""timezone('{zone}', timezone('UTC', "at"))""" if zone else '"at"'
    rows = f"""SELECT "at" FROM {place.working} WHERE source = {place.number} AND fault IS NULL"""
    midnight = f"SELECT coalesce(bool_and({local} = date_trunc('day', {local})), FALSE)"
    sampled, *_ = place.connection.execute(f"{midnight} FROM ({rows} LIMIT {_DAILY_SAMPLE_ROWS})").fetchall()[0]
    return bool(sampled and place.connection.execute(f"{midnight} FROM ({rows})").fetchall()[0][0])
