"""The ledgers: what each user did and bought on each day, and what came of each push, in sums that merge.

Features at any cut-off are read from them.

Every column is a count, a sum, a maximum or a bitmap, so two ledgers of different rows merge into the ledger
of all rows: new rows are folded in without reading old ones again, and a hundred cut-offs cost a hundred
passes over days, not events. Money is summed as a decimal and time of day as a bitmap of half-hours, so the
order of rows cannot change a single bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from andante.vocabulary.event import EventType
from andante.vocabulary.message import RESPONSES, SENT, OutcomeType

SLOTS_A_DAY = 48
"""Half-hours in a day: bit k of a bitmap says that the user did something in the k-th half-hour (UTC)."""

SLOT_US = 1_800_000_000

SOCIAL = (EventType.FAVORITE, EventType.LIKE, EventType.COMMENT, EventType.SHARE)

KEYS = ("user_id", "day")
COUNTS = ("events", "views", "searches", "carts", "socials")


@ibis.udf.scalar.builtin
def bit_count(bits: int) -> int:
    """Count the bits that are set (a function of the engine itself)."""
    raise NotImplementedError  # pragma: no cover  (ibis translates the call, it never runs here)


@ibis.udf.scalar.builtin(signature=(("timestamp",), "int64"))
def epoch_us(at: ir.TimestampColumn) -> ir.IntegerColumn:
    """Count microseconds since 1970 (a function of the engine itself)."""
    raise NotImplementedError  # pragma: no cover  (ibis translates the call, it never runs here)


@dataclass(frozen=True, slots=True)
class Ledger:
    """One ledger: its table's name, how it is made from rows, and how each column merges."""

    table: str
    keys: tuple[str, ...]
    merge: Mapping[str, str]  # column → name of the ibis aggregate that merges it: "sum", "min", "max", "bit_or"
    make: Callable[[ir.Table], ir.Table]

    def merged(self, rows: ir.Table) -> ir.Table:
        """Fold rows of several ledgers into one row a key."""
        folds = {column: getattr(rows[column], how)() for column, how in self.merge.items()}
        exact = {column: fold.cast(rows[column].type()) for column, fold in folds.items()}
        return rows.group_by(list(self.keys)).aggregate(**exact)


def _days(events: ir.Table) -> ir.Table:
    """Fold events into days: one row per user and day (UTC)."""
    kind, at = events["type"], events["at"]
    days = events.group_by(user_id=events.user_id, day=at.date()).aggregate(
        events=events.count(),
        views=events.count(where=kind == EventType.VIEW),
        searches=events.count(where=kind == EventType.SEARCH),
        carts=events.count(where=kind == EventType.CART),
        socials=events.count(where=kind.isin(list(SOCIAL))),
        slots=(ibis.literal(1, "int64") << (epoch_us(at) // SLOT_US % SLOTS_A_DAY)).bit_or(),
        last_at=at.max(),
    )
    return days.cast(dict.fromkeys(COUNTS, "int32"))


def _orders(events: ir.Table) -> ir.Table:
    """Fold purchases into days: all purchase lines of one user at one instant are one order."""
    lines = events.filter(events["type"] == EventType.PURCHASE)
    money = lines.value.cast("decimal(18, 4)")
    orders = lines.group_by("user_id", "at").aggregate(lines=lines.count(), spend=money.sum().coalesce(0))
    days = orders.group_by(user_id=orders.user_id, day=orders["at"].date()).aggregate(
        orders=orders.count(), lines=orders.lines.sum(), spend=orders.spend.sum()
    )
    return days.cast({"orders": "int32", "lines": "int32", "spend": "decimal(18, 4)"})


def _pushes(messages: ir.Table) -> ir.Table:
    """Fold a message log into pushes: one row a decision, with the first instant of each thing that came of it."""
    kind, at = messages["type"], messages["at"]
    return messages.group_by("decision_id").aggregate(
        user_id=messages.user_id.max(),
        sent_at=at.min(where=kind == SENT),
        responded_at=at.min(where=kind.isin([*RESPONSES])),
        opted_out_at=at.min(where=kind == OutcomeType.UNSUBSCRIBED),
        rated_at=at.max(where=kind == OutcomeType.RATED),
        rating=messages.rating.max(where=kind == OutcomeType.RATED),
    )


_ = ibis._

DAYS = Ledger(
    table="day_ledger",
    keys=KEYS,
    merge={**dict.fromkeys(COUNTS, "sum"), "slots": "bit_or", "last_at": "max"},
    make=_days,
)

ORDERS = Ledger(
    table="order_ledger",
    keys=KEYS,
    merge=dict.fromkeys(("orders", "lines", "spend"), "sum"),
    make=_orders,
)

PUSHES = Ledger(
    table="push_ledger",
    keys=("decision_id",),
    merge={
        "user_id": "max",
        "sent_at": "min",
        "responded_at": "min",
        "opted_out_at": "min",
        "rated_at": "max",
        "rating": "max",
    },
    make=_pushes,
)


def sessions(slots: ir.IntegerColumn) -> ir.IntegerColumn:
    """Count sessions in a bitmap of half-hours: runs of active half-hours without a quiet one between them.

    Two events less than 30 minutes apart always share a session; with 60 minutes or more between them they never do. A
    session over midnight (UTC) counts once on each day.
    """
    return bit_count(slots) - bit_count(slots & (slots * 2))  # runs = active slots − neighbours that are both active


def fold(connection: ibis.BaseBackend, ledger: Ledger, source: str) -> int:
    """Fold the rows of table ``source`` into the ledger, touching only the keys they name; count these keys.

    The first call makes the ledger. Rows must be new: a row that is folded twice counts twice. An order whose
    lines arrive in two calls counts as two; files that are cut by time cannot do that.
    """
    fresh = ledger.make(connection.table(source))
    if ledger.table not in connection.list_tables():
        connection.create_table(ledger.table, fresh)
        return int(connection.table(ledger.table).count().to_pyarrow().as_py())
    _hold(connection, "fold_fresh", fresh)
    arrived, known = connection.table("fold_fresh"), connection.table(ledger.table)
    touched = known.semi_join(arrived, list(ledger.keys))
    _hold(connection, "fold_merged", ledger.merged(touched.union(arrived)))
    keys = ", ".join(ledger.keys)
    columns = ", ".join(f'"{column}"' for column in known.columns)
    with connection.con.cursor() as transaction:
        transaction.execute("BEGIN")
        transaction.execute(f"DELETE FROM {ledger.table} WHERE ({keys}) IN (SELECT ({keys}) FROM fold_fresh)")
        transaction.execute(f"INSERT INTO {ledger.table} ({columns}) SELECT {columns} FROM fold_merged")
        transaction.execute("COMMIT")
    changed = int(connection.table("fold_merged").count().to_pyarrow().as_py())
    for name in ("fold_fresh", "fold_merged"):
        connection.drop_table(name)
    return changed


def _hold(connection: ibis.BaseBackend, name: str, rows: ir.Table) -> None:
    """Write rows into a table of their own until the fold is done."""
    connection.raw_sql(f"CREATE OR REPLACE TABLE {name} AS {connection.compile(rows)}")
