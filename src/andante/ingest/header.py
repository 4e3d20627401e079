"""Headers: how a file is recognised: its delimiter, its columns, and the shape that they fit."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from andante.ingest.container import Container, likely_encoding
from andante.ingest.mapping import Mapping
from andante.ingest.shapes import Shape
from andante.vocabulary.fault import EmptyInput, MissingColumn, UnknownShape, UnreadableInput

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE_LINES = 1000
_SHOWN_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file in order, and how they were found. ``delimiter`` is None for JSON and Parquet."""

    names: tuple[str, ...]
    delimiter: str | None
    present: bool
    """The file has a header record."""

    def index(self, name: str) -> int | None:
        """Return where a column stands, whatever the case of its letters."""
        folded = name.casefold()
        return next((place for place, own in enumerate(self.names) if own.casefold() == folded), None)


def read_header(container: Container, shapes: Sequence[Shape], mapping: Mapping) -> tuple[Header, Shape]:
    """Return the columns of a text file and the shape they fit.

    Raises EmptyInput, UnreadableInput (not UTF-8, no text, no delimiter fits), MissingColumn and
    UnknownShape.
    """
    head = container.head()
    if not head.strip():
        raise EmptyInput(f"file {container.path}", None, "holds no line", "export it again, or leave it out")
    if _is_json(container, head):
        header = Header(_json_names(head), None, present=False)
        return header, fit(container, header, shapes)
    first = head.lstrip(b"\r\n").split(b"\n", 1)[0]
    if b"\0" in first or not _is_utf8(first):
        raise UnreadableInput(
            f"file {container.path}",
            None,
            "is not UTF-8 text: even its first line is not",
            f'state its encoding in a mapping, likely encoding = "{likely_encoding(head)}"',
        )
    return _delimited(container, head.decode("utf-8", "replace"), shapes, mapping)


def fit(container: Container, header: Header, shapes: Sequence[Shape]) -> Shape:
    """Return the shape that the header fits; of several the one that finds most of its columns."""
    fitting = [shape for shape in shapes if not _missing(header, shape)]
    if fitting:
        return max(fitting, key=lambda shape: _found(header, shape))
    nearest = min(shapes, key=lambda shape: (len(_missing(header, shape)), -_found(header, shape)))
    missing = [" or ".join(group) for group in _missing(header, nearest)]
    columns = ", ".join(header.names[:_SHOWN_COLUMNS]) + (", ..." if len(header.names) > _SHOWN_COLUMNS else "")
    if len(missing) == 1 or nearest.name == "mapping":
        raise MissingColumn(
            f"file {container.path}",
            columns,
            f"has no column {', '.join(missing)}, which the shape {nearest.name} needs",
            "add the column, or name yours in a mapping (--map)",
        )
    raise UnknownShape(
        f"file {container.path}",
        columns,
        f"has the header of no known shape; the nearest, {nearest.name}, would need {', '.join(missing)}",
        "name its columns in a mapping (--map)",
    )


def _delimited(container: Container, text: str, shapes: Sequence[Shape], mapping: Mapping) -> tuple[Header, Shape]:
    candidates = [_header(text, delimiter, shapes, mapping) for delimiter in _candidates(container, mapping)]
    fitting = [header for header in candidates if any(not _missing(header, shape) for shape in shapes)]
    header = max(fitting or candidates, key=lambda header: len(header.names))
    if not fitting and len(header.names) == 1:
        tried = ", ".join(DELIMITERS.get(one.delimiter or "", repr(one.delimiter)) for one in candidates)
        raise UnreadableInput(
            f"file {container.path}",
            header.names[0][:80],
            f"has one column only, whichever delimiter is tried ({tried})",
            'state its delimiter in a mapping, for example delimiter = "^"',
        )
    return header, fit(container, header, shapes)


def _candidates(container: Container, mapping: Mapping) -> list[str]:
    if mapping.delimiter:
        return [mapping.delimiter]
    tab_first = container.path.name.lower().removesuffix(".gz").endswith(".tsv")
    return sorted(DELIMITERS, key=lambda delimiter: tab_first and delimiter != "\t")


def _header(text: str, delimiter: str, shapes: Sequence[Shape], mapping: Mapping) -> Header:
    row = next(_rows(text, delimiter), [])
    if mapping.header:
        return Header(mapping.header, delimiter, present=False)
    for shape in shapes:
        if len(row) == len(shape.headerless) > 0 and all(map(re.fullmatch, shape.headerless, row)):
            return Header(shape.names, delimiter, present=False)
    return Header(tuple(name.strip() for name in row), delimiter, present=True)


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    lines = io.StringIO(text, newline="")
    try:
        yield from (row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row)
    except csv.Error:
        return  # a first record that cannot be one is no header


def _is_json(container: Container, head: bytes) -> bool:
    start = head.lstrip()[:1]
    name = container.path.name.lower().removesuffix(".gz")
    if start == b"[" and name.endswith((".json", ".ndjson", ".jsonl")):
        raise UnreadableInput(
            f"file {container.path}", None, "is one JSON array", "write one object a line (jq -c '.[]' FILE)"
        )
    return start == b"{"


def _json_names(head: bytes) -> tuple[str, ...]:
    """Return the paths of all fields in the first lines of JSON; what is no object is skipped."""
    names: dict[str, None] = {}
    for line in head.splitlines()[:_SAMPLE_LINES]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        names.update(dict.fromkeys(_paths(row, "")))
    return tuple(names)


def _paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from _paths(value[0], f"{path}[0]")
    elif path:
        yield path


def _missing(header: Header, shape: Shape) -> list[tuple[str, ...]]:
    return [group for group in shape.needs() if not any(header.index(name) is not None for name in group)]


def _found(header: Header, shape: Shape) -> int:
    return sum(any(header.index(name) is not None for name in group) for group in shape.columns.values())


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
