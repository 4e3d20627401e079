"""Records: the bytes of delimited text, cut into records with their physical lines at the disk's speed.

DuckDB reads the rows; this module decides what a row *is*, and where it stands, so that every row is either
loaded or quarantined under its exact line. The cutter is one small state machine, compiled by Numba.

The grammar is RFC 4180 with what shops really write: LF, CRLF or CR end a record; a quote inside an unquoted
field is text; spaces around a quoted field are dropped. A record whose quotes are broken (text behind a
closing quote, or no closing quote within the limit) ends with its first physical line, so that one stray
quote costs one line, never the rest of the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numba import njit

LIMIT_BYTES = 128 * 1024
"""The longest record of delimited text: as long as Python's csv module, which re-quotes, takes a field."""

JSON_LIMIT_BYTES = 1024 * 1024
"""The longest line of JSON: DuckDB refuses lines above 2 MB."""

BLOCK_BYTES = 4 * 1024 * 1024

WIDE, ODD, BROKEN, LONG = 1, 2, 4, 8
"""Marks of a record: holds non-ASCII bytes or NUL; readable but not plain; broken quotes; too long."""

NO_QUOTE = -1

_START, _LEAD, _TEXT, _QUOTED, _CLOSED, _BEHIND = 0, 1, 2, 3, 4, 5
_LF, _CR, _SPACE = 10, 13, 32


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records of a file: arrays of one entry a record, offsets into ``data``."""

    data: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]
    line: npt.NDArray[np.int64]
    fields: npt.NDArray[np.int32]
    marks: npt.NDArray[np.uint8]

    def raw(self, index: int) -> bytes:
        """Return the bytes of one record without its line end, cut at the largest limit."""
        start = int(self.start[index])
        return self.data[start : min(int(self.end[index]), start + JSON_LIMIT_BYTES)].tobytes()

    def span(self, first: int, last: int) -> bytes:
        """Return the bytes from one record to another, with all that stands between them."""
        return self.data[int(self.start[first]) : int(self.end[last])].tobytes()


class Newlines:
    """Counts of the record ends seen: LF, CRLF, CR."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.counts = np.zeros(3, np.int64)

    def uniform(self) -> str | None:
        """Return the one line end of the file, LF or CRLF, or None if it is mixed or CR."""
        lf, crlf, cr = (int(count) for count in self.counts)
        if cr or (lf and crlf):
            return None
        return "\r\n" if crlf else "\n"


def walk(stream: IO[bytes], delimiter: str, *, quoted: bool, newlines: Newlines | None = None) -> Iterator[Block]:
    """Yield the records of a stream of UTF-8 (or nearly) bytes, block by block; blank lines are no records.

    A byte-order mark is dropped. ``quoted=False`` takes quotes as text (JSON lines).
    """
    seen = newlines or Newlines()
    quote, limit = (ord('"'), LIMIT_BYTES) if quoted else (NO_QUOTE, JSON_LIMIT_BYTES)
    buffer = np.empty(BLOCK_BYTES + 2 * JSON_LIMIT_BYTES, np.uint8)
    held, line, skipping, first = 0, 1, False, True
    while True:
        chunk = stream.read(BLOCK_BYTES)
        if first and chunk.startswith(b"\xef\xbb\xbf"):
            chunk, first = chunk[3:], False
            if not chunk:
                chunk = stream.read(BLOCK_BYTES)
        first = False
        buffer[held : held + len(chunk)] = np.frombuffer(chunk, np.uint8)
        size = held + len(chunk)
        final = not chunk
        block, consumed, line, skipping = _cut(
            buffer[:size], delimiter, quote, limit, line, seen.counts, final=final, skipping=skipping
        )
        if len(block.start):
            yield block
        held = size - consumed
        buffer[:held] = buffer[consumed:size].copy()
        if final:
            return


def _cut(  # noqa: PLR0913, PLR0917  the state of a scan between two blocks
    data: npt.NDArray[np.uint8],
    delimiter: str,
    quote: int,
    limit: int,
    line: int,
    newlines: npt.NDArray[np.int64],
    *,
    final: bool,
    skipping: bool,
) -> tuple[Block, int, int, bool]:
    room = len(data) // 2 + 2
    start, end, fields = (np.empty(room, np.int32) for _ in range(3))
    lines, marks = np.empty(room, np.int64), np.empty(room, np.uint8)
    count, consumed, line, skipping = _split(
        data, final, skipping, ord(delimiter), quote, limit, line, newlines, start, end, lines, fields, marks
    )
    own = data[:consumed].copy()  # the buffer is used again for the next block
    return (
        Block(own, start[:count], end[:count], lines[:count], fields[:count], marks[:count]),
        consumed,
        line,
        skipping,
    )


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _line_end(data: Any, position: int) -> int:
    """Return where the physical line that holds ``position`` ends (its CR or LF, or the end of the data)."""
    while position < len(data) and data[position] != _LF and data[position] != _CR:
        position += 1
    return position


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _after_line_end(data: Any, position: int) -> int:
    """Return where the next line begins, given a CR or LF at ``position`` (or the end of the data)."""
    if position >= len(data):
        return position
    if data[position] == _CR and position + 1 < len(data) and data[position + 1] == _LF:
        return position + 2
    return position + 1


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _record(  # noqa: C901, PLR0912, PLR0913, PLR0917  one state machine, read in one piece
    data: Any, begin: int, delimiter: int, quote: int, limit: int, found: Any
) -> int:
    """Scan one record from ``begin`` and return where it ends; len(data) if it does not end in the data.

    ``found`` is filled with: fields, marks, line ends inside, end of the first physical line (or -1), whether
    a quote is open.
    """
    state, fields, marks, inner, first_end = _START, 1, 0, 0, -1
    i = begin
    while i < len(data):
        byte = data[i]
        if i - begin > limit:
            marks |= BROKEN if first_end >= 0 else LONG
            break
        if byte >= 128 or byte == 0:  # noqa: PLR2004  the end of ASCII
            marks |= WIDE
        if state == _QUOTED:
            if byte == quote:
                state = _CLOSED
            elif byte == _LF or (byte == _CR and not (i + 1 < len(data) and data[i + 1] == _LF)):
                inner += 1
                if first_end < 0:
                    first_end = i - 1 if byte == _LF and i > begin and data[i - 1] == _CR else i
        elif byte in (_LF, _CR):  # a tuple: Numba would build a set for every byte
            state = _START
            break
        elif byte == delimiter:
            fields += 1
            state = _START
        elif byte == quote and state <= _LEAD:
            if state == _LEAD:
                marks |= ODD
            state = _QUOTED
        elif byte == quote and state == _CLOSED:
            state = _QUOTED
        elif state >= _CLOSED:
            if byte != _SPACE:
                marks |= BROKEN
                break
            marks |= ODD
            state = _BEHIND
        elif byte == _SPACE and state <= _LEAD:
            state = _LEAD
        else:
            state = _TEXT
        i += 1
    found[0], found[1], found[2], found[3] = fields, marks, inner, first_end
    found[4] = 1 if state == _QUOTED else 0
    return i


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _split(  # noqa: C901, PLR0913, PLR0917  compiled: flat arguments
    data: Any,
    final: Any,
    skipping: Any,
    delimiter: int,
    quote: int,
    limit: int,
    line: int,
    newlines: Any,
    start: Any,
    end: Any,
    lines: Any,
    fields: Any,
    marks: Any,
) -> Any:
    """Fill the arrays with the records of ``data``; return (records, bytes consumed, next line, skipping)."""
    size, count, begin = len(data), 0, 0
    found = np.zeros(5, np.int64)
    if skipping:  # the rest of a line that was too long, already reported
        stop = _line_end(data, 0)
        if stop == size or (stop == size - 1 and data[stop] == _CR and not final):
            return 0, stop if not final else size, line, not final
        begin, line = _after_line_end(data, stop), line + 1
    while begin < size:
        stop = _record(data, begin, delimiter, quote, limit, found)
        at_end = stop == size or (stop == size - 1 and data[stop] == _CR)  # a CR may be half of a CRLF
        if at_end and not final and found[1] & (BROKEN | LONG) == 0:
            break
        if stop == size and found[4]:
            found[1] |= BROKEN
        if found[1] & (BROKEN | LONG):
            stop, found[2] = found[3] if found[3] >= 0 else _line_end(data, stop), 0
            if stop - begin > limit:
                found[1] |= LONG
            if not final and (stop == size or (stop == size - 1 and data[stop] == _CR)):
                if found[1] & LONG == 0:
                    break
                start[count], end[count], lines[count], fields[count] = begin, stop, line, found[0]
                marks[count] = found[1]
                return count + 1, stop, line, True
        following = _after_line_end(data, stop)
        if following > stop:
            newlines[1 if following == stop + 2 else 0 if data[stop] == _LF else 2] += 1
        if stop > begin:
            start[count], end[count], lines[count], fields[count] = begin, stop, line, found[0]
            marks[count] = found[1]
            count += 1
        line += found[2] + 1
        begin = following
    return count, begin, line, False
