"""Rows of the log in blocks: a block may be written out only when somebody first looks into it.

What a decision says in the log costs more than taking it, and a log in memory is seldom read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Self, TypeAlias, overload

if TYPE_CHECKING:
    from andante.stores.contract import Line

Write: TypeAlias = "Callable[[], Sequence[Line]]"


class Rows(Sequence["Line"]):
    """A sequence of rows. Those that were deferred are written out on the first look at any of their block.

    >>> rows = Rows([(1, 8, -1, 0, None, "{}")])
    >>> rows.defer(range(2, 4), lambda: [(2, 8, -1, 0, None, "[2]"), (3, 8, -1, 0, None, "[3]")])
    >>> len(rows), rows.positions, rows[2][-1]
    (3, [1, 2, 3], '[3]')
    """

    __slots__ = ("_blocks", "_starts", "positions")

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        """Begin with these rows."""
        self.positions: list[int] = []
        self._starts: list[int] = []  # the place of each block's first row
        self._blocks: list[list[Line] | Write] = []
        self += lines

    def append(self, line: Line) -> None:
        """Add one row."""
        self += (line,)

    def __iadd__(self, lines: Iterable[Line]) -> Self:
        """Add rows; blocks that are yet to be written stay so."""
        if isinstance(lines, Rows):
            for block, positions in lines._in_blocks():
                if isinstance(block, list):
                    self._extend(block, positions)
                else:
                    self.defer(positions, block)
        else:
            added = list(lines)
            self._extend(added, [line[0] for line in added])
        return self

    def defer(self, positions: Sequence[int], write: Write) -> None:
        """Add the rows of these positions, which ``write`` returns when they are looked at."""
        self._starts.append(len(self.positions))
        self._blocks.append(write)
        self.positions += positions

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.positions)

    def __iter__(self) -> Iterator[Line]:
        """Yield the rows."""
        for number in range(len(self._blocks)):
            yield from self._written(number)

    @overload
    def __getitem__(self, place: int) -> Line: ...
    @overload
    def __getitem__(self, place: slice) -> list[Line]: ...
    def __getitem__(self, place: int | slice) -> Line | list[Line]:
        """Return a row, or those of a slice without a step."""
        if isinstance(place, slice):
            first, end, _ = place.indices(len(self))
            return list(self._between(first, end))
        place = range(len(self))[place]
        number = bisect_right(self._starts, place) - 1
        return self._written(number)[place - self._starts[number]]

    def _between(self, first: int, end: int) -> Iterator[Line]:
        for number in range(max(bisect_right(self._starts, first) - 1, 0), len(self._blocks)):
            start = self._starts[number]
            if start >= end:
                return
            yield from self._written(number)[max(first - start, 0) : end - start]

    def _in_blocks(self) -> Iterator[tuple[list[Line] | Write, list[int]]]:
        ends = [*self._starts[1:], len(self.positions)]
        for block, start, end in zip(self._blocks, self._starts, ends, strict=True):
            yield block, self.positions[start:end]

    def _extend(self, lines: list[Line], positions: list[int]) -> None:
        if not lines:
            return
        if self._blocks and isinstance(self._blocks[-1], list):
            self._blocks[-1] += lines
        else:
            self._starts.append(len(self.positions))
            self._blocks.append(list(lines))
        self.positions += positions

    def _written(self, number: int) -> list[Line]:
        block = self._blocks[number]
        if not isinstance(block, list):
            self._blocks[number] = block = list(block())
        return block


def positions_of(rows: Sequence[Line]) -> list[int]:
    """Return the position of each row, without writing any of them out."""
    return rows.positions if isinstance(rows, Rows) else [row[0] for row in rows]
