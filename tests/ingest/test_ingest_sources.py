import gzip

import pytest

from andante.vocabulary.fault import MissingColumn, UnknownShape

HEADER = "user_id,type,at\n"


def row(user):
    return f"{user},view,2024-01-01T10:00:00Z\n"


def test_a_folder_is_read_with_all_its_formats_below_it(desk):
    desk.file("logs/a.csv", HEADER + row("u1"))
    desk.file("logs/b.tsv", (HEADER + row("u2")).replace(",", "\t"))
    desk.file("logs/2024/c.csv.gz", gzip.compress((HEADER + row("u3")).encode()))
    desk.file("logs/2024/d.ndjson", '{"user_id":"u4","type":"view","at":"2024-01-01T10:00:00Z"}\n')
    desk.file("logs/2024/e.jsonl.gz", gzip.compress(b'{"user_id":"u5","type":"view","at":"2024-01-01"}\n'))
    parquet = desk.folder / "logs" / "f.parquet"
    desk.connection.execute(
        f"""COPY (SELECT 'u6' AS user_id, 'view' AS type, DATE '2024-01-01' AS "at") TO '{parquet}'"""
    )
    desk.file("logs/readme.txt", "no data")
    desk.file("logs/_temporary/g.csv", "half")
    desk.file("logs/.hidden.csv", "half")
    quality = desk.events(desk.folder / "logs")
    assert sorted(desk.rows("user_id")) == [("u1",), ("u2",), ("u3",), ("u4",), ("u5",), ("u6",)]
    assert [source.format for source in quality.sources] == [
        "csv.gz",
        "ndjson",
        "ndjson.gz",
        "csv",
        "tsv",
        "parquet",
    ]


def test_another_table_in_a_folder_is_skipped_and_said(desk):
    desk.file("logs/events.csv", HEADER + row("u1"))
    desk.file("logs/items.csv", "item,price\ni1,3\n")
    desk.file("logs/part-0.csv", "")
    desk.file("logs/part-1.csv", HEADER)
    quality = desk.events(desk.folder / "logs")
    assert desk.rows("user_id") == [("u1",)]
    assert sorted(path.rsplit("/", 1)[1] for path in quality.skipped) == [
        "items.csv",
        "part-0.csv",
        "part-1.csv",
    ]
    assert any("items.csv" in warning for warning in quality.warnings)


def test_a_folder_of_nothing_but_other_tables_is_a_fault(desk):
    desk.file("logs/items.csv", "item,price\ni1,3\n")
    with pytest.raises(UnknownShape):
        desk.events(desk.folder / "logs")


def test_a_log_in_a_folder_that_lacks_one_column_is_a_fault(desk):
    desk.file("logs/events.csv", HEADER + row("u1"))
    desk.file("logs/more.csv", "user_id,type\nu1,view\n")
    with pytest.raises(MissingColumn):
        desk.events(desk.folder / "logs")


def test_a_pattern_is_expanded_and_a_file_named_twice_is_read_once(desk):
    path = desk.file("part-1.csv", HEADER + row("u1"))
    desk.file("part-2.csv", HEADER + row("u2"))
    quality = desk.events(path, str(desk.folder / "part-*.csv"))
    assert [source.rows_read for source in quality.sources] == [1, 1]


def test_a_quarantine_of_before_is_not_a_source(desk):
    desk.file("out/events.csv", HEADER + row("u1") + "u2,fly,2024-01-01\n")
    assert desk.events(desk.folder / "out").rows_read == 2
    assert desk.events(desk.folder / "out").rows_read == 2


def test_gzip_is_told_by_its_bytes_not_by_the_name(desk):
    packed = desk.file("a.csv", gzip.compress((HEADER + row("u1")).encode()))
    plain = desk.file("b.csv.gz", HEADER + row("u2"))
    desk.events(packed, plain)
    assert desk.rows("user_id") == [("u1",), ("u2",)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_tells_the_encoding(desk, encoding):
    desk.events(desk.file("a.csv", (HEADER + row("ü1")).encode(encoding)))
    assert desk.rows("user_id") == [("ü1",)]


def test_a_packed_file_in_utf_16_is_read(desk):
    desk.events(desk.file("a.csv.gz", gzip.compress((HEADER + row("ü1")).encode("utf-16"))))
    assert desk.rows("user_id") == [("ü1",)]


def test_parquet_users_that_were_floats_lose_their_point(desk):
    path = desk.folder / "a.parquet"
    desk.connection.execute(
        f"""COPY (SELECT *, 'view' AS type, DATE '2024-01-01' AS "at"
            FROM (VALUES (17850.0::DOUBLE), ('nan'::DOUBLE)) AS t(user_id)) TO '{path}'"""
    )
    desk.events(path)
    assert desk.rows("user_id") == [("17850",)]
    assert desk.quarantined() == [(2, "user_id", "missing user")]


def test_everything_fits_in_a_small_memory(desk):
    desk.connection.execute(f"SET memory_limit = '300MB'; SET temp_directory = '{desk.folder}'")
    lines = "".join(f"user number {number},view,2024-01-01T10:00:00Z\n" for number in range(700_000))
    quality = desk.events(desk.file("a.csv", HEADER + lines))
    assert quality.rows_clean == 700_000
