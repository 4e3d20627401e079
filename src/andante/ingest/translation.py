"""Translation: the SQL that turns a scan's rows into canonical rows, each with the code of its fault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from andante.ingest.instants import Clock, zoned
from andante.ingest.quarantine import Reason
from andante.ingest.quoting import literal, quoted
from andante.ingest.scan import Cell, Kind, Scan
from andante.ingest.shapes import Shape
from andante.vocabulary.event import EVENT_COLUMNS, EventType
from andante.vocabulary.message import MESSAGE_COLUMNS

FUTURE_TOLERANCE = timedelta(days=1)
"""How far after now a time may lie: clocks drift, and local times without a zone run 14 hours ahead."""

EARLIEST = datetime(1990, 1, 1)  # noqa: DTZ001  DuckDB's TIMESTAMP is naive UTC
"""Nothing was pushed, and hardly anything logged, before: earlier times are zeros and slips."""

WORKING_COLUMNS = {
    "source": "UINTEGER",
    "fault": "UTINYINT",
    "cancels": "BOOLEAN",
    "currency": "VARCHAR",
    "word": "VARCHAR",
}
"""Columns that a table carries while it is loaded and cleaned.

The number of the row's source, the code of its fault, whether it is a cancellation, the currency of its
value, and the source's word for a type that is not known.
"""

_NOTHING = ("", "NULL", "null", "NaN", "nan", "None", "none", "\\N")
_GUESTS = (*_NOTHING, "undefined", "(null)", "0", "-1", "0.0", "-1.0")
_RATINGS = (1, 5)
_TIMES = (Kind.NAIVE, Kind.ZONED)


@dataclass(frozen=True, slots=True)
class Kinds:
    """What is loaded: the table's name, its columns and which of them are numbers."""

    table: str
    columns: dict[str, str]
    number: str


EVENTS = Kinds("events", EVENT_COLUMNS, "value")
MESSAGES = Kinds("messages", MESSAGE_COLUMNS, "rating")


@dataclass(frozen=True, slots=True)
class Check:
    """One way in which a row can be at fault: SQL that is true then, the canonical column, and the reason."""

    sql: str
    column: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Translation:
    """How the rows of one source become rows of the working table."""

    kinds: Kinds
    shape: Shape
    scan: Scan
    clock: Clock
    decimal: str = "."

    def checks(self, now: datetime) -> list[Check]:
        """Return the checks in order; the first that is true is the row's fault. Codes are places from 1."""
        latest = (now + FUTURE_TOLERANCE).isoformat(" ")
        number = self.kinds.number
        found = [Check("NOT readable", "", Reason.INVALID_JSON)]
        if self.kinds is MESSAGES:
            found.append(Check("decision_id IS NULL", "decision_id", Reason.MISSING_DECISION))
        found += [
            Check("user_id IS NULL", "user_id", Reason.MISSING_USER),
            Check("no_time", "at", Reason.MISSING_TIME),
            Check('"at" IS NULL', "at", Reason.NOT_A_TIME),
            Check(f""""at" > TIMESTAMP '{latest}'""", "at", Reason.FUTURE_TIME),
            Check(f""""at" < TIMESTAMP '{EARLIEST}'""", "at", Reason.IMPOSSIBLE_TIME),
            Check("type IS NULL", "type", Reason.UNKNOWN_TYPE),
            Check("no_number", number, Reason.NOT_A_NUMBER),
        ]
        if self.kinds is MESSAGES:
            low, high = _RATINGS
            found.append(Check(f"NOT (rating BETWEEN {low} AND {high})", "rating", Reason.OUT_OF_RANGE))
        return found

    def field(self, column: str) -> str:
        """Return the source's own names for a canonical column, as a fault is reported."""
        if column == "value" and self.shape.product:
            return " or ".join(self.shape.product)
        names = [name for name in self.shape.columns.get(column, ()) if self.scan.cell(name)]
        return " or ".join(names) or column

    def sql(self, source: int, now: datetime) -> str:
        """Return a SELECT of the canonical and working columns, for every row of the scan, in its order."""
        number = self.kinds.number
        canonical = ", ".join(map(quoted, self.kinds.columns))
        fault = " ".join(f"WHEN {check.sql} THEN {code}" for code, check in enumerate(self.checks(now), 1))
        ids = ", ".join(name for name in self.kinds.columns if name not in {"type", "at", number})
        return f"""SELECT {canonical}, {source} AS source, CAST(CASE {fault} END AS UTINYINT) AS fault,
              cancels, currency, CASE WHEN type IS NULL THEN left(type_text, 40) END AS word
            FROM (SELECT {ids}, type, "at", {self._value()} AS {number}, {self._no_number()} AS no_number,
                time_text IS NULL AND typed_at IS NULL AS no_time, readable, {self._cancels()} AS cancels,
                currency, type_text
              FROM (SELECT *, {self._type()} AS type, {self._at()} AS "at",
                  {self._cast("number_text")} AS number, {self._cast("price_text")} AS price
                FROM (SELECT *, {self._written()} AS written FROM ({self.texts()}))))"""

    def texts(self) -> str:
        """Return a SELECT of what the source holds, as trimmed text under our own names, not yet judged."""
        number, product = self.kinds.number, self.shape.product
        ids = [name for name in self.kinds.columns if name not in {"type", "at", number}]
        parts = {name: self._optional(self.shape.columns.get(name, ()), name) for name in ids}
        parts["type_text"] = self._optional(self.shape.columns.get("type", ()), "type")
        parts["time_text"] = _coalesce(
            [_present(cell.text(), _NOTHING) for cell in self._cells("at") if cell.kind not in _TIMES]
        )
        parts["typed_at"] = _coalesce([_typed(cell) for cell in self._cells("at") if cell.kind in _TIMES], "TIMESTAMP")
        parts["number_text"] = self._optional(product[:1] if product else self.shape.columns.get(number, ()), number)
        parts["price_text"] = self._optional(product[1:] if product else (), number)
        parts["cancel_text"] = self._optional((self.shape.cancelled_by,) if self.shape.cancelled_by else (), "")
        parts["currency"] = self._optional(self.shape.currency, "currency")
        parts["readable"] = self.scan.readable
        selected = ", ".join(f"{sql} AS {name}" for name, sql in parts.items())
        return f"SELECT {selected} FROM {self.scan.sql} AS source_rows"

    def _cells(self, column: str) -> list[Cell]:
        found = (self.scan.cell(name) for name in self.shape.columns.get(column, ()))
        return [cell for cell in found if cell]

    def _optional(self, names: Sequence[str], column: str) -> str:
        nothing = {"user_id": _GUESTS, "query": ("", "\\N")}.get(column, _NOTHING)
        texts = [cell.text() for cell in map(self.scan.cell, names) if cell]
        if column == "user_id" and self.shape.float_users:
            texts = [rf"regexp_replace({text}, '^(\d+)\.0$', '\1')" for text in texts]
        return _coalesce([_present(text, nothing) for text in texts])

    def _type(self) -> str:
        if self.shape.type:
            return literal(self.shape.type)
        words = " ".join(f"WHEN {literal(word)} THEN {literal(kind)}" for word, kind in self.shape.types.items())
        # Most words are written as they should be: only the others are folded.
        return f"COALESCE(CASE type_text {words} END, CASE lower(type_text) {words} END)"

    def _written(self) -> str:
        return "CAST(NULL AS TIMESTAMPTZ)" if self.clock.stated() else "TRY_CAST(time_text AS TIMESTAMPTZ)"

    def _at(self) -> str:
        read = self.clock.sql("time_text", "written")
        return f"COALESCE(typed_at, {read})" if any(cell.kind in _TIMES for cell in self._cells("at")) else read

    def _value(self) -> str:
        if self.shape.product:
            return "number * price"
        return f"CASE WHEN {self._counts()} THEN number END"

    def _no_number(self) -> str:
        wrong = "(number IS NULL AND number_text IS NOT NULL) OR (price IS NULL AND price_text IS NOT NULL)"
        return f"{self._counts()} AND ({wrong})"

    def _counts(self) -> str:
        return f"type = '{EventType.PURCHASE}'" if self.shape.money_only and self.kinds is EVENTS else "TRUE"

    def _cancels(self) -> str:
        if self.kinds is not EVENTS:
            return "FALSE"
        signs = ["number < 0"]
        if self.shape.product:
            signs += ["price < 0", "upper(left(cancel_text, 1)) = 'C'"]
        negative = " OR ".join(f"COALESCE({sign}, FALSE)" for sign in signs)
        return f"type = '{EventType.PURCHASE}' AND ({negative})"

    def _cast(self, text: str) -> str:
        if self.decimal == ",":
            return f"TRY_CAST(replace(replace({text}, '.', ''), ',', '.') AS DOUBLE)"
        return f"TRY_CAST({text} AS DOUBLE)"


def _typed(cell: Cell) -> str:
    # A naive time becomes one of the session's zone, as a text without an offset does.
    return zoned(f"CAST(CAST({cell.sql} AS TIMESTAMP) AS TIMESTAMPTZ)" if cell.kind is Kind.NAIVE else cell.sql)


def _present(text: str, nothing: Sequence[str]) -> str:
    # Compared one by one: a list behind IN becomes a hash join for every column, five times slower.
    words = " ".join(f"WHEN {literal(word)} THEN NULL" for word in nothing)
    return f"CASE {text} {words} ELSE {text} END"


def _coalesce(parts: Sequence[str], kind: str = "VARCHAR") -> str:
    if not parts:
        return f"CAST(NULL AS {kind})"
    return parts[0] if len(parts) == 1 else f"COALESCE({', '.join(parts)})"
