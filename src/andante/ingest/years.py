"""Years: when dates came without one, the year that they must be of."""

from collections.abc import Sequence
from datetime import date

import duckdb

from andante.ingest.instants import LEAP_YEAR, latest_year
from andante.ingest.intake import Loaded


def settle_years(
    connection: duckdb.DuckDBPyConnection, table: str, loaded: Sequence[Loaded], zone: str, today: date
) -> list[str]:
    """Move the dates that were loaded under LEAP_YEAR to the latest year that keeps them all in the past.

    One year for all sources of a load, for they are parts of one log. Returns a warning that says the year.
    """
    sources = ", ".join(str(one.number) for one in loaded if one.yearless)
    if not sources:
        return []
    local = f"""timezone('{zone}', timezone('UTC', "at"))"""
    mine = f"source IN ({sources}) AND year({local}) = {LEAP_YEAR}"
    last, leap_day = connection.execute(
        f"SELECT max(month({local}) * 100 + day({local})), bool_or(month({local}) = 2 AND day({local}) = 29)"
        f" FROM {table} WHERE {mine}"
    ).fetchall()[0]
    if last is None:
        return []
    year = latest_year(last // 100, last % 100, leap_day=leap_day, today=today)
    moved = f"CAST({local} + INTERVAL ({year - LEAP_YEAR}) YEAR AS TIMESTAMPTZ)"
    connection.execute(f"""UPDATE {table} SET "at" = make_timestamp(epoch_us({moved})) WHERE {mine}""")
    return [f"dates without a year were taken to be of {year}: state `year` in a mapping if they are not"]
