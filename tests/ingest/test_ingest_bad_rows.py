from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from andante.ingest.insertion import insert
from andante.vocabulary.fault import UnreadableInput

BAD_ROWS = (
    b"\xef\xbb\xbfuser_id,type,at,query\r\n"  # 1: a byte-order mark
    b"u1,search,2024-01-01T10:00:00Z,plain\r\n"  # 2
    b'u2,search,2024-01-01T10:00:01Z,"two\r\nlines, ""quoted"""\r\n'  # 3 and 4: a quoted newline
    b"u3,teleport,2024-01-01T10:00:02Z,x\r\n"  # 5: a wrong type
    b",search,2024-01-01T10:00:03Z,x\r\n"  # 6: no user
    b"u5,search,2034-01-01T10:00:04Z,x\r\n"  # 7: the future
    b"u6,search,yesterday,x\r\n"  # 8: no time
    b"u7,search,2024-01-01T10:00:05Z,caf\xe9\r\n"  # 9: Latin-1 among UTF-8
    + "u8,search,2024-01-01T10:00:06Z,café\r\n".encode()  # 10
    + b'u9,search,2024-01-01T10:00:07Z,"broken" quotes\r\n'  # 11
    b"u10,search,2024-01-01T10:00:08Z,x,more\r\n"  # 12
    b'0,search,2024-01-01T10:00:09Z,"a guest\n\non three lines"\r\n'  # 13 to 15
    b"u12,search,1970-01-01T00:00:00Z,x\r\n"  # 16: impossible
    b"u13,search,,x\r\n"  # 17
    b"u14,search,2024-01-01T10:00:10Z,last good one\r\n"  # 18
    b"u15,sear"  # 19: cut in half
)


def test_a_file_with_bad_rows_loads_and_quarantines_exactly_those_rows(desk):
    quality = desk.events(desk.file("bad.csv", BAD_ROWS))
    assert desk.rows("user_id, query") == [
        ("u1", "plain"),
        ("u2", 'two\r\nlines, "quoted"'),
        ("u8", "café"),
        ("u14", "last good one"),
    ]
    assert desk.quarantined() == [
        (5, "type", "unknown type"),
        (6, "user_id", "missing user"),
        (7, "at", "time in the future"),
        (8, "at", "not a time"),
        (9, "", "invalid encoding"),
        (11, "", "broken quotes"),
        (12, "", "too many fields"),
        (13, "user_id", "missing user"),
        (16, "at", "impossible time"),
        (17, "at", "missing time"),
        (19, "", "too few fields"),
    ]
    assert (quality.rows_read, quality.rows_loaded, quality.rows_quarantined) == (15, 4, 11)
    assert quality.sources[0].reasons["missing user"] == 2


def test_the_quarantine_keeps_the_raw_text_of_each_row(desk):
    path = desk.file("bad.csv", BAD_ROWS)
    desk.events(path)
    by_line = {row["line"]: row for row in desk.quarantined_rows()}
    assert by_line[9]["raw"] == r"u7,search,2024-01-01T10:00:05Z,caf\xe9"
    assert by_line[13]["raw"] == '0,search,2024-01-01T10:00:09Z,"a guest\n\non three lines"'
    assert by_line[19] == {
        "file": str(path),
        "line": 19,
        "field": "",
        "reason": "too few fields",
        "raw": "u15,sear",
    }


def test_the_quarantine_and_the_counts_are_the_same_every_time(desk):
    path = desk.file("bad.csv", BAD_ROWS)
    first = desk.events(path).to_dict()
    bytes_first = desk.quarantine.read_bytes()
    assert desk.events(path).to_dict() == first
    assert desk.quarantine.read_bytes() == bytes_first


def test_the_same_rows_in_utf_16_are_quarantined_under_the_same_lines(desk):
    text = BAD_ROWS.replace(b"caf\xe9", b"caf").decode("utf-8-sig")
    quality = desk.events(desk.file("bad.csv", text.encode("utf-16")))
    lines = [line for line, *_ in desk.quarantined()]
    assert lines == [5, 6, 7, 8, 11, 12, 13, 16, 17, 19]
    assert quality.sources[0].format == "csv utf-16"


@pytest.mark.parametrize("user", ["", "0", "-1", "NULL", "nan", "None", "undefined", "  "])
def test_guests_are_missing_users(desk, user):
    path = desk.file("a.csv", f"user_id,type,at\nu1,view,2024-01-01\n{user},view,2024-01-01\n")
    desk.events(path)
    assert desk.quarantined() == [(3, "user_id", "missing user")]


def test_a_valid_last_line_without_a_line_end_is_loaded(desk):
    desk.events(desk.file("a.csv", "user_id,type,at\nu1,view,2024-01-01"))
    assert desk.rows("user_id") == [("u1",)]


def test_lines_of_faults_are_right_where_many_threads_read(desk):
    """The file is larger than what one thread takes at a time, with a quoted newline in every tenth row."""
    rows, expected, line = [], [], 2
    for number in range(400_000):
        user = "" if number % 40_009 == 7 else f"u{number}"
        query = '"two\nlines"' if number % 10 == 0 else "a word or two about red and other shoes"
        if not user:
            expected.append((line, "user_id", "missing user"))
        rows.append(f"{user},search,2024-01-01T10:00:00Z,{query}")
        line += 2 if number % 10 == 0 else 1
    path = desk.file("big.csv", "user_id,type,at,query\n" + "\n".join(rows) + "\n")
    desk.connection.execute("SET threads = 4")
    quality = desk.events(path)
    assert desk.quarantined() == expected
    assert quality.rows_loaded == 400_000 - len(expected)


def test_lines_are_right_in_mixed_and_old_line_ends(desk):
    content = b"user_id,type,at\nu1,view,2024-01-01\r\nu2,fly,2024-01-01\ru3,view,2024-01-01\n"
    content += b"\n\r\nu4,fly,2024-01-01\n"
    quality = desk.events(desk.file("mixed.csv", content))
    assert desk.rows("user_id") == [("u1",), ("u3",)]
    assert desk.quarantined() == [(3, "type", "unknown type"), (7, "type", "unknown type")]
    assert quality.rows_read == 4


def test_a_stray_quote_costs_one_row(desk):
    content = 'user_id,type,at,query\nu1,search,2024-01-01,"oops\n'
    content += 'u2,search,2024-01-01,"fine"\nu3,search,2024-01-01,5" x\n'
    desk.events(desk.file("a.csv", content))
    assert desk.rows("user_id, query") == [("u2", "fine"), ("u3", '5" x')]
    assert desk.quarantined() == [(2, "", "broken quotes")]


def test_fields_with_spaces_around_their_quotes_are_read_as_meant(desk):
    content = 'user_id,type,at,query\nu1,search,2024-01-01, "red, wide" \n "u2",search,2024-01-01,x\n'
    quality = desk.events(desk.file("a.csv", content))
    assert desk.rows("user_id, query") == [("u1", "red, wide"), ("u2", "x")]
    assert quality.rows_quarantined == 0


def test_rows_that_were_counted_otherwise_are_withdrawn_and_read_again(desk, monkeypatch):
    calls = []

    def miscounting(*arguments):
        inserted = insert(*arguments)
        calls.append(inserted.rows)
        return replace(inserted, rows=inserted.rows + 1) if len(calls) < 3 else inserted

    monkeypatch.setattr("andante.ingest.intake.insert", miscounting)
    desk.events(desk.file("a.csv", 'user_id,type,at\nu1,view,2024-01-01\n"u""2",view,2024-01-01\nu3,fly,2024-01-01\n'))
    assert calls == [3, 3, 3]
    assert desk.rows("user_id") == [("u1",), ('u"2',)]
    assert desk.quarantined() == [(4, "type", "unknown type")]


def test_a_file_that_is_counted_otherwise_each_time_is_a_fault(desk, monkeypatch):
    monkeypatch.setattr("andante.ingest.intake.insert", lambda *arguments: replace(insert(*arguments), rows=99))
    with pytest.raises(UnreadableInput, match="other rows than were counted"):
        desk.events(desk.file("a.csv", "user_id,type,at\nu1,view,2024-01-01\n"))


def test_a_line_that_is_too_long_costs_one_row(desk):
    content = "user_id,type,at,query\nu1,search,2024-01-01," + "x" * 200_000 + "\nu2,search,2024-01-01,y\n"
    desk.events(desk.file("a.csv", content))
    assert desk.rows("user_id") == [("u2",)]
    assert desk.quarantined() == [(2, "", "line too long")]


def test_a_bad_number_is_quarantined_only_where_the_number_counts(desk):
    header = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
    row = "2019-10-01 00:00:00 UTC,{},1,2,c,b,{},u1,s\n"
    content = header + row.format("view", "n/a") + row.format("purchase", "n/a") + row.format("purchase", "9.5")
    desk.events(desk.file("a.csv", content))
    assert desk.rows("type, value") == [("view", None), ("purchase", 9.5)]
    assert desk.quarantined() == [(3, "price", "not a number")]


def test_bad_lines_of_json_are_quarantined(desk):
    good = '{"user_id":"u1","type":"view","at":"2024-01-01T10:00:00Z"}\n'
    content = good + '{"user_id":"u2",\n[1]\n\n"text"\n{"type":"view","at":"2024-01-01"}\n' + good + '{"user_id":"u'
    quality = desk.events(desk.file("a.ndjson", content))
    assert desk.quarantined() == [
        (2, "", "invalid JSON"),
        (3, "", "invalid JSON"),
        (5, "", "invalid JSON"),
        (6, "user_id", "missing user"),
        (8, "", "invalid JSON"),
    ]
    assert quality.rows_read == 7


def test_a_purchase_that_json_tells_late_keeps_its_value(desk):
    """A field that the first thousand lines do not hold is read all the same."""
    page = '{"type":"page","userId":"u%d","timestamp":"2024-01-01T10:00:00Z","event":null}\n'
    order = (
        '{"type":"track","userId":"u1","event":"Order Completed",'
        '"timestamp":"2024-01-01T11:00:00Z","properties":{"total":5}}\n'
    )
    desk.events(desk.file("a.ndjson", "".join(page % number for number in range(1, 1500)) + order))
    assert desk.rows("type, value")[-1] == ("purchase", 5.0)


def test_bad_rows_of_parquet_are_quarantined_by_row(desk):
    path = desk.folder / "a.parquet"
    desk.connection.execute(
        f"""COPY (SELECT *, TIMESTAMP '2024-01-01' AS "at"
            FROM (VALUES (1, 'view'), (NULL, 'view'), (3, 'fly')) AS t(user_id, type)) TO '{path}'"""
    )
    quality = desk.events(path)
    assert desk.quarantined() == [(2, "user_id", "missing user"), (3, "type", "unknown type")]
    assert '"fly"' in desk.quarantined_rows()[1]["raw"]
    assert quality.rows_loaded == 1


def test_times_up_to_a_day_ahead_are_taken_for_slow_clocks(desk):
    now = datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=8)))
    late = now.astimezone(UTC) + timedelta(days=1)
    later = late + timedelta(seconds=1)
    path = desk.file("a.csv", f"user_id,type,at\nu1,view,{late.isoformat()}\nu2,view,{later.isoformat()}\n")
    desk.events(path, now=now)
    assert desk.rows("user_id") == [("u1",)]
    assert desk.quarantined() == [(3, "at", "time in the future")]
