import gzip

import pytest

from andante.vocabulary.fault import EmptyInput, InputFault, MissingColumn, UnknownShape, UnreadableInput

ROW = "u1,view,2024-01-01\n"


def test_an_empty_file_is_one_clear_fault(desk):
    with pytest.raises(EmptyInput, match="is empty: export it again"):
        desk.events(desk.file("a.csv", ""))


@pytest.mark.parametrize("content", ["\n\n", " \n", "\ufeff"])
def test_a_file_of_blank_lines_is_empty(desk, content):
    with pytest.raises(EmptyInput):
        desk.events(desk.file("a.csv", content))


def test_an_empty_gzip_file_is_empty(desk):
    with pytest.raises(EmptyInput):
        desk.events(desk.file("a.csv.gz", gzip.compress(b"")))


def test_a_header_without_rows_is_empty(desk):
    with pytest.raises(EmptyInput, match="holds a header only"):
        desk.events(desk.file("a.csv", "user_id,type,at\n"))


def test_a_missing_column_is_named_with_the_shape_that_needs_it(desk):
    with pytest.raises(
        MissingColumn, match=r"user_id, type, item_id\) has no column at, which the shape andante"
    ) as fault:
        desk.events(desk.file("a.csv", "user_id,type,item_id\nu1,view,i1\n"))
    assert "--map" in str(fault.value)


def test_an_unknown_header_is_listed_with_the_nearest_shape(desk):
    with pytest.raises(UnknownShape, match=r"\(uid, what, when\) has the header of no known shape; the nearest"):
        desk.events(desk.file("a.csv", "uid,what,when\nu1,view,2024\n"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_an_unambiguous_delimiter_is_found(desk, delimiter):
    desk.events(desk.file("a.csv", ("user_id,type,at\n" + ROW).replace(",", delimiter)))
    assert desk.rows("user_id, type") == [("u1", "view")]


def test_a_delimiter_that_nothing_fits_is_a_fault_that_says_what_was_tried(desk):
    with pytest.raises(UnreadableInput, match=r"\(comma, semicolon, tab, bar\)"):
        desk.events(desk.file("a.csv", ("user_id,type,at\n" + ROW).replace(",", "^")))


def test_a_wrong_stated_delimiter_is_a_fault(desk):
    with pytest.raises(UnreadableInput, match="one column only"):
        desk.events(desk.file("a.csv", "user_id,type,at\n" + ROW), mapping={"delimiter": "^"})


def test_a_folder_without_data_is_a_fault(desk):
    desk.file("logs/readme.md", "no data here")
    with pytest.raises(EmptyInput, match="holds no data file"):
        desk.events(desk.folder / "logs")


def test_a_pattern_without_matches_is_a_fault(desk):
    with pytest.raises(EmptyInput, match="matches no file"):
        desk.events(desk.folder / "*.csv")


def test_a_missing_file_is_a_fault(desk):
    with pytest.raises(InputFault, match="does not exist"):
        desk.events(desk.folder / "nowhere.csv")


def test_no_source_is_a_fault(desk):
    with pytest.raises(InputFault, match="name no file"):
        desk.events()


def test_a_cut_gzip_file_is_a_fault(desk):
    content = gzip.compress(("user_id,type,at\n" + ROW * 50_000).encode())
    with pytest.raises(UnreadableInput, match="broken gzip"):
        desk.events(desk.file("a.csv.gz", content[: len(content) // 2]))


@pytest.mark.parametrize("content", [b"PAR1 and no more", b"text"])
def test_a_broken_parquet_file_is_a_fault(desk, content):
    with pytest.raises(UnreadableInput):
        desk.events(desk.file("a.parquet", content))


def test_a_parquet_file_with_broken_pages_is_a_fault_and_leaves_the_table_alone(desk):
    path = desk.folder / "a.parquet"
    desk.connection.execute(
        f"COPY (SELECT 'u' || i AS user_id, 'view' AS type, now() AS at FROM range(5000) t(i)) TO '{path}'"
    )
    content = bytearray(path.read_bytes())
    content[40:4000] = bytes(3960)
    desk.events(desk.file("good.csv", "user_id,type,at\n" + ROW))
    with pytest.raises(UnreadableInput):
        desk.events(desk.file("b.parquet", bytes(content)))
    assert desk.rows("user_id") == [("u1",)]
    assert [name for (name,) in desk.connection.execute("SHOW TABLES").fetchall()] == ["events"]


def test_a_zip_archive_is_a_fault_that_says_so(desk):
    with pytest.raises(UnreadableInput, match="zip archive or an Excel workbook"):
        desk.events(desk.file("a.csv", b"PK\x03\x04rest"))


def test_a_json_array_is_a_fault_that_says_how_to_turn_it_into_lines(desk):
    with pytest.raises(UnreadableInput, match="one object a line"):
        desk.events(desk.file("a.json", '[{"user_id":"u1"}]'))


@pytest.mark.parametrize(("encoding", "word"), [("gb18030", "用户"), ("latin-1", "café"), ("utf-16-le", "user")])
def test_a_header_in_another_encoding_is_a_fault_that_names_it(desk, encoding, word):
    content = f"{word},type,at\n".encode(encoding) + f"{word},view,2024-01-01\n".encode(encoding) * 20
    with pytest.raises(UnreadableInput, match=f'encoding = "{encoding}"'):
        desk.events(desk.file("a.csv", content))


def test_a_file_that_is_mostly_in_another_encoding_is_a_fault_that_names_it(desk):
    content = b"user_id,type,at,query\n" + "u1,search,2024-01-01,红色的鞋子\n".encode("gb18030") * 9
    with pytest.raises(UnreadableInput, match=r'9 of 9 rows.*encoding = "gb18030"'):
        desk.events(desk.file("a.csv", content))


def test_a_fault_leaves_the_table_of_before(desk):
    desk.events(desk.file("a.csv", "user_id,type,at\n" + ROW))
    with pytest.raises(EmptyInput):
        desk.events(desk.file("b.csv", "user_id,type,at\n" + ROW), desk.file("c.csv", "user_id,type,at\n"))
    assert desk.rows("user_id") == [("u1",)]


def test_the_settings_of_the_connection_are_as_before(desk):
    desk.connection.execute("SET TimeZone = 'Europe/Paris'; SET preserve_insertion_order = false")
    desk.events(desk.file("a.csv", "user_id,type,at\n" + ROW))
    settings = "SELECT current_setting('TimeZone'), current_setting('preserve_insertion_order')"
    assert desk.connection.execute(settings).fetchall() == [("Europe/Paris", False)]
