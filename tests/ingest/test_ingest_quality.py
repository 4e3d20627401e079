import json

import pytest


def test_the_report_counts_sources_rules_and_rows(desk, fixtures):
    quality = desk.events(fixtures / "andante.csv", fixtures / "uci_retail.csv")
    told = json.loads(json.dumps(quality.to_dict()))
    assert [source["rows_read"] for source in told["sources"]] == [4, 4]
    assert (told["rows_read"], told["rows_loaded"], told["rows_quarantined"], told["rows_clean"]) == (
        8,
        7,
        1,
        5,
    )
    assert told["sources"][1]["reasons"] == {"missing user": 1}
    assert told["sources"][0]["size_bytes"] == (fixtures / "andante.csv").stat().st_size
    assert (told["first_at"], told["last_at"]) == ("2010-12-01T08:26:00Z", "2024-03-02T10:31:00.250000Z")
    assert told["types"] == {"purchase": 2, "dwell": 1, "search": 1, "view": 1}
    assert told["users"] == 3
    assert told["missing"]["query"] == pytest.approx(0.8)


def warnings(desk, content, **options):
    return desk.events(desk.file("a.csv", content), **options).warnings


def test_times_at_midnight_are_a_warning(desk):
    assert any("midnight" in text for text in warnings(desk, "user_id,type,at\nu1,view,2024-01-01\n"))
    assert not any("midnight" in text for text in warnings(desk, "user_id,type,at\nu1,view,2024-01-01T01:00:00Z\n"))


def test_one_type_alone_is_a_warning(desk):
    views = "".join(f"u{number},view,2024-01-01T10:00:00Z\n" for number in range(20))
    one = "u1,purchase,2024-01-01T10:00:00Z\n"
    assert any(
        "95% of the events are of one type: view" in text for text in warnings(desk, "user_id,type,at\n" + views + one)
    )
    others = "".join(f"u{number},cart,2024-01-01T10:00:00Z\n" for number in range(20))
    assert not any("one type" in text for text in warnings(desk, "user_id,type,at\n" + views + others))


def test_one_user_with_most_rows_is_a_warning(desk):
    rows = "".join(f"u1,view,2024-01-01T10:00:{number:02}Z\n" for number in range(9)) + "u2,view,2024-01-01T10:00:00Z\n"
    assert any("90% of the rows are of one user: u1" in text for text in warnings(desk, "user_id,type,at\n" + rows))


def test_words_that_are_not_known_are_listed_by_count(desk):
    rows = "u1,fly,2024-01-01\nu1,swim,2024-01-01\nu1,fly,2024-01-01\nu1,view,2024-01-01\n"
    found = warnings(desk, "user_id,type,at\n" + rows)
    assert any("'fly' (2), 'swim' (1)" in text for text in found)
    assert any("75% of the rows are in quarantine, most for: unknown type" in text for text in found)


def test_values_in_two_currencies_are_a_warning_where_the_source_tells(desk):
    line = (
        '{"type":"track","userId":"u1","event":"Order Completed","timestamp":"2024-01-01T1%d:00:00Z",'
        '"properties":{"total":5,"currency":"%s"}}\n'
    )
    two = desk.events(desk.file("two.ndjson", line % (0, "EUR") + line % (1, "USD")))
    assert any("2 currencies (EUR, USD)" in text for text in two.warnings)
    one = desk.events(desk.file("one.ndjson", line % (0, "EUR") + line % (1, "EUR")))
    assert not any("currencies" in text for text in one.warnings)


def test_a_load_that_keeps_no_row_says_so(desk):
    quality = desk.events(desk.file("a.csv", "user_id,type,at\n,view,2024-01-01\n"))
    assert (quality.rows_clean, quality.users, quality.first_at) == (0, 0, None)
    assert any("no row is left" in text for text in quality.warnings)
