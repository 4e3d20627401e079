"""Loading: sources become the table ``events`` or ``messages`` in DuckDB, with a report of their quality.

    files → header, shape → survey (form of every record) → DuckDB (meaning of every row) → cleaning → table
                                 └──────────── quarantine ──────────┘

Everything streams: Python sees blocks of bytes and counts, DuckDB holds the rows and spills within its memory
limit.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from andante.ingest.cleaning import DEFAULT_CLEANING, Cleaning, clean, remove_repeated
from andante.ingest.insertion import Place
from andante.ingest.intake import Intake, Loaded, recognise
from andante.ingest.mapping import Mapping
from andante.ingest.quality import Quality, RuleQuality
from andante.ingest.quarantine import Quarantine
from andante.ingest.quoting import quoted
from andante.ingest.review import doubts, review
from andante.ingest.sources import Source, expand
from andante.ingest.translation import EVENTS, MESSAGES, WORKING_COLUMNS, Kinds
from andante.ingest.years import settle_years
from andante.vocabulary.fault import EmptyInput, UnknownShape

_NO_MAPPING = Mapping()


def load_events(  # noqa: PLR0913  one argument for each thing a load depends on
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[str | Path],
    *,
    now: datetime,
    quarantine: Path,
    mapping: Mapping | None = None,
    cleaning: Cleaning = DEFAULT_CLEANING,
) -> Quality:
    """Create (or replace) the table ``events`` (EVENT_COLUMNS) from files, folders and patterns.

    ``now`` bounds times (naive: UTC). Rows at fault go to the ``quarantine`` file, one JSON object a line,
    and never stop the load. Raises an InputFault for a file that cannot be used; ``events`` is then as it was
    before.
    """
    return _load(connection, sources, EVENTS, _utc(now), quarantine, mapping or _NO_MAPPING, cleaning)


def load_messages(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[str | Path],
    *,
    now: datetime,
    quarantine: Path,
    mapping: Mapping | None = None,
) -> Quality:
    """Create (or replace) the table ``messages`` (MESSAGE_COLUMNS), as ``load_events`` does for events.

    Rows told twice are removed; outcomes of pushes that have no sent row are counted as orphans and kept.
    """
    return _load(connection, sources, MESSAGES, _utc(now), quarantine, mapping or _NO_MAPPING, DEFAULT_CLEANING)


def _load(  # noqa: PLR0913, PLR0917  as above
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[str | Path],
    kinds: Kinds,
    now: datetime,
    quarantine: Path,
    mapping: Mapping,
    cleaning: Cleaning,
) -> Quality:
    zone, working = mapping.time_zone or "UTC", f"{kinds.table}_in_work"
    with _session(connection, zone):
        intakes, skipped = _recognise(connection, expand(sources, without=quarantine), kinds, mapping)
        try:
            columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in {**kinds.columns, **WORKING_COLUMNS}.items())
            connection.execute(f"CREATE OR REPLACE TABLE {working} ({columns})")
            with Quarantine(quarantine) as bad_rows:
                loaded = _take_all(connection, working, intakes, now, bad_rows, skipped)
            warnings = settle_years(connection, working, loaded, zone, now.date())
            warnings += doubts(connection, working, loaded)
            connection.execute(f"DELETE FROM {working} WHERE fault IS NOT NULL")
            rules = _clean(connection, working, kinds, loaded, cleaning)
            _publish(connection, working, kinds)
        finally:
            connection.execute(f"DROP TABLE IF EXISTS {working}")
    return review(connection, kinds, [one.quality for one in loaded], skipped, rules, warnings)


def _recognise(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[Source], kinds: Kinds, mapping: Mapping
) -> tuple[list[Intake], dict[str, str]]:
    """Return what is to be read, and what is skipped: in a folder, other tables may lie beside the logs."""
    intakes, skipped, first = [], {}, None
    for source in sources:
        try:
            intakes.append(recognise(connection, source, kinds, mapping))
        except (UnknownShape, EmptyInput) as fault:
            if not source.optional:
                raise
            first = first or fault
            skipped[str(source.path)] = str(fault)
    if first and not intakes:
        raise first
    return intakes, skipped


def _take_all(  # noqa: PLR0913, PLR0917  as above
    connection: duckdb.DuckDBPyConnection,
    working: str,
    intakes: Sequence[Intake],
    now: datetime,
    quarantine: Quarantine,
    skipped: dict[str, str],
) -> list[Loaded]:
    loaded, first = [], None
    for number, intake in enumerate(intakes):
        try:
            loaded.append(intake.take(Place(connection, working, number, now), quarantine))
        except EmptyInput as fault:  # a header only
            if not intake.source.optional:
                raise
            first = first or fault
            skipped[str(intake.source.path)] = str(fault)
    if first and not loaded:
        raise first
    return loaded


def _clean(
    connection: duckdb.DuckDBPyConnection,
    working: str,
    kinds: Kinds,
    loaded: Sequence[Loaded],
    cleaning: Cleaning,
) -> tuple[RuleQuality, ...]:
    if kinds is EVENTS:
        return clean(connection, working, cleaning, frozenset(one.number for one in loaded if one.daily))
    removed = remove_repeated(connection, working, tuple(kinds.columns), "TRUE")
    why = "the same in every column: one row told twice; the first stays"
    return (RuleQuality("duplicates", why, removed, removed),)


def _publish(connection: duckdb.DuckDBPyConnection, working: str, kinds: Kinds) -> None:
    for column in WORKING_COLUMNS:
        connection.execute(f"ALTER TABLE {working} DROP COLUMN {column}")
    connection.execute(f"DROP TABLE IF EXISTS {kinds.table}")
    connection.execute(f"ALTER TABLE {working} RENAME TO {kinds.table}")


@contextmanager
def _session(connection: duckdb.DuckDBPyConnection, zone: str) -> Iterator[None]:
    """Set what the load relies on, and restore it: the zone of naive times, rows in their file's order."""
    wanted = {"TimeZone": zone, "preserve_insertion_order": True}
    before = {name: connection.execute(f"SELECT current_setting('{name}')").fetchall()[0][0] for name in wanted}
    try:
        for name, value in wanted.items():
            connection.execute(f"SET {name} = '{value}'")
        yield
    finally:
        for name, value in before.items():
            connection.execute(f"SET {name} = '{value}'")


def _utc(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now
