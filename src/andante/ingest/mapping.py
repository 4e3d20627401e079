"""A mapping: what a user says about a source that no known shape describes, or that its bytes do not tell.

A TOML file. Everything is optional; with ``[columns]`` it is a shape of its own, without it only adds to the
shape that is recognised::

    type = "purchase"            # every row is one; or columns.type and [types]
    time_zone = "Asia/Shanghai"  # of times without an offset; absent: UTC
    time_unit = "ms"             # s, ms, us: times are numbers; absent: told by their size
    time_format = "%d.%m.%Y %H:%M"
    year = 2014                  # of dates without one
    delimiter = ";"
    decimal = ","
    encoding = "gb18030"
    header = ["uid", "sku", "ts", "action"]   # the file has none: name its columns

    [columns]                    # canonical = source column, or several: the first that holds something
    user_id = "uid"
    at = "ts"
    type = "action"
    item_id = ["sku", "article"]

    [types]                      # the source's words
    "1" = "view"
    "4" = "purchase"

    [value]                      # value is their product
    quantity = "qty"
    price = "unit_price"
"""

import codecs
import tomllib
import zoneinfo
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from andante.ingest.shapes import Shape
from andante.vocabulary.event import EVENT_COLUMNS, EventType
from andante.vocabulary.fault import InputFault, SettingsFault
from andante.vocabulary.message import MESSAGE_COLUMNS, SENT, OutcomeType

TIME_UNITS = ("s", "ms", "us")
_TYPES = {"event": tuple(EventType), "message": (SENT, *OutcomeType)}
_YEARS = range(1990, 2101)


@dataclass(frozen=True, slots=True)
class Mapping:
    """What is stated about the sources of one load; None is unstated. See the module for its TOML form."""

    columns: AnyMapping[str, tuple[str, ...]] | None = None
    types: AnyMapping[str, str] | None = None
    type: str | None = None
    value: tuple[str, str] | None = None
    time_unit: str | None = None
    time_format: str | None = None
    time_zone: str | None = None
    year: int | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: tuple[str, ...] | None = None

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read and check a TOML file. Raises InputFault if it is none, SettingsFault for what it says."""
        try:
            stated = tomllib.loads(Path(path).read_text("utf-8"))
        except OSError as error:
            raise InputFault(f"mapping {path}", error.strerror, "cannot be read", "check the path") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputFault(f"mapping {path}", None, f"is not TOML ({error})", "mend that place") from error
        return cls.parse(stated)

    @classmethod
    def parse(cls, stated: AnyMapping[str, Any]) -> Self:
        """Check what a TOML file said. Raises SettingsFault that names the key.

        >>> Mapping.parse({"columns": {"user_id": "uid", "at": "ts"}, "type": "view"}).columns
        {'user_id': ('uid',), 'at': ('ts',)}
        """
        checks: dict[str, Callable[[Any], Any]] = {
            "columns": _columns,
            "types": _types,
            "type": lambda found: _one_of("type", found, _all_types()),
            "value": _value,
            "time_unit": lambda found: _one_of("time_unit", found, TIME_UNITS),
            "time_format": lambda found: _text("time_format", found),
            "time_zone": _time_zone,
            "year": _year,
            "delimiter": lambda found: _character("delimiter", found),
            "decimal": lambda found: _one_of("decimal", found, (".", ",")),
            "encoding": _encoding,
            "header": lambda found: _names("header", found),
        }
        for key in stated:
            if key not in checks:
                raise SettingsFault(f"mapping key '{key}'", None, "is unknown", f"use one of {', '.join(checks)}")
        mapping = cls(**{key: checks[key](found) for key, found in stated.items()})
        mapping._check_whole()
        return mapping

    def shape(self) -> Shape | None:
        """Return the shape that the mapping describes, or None if it only adds to a known one."""
        if self.columns is None:
            return None
        words = self.types or {kind: kind for kind in _all_types()}
        return Shape(
            name="mapping",
            columns=self.columns,
            types={word.strip().lower(): kind for word, kind in words.items()},
            type=self.type,
            product=self.value,
            money_only=False,
        )

    def _check_whole(self) -> None:
        if self.columns is None:
            for key in ("types", "type", "value"):
                if getattr(self, key) is not None:
                    raise SettingsFault(f"mapping key '{key}'", None, "needs [columns]", "name user_id and at there")
            return
        for needed in ("user_id", "at"):
            if needed not in self.columns:
                raise SettingsFault(f"mapping key 'columns.{needed}'", None, "is missing", "name its source column")
        if ("type" in self.columns) == (self.type is not None):
            raise SettingsFault(
                "mapping key 'type'",
                self.type,
                "must be stated once",
                "either name columns.type, or state one type for every row",
            )
        if self.value and "value" in self.columns:
            raise SettingsFault("mapping key 'columns.value'", None, "stands beside [value]", "keep one of them")


def _all_types() -> tuple[str, ...]:
    return tuple(str(kind) for kinds in _TYPES.values() for kind in kinds)


def _text(key: str, found: object) -> str:
    if not isinstance(found, str) or not found:
        raise SettingsFault(f"mapping key '{key}'", found, "is not text", "write it in quotes")
    return found


def _one_of(key: str, found: object, allowed: tuple[str, ...]) -> str:
    if found not in allowed:
        raise SettingsFault(f"mapping key '{key}'", found, "is not known", f"use one of {', '.join(allowed)}")
    return str(found)


def _character(key: str, found: object) -> str:
    text = _text(key, found)
    if len(text) != 1 or not text.isascii() or text in '"\r\n \0':
        raise SettingsFault(f"mapping key '{key}'", repr(text), "is not one plain character", 'use for example ";"')
    return text


def _names(key: str, found: object) -> tuple[str, ...]:
    names = (found,) if isinstance(found, str) else found
    if not isinstance(names, list | tuple) or not names:
        raise SettingsFault(f"mapping key '{key}'", found, "names no column", "write a name, or a list of names")
    return tuple(_text(key, name) for name in names)


def _table(key: str, found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise SettingsFault(f"mapping key '{key}'", found, "is not a table", f"write it as [{key}]")
    return found


def _columns(found: object) -> dict[str, tuple[str, ...]]:
    known = list(dict.fromkeys((*EVENT_COLUMNS, *MESSAGE_COLUMNS)))
    for name in _table("columns", found):
        _one_of("columns", name, tuple(known))
    return {name: _names(f"columns.{name}", source) for name, source in _table("columns", found).items()}


def _types(found: object) -> dict[str, str]:
    return {word: _one_of(f"types.{word}", kind, _all_types()) for word, kind in _table("types", found).items()}


def _value(found: object) -> tuple[str, str]:
    table = _table("value", found)
    if set(table) != {"quantity", "price"}:
        raise SettingsFault("mapping key 'value'", ", ".join(table), "is not a product", "name quantity and price")
    return _text("value.quantity", table["quantity"]), _text("value.price", table["price"])


def _time_zone(found: object) -> str:
    name = _text("time_zone", found)
    if name not in zoneinfo.available_timezones():
        raise SettingsFault("mapping key 'time_zone'", name, "is no IANA zone", 'use for example "Asia/Shanghai"')
    return name


def _year(found: object) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or found not in _YEARS:
        raise SettingsFault("mapping key 'year'", found, "is no year", f"use {_YEARS[0]} to {_YEARS[-1]}")
    return found


def _encoding(found: object) -> str | None:
    name = _text("encoding", found)
    try:
        codec = codecs.lookup(name)
    except LookupError as error:
        raise SettingsFault("mapping key 'encoding'", name, "is not known", 'use for example "gb18030"') from error
    if not codec._is_text_encoding:  # noqa: SLF001  the only way to tell base64 from a text encoding
        raise SettingsFault("mapping key 'encoding'", name, "is no encoding of text", 'use for example "gb18030"')
    return None if codec.name in {"utf-8", "utf-8-sig", "ascii"} else codec.name
