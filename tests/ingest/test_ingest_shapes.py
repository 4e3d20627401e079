from datetime import datetime

import pytest


def at(text):
    return datetime.fromisoformat(text)


def test_our_own_shape_loads_every_column(desk, fixtures):
    desk.events(fixtures / "andante.csv")
    assert desk.rows() == [
        ("e1", "ada", "view", at("2024-03-01T09:00:00"), "shoe-1", "shoes", None, None),
        ("e2", "ada", "search", at("2024-03-01T01:01:00"), None, None, "red shoes, wide", None),
        ("e3", "ben", "purchase", at("2024-03-02T10:30:00"), "shoe-1", "shoes", None, 59.9),
        ("e4", "ben", "dwell", at("2024-03-02T10:31:00.250"), "shoe-2", None, None, 12.5),
    ]


def test_rees46_takes_the_category_code_else_its_id_and_the_price_of_purchases_only(desk, fixtures):
    quality = desk.events(fixtures / "rees46.csv")
    assert quality.sources[0].shape == "rees46"
    assert desk.rows() == [
        (None, "541312140", "view", at("2019-10-01T00:00:00"), "44600062", "2103807459595387724", None, None),
        (
            None,
            "554748717",
            "cart",
            at("2019-10-01T00:00:01"),
            "3900821",
            "appliances.environment.water_heater",
            None,
            None,
        ),
        (
            None,
            "543272936",
            "purchase",
            at("2019-10-01T00:02:14"),
            "1004856",
            "electronics.smartphone",
            None,
            130.76,
        ),
    ]


def test_taobao_is_recognised_without_a_header(desk, fixtures):
    quality = desk.events(fixtures / "taobao.csv")
    assert (quality.sources[0].shape, quality.rows_read) == ("taobao", 4)
    assert desk.rows("user_id, type, at, item_id, category, value") == [
        ("1", "view", at("2017-11-24T17:21:10"), "2268318", "2520377", None),
        ("1", "cart", at("2017-11-24T22:15:33"), "2333346", "2520771", None),
        ("100", "favorite", at("2017-11-25T01:21:25"), "2576651", "149192", None),
        ("100", "purchase", at("2017-11-25T07:04:53"), "3830808", "4181361", None),
    ]


def test_taobao_is_recognised_with_a_header(desk, fixtures):
    assert desk.events(fixtures / "taobao_header.csv").rows_read == 2
    assert desk.rows("user_id, type") == [("1", "view"), ("1", "cart")]


def test_tmall_dates_are_of_the_latest_year_that_keeps_them_in_the_past(desk, fixtures):
    quality = desk.events(fixtures / "tmall.csv")
    assert desk.rows("user_id, item_id, type, at") == [
        ("10944750", "13451", "view", at("2023-06-04")),
        ("10944750", "13451", "purchase", at("2023-06-05")),
        ("8149250", "25687", "favorite", at("2023-04-15")),
        ("8149250", "25687", "cart", at("2023-08-15")),
    ]
    assert any("2023" in warning for warning in quality.warnings)


def test_tmall_dates_are_of_this_year_once_they_are_past(desk, fixtures):
    desk.events(fixtures / "tmall.csv", now=datetime(2024, 8, 15, 12))  # noqa: DTZ001  naive is UTC
    assert {row[0].year for row in desk.rows("at")} == {2024}


def test_tmall_year_can_be_stated(desk, fixtures):
    desk.events(fixtures / "tmall.csv", mapping={"year": 2014})
    assert {row[0].year for row in desk.rows("at")} == {2014}


def test_a_29_february_needs_a_leap_year(desk, fixtures):
    desk.events(fixtures / "tmall_chinese.csv", now=datetime(2024, 1, 10))  # noqa: DTZ001  naive is UTC
    assert desk.rows("at") == [(at("2020-06-04"),), (at("2020-02-29"),)]


def test_a_29_february_of_a_stated_common_year_is_not_a_time(desk, fixtures):
    desk.events(fixtures / "tmall_chinese.csv", mapping={"year": 2023})
    assert desk.rows("at") == [(at("2023-06-04"),)]
    assert desk.quarantined() == [(3, "visit_datetime", "not a time")]


def test_files_with_dates_without_a_year_share_one_year(desk):
    header = "user_id,brand_id,type,visit_datetime\n"
    first = desk.file("a.csv", header + "u1,b,0,4-1\n")
    second = desk.file("b.csv", header + "u1,b,0,8-1\n")
    desk.events(first, second)
    assert desk.rows("at") == [(at("2023-04-01"),), (at("2023-08-01"),)]


def test_retailrocket_times_are_milliseconds(desk, fixtures):
    desk.events(fixtures / "retailrocket.csv")
    assert desk.rows("user_id, type, at, item_id") == [
        ("257597", "view", at("2015-06-02T05:02:12.117"), "355908"),
        ("992329", "cart", at("2015-06-02T05:50:14.164"), "248676"),
        ("599528", "purchase", at("2015-06-02T05:17:56.276"), "356475"),
    ]


def test_uci_retail_multiplies_removes_cancelled_pairs_and_quarantines_guests(desk, fixtures):
    quality = desk.events(fixtures / "uci_retail.csv")
    assert desk.rows("user_id, type, at, item_id, category, query, value") == [
        ("17850", "purchase", at("2010-12-01T08:26:00"), "85123A", None, None, pytest.approx(15.3))
    ]
    assert desk.quarantined() == [(5, "CustomerID", "missing user")]
    cancellations = next(rule for rule in quality.rules if rule.rule == "cancellations")
    assert (cancellations.touched, cancellations.removed) == (2, 2)


def test_uci_retail_2_customers_lose_the_point_of_their_float(desk, fixtures):
    quality = desk.events(fixtures / "uci_retail_2.csv")
    assert quality.sources[0].shape == "uci-retail-2"
    assert desk.rows("user_id, at, value") == [
        ("13085", at("2009-12-01T07:45:00"), pytest.approx(83.4)),
        ("13086", at("2009-12-01T07:46:00"), pytest.approx(30.6)),
    ]


def test_ga4_reads_nested_revenue_items_and_microseconds(desk, fixtures):
    desk.events(fixtures / "ga4.ndjson")
    user = "1026454.4271112504"
    assert desk.rows("user_id, type, at, item_id, category, query, value") == [
        (user, "visit", at("2021-01-31T05:05:10.766593"), None, None, None, None),
        (user, "view", at("2021-01-31T05:05:20"), "GGOEGAAX0037", "Apparel", None, None),
        (user, "search", at("2021-01-31T05:05:30"), None, None, "google hoodie", None),
        (user, "purchase", at("2021-01-31T05:05:40.000001"), "GGOEGAAX0037", "Apparel", None, 48.0),
    ]
    assert desk.quarantined() == [(5, "event_name", "unknown type")]


def test_ga4_is_read_alike_from_nested_parquet(desk, fixtures):
    desk.events(fixtures / "ga4.ndjson")
    from_json = desk.rows()
    parquet = desk.folder / "ga4.parquet"
    desk.connection.execute(
        f"""COPY (SELECT * FROM read_json('{fixtures / "ga4.ndjson"}', format = 'newline_delimited'))
            TO '{parquet}'"""
    )
    assert desk.events(parquet).sources[0].format == "parquet"
    assert desk.rows() == from_json
    assert desk.quarantined() == [(5, "event_name", "unknown type")]


def test_segment_reads_pages_searches_and_orders(desk, fixtures):
    desk.events(fixtures / "segment.ndjson")
    assert desk.rows() == [
        ("m1", "anon-1", "visit", at("2024-05-01T12:00:00.123"), None, None, None, None),
        ("m2", "u1", "search", at("2024-05-01T12:01:00"), None, None, "red shoes", None),
        ("m3", "u1", "view", at("2024-05-01T12:02:00"), "p1", "Shoes", None, None),
        ("m4", "u1", "cart", at("2024-05-01T12:03:00"), "p1", "Shoes", None, None),
        ("m5", "u1", "purchase", at("2024-05-01T12:04:00"), "p1", "Shoes", None, 64.8),
    ]


def test_files_of_several_shapes_load_in_one_call(desk, fixtures):
    quality = desk.events(fixtures / "rees46.csv", fixtures / "taobao.csv", fixtures / "segment.ndjson")
    assert [source.shape for source in quality.sources] == ["rees46", "taobao", "segment"]
    assert quality.rows_clean == 12


def test_column_names_are_known_in_any_case_and_with_blanks_around(desk):
    path = desk.file("upper.csv", " USER_ID ,Type,AT\nu1,view,2024-01-01\n")
    desk.events(path)
    assert desk.rows("user_id, type") == [("u1", "view")]


def test_messages_load_and_outcomes_without_a_sent_row_are_counted_and_kept(desk, fixtures):
    quality = desk.messages(fixtures / "messages.csv")
    assert (quality.orphans, quality.rows_clean) == (1, 5)
    assert desk.rows("*", "messages")[3] == (
        "d2",
        "ben",
        "rated",
        at("2024-03-02T11:00:00"),
        "email",
        None,
        4.0,
    )


def test_message_rows_at_fault_are_quarantined(desk):
    path = desk.file(
        "messages.csv",
        "decision_id,user_id,type,at,rating\n"
        ",u1,sent,2024-01-01,\n"
        "d1,u1,viewed,2024-01-01,\n"
        "d1,u1,rated,2024-01-01,9\n"
        "d1,u1,rated,2024-01-01,x\n"
        "d1,u1,sent,2024-01-01,\n",
    )
    desk.messages(path)
    assert desk.quarantined() == [
        (2, "decision_id", "missing decision"),
        (3, "type", "unknown type"),
        (4, "rating", "out of range"),
        (5, "rating", "not a number"),
    ]


def test_message_rows_told_twice_are_removed(desk):
    row = "d1,u1,sent,2024-01-01T10:00:00Z\n"
    quality = desk.messages(desk.file("messages.csv", "decision_id,user_id,type,at\n" + row + row))
    assert (quality.rows_loaded, quality.rows_clean, quality.rules[0].removed) == (2, 1, 1)
