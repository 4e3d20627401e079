"""The chain: entries that each hold the hash of the one before, and a head that says how many there are.

An entry's hash is the SHA-256 of its text, which is JSON with sorted keys and holds its number and the hash of the
entry before. So an entry that was edited, deleted, put in or moved breaks the chain at its place. That the last ones
are gone shows only beside the head, which is kept apart: in a file of its own.

Whoever can write both files can make up a new chain, or put an old one back together with its old head, and no chain
of hashes shows that. A head that is kept elsewhere does: on paper, in a mail, in another system.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from andante.vocabulary.fault import InputFault, StoreFault

if TYPE_CHECKING:
    from collections.abc import Iterable

ORIGIN = "0" * 64
"""What stands for the hash of an entry before the first."""

_HEAD = re.compile(r"(0|[1-9][0-9]{0,17}):([0-9a-f]{64})")


class Head(NamedTuple):
    """How many entries there are, and the hash of the last."""

    entries: int
    hash: str

    def __str__(self) -> str:
        """Return it as it is written and printed: ``COUNT:HASH``."""
        return f"{self.entries}:{self.hash}"


NOTHING = Head(0, ORIGIN)


class Broken(NamedTuple):
    """Where a chain does not hold, and what was found there."""

    number: int  # of the entry
    kind: str  # edited, missing, unlinked, cut, another, head
    said: str


def read_head(text: str) -> Head:
    """Read a head. Raises InputFault for what is none.

    >>> read_head("0:" + "0" * 64) == NOTHING
    True
    """
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise InputFault("the head", text.strip()[:80] or None, "is none", "write it as it was printed: COUNT:HASH")
    return Head(int(found[1]), found[2])


def link(entry: dict[str, object]) -> tuple[str, str]:
    """Return the text of an entry and its hash."""
    text = msgspec.json.encode(entry, order="sorted")
    return text.decode(), hashlib.sha256(text).hexdigest()


def first_break(
    rows: Iterable[tuple[object, object, object]], head: Head | None, expected: Head | None
) -> Broken | None:
    """Return where rows (number, text, hash), in order, do not hold, or None where they do.

    ``head`` is what was kept apart, None where it is gone; it may be one entry behind, as a crash can leave it.
    ``expected`` is a head that was kept elsewhere: that entry must be there as it was.
    """
    last, hashes = NOTHING, {0: ORIGIN}
    asked = {0, *(one.entries for one in (head, expected) if one is not None)}
    for number, text, said in rows:
        broken = _wrong_row(last, number, text, said)
        if broken is not None:
            return broken
        last = Head(last.entries + 1, str(said))
        if last.entries in asked:
            hashes[last.entries] = last.hash
    if head is None:
        return Broken(last.entries, "head", "the head is gone: whether entries are missing at the end cannot be told")
    for one, where in ((head, "kept apart"), (expected, "kept elsewhere")):
        if one is not None and one.entries > last.entries:
            return Broken(
                last.entries + 1, "cut", f"there are {last.entries} entries, where the head {where} says {one}"
            )
        if one is not None and hashes[one.entries] != one.hash:
            return Broken(one.entries, "another", f"entry {one.entries} is another than the head {where} says, {one}")
    if last.entries > head.entries + 1:
        return Broken(
            head.entries + 1, "head", f"there are {last.entries} entries, where the head kept apart says {head}"
        )
    return None


def _wrong_row(last: Head, number: object, text: object, said: object) -> Broken | None:
    """Return what is wrong with the row after ``last``."""
    due = last.entries + 1
    if number != due:
        found = "is there out of its place" if isinstance(number, int) and number < due else "is missing"
        return Broken(due, "missing", f"entry {due} {found}: {number} comes after {last.entries}")
    if not isinstance(text, str) or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != said:
        return Broken(due, "edited", f"the text of entry {due} is not what its hash was made of")
    try:
        entry = msgspec.json.decode(text)
        links = entry["number"] == due and entry["previous"] == last.hash
    except (msgspec.DecodeError, TypeError, KeyError):
        links = False
    if not links:
        return Broken(due, "unlinked", f"entry {due} does not follow from the one before it")
    return None


class KeptHead:
    """The head in a file of its own; without a file, in memory."""

    def __init__(self, file: Path | None) -> None:
        """Say where it is kept."""
        self._file, self._memory = file, NOTHING

    def read(self) -> Head | None:
        """Return the head that is kept, or None where it is gone or no head."""
        if self._file is None:
            return self._memory
        try:
            return read_head(self._file.read_text("utf-8"))
        except (FileNotFoundError, UnicodeDecodeError, InputFault):
            return None
        except OSError as error:
            raise self._fault("cannot be read", error) from error

    def write(self, head: Head) -> None:
        """Keep another head, in one step. Raises StoreFault where the disk does not take it."""
        self._memory = head
        if self._file is None:
            return
        try:
            replace(self._file, f"{head}\n".encode())
        except OSError as error:
            raise self._fault("cannot be written", error) from error

    def _fault(self, problem: str, error: OSError) -> StoreFault:
        action = "make room there, or let this user write it"
        return StoreFault("the head of the audit chain", self._file, f"{problem} ({error.strerror})", action)


def replace(file: Path, content: bytes) -> None:
    """Let a file hold other bytes, in one step and durably: a crash leaves the old ones or the new ones.

    It keeps the rights that it had; a new one is for its owner alone. Raises OSError, and then nothing was changed.
    """
    descriptor, draft = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            with suppress(FileNotFoundError):
                os.fchmod(opened.fileno(), file.stat().st_mode & 0o777)
            os.fsync(opened.fileno())
        Path(draft).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
