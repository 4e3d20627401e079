"""Intake: one file on its way in: recognised, its rows in the working table, its faults in quarantine."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np

from andante.ingest.container import Container, identify, likely_encoding
from andante.ingest.header import Header, fit, read_header
from andante.ingest.insertion import Inserted, Place, insert, withdraw
from andante.ingest.mapping import Mapping
from andante.ingest.quality import SourceQuality
from andante.ingest.quarantine import Quarantine, Reason
from andante.ingest.scan import Scan, scan_delimited, scan_json, scan_parquet, to_json
from andante.ingest.shapes import EVENT_SHAPES, MESSAGE_SHAPES, Shape
from andante.ingest.sources import Source
from andante.ingest.survey import FORMS, JSON_DELIMITER, Layout, Survey, copy_good, locate, survey
from andante.ingest.translation import EVENTS, MESSAGES, Kinds
from andante.vocabulary.fault import EmptyInput, SettingsFault, UnreadableInput

_Fault = tuple[int, str, Reason, bytes]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one file, beside its rows; see Inserted for the last three."""

    number: int
    quality: SourceQuality
    daily: bool
    yearless: bool
    guessed_order: str | None


def recognise(connection: duckdb.DuckDBPyConnection, source: Source, kinds: Kinds, mapping: Mapping) -> "Intake":
    """Look at the head of a file: how it is packed, its columns and its shape. Raises an InputFault."""
    own = mapping.shape()
    if own and kinds is MESSAGES and "decision_id" not in own.columns:
        raise SettingsFault(
            "mapping key 'columns.decision_id'",
            None,
            "is missing",
            "name the column that tells one push from another",
        )
    shapes = (own,) if own else EVENT_SHAPES if kinds is EVENTS else MESSAGE_SHAPES
    container = identify(source.path, mapping.encoding)
    if not container.parquet:
        return Intake(source, container, *read_header(container, shapes, mapping), kinds, mapping)
    try:
        _, header = scan_parquet(connection, source.path)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise _unreadable(source.path, error) from error
    return Intake(source, container, header, fit(container, header, shapes), kinds, mapping)


@dataclass(frozen=True, slots=True)
class Intake:
    """One recognised file that is ready to be taken in."""

    source: Source
    container: Container
    header: Header
    shape: Shape
    kinds: Kinds
    mapping: Mapping

    def take(self, place: Place, quarantine: Quarantine) -> Loaded:
        """Append the file's rows to the working table, and write its faulty rows to quarantine.

        Raises EmptyInput when it holds no row and UnreadableInput when its bytes are not what they seemed.
        """
        counted: Counter[Reason] = Counter()
        with tempfile.TemporaryDirectory(prefix="andante-") as folder:
            take = self._take_parquet if self.container.parquet else self._take_text
            rows, inserted, faults = take(place, Path(folder))
            quarantine.write(self.source.path, _counting(faults, counted))
        at_fault = counted.total()
        quality = SourceQuality(
            file=str(self.source.path),
            shape=self.shape.name,
            format=self.format(),
            size_bytes=self.source.path.stat().st_size,
            rows_read=rows,
            rows_loaded=rows - at_fault,
            rows_quarantined=at_fault,
            reasons={reason.value: counted[reason] for reason in Reason if counted[reason]},
        )
        return Loaded(place.number, quality, inserted.daily, inserted.yearless, inserted.guessed_order)

    def format(self) -> str:
        """Return the file's format as reports name it."""
        if self.container.parquet:
            return "parquet"
        name = {None: "ndjson", ",": "csv", "\t": "tsv"}.get(self.header.delimiter, f"csv {self.header.delimiter}")
        name += ".gz" if self.container.gzipped else ""
        return f"{name} {self.container.encoding}" if self.container.encoding else name

    def _take_parquet(self, place: Place, folder: Path) -> tuple[int, Inserted, Iterator[_Fault]]:  # noqa: ARG002  one form
        try:
            scan, _ = scan_parquet(place.connection, self.container.path)
            inserted = self._insert(place, scan)
            if not inserted.rows:
                raise EmptyInput(f"file {self.source.path}", None, "holds no row", "export it again, or leave it out")
            raw = to_json(place.connection, self.container.path, inserted.faulty)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise _unreadable(self.source.path, error) from error
        places = zip(inserted.faulty.tolist(), inserted.codes.tolist(), raw, strict=True)
        return (
            inserted.rows,
            inserted,
            (
                (ordinal + 1, inserted.fields[code - 1], inserted.checks[code - 1].reason, row)
                for ordinal, code, row in places
            ),
        )

    def _take_text(self, place: Place, folder: Path) -> tuple[int, Inserted, Iterator[_Fault]]:
        container = self.container
        if container.encoding:
            container.transcode(folder / "text")
            container = replace(container, path=folder / "text", gzipped=False, encoding=None)
        json = self.header.delimiter is None
        layout = Layout(
            delimiter=self.header.delimiter or JSON_DELIMITER,
            fields=1 if json else len(self.header.names),
            header=self.header.present,
            json=json,
        )
        form = survey(container, layout)
        self._check(form)
        inserted = self._insert_text(place, container, layout, form, folder)
        return form.rows, inserted, _faults(container, layout, form, inserted)

    def _check(self, form: Survey) -> None:
        """Refuse a file without rows, and one that is in another encoding as a whole."""
        if not form.rows:
            problem = "holds a header only" if self.header.present else "holds no row"
            raise EmptyInput(f"file {self.source.path}", None, problem, "export it again, or leave it out")
        undecodable = int((form.codes == FORMS.index(Reason.INVALID_ENCODING)).sum())
        if 2 * undecodable > form.rows:
            likely = likely_encoding(self.container.head(raw=True))
            raise UnreadableInput(
                f"file {self.source.path}",
                f"{undecodable:,} of {form.rows:,} rows",
                "is not UTF-8",
                f'state its encoding in a mapping, likely encoding = "{likely}"',
            )

    def _insert_text(self, place: Place, container: Container, layout: Layout, form: Survey, folder: Path) -> Inserted:
        """Insert the rows of good form.

        From the file as it stands, else from a plain copy, else from a re-quoted one. DuckDB must count the
        rows that the survey counted, or the rows it took in are withdrawn.
        """
        copied = folder / "good"
        plain = replace(container, path=copied, gzipped=False)
        failed: object = "other rows than were counted"
        for attempt in ("as it stands", "copied", "re-quoted"):
            if attempt == "as it stands" and not form.plain:
                continue
            if attempt != "as it stands":
                copy_good(container, layout, form.newline, copied, requote=attempt == "re-quoted")
            read = container if attempt == "as it stands" else plain
            try:
                inserted = self._insert(place, self._scan(read, form, with_header=layout.header and read is container))
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error as error:
                failed = error
                continue
            if inserted.rows == form.rows - len(form.faulty):
                return inserted
            withdraw(place)
        raise _unreadable(self.source.path, failed)

    def _scan(self, container: Container, form: Survey, *, with_header: bool) -> Scan:
        newline = form.newline or "\n"
        if self.header.delimiter is None:
            return scan_json(container, self.header, newline, self.shape.sources())
        return scan_delimited(container, self.header, newline, with_header=with_header)

    def _insert(self, place: Place, scan: Scan) -> Inserted:
        return insert(place, scan, self.shape, self.kinds, self.mapping)


def _faults(container: Container, layout: Layout, form: Survey, inserted: Inserted) -> Iterator[_Fault]:
    """Yield all faults of a text file, of form and of meaning, in the order of its lines."""
    ordinals = np.concatenate((form.faulty, form.ordinals(inserted.faulty)))
    codes = np.concatenate((-form.codes.astype(np.int16), inserted.codes.astype(np.int16)))
    order = np.argsort(ordinals, kind="stable")
    if not len(order):
        return
    rows = locate(container, layout, ordinals[order])
    for code, (line, raw) in zip(codes[order].tolist(), rows, strict=True):
        if code < 0:
            yield line, "", FORMS[-code], raw
        else:
            yield line, inserted.fields[code - 1], inserted.checks[code - 1].reason, raw


def _counting(faults: Iterator[_Fault], counted: Counter[Reason]) -> Iterator[_Fault]:
    for fault in faults:
        counted[fault[2]] += 1
        yield fault


def _unreadable(path: Path, problem: object) -> UnreadableInput:
    first_line = str(problem).strip().splitlines()[0] if str(problem).strip() else "for an unknown reason"
    return UnreadableInput(f"file {path}", None, f"cannot be read ({first_line})", "export it again")
