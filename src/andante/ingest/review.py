"""A review: the figures of a finished table, and what a careful person would doubt about it."""

from collections.abc import Mapping, Sequence

import duckdb

from andante.ingest.intake import Loaded
from andante.ingest.quality import Quality, RuleQuality, SourceQuality
from andante.ingest.quarantine import Reason
from andante.ingest.quoting import quoted
from andante.ingest.translation import EVENTS, MESSAGES, Kinds
from andante.vocabulary.event import EventType
from andante.vocabulary.message import SENT

_LISTED = 5
_DOMINANT_SHARE = 0.9
_DOMINANT_USER_SHARE = 0.5
_MANY_QUARANTINED_SHARE = 0.1


def doubts(connection: duckdb.DuckDBPyConnection, working: str, loaded: Sequence[Loaded]) -> list[str]:
    """Return warnings that only the working table can tell: unknown words, currencies, guessed dates."""
    found = [
        f"dates in {one.quality.file} do not tell day from month, and were read as {one.guessed_order}: "
        "state time_format in a mapping if that is wrong"
        for one in loaded
        if one.guessed_order
    ]
    words = connection.execute(
        f"""SELECT word, count(*) FROM {working} WHERE fault IS NOT NULL AND word IS NOT NULL
            GROUP BY word ORDER BY count(*) DESC, word LIMIT {_LISTED}"""
    ).fetchall()
    if words:
        listed = ", ".join(f"'{word}' ({count:,})" for word, count in words)
        found.append(f"words for event types that are not known: {listed}; a mapping's [types] can name them")
    currencies = connection.execute(
        f"SELECT currency FROM {working} WHERE fault IS NULL AND value IS NOT NULL AND currency IS NOT NULL"
        " GROUP BY currency ORDER BY count(*) DESC, currency"
        if _has(connection, working, "value")
        else "SELECT NULL WHERE FALSE"
    ).fetchall()
    if len(currencies) > 1:
        names = ", ".join(name for (name,) in currencies[:_LISTED])
        found.append(f"values are in {len(currencies)} currencies ({names}) and are not converted")
    return found


def review(  # noqa: PLR0913, PLR0917  what a report is made of
    connection: duckdb.DuckDBPyConnection,
    kinds: Kinds,
    sources: Sequence[SourceQuality],
    skipped: Mapping[str, str],
    rules: Sequence[RuleQuality],
    warnings: Sequence[str],
) -> Quality:
    """Return the report on the finished table."""
    rows, users, first, last = connection.execute(
        f"""SELECT count(*), count(DISTINCT user_id), min("at"), max("at") FROM {kinds.table}"""
    ).fetchall()[0]
    types = dict(
        connection.execute(f"SELECT type, count(*) FROM {kinds.table} GROUP BY type ORDER BY 2 DESC, 1").fetchall()
    )
    orphans = _orphans(connection) if kinds is MESSAGES else 0
    figures = Quality(
        table=kinds.table,
        sources=tuple(sources),
        skipped=dict(skipped),
        rules=tuple(rules),
        rows_read=sum(source.rows_read for source in sources),
        rows_loaded=sum(source.rows_loaded for source in sources),
        rows_quarantined=sum(source.rows_quarantined for source in sources),
        rows_clean=rows,
        users=users,
        first_at=first,
        last_at=last,
        types=types,
        missing=_missing(connection, kinds, rows),
        orphans=orphans,
        warnings=tuple(warnings),
    )
    return figures.warned(_remarks(connection, kinds, figures))


def _remarks(connection: duckdb.DuckDBPyConnection, kinds: Kinds, figures: Quality) -> list[str]:
    found = [f"not read: {why}" for why in figures.skipped.values()]
    if not figures.rows_clean:
        return [*found, "no row is left: see the quarantine"]
    share = figures.rows_quarantined / figures.rows_read
    if share > _MANY_QUARANTINED_SHARE:
        reasons = {reason: sum(one.reasons.get(reason, 0) for one in figures.sources) for reason in Reason}
        most = max(reasons, key=lambda reason: reasons[reason])
        found.append(f"{share:.0%} of the rows are in quarantine, most for: {most}")
    kind, count = next(iter(figures.types.items()))
    if kinds is EVENTS and count > _DOMINANT_SHARE * figures.rows_clean:
        found.append(f"{count / figures.rows_clean:.0%} of the events are of one type: {kind}")
    dated = """"at" = date_trunc('day', "at")"""
    if connection.execute(f"SELECT bool_and({dated}) FROM {kinds.table}").fetchall()[0][0]:
        found.append("all times fall at midnight: hours carry no rhythm")
    user, most = connection.execute(
        f"SELECT user_id, count(*) FROM {kinds.table} GROUP BY user_id ORDER BY 2 DESC, 1 LIMIT 1"
    ).fetchall()[0]
    if figures.users > 1 and most > _DOMINANT_USER_SHARE * figures.rows_clean:
        found.append(f"{most / figures.rows_clean:.0%} of the rows are of one user: {user}")
    if kinds is EVENTS and not figures.types.get(EventType.PURCHASE):
        found.append("there is no purchase")
    if figures.orphans:
        found.append(f"{figures.orphans:,} outcomes belong to no sent row; they are kept")
    return found


def _missing(connection: duckdb.DuckDBPyConnection, kinds: Kinds, rows: int) -> dict[str, float]:
    counts = ", ".join(f"count({quoted(name)})" for name in kinds.columns)
    present = connection.execute(f"SELECT {counts} FROM {kinds.table}").fetchall()[0]
    return {name: 1 - held / rows if rows else 0.0 for name, held in zip(kinds.columns, present, strict=True)}


def _orphans(connection: duckdb.DuckDBPyConnection) -> int:
    table = MESSAGES.table
    return int(
        connection.execute(
            f"""SELECT count(*) FROM {table} WHERE type != '{SENT}'
                AND decision_id NOT IN (SELECT decision_id FROM {table} WHERE type = '{SENT}')"""
        ).fetchall()[0][0]
    )


def _has(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    return column in [row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
