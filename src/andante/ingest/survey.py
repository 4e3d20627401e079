"""A survey: one look at every byte of a text file, before any row is loaded.

It counts the records, finds those whose very form is at fault, and, where DuckDB should not read the file as
it stands (faulty records, mixed line ends), writes the good records to a plain copy.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from andante.ingest.container import Container
from andante.ingest.quarantine import Reason
from andante.ingest.records import BROKEN, LONG, ODD, WIDE, Block, Newlines, walk

JSON_DELIMITER = "\x1f"
"""A character that valid JSON never holds bare, so that a line of JSON is one field."""

FORMS: tuple[Reason, ...] = (
    Reason.INVALID_JSON,
    Reason.TOO_FEW_FIELDS,
    Reason.TOO_MANY_FIELDS,
    Reason.INVALID_ENCODING,
    Reason.BROKEN_QUOTES,
    Reason.LINE_TOO_LONG,
)
"""Faults of form, by code. 0 is no fault of form, so what stands there is never meant by it: see _code."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the text of a file is laid out: its fields, and whether its first record is a header."""

    delimiter: str
    fields: int
    header: bool
    json: bool

    def records(self, container: Container, newlines: Newlines | None = None) -> Iterator[Block]:
        """Yield the file's records, header included, in blocks."""
        with container.open() as stream:
            yield from walk(stream, self.delimiter, quoted=not self.json, newlines=newlines)


@dataclass(frozen=True, slots=True)
class Survey:
    """What the look found: rows without header, and which are faulty in form (ordinals from 0, and codes)."""

    rows: int
    faulty: npt.NDArray[np.int64]
    codes: npt.NDArray[np.uint8]
    newline: str | None
    """The one line end of the file, or None where it is mixed."""
    plain: bool
    """DuckDB can read the file as it stands; otherwise it is given a copy."""

    def ordinals(self, good: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the ordinals among all rows of rows counted among the good ones only."""
        shift = np.searchsorted(self.faulty - np.arange(len(self.faulty)), good, side="right")
        return np.asarray(good + shift, np.int64)


def survey(container: Container, layout: Layout) -> Survey:
    """Look at every record once. Memory: one block, and nine bytes for each faulty record."""
    newlines, rows, faulty, codes, odd = Newlines(), 0, [], [], False
    for block, skip in _body(container, layout, newlines):
        found = forms(block, layout)[skip:]
        where = np.flatnonzero(found)
        faulty.append(where + rows)
        codes.append(found[where])
        odd = odd or bool((block.marks & ODD).any())
        rows += len(found)
    at_fault = np.concatenate([*faulty, np.empty(0, np.int64)]).astype(np.int64)
    newline = newlines.uniform()
    return Survey(
        rows=rows,
        faulty=at_fault,
        codes=np.concatenate([*codes, np.empty(0, np.uint8)]),
        newline=newline,
        plain=newline is not None and not odd and not len(at_fault),
    )


def forms(block: Block, layout: Layout) -> npt.NDArray[np.uint8]:
    """Return the code (see FORMS) of what is wrong with each record's form, 0 for nothing."""
    found = np.zeros(len(block.start), np.uint8)
    few, many = block.fields < layout.fields, block.fields > layout.fields
    found[few], found[many] = _code(Reason.TOO_FEW_FIELDS), _code(Reason.TOO_MANY_FIELDS)
    if layout.json:
        found[many] = _code(Reason.INVALID_JSON)
    wide = np.flatnonzero(block.marks & WIDE)
    if len(wide) and not _is_text(block.data.tobytes()):
        undecodable = [index for index in wide if not _is_text(block.raw(int(index)))]
        found[undecodable] = _code(Reason.INVALID_ENCODING)
    found[(block.marks & BROKEN) > 0] = _code(Reason.BROKEN_QUOTES)
    found[(block.marks & LONG) > 0] = _code(Reason.LINE_TOO_LONG)
    return found


def copy_good(
    container: Container, layout: Layout, newline: str | None, target: Path, *, requote: bool = False
) -> None:
    """Write the records whose form is good to ``target``, without header.

    Each ends with ``newline``, or LF where that is None. ``requote`` writes every field of every record in
    quotes; otherwise only odd records are written so.
    """
    line_end = (newline or "\n").encode()
    with target.open("wb") as out:
        for block, skip in _body(container, layout, None):
            good = forms(block, layout) == 0
            good[:skip] = False
            rewritten = (block.marks & ODD) > 0 if newline and not requote else np.ones(len(good), bool)
            for first, last in _runs(good):
                if rewritten[first : last + 1].any():
                    out.writelines(
                        (
                            _requoted(block.raw(index), layout)
                            if requote or block.marks[index] & ODD
                            else block.raw(index)
                        )
                        + line_end
                        for index in range(first, last + 1)
                    )
                else:
                    out.write(block.span(first, last) + line_end)


def locate(container: Container, layout: Layout, ordinals: npt.NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
    """Yield the physical line and raw bytes of the rows with these ordinals (rising)."""
    rows = 0
    for block, skip in _body(container, layout, None):
        count = len(block.start) - skip
        low, high = np.searchsorted(ordinals, (rows, rows + count))
        for ordinal in ordinals[low:high]:
            index = int(ordinal) - rows + skip
            yield int(block.line[index]), block.raw(index)
        rows += count


def _body(container: Container, layout: Layout, newlines: Newlines | None) -> Iterator[tuple[Block, int]]:
    """Yield blocks with the number of their leading records that are no rows (the header)."""
    skip = 1 if layout.header else 0
    for block in layout.records(container, newlines):
        yield block, skip
        skip = 0


def _runs(chosen: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield first and last index of each run of neighbours that are chosen."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False])).astype(np.int8)))
    yield from ((int(first), int(after) - 1) for first, after in zip(edges[::2], edges[1::2], strict=True))


def _requoted(raw: bytes, layout: Layout) -> bytes:
    if layout.json:
        return raw
    text = raw.decode("utf-8")
    fields = next(csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter, skipinitialspace=True))
    return layout.delimiter.join('"' + field.replace('"', '""') + '"' for field in fields).encode()


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in raw


def _code(reason: Reason) -> int:
    return FORMS.index(reason)
