"""Cleaning: rules over the loaded table of events; each says how many rows it touched and why.

The rules run in this order, because each trusts the ones before it:

1. *duplicates*: a row told twice must not be cancelled once and stay once;
2. *cancellations*: with the purchase they cancel, before values are judged (cancellations are negative);
3. *values*: what is negative or not finite now is a slip; the row stays, its value is unknown;
4. *bots*: accounts that no person could be, on rows that are real;
5. *missing categories*: filled from the same item; everything else that is missing stays null.
"""

from dataclasses import dataclass, fields

import duckdb

from andante.ingest.quality import RuleQuality
from andante.ingest.quoting import quoted
from andante.vocabulary.event import EVENT_COLUMNS, EventType
from andante.vocabulary.fault import SettingsFault

_PARTITION_ROWS = 4_000_000
_LISTED_USERS = 20


@dataclass(frozen=True, slots=True)
class Cleaning:
    """Thresholds of the rules."""

    duplicates: bool = True
    cancellations: bool = True
    bots: bool = True
    fill_categories: bool = True
    bot_floor_per_day: float = 200.0
    """No account with fewer events on an active day is a bot. A basket counts once, not by its lines."""
    bot_multiple: float = 10.0
    """A bot makes this many times the events per active day of the population's high quantile ..."""
    bot_quantile: float = 0.95
    """... which is this one. The multiple decides, not the rank: a population without bots loses nobody."""
    bot_users_min: int = 20
    """In a smaller population the high quantile may be the bot itself: then no account is judged."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises SettingsFault."""
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, bool) is not (one.type in {bool, "bool"}) or (
                not isinstance(value, bool) and value < 0
            ):
                raise SettingsFault(
                    f"cleaning.{one.name}", value, "is out of range", "use true or false, or a number ≥ 0"
                )
        if not 0 < self.bot_quantile < 1:
            raise SettingsFault("cleaning.bot_quantile", self.bot_quantile, "is out of range", "use for example 0.95")


DEFAULT_CLEANING = Cleaning()


def clean(
    connection: duckdb.DuckDBPyConnection, table: str, cleaning: Cleaning, daily: frozenset[int]
) -> tuple[RuleQuality, ...]:
    """Apply the rules to a working table of events and report on each, also on those that found nothing.

    ``daily`` are the sources whose times are dates: there two equal rows are two events of a day, not one
    told twice.
    """
    return (
        _duplicates(connection, table, daily, wanted=cleaning.duplicates),
        _cancellations(connection, table, wanted=cleaning.cancellations),
        _values(connection, table),
        _bots(connection, table, cleaning),
        _categories(connection, table, wanted=cleaning.fill_categories),
    )


def remove_repeated(connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...], condition: str) -> int:
    """Remove all but the first of rows that are equal in ``columns``, among those that meet the condition.

    Memory is bounded by the rows of one hash partition, not by the table: each partition first finds the
    hashes that occur twice, and only rows with such a hash are compared.
    """
    rows = _count(connection, f"SELECT count(*) FROM {table} WHERE {condition}")
    partitions = max(1, -(-rows // _PARTITION_ROWS))
    listed = ", ".join(quoted(name) for name in columns)
    removed = 0
    for partition in range(partitions):
        mine = f"{condition} AND hash({listed}) % {partitions} = {partition}"
        removed += _change(
            connection,
            f"""DELETE FROM {table} WHERE rowid IN (SELECT row FROM (
                  SELECT rowid AS row, row_number() OVER (PARTITION BY {listed} ORDER BY rowid) AS place
                  FROM {table}
                  WHERE {mine} AND hash({listed}) IN (
                    SELECT key FROM (SELECT hash({listed}) AS key FROM {table} WHERE {mine})
                    GROUP BY key HAVING count(*) > 1))
                WHERE place > 1)""",
        )
    return removed


def _duplicates(
    connection: duckdb.DuckDBPyConnection, table: str, daily: frozenset[int], *, wanted: bool
) -> RuleQuality:
    removed = 0
    why = "the same event_id, or the same in every column: one event told twice; the first stays"
    if daily:
        why += "; equal rows of sources that know only the day of an event are kept"
    if wanted:
        dated = f" AND source NOT IN ({', '.join(map(str, sorted(daily)))})" if daily else ""
        removed += remove_repeated(connection, table, ("event_id",), "event_id IS NOT NULL")
        rest = tuple(name for name in EVENT_COLUMNS if name != "event_id")
        removed += remove_repeated(connection, table, (*rest, "cancels"), "event_id IS NULL" + dated)
    return RuleQuality("duplicates", why if wanted else "switched off", removed, removed)


def _cancellations(connection: duckdb.DuckDBPyConnection, table: str, *, wanted: bool) -> RuleQuality:
    """Remove cancellations, and pair each with the latest earlier purchase that is still uncancelled.

    Purchases and cancellations of one user, item and amount are opening and closing brackets in time, and ``level``
    is how many purchases are open there. A purchase is cancelled when the next row on its level is a cancellation; a
    cancellation that finds no open purchase closes nothing, for whatever was open on its level is closed already.
    """
    if not wanted:
        return RuleQuality("cancellations", "switched off", 0, 0)
    cancellations = _count(connection, f"SELECT count(*) FROM {table} WHERE cancels")
    cancelled = 0
    if cancellations:
        cancelled = _change(
            connection,
            f"""DELETE FROM {table} WHERE rowid IN (
              WITH keys AS (
                SELECT DISTINCT user_id, item_id, abs(value) AS amount FROM {table} WHERE cancels),
              sides AS (
                SELECT t.rowid AS row, k.user_id, k.item_id, k.amount, t."at", t.cancels,
                  CASE WHEN t.cancels THEN -1 ELSE 1 END AS step
                FROM {table} t JOIN keys k ON t.user_id = k.user_id
                  AND t.item_id IS NOT DISTINCT FROM k.item_id AND abs(t.value) = k.amount
                WHERE t.type = '{EventType.PURCHASE}'),
              summed AS (SELECT *, sum(step) OVER w AS total FROM sides
                WINDOW w AS (PARTITION BY user_id, item_id, amount ORDER BY "at", step, row)),
              levelled AS (SELECT *,
                  total - least(0, min(total) OVER w) + CASE WHEN cancels THEN 1 ELSE 0 END AS level FROM summed
                WINDOW w AS (PARTITION BY user_id, item_id, amount ORDER BY "at", step, row)),
              followed AS (SELECT row, cancels, lead(cancels) OVER (
                  PARTITION BY user_id, item_id, amount, level ORDER BY "at", step, row) AS closed FROM levelled)
              SELECT row FROM followed WHERE NOT cancels AND closed)""",
        )
        connection.execute(f"DELETE FROM {table} WHERE cancels")
    why = (
        f"{cancellations:,} cancellations (negative purchases) and the {cancelled:,} purchases they cancel: "
        "same user, item and amount, earlier"
    )
    return RuleQuality("cancellations", why, cancellations + cancelled, cancellations + cancelled)


def _values(connection: duckdb.DuckDBPyConnection, table: str) -> RuleQuality:
    wrong = "value IS NOT NULL AND (NOT isfinite(value) OR value < 0)"
    touched = _change(connection, f"UPDATE {table} SET value = NULL WHERE {wrong}")
    return RuleQuality("values", "a value below zero or not finite is unknown; the row stays", touched, 0)


def _bots(connection: duckdb.DuckDBPyConnection, table: str, cleaning: Cleaning) -> RuleQuality:
    if not cleaning.bots:
        return RuleQuality("bots", "switched off", 0, 0)
    population, high, highest = connection.execute(
        f"""SELECT count(*), quantile_cont(pace, ?), max(pace) FROM (
              SELECT sum(events) / count(*) AS pace FROM (
                SELECT hash(user_id) AS user, CAST("at" AS DATE) AS day, count(*) AS events FROM {table}
                GROUP BY user, day)
              GROUP BY user)""",
        [cleaning.bot_quantile],
    ).fetchall()[0]
    if population < cleaning.bot_users_min:
        return RuleQuality("bots", f"{population:,} users are too few to tell who is none", 0, 0)
    limit = max(cleaning.bot_floor_per_day, cleaning.bot_multiple * high)
    found = _faster(connection, table, limit) if highest > limit else []
    users = [user for (user,) in found]
    removed = _change(connection, f"DELETE FROM {table} WHERE user_id IN (SELECT unnest(?))", [users]) if users else 0
    why = f"{len(users):,} accounts with over {limit:,.0f} events on an active day (high quantile {high:,.1f})"
    return RuleQuality("bots", why, removed, removed, tuple(users[:_LISTED_USERS]))


def _faster(connection: duckdb.DuckDBPyConnection, table: str, limit: float) -> list[tuple[str]]:
    """Return the accounts above the limit, busiest first; a basket counts once here, not by its lines."""
    baskets = f"type = '{EventType.PURCHASE}'"
    users: list[tuple[str]] = connection.execute(
        f"""WITH fast AS (
              SELECT user_id FROM {table} GROUP BY user_id
              HAVING count(*) / count(DISTINCT CAST("at" AS DATE)) > ?)
            SELECT user_id FROM {table} SEMI JOIN fast USING (user_id) GROUP BY user_id
            HAVING (count(*) FILTER (NOT {baskets}) + count(DISTINCT "at") FILTER ({baskets}))
              / count(DISTINCT CAST("at" AS DATE)) > ?
            ORDER BY count(*) DESC, user_id""",
        [limit, limit],
    ).fetchall()
    return users


def _categories(connection: duckdb.DuckDBPyConnection, table: str, *, wanted: bool) -> RuleQuality:
    filled = 0
    if wanted and _count(connection, f"SELECT count(*) FROM {table} WHERE category IS NULL AND item_id IS NOT NULL"):
        filled = _change(
            connection,
            f"""UPDATE {table} SET category = known.category FROM (
                  SELECT item_id, min(category) AS category FROM {table} WHERE category IS NOT NULL
                  GROUP BY item_id HAVING min(category) = max(category)) AS known
                WHERE {table}.category IS NULL AND {table}.item_id = known.item_id""",
        )
    why = "a missing category is that of the same item elsewhere; other missing values stay unknown"
    return RuleQuality("missing categories", why if wanted else "switched off", filled, 0)


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(connection.execute(sql).fetchall()[0][0])


def _change(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[object] | None = None) -> int:
    """Run a statement that changes rows and return how many it changed."""
    return int(connection.execute(sql, parameters or []).fetchall()[0][0])
