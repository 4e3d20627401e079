"""Columns of a log as Arrow arrays: identifiers made in bulk, labels taken by index, rows cut in batches."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from andante.simulation.chance import Ints
from andante.vocabulary.fault import SettingsFault

_ARROW_TYPES = {"VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us"), "DOUBLE": pa.float64()}


def arrow_schema(columns: Mapping[str, str]) -> Any:
    """Return the Arrow schema of a canonical table (``EVENT_COLUMNS``, ``MESSAGE_COLUMNS``)."""
    return pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in columns.items()])


def numbered(prefix: str, numbers: Ints, digits: int) -> Any:
    """Return identifiers as an Arrow array of strings: the prefix, then the number in this many digits.

    Bytes are laid out directly, which is some thirty times faster than formatting each number.

    >>> numbered("u", np.array([7, 12]), 4).to_pylist()
    ['u0007', 'u0012']
    """
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    width = head.size + digits
    body = np.empty((numbers.size, width), dtype=np.uint8)
    body[:, : head.size] = head
    left = numbers
    for place in range(width - 1, head.size - 1, -1):
        left, digit = np.divmod(left, 10)
        body[:, place] = digit + ord("0")
    offsets = np.arange(numbers.size + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(numbers.size, pa.py_buffer(offsets), pa.py_buffer(body))


def labelled(labels: Any, index: npt.NDArray[np.integer[Any]]) -> Any:
    """Return the label at every index as strings; a negative index is null.

    >>> labelled(pa.array(["view", "cart"]), np.array([1, -1])).to_pylist()
    ['cart', None]
    """
    return pc.take(labels, pa.array(index, mask=index < 0))


def instants(at_us: Ints) -> Any:
    """Return microseconds since 1970 (UTC) as Arrow timestamps."""
    return pa.array(at_us.view("datetime64[us]"))


def batched(tables: Iterable[Any], rows: int) -> Iterator[Any]:
    """Cut tables of any length into record batches of ``rows`` rows; only the last may be shorter.

    Raises SettingsFault, on the first batch, for batches of no rows.
    """
    if rows < 1:
        raise SettingsFault("rows of a batch", rows, "is too small", "give at least 1")
    held: list[Any] = []
    count = 0
    for table in tables:
        held.append(table)
        count += table.num_rows
        if count < rows:
            continue
        whole = pa.concat_tables(held)
        for first in range(0, count - count % rows, rows):
            yield _one_batch(whole.slice(first, rows))
        held, count = [whole.slice(count - count % rows)], count % rows
    if count:
        yield _one_batch(pa.concat_tables(held))


def _one_batch(table: Any) -> Any:
    return table.combine_chunks().to_batches()[0]
