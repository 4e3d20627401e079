"""The reader against made-up files: every row is loaded or quarantined, under its exact line."""

import csv
import gzip
import io
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_desk import Desk

from andante.vocabulary.fault import Fault, InputFault

HEADER = ["event_id", "user_id", "type", "at", "query"]
TEXTS = st.text(st.sampled_from("ab,;\t\"'\n\r é鞋|#\\"), max_size=8)

# What is wrong with a row: its fields, and the field and reason that the quarantine must name.
FAULTS = {
    "good": None,
    "guest": ("user_id", "missing user"),
    "no time": ("at", "missing time"),
    "bad time": ("at", "not a time"),
    "future": ("at", "time in the future"),
    "zero": ("at", "impossible time"),
    "type": ("type", "unknown type"),
    "few": ("", "too few fields"),
    "many": ("", "too many fields"),
    "bytes": ("", "invalid encoding"),
    "nul": ("", "invalid encoding"),
    "quotes": ("", "broken quotes"),
}
CHANGES = {
    "guest": (1, "0"),
    "no time": (3, ""),
    "bad time": (3, "soon"),
    "future": (3, "2024-06-03"),
    "zero": (3, "0"),
    "type": (2, "teleport"),
}


@pytest.fixture(scope="module")
def room():
    """One connection and one folder for all examples: hypothesis makes hundreds."""
    with duckdb.connect() as connection, tempfile.TemporaryDirectory() as folder:
        yield Desk(connection, Path(folder))


def encoded(fields, kind, *, quote_all, newline):
    """Return one row as bytes, made faulty in the given way."""
    fields = list(fields)
    if kind in CHANGES:
        place, text = CHANGES[kind]
        fields[place] = text
    if kind == "few":
        fields = fields[:-1]
    if kind == "many":
        fields.append("more")
    line = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    # Told of CRLF, the writer quotes fields with either of its characters, as every version of it should.
    csv.writer(line, quoting=quoting, lineterminator="\r\n").writerow(fields)
    ending = newline.encode()
    raw = line.getvalue().encode().removesuffix(b"\r\n") + ending
    if kind == "bytes":
        raw = b"\xff" + raw if not quote_all else raw[:1] + b"\xff" + raw[1:]
    if kind == "nul":
        raw = raw[:1] + b"\0" + raw[1:]
    if kind == "quotes":
        raw = b'"a"b,' + ending
    return raw


@st.composite
def files(draw):
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    quote_all = draw(st.booleans())
    kinds = draw(st.lists(st.sampled_from(["good"] * 12 + list(FAULTS)), min_size=1, max_size=25))
    rows = []
    for number, kind in enumerate(kinds):
        fields = [f"e{number}", f"u{number % 3}", "view", f"2024-01-01T10:00:{number:02}Z", draw(TEXTS)]
        rows.append((fields, kind, encoded(fields, kind, quote_all=quote_all, newline=newline)))
    start = b"\xef\xbb\xbf" if draw(st.booleans()) else b""
    content = start + ",".join(HEADER).encode() + newline.encode() + b"".join(raw for *_, raw in rows)
    if draw(st.booleans()):
        content = content.removesuffix(newline.encode())
    return rows, content


def lines_by_python(content):
    """Return the line on which each record after the header starts, as Python's own reader counts."""
    reader = csv.reader(io.StringIO(content.decode("latin-1"), newline=""))
    starts, before = [], 0
    for _ in reader:
        starts.append(before + 1)
        before = reader.line_num
    return starts[1:]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files())
def test_every_row_is_loaded_or_quarantined_under_its_line_and_reason(room, made):
    rows, content = made
    path = room.file("made.csv", content)
    wrong = [kind in {"bytes", "nul"} for _, kind, _ in rows]
    if 2 * sum(wrong) > len(rows):
        with pytest.raises(InputFault, match="UTF-8"):
            room.events(path)
        return
    quality = room.events(path)
    lines = lines_by_python(content)
    expected = [(line, *FAULTS[kind]) for line, (_, kind, _) in zip(lines, rows, strict=True) if FAULTS[kind]]
    loaded = [
        (fields[0], None if fields[4].strip(" ") in {"", "\\N"} else fields[4].strip(" "))
        for fields, kind, _ in rows
        if kind == "good"
    ]
    assert room.quarantined() == expected
    assert room.rows("event_id, query") == loaded
    assert quality.rows_read == quality.rows_loaded + quality.rows_quarantined == len(rows)


@settings(max_examples=40, deadline=None)
@given(files())
def test_the_raw_text_in_quarantine_is_the_row_as_it_stood(room, made):
    rows, content = made
    if any(kind in {"bytes", "nul"} for _, kind, _ in rows):
        return
    room.events(room.file("raw.csv", content))
    expected = [raw.decode().rstrip("\r\n") for _, kind, raw in rows if FAULTS[kind]]
    assert [row["raw"].rstrip("\r\n") for row in room.quarantined_rows()] == expected


@settings(max_examples=20, deadline=None)
@given(files())
def test_a_gzipped_file_is_read_as_the_plain_one(room, made):
    _, content = made
    outcomes = []
    for name, written in (("plain.csv", content), ("packed.csv.gz", gzip.compress(content))):
        try:
            room.events(room.file(name, written))
            outcomes.append((room.quarantined(), room.rows()))
        except InputFault as fault:
            outcomes.append(type(fault))
    assert outcomes[0] == outcomes[1]


NAMES = ("x.csv", "x.tsv", "x.ndjson", "x.json", "x.parquet", "x.csv.gz", "x")
PIECES = st.sampled_from(
    [
        b"user_id,type,at\n",
        b"user_id\ttype\tat\r\n",
        b"u1,view,2024-01-01",
        b'{"user_id":"u1","type":"view","at":1704067200}',
        b'{"user_id":',
        b"\n",
        b"\r",
        b"\r\n",
        b",",
        b'"',
        b" ",
        b"\xff",
        b"\0",
        b"PAR1",
        b"\x1f\x8b",
        "鞋".encode(),
        "鞋".encode("utf-16"),
        b"1,2,3,pv,1511544070\n",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=30).map(b"".join)))
def test_no_bytes_end_in_anything_but_a_report_or_a_fault(room, name, content):
    path = room.file(name, content)
    try:
        quality = room.events(path)
    except Fault as fault:
        assert str(fault)  # noqa: PT017  a fault is an allowed outcome here
        return
    assert quality.rows_read == quality.rows_loaded + quality.rows_quarantined
    assert len(room.quarantined_rows()) == quality.rows_quarantined
    assert sum(sum(source.reasons.values()) for source in quality.sources) == quality.rows_quarantined


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_no_bytes_behind_a_good_header_end_in_anything_but_a_report_or_a_fault(room, content):
    path = room.file("y.csv", b"user_id,type,at\nu0,view,2024-01-01T10:00:00Z\n" + content)
    try:
        quality = room.events(path)
    except InputFault as fault:
        assert "UTF-8" in str(fault)  # noqa: PT017  most of it may be no text
        return
    assert quality.rows_read == quality.rows_loaded + quality.rows_quarantined
    assert len(room.quarantined_rows()) == quality.rows_quarantined
    assert room.rows("user_id")[0] == ("u0",)
