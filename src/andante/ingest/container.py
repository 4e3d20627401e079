"""Containers: what a file's bytes are wrapped in (gzip, another encoding), as its first bytes tell."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from andante.vocabulary.fault import EmptyInput, InputFault, UnreadableInput

HEAD_BYTES = 1024 * 1024
"""How much of a file is looked at to recognise it."""

_BOMS = (  # the longer ones first: UTF-32 begins like UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = {
    b"PK\x03\x04": "is a zip archive or an Excel workbook: unpack it, or save it as CSV",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd: unpack it, or use gzip",
    b"BZh": "is compressed by bzip2: unpack it, or use gzip",
    b"\xfd7zXZ": "is compressed by xz: unpack it, or use gzip",
    b"Obj\x01": "is an Avro file: export it as Parquet or CSV",
    b"ORC": "is an ORC file: export it as Parquet or CSV",
}


@dataclass(frozen=True, slots=True)
class Container:
    """How to get at the text of one file: is it Parquet, is it gzipped, which encoding (None: UTF-8)."""

    path: Path
    parquet: bool
    gzipped: bool
    encoding: str | None

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the unpacked, but not transcoded, bytes. Raises UnreadableInput when the packing is broken."""
        try:
            with gzip.open(self.path) if self.gzipped else self.path.open("rb") as stream:
                yield stream  # type: ignore[misc]  # GzipFile reads bytes like any binary stream
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UnreadableInput(
                f"file {self.path}", None, f"is a broken gzip file ({error})", "fetch or export it again"
            ) from error
        except OSError as error:
            raise InputFault(f"file {self.path}", error.strerror, "cannot be read", "check its rights") from error

    def head(self, *, raw: bool = False) -> bytes:
        """Return the first megabyte as UTF-8, whole lines only if there is more; ``raw``: as it stands."""
        with self.open() as stream:
            head = stream.read(HEAD_BYTES)
            more = bool(stream.read(1))
        if raw:
            return head
        if self.encoding:
            head = _as_utf8(codecs.getincrementaldecoder(self.encoding)("replace").decode(head, final=not more))
        head = head.removeprefix(codecs.BOM_UTF8)
        return head[: head.rfind(b"\n") + 1] or head if more else head

    def transcode(self, target: Path) -> None:
        """Write the text to ``target`` as UTF-8, in pieces.

        What is no character becomes a byte that is not UTF-8. So a row that the stated encoding cannot
        explain is quarantined like one in a file of UTF-8.
        """
        decoder = codecs.getincrementaldecoder(self.encoding or "utf-8")("replace")
        with self.open() as stream, target.open("wb") as out:
            while piece := stream.read(HEAD_BYTES):
                out.write(_as_utf8(decoder.decode(piece)))
            out.write(_as_utf8(decoder.decode(b"", final=True)))


def identify(path: Path, encoding: str | None) -> Container:
    """Return how the file is wrapped, by its first bytes, whatever its name promises.

    ``encoding`` is what the mapping states. Raises EmptyInput and UnreadableInput.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(8)
    except OSError as error:
        raise InputFault(
            f"file {path}", error.strerror, "cannot be read", "check that it is a file and its rights"
        ) from error
    if not magic:
        raise EmptyInput(f"file {path}", None, "is empty", "export it again, or leave it out")
    for mark, what in _BINARY.items():
        if magic.startswith(mark):
            problem, action = what.split(": ")
            raise UnreadableInput(f"file {path}", None, problem, action)
    if magic.startswith(b"PAR1"):
        return Container(path, parquet=True, gzipped=False, encoding=None)
    if path.name.lower().endswith(".parquet"):
        raise UnreadableInput(f"file {path}", None, "is not Parquet (it does not begin with PAR1)", "export it again")
    plain = Container(path, parquet=False, gzipped=magic.startswith(b"\x1f\x8b"), encoding=None)
    with plain.open() as stream:
        start = stream.read(4)
    if not start:
        raise EmptyInput(f"file {path}", None, "is empty", "export it again, or leave it out")
    found = next((name for bom, name in _BOMS if start.startswith(bom)), None)
    return Container(path, parquet=False, gzipped=plain.gzipped, encoding=found or encoding)


def likely_encoding(sample: bytes) -> str:
    """Name the encoding that bytes which are not UTF-8 are most likely in.

    >>> likely_encoding("用户,时间".encode("gb18030")), likely_encoding("café,1".encode("latin-1"))
    ('gb18030', 'latin-1')
    """
    if sample[1::2].count(0) > len(sample) // 4:
        return "utf-16-le"
    if sample[::2].count(0) > len(sample) // 4:
        return "utf-16-be"
    text = codecs.getincrementaldecoder("gb18030")("replace").decode(sample)
    wide = [character for character in text if ord(character) > 127]  # noqa: PLR2004  the end of ASCII
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in wide)
    return "gb18030" if wide and chinese > 0.8 * len(wide) else "latin-1"


def _as_utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace").replace(b"\xef\xbf\xbd", b"\xff")
