"""The quarantine: every row that was read and not loaded, with its file, line, field, reason and raw text."""

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Reason(StrEnum):
    """Why a row could not be loaded. The vocabulary is closed: reports count by it."""

    MISSING_USER = "missing user"
    MISSING_DECISION = "missing decision"
    MISSING_TIME = "missing time"
    NOT_A_TIME = "not a time"
    FUTURE_TIME = "time in the future"
    IMPOSSIBLE_TIME = "impossible time"
    UNKNOWN_TYPE = "unknown type"
    NOT_A_NUMBER = "not a number"
    OUT_OF_RANGE = "out of range"
    TOO_FEW_FIELDS = "too few fields"
    TOO_MANY_FIELDS = "too many fields"
    BROKEN_QUOTES = "broken quotes"
    INVALID_ENCODING = "invalid encoding"
    INVALID_JSON = "invalid JSON"
    LINE_TOO_LONG = "line too long"


class Quarantine:
    r"""A file of JSON objects, one a line: ``{"file", "line", "field", "reason", "raw"}``.

    They stand in the order of sources and lines.
    ``line`` is the physical line of the file, counted from 1 with the header; in Parquet it is the row, from
    1. ``raw`` is the row as it stands there; bytes that are no UTF-8 are written as ``\xNN``.
    """

    def __init__(self, path: Path) -> None:
        """Store where to write; the file is opened by ``with``."""
        self.path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        """Open the file anew: a quarantine is of one load."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", encoding="utf-8", newline="\n")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def write(self, file: Path, rows: Iterable[tuple[int, str, Reason, bytes]]) -> None:
        """Append rows ``(line, field, reason, raw)`` of one file; no one field at fault: an empty field."""
        if self._file is None:
            raise RuntimeError("a quarantine is written inside `with`")
        for line, field, reason, raw in rows:
            text = raw.decode("utf-8", "backslashreplace")
            row = {"file": str(file), "line": line, "field": field, "reason": reason.value, "raw": text}
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
