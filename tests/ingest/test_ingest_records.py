"""The cutter of records, compared with itself in small pieces and with Python's csv reader."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.ingest import records
from andante.ingest.records import BROKEN, LONG, ODD, WIDE, walk

BYTES = st.lists(st.sampled_from([b"a", b",", b'"', b"\n", b"\r", b"\r\n", b" ", b"\xc3\xa9", b"\0"]), max_size=60).map(
    b"".join
)


def cut(content, delimiter=",", *, quoted=True):
    """Return (line, raw, fields, marks) of every record."""
    return [
        (int(block.line[index]), block.raw(index), int(block.fields[index]), int(block.marks[index]))
        for block in walk(io.BytesIO(content), delimiter, quoted=quoted)
        for index in range(len(block.start))
    ]


@settings(max_examples=300, deadline=None)
@given(BYTES, st.integers(1, 7))
def test_records_do_not_depend_on_where_the_blocks_are_cut(content, size):
    whole = cut(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK_BYTES", size)
        assert cut(content) == whole


@settings(max_examples=200, deadline=None)
@given(BYTES, st.integers(1, 7), st.integers(2, 12))
def test_records_do_not_depend_on_the_blocks_even_when_they_are_too_long(content, size, limit):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "LIMIT_BYTES", limit)
        whole = [(line, fields, marks) for line, _, fields, marks in cut(content)]
        patch.setattr(records, "BLOCK_BYTES", size)
        assert [(line, fields, marks) for line, _, fields, marks in cut(content)] == whole


@settings(max_examples=100, deadline=None)
@given(BYTES)
def test_the_compiled_cutter_does_what_its_python_does(content):
    compiled = cut(content)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_line_end", "_after_line_end", "_record", "_split"):
            patch.setattr(records, name, getattr(records, name).py_func)
        assert cut(content) == compiled


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.text(st.sampled_from('ab,"\n\ré'), max_size=5), min_size=2, max_size=4), max_size=12))
def test_well_formed_tables_are_cut_as_python_reads_them(table):
    written = io.StringIO()
    csv.writer(written).writerows(table)
    reader = csv.reader(io.StringIO(written.getvalue(), newline=""))
    expected, before = [], 0
    for row in reader:
        expected.append((before + 1, len(row)))
        before = reader.line_num
    found = cut(written.getvalue().encode())
    assert [(line, fields) for line, _, fields, _ in found] == expected
    assert not any(marks & (BROKEN | LONG | ODD) for *_, marks in found)


def test_a_stray_quote_costs_its_own_line_only():
    assert [(line, raw, marks) for line, raw, _, marks in cut(b'1,"a\n2,b\n3,"c"\n')] == [
        (1, b'1,"a', BROKEN),
        (2, b"2,b", 0),
        (3, b'3,"c"', 0),
    ]


def test_a_quote_that_never_closes_costs_its_own_line_only():
    found = cut(b'1,"a\n' + b"2,b\n" * 100_000)
    assert found[0][3] == BROKEN
    assert len(found) == 100_001
    assert found[-1][0] == 100_001


def test_a_line_beyond_the_limit_is_one_record_and_the_next_keeps_its_line():
    content = b"1,a\n" + b"x" * 9_000_000 + b"\n3,c\n"
    assert [(line, fields, marks) for line, _, fields, marks in cut(content)] == [
        (1, 2, 0),
        (2, 1, LONG),
        (3, 2, 0),
    ]


def test_spaces_around_quotes_are_odd_and_wide_characters_are_marked():
    assert [marks for *_, marks in cut('1, "b" \n2,é\n'.encode())] == [ODD, WIDE]


def test_blank_lines_are_no_records_but_count_as_lines():
    assert [line for line, *_ in cut(b"\n\n1,2\n\r\n3,4")] == [3, 5]


def test_quotes_are_text_where_they_are_not_asked_for():
    assert [fields for _, _, fields, _ in cut(b'{"a\n{"b\n', "\x1f", quoted=False)] == [1, 1]
