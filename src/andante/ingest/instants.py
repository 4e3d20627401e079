"""Instants: SQL that turns what a source holds as a time into UTC, in every form that is understood.

RFC 3339 and ISO 8601 with or without offset, a date alone, ``... UTC``, Unix seconds, milli-, micro- or
nanoseconds (by their size), ``YYYYMMDD``, ``D/M/Y`` or ``M/D/Y`` with ``/``, ``.`` or ``-``, and dates
without a year (``M-D``, ``6月4日``). Naive times are of the session's zone, which the loader sets to the
mapping's zone or UTC; DuckDB resolves a time that daylight saving repeats to one of its two instants, and
moves one that it skips forward.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from andante.ingest.quoting import literal

YEARLESS_SQL = r"^\d{1,2}-\d{1,2}$|^\d{1,2}月\d{1,2}日$"
DAY_MONTH_SQL = r"^\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})(\D|$)"
LEAP_YEAR = 2000
"""The year that dates without one are loaded under until the year is known: it has a 29 February."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_SIZES = (("1e11", "1e6"), ("1e14", "1e3"), ("1e17", "1"))
"""Below which size a number counts seconds, milli- or microseconds, and how many microseconds that is."""

_UNIT_US = {"s": 1_000_000, "ms": 1_000, "us": 1}


@dataclass(frozen=True, slots=True)
class Clock:
    """How the times of one source are read. None: not stated."""

    unit: str | None = None
    format: str | None = None
    numbers: bool = False
    """Most of a sample are numbers: try them first."""
    day_first: bool | None = None
    """``3/4/2010`` is the third of April; None: no such dates are expected."""
    yearless: bool = False
    year: int | None = None

    def stated(self) -> bool:
        """Tell whether the form of the times is stated, and not to be found out row by row."""
        return bool(self.unit or self.format)

    def sql(self, text: str, written: str) -> str:
        """Return SQL for the UTC timestamp in ``text``, trimmed SQL text; null where it is no time.

        ``written`` is SQL for the same text cast to TIMESTAMPTZ, computed once.
        """
        if self.format:
            return zoned(f"CAST(try_strptime({text}, {literal(self.format)}) AS TIMESTAMPTZ)")
        if self.unit:
            return _unix(f"TRY_CAST({text} AS DOUBLE) * {_UNIT_US[self.unit]}", f"TRY_CAST({text} AS DOUBLE)")
        forms = [_by_size(text), zoned(written)] if self.numbers else [zoned(written), _by_size(text)]
        if self.yearless:
            forms.insert(0, _yearless(text, self.year or LEAP_YEAR))
        if self.day_first is not None:  # before the others: DuckDB takes 13-10-19 for a day in the year 13
            forms.insert(0, _day_month(text, day_first=self.day_first))
        return f"COALESCE({', '.join([*forms, _mended(text)])})"


def zoned(timestamp: str) -> str:
    """Return SQL for the UTC timestamp of SQL of type TIMESTAMPTZ; null for the infinities."""
    return f"make_timestamp(epoch_us({timestamp}))"  # epoch_us is null for the infinities


def mostly_numbers(sample: Sequence[str]) -> bool:
    """Tell whether most of a sample of times are numbers.

    >>> mostly_numbers(["1511544070", "1511561733", "oops"])
    True
    """
    return 2 * sum(bool(_NUMBER.fullmatch(text)) for text in sample) > len(sample)


def holds(sample: Sequence[str], pattern: str) -> bool:
    """Tell whether any of a sample has a form, YEARLESS_SQL or DAY_MONTH_SQL."""
    return any(re.search(pattern, text) for text in sample)


def latest_year(month: int, day: int, *, leap_day: bool, today: date) -> int:
    """Return the latest year that keeps all dates up to month and day in the past; a leap year if need be.

    >>> latest_year(8, 15, leap_day=False, today=date(2026, 6, 1))
    2025
    >>> latest_year(8, 15, leap_day=True, today=date(2026, 6, 1))
    2024
    """
    year = today.year if (month, day) <= (today.month, today.day) else today.year - 1
    while leap_day and (year % 4 or (year % 100 == 0 and year % 400)):
        year -= 1
    return year


def _by_size(text: str) -> str:
    number = f"TRY_CAST({text} AS DOUBLE)"
    dated = zoned(f"CAST(try_strptime({text}, '%Y%m%d') AS TIMESTAMPTZ)")
    sizes = " ".join(f"WHEN abs({number}) < {size} THEN {factor}" for size, factor in _SIZES)
    counted = _unix(f"{number} * CASE {sizes} ELSE 1e-3 END", number)
    is_dated = f"length({text}) = 8 AND {number} BETWEEN 19000101 AND 29991231"
    return f"CASE WHEN {is_dated} THEN {dated} ELSE {counted} END"


def _unix(microseconds: str, number: str) -> str:
    # The size is checked on the number too: in DuckDB NaN is above every number.
    in_range = f"abs({number}) < 1e20 AND abs({microseconds}) < 1e18"
    return f"CASE WHEN {in_range} THEN make_timestamp(CAST({microseconds} AS BIGINT)) END"


def _yearless(text: str, year: int) -> str:
    dashed = f"replace(replace({text}, '月', '-'), '日', '')"
    dated = zoned(f"TRY_CAST('{year}-' || {dashed} AS TIMESTAMPTZ)")
    return f"CASE WHEN regexp_matches({text}, '{YEARLESS_SQL}') THEN {dated} END"


def _day_month(text: str, *, day_first: bool) -> str:
    day = "%d/%m/" if day_first else "%m/%d/"
    formats = ", ".join(f"'{day}{year}{clock}'" for year in ("%y", "%Y") for clock in _CLOCKS)
    slashed = rf"regexp_replace({text}, '^(\d{{1,2}})[/.-](\d{{1,2}})[/.-]', '\1/\2/')"
    dated = zoned(f"CAST(try_strptime({slashed}, [{formats}]) AS TIMESTAMPTZ)")
    return f"CASE WHEN regexp_matches({text}, '{DAY_MONTH_SQL}') THEN {dated} END"


def _mended(text: str) -> str:
    """Return SQL for times that are clear to a reader, but not to DuckDB."""
    mended = f"replace(upper({text}), ',', '.')"
    for pattern, by in (
        (r"^(\d{4})年(\d{1,2})月(\d{1,2})日", r"\1-\2-\3"),
        (r"\s+([+-]\d)", r"\1"),
        (r"^(\d{4}-\d{1,2}-\d{1,2})[T ](\d{1,2}:\d{2})\s*(Z|UTC|[+-].*)$", r"\1 \2:00\3"),
    ):
        mended = f"regexp_replace({mended}, '{pattern}', '{by}')"
    return zoned(f"TRY_CAST({mended} AS TIMESTAMPTZ)")
