"""Reading tables: columns that callers give become lists and arrays of our own, each checked in a piece.

A column is a list, an array, a column of pandas, polars or pyarrow, or one value for all rows. What is wrong is named
with its column and row: ``columns.value[17]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from andante.live.admission_refusals import ACTIONS, nearest, shown
from andante.live.admission_shapes import TEXT_MAX
from andante.live.instants import FIRST_US, LAST_US, is_taken, micros
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.live.instants import Int64s

_PLACE = "columns"
_TABLE = "give a mapping from column to values, or a table of pandas, polars or pyarrow"
_TEXT = f"give text of 1 to {TEXT_MAX} characters"
_MAKES_LIST = ("to_pylist", "tolist", "to_list")  # pyarrow, NumPy and pandas, polars


class Texts(NamedTuple):
    """A column of texts."""

    values: list[Any]  # of str, or None where the column may lack some
    same: bool  # all rows have the one value

    def each(self, code: Callable[[Any], int]) -> Sequence[int] | int:
        """Return what a text stands for in every row, or once where all rows have the same; each is asked for once."""
        if self.same and self.values:
            return code(self.values[0])
        codes = {text: code(text) for text in dict.fromkeys(self.values)}
        return list(map(codes.__getitem__, self.values))


class Table:
    """Columns by name, all of one length or of one value."""

    def __init__(self, given: Any, known: Sequence[str], required: Sequence[str]) -> None:
        """Look at the columns. Raises InputFault for no table, an unknown or a missing column, and unequal lengths."""
        self._columns = _columns(given)
        for name in self._columns:
            if name not in known:
                action = nearest(str(name), list(known), "use some of")
                raise InputFault(f"{_PLACE}.{name}", None, "is an unknown column", action)
        for name in required:
            if name not in self._columns:
                raise InputFault(f"{_PLACE}.{name}", None, "is missing", "give a column of this name")
        lengths = {name: len(column) for name, column in self._columns.items() if _is_column(column)}
        self.rows = next(iter(lengths.values()), 1)
        for name, length in lengths.items():
            if length != self.rows:
                problem = f"has {length:,} rows, where {next(iter(lengths))} has {self.rows:,}"
                raise InputFault(f"{_PLACE}.{name}", None, problem, "give columns of one length")

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a column of this name."""
        return self._columns.get(name) is not None

    def texts(self, name: str, *, optional: bool = False) -> Texts:
        """Return a column of texts of 1 to 512 characters; an optional one may be absent, or lack some."""
        column = self._columns.get(name)
        if column is None and optional:
            return Texts([None] * self.rows, same=True)
        if not _is_column(column):
            self._check(name, [column], optional=optional)
            return Texts([_plain(column)] * self.rows, same=True)
        values = _listed(column)
        if set(map(type, values)) != {str}:
            values = list(map(_plain, values))
        self._check(name, values, optional=optional)
        return Texts(values, same=False)

    def numbers(self, name: str, absent: float, most: float) -> NDArray[np.float64]:
        """Return a column of finite numbers from 0 to ``most``; one that is absent is all ``absent``."""
        column = self._columns.get(name)
        if column is None:
            return np.full(self.rows, absent)
        try:
            values = np.array(column if _is_column(column) else [column], dtype=np.float64)
            wrong = ~((values >= 0) & (values <= most))
        except (TypeError, ValueError):
            values, wrong = np.zeros(self.rows), np.ones(1, bool)
            wrong = np.array([not isinstance(one, int | float) for one in _listed(column)])
        if values.ndim != 1 or wrong.any():
            place = int(np.argmax(wrong)) if wrong.ndim == 1 else 0
            self._refuse(name, place, f"is no number from 0 to {most:g}", ACTIONS["value"])
        return values if len(values) == self.rows else np.full(self.rows, values[0])

    def times(self, name: str, absent_us: int) -> Int64s:
        """Return a column of times as microseconds since 1970; one that is absent, or None or NaT, is ``absent_us``.

        Times of NumPy have no zone and are taken as UTC; all others must have one.
        """
        column = self._columns.get(name)
        if column is None:
            return np.full(self.rows, absent_us)
        times = _instants(column)
        if times is None:
            values = self._each_time(name, _listed(column) if _is_column(column) else [column], absent_us)
        else:
            missing = np.isnat(times)
            values = times.astype("datetime64[us]").astype(np.int64)
            values[missing] = absent_us
            wrong = ~missing & ((values < FIRST_US) | (values > LAST_US))
            if wrong.any():
                self._refuse(name, int(np.argmax(wrong)), *_LATE)
        return values if len(values) == self.rows else np.full(self.rows, values[0])

    def groups(self, name: str) -> Int64s:
        """Return the row at which each run of equal values begins; without the column, every row is a run."""
        column = self._columns.get(name)
        if column is None:
            return np.arange(self.rows)
        values = np.array(_listed(column) if _is_column(column) else [column] * self.rows)
        return np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1]))[: self.rows])

    def _each_time(self, name: str, times: list[Any], absent_us: int) -> Int64s:
        found = np.empty(len(times), np.int64)
        for place, at in enumerate(times):
            if at is None or at != at:  # noqa: PLR0124  NaT differs from itself
                found[place] = absent_us
            elif not isinstance(at, datetime):
                self._refuse(name, place, "is no time", "give datetimes with a zone, or an array of datetime64 in UTC")
            elif at.tzinfo is None:
                self._refuse(name, place, "has no zone", "give datetimes with a zone, or an array of datetime64 in UTC")
            elif not is_taken(at):
                self._refuse(name, place, *_LATE)
            else:
                found[place] = micros(at)
        return found

    def _check(self, name: str, values: list[Any], *, optional: bool) -> None:
        """Refuse the first value that is no text, too long, empty where it must not be, or what UTF-8 cannot carry."""
        try:
            texts = [text for text in values if text is not None] if optional else values
            lengths = list(map(len, texts))
            if set(map(type, texts)) <= {str} and (
                not lengths or (max(lengths) <= TEXT_MAX and (optional or min(lengths) > 0))
            ):
                "".join(texts).encode()
                return
        except (TypeError, UnicodeEncodeError):
            pass
        least = 0 if optional else 1
        for place, text in enumerate(values):
            if text is None and optional:
                continue
            if not isinstance(text, str):
                self._refuse(name, place, "is no text", _TEXT)
            if not least <= len(text) <= TEXT_MAX:
                self._refuse(name, place, f"has {len(text):,} characters", _TEXT)
            if not _is_utf8(text):
                self._refuse(name, place, "is text that UTF-8 cannot carry", "give text without lone surrogates")

    def _refuse(self, name: str, place: int, problem: str, action: str) -> NoReturn:
        column = self._columns[name]
        if _is_column(column):
            raise InputFault(f"{_PLACE}.{name}[{place}]", shown(_plain(_listed(column)[place])), problem, action)
        raise InputFault(f"{_PLACE}.{name}", shown(_plain(column)), problem, action)


_LATE = ("is out of range", "give a time from 1970-01-02 through 2105-12-31")


def _columns(given: Any) -> dict[Any, Any]:
    """Return the columns of a table by name."""
    if isinstance(given, Mapping):
        return dict(given)
    if hasattr(given, "column_names") and hasattr(given, "column"):  # pyarrow
        return {name: given.column(name) for name in given.column_names}
    if hasattr(given, "columns") and hasattr(given, "__getitem__"):  # pandas, polars
        return {name: given[name] for name in given.columns}
    raise InputFault(_PLACE, type(given).__name__, "is no table", _TABLE)


def _is_column(value: Any) -> bool:
    return not isinstance(value, str | bytes | Mapping) and hasattr(value, "__len__")


def _listed(column: Any) -> list[Any]:
    """Return a column as a list of its own."""
    if isinstance(column, list):
        return column.copy()
    for name in _MAKES_LIST:
        make = getattr(column, name, None)
        if callable(make):
            made = make()
            return made if isinstance(made, list) else [made]
    return list(column)


def _instants(column: Any) -> NDArray[np.datetime64] | None:
    """Return a column, or one value, of NumPy's times, or None where it holds others."""
    if isinstance(column, np.datetime64):
        return np.array([column])
    if not _is_column(column) or isinstance(column, list | tuple):
        return None
    kind = str(getattr(column, "dtype", getattr(column, "type", "")))
    if not kind.lower().startswith(("datetime64", "timestamp", "<m8", "datetime(")):
        return None
    if kind.startswith("datetime64[") and "," in kind:  # pandas: with a zone
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    values = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    return values if values.dtype.kind == "M" else None


def _plain(value: Any) -> Any:
    """Return a value as Python's own: text of NumPy as text, and what stands for nothing as None."""
    if type(value) is str or value is None:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124  pandas writes NaN for none


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
