"""Every form of time that is understood, as UTC."""

from datetime import UTC, datetime, timedelta, timezone

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_desk import Desk


def read(desk, texts, mapping=None):
    lines = "".join(f'{number},view,"{text}"\n' for number, text in enumerate(texts, 1))
    desk.events(desk.file("times.csv", "user_id,type,at\n" + lines), mapping=mapping)
    return {user: at for user, at in desk.rows("user_id, at")}  # noqa: C416  pairs of rows


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2019-10-01", "2019-10-01T00:00:00"),
        ("2019-10-01 10:30", "2019-10-01T10:30:00"),
        ("2019-10-01 10:30:15", "2019-10-01T10:30:15"),
        ("2019-10-01 10:30:15.5", "2019-10-01T10:30:15.500"),
        ("2019-10-01 10:30:15,5", "2019-10-01T10:30:15.500"),
        ("2019-10-01 10:30:15 UTC", "2019-10-01T10:30:15"),
        ("2019-10-01T10:30:15Z", "2019-10-01T10:30:15"),
        ("2019-10-01t10:30:15z", "2019-10-01T10:30:15"),
        ("2019-10-01T10:30Z", "2019-10-01T10:30:00"),
        ("2019-10-01T10:30:15.123456Z", "2019-10-01T10:30:15.123456"),
        ("2019-10-01T10:30:15+08:00", "2019-10-01T02:30:15"),
        ("2019-10-01T10:30+08:00", "2019-10-01T02:30:00"),
        ("2019-10-01 10:30:15 +0800", "2019-10-01T02:30:15"),
        ("2019-10-01 10:30:15 -05", "2019-10-01T15:30:15"),
        ("2019/10/01 10:30", "2019-10-01T10:30:00"),
        ("2019年10月1日", "2019-10-01T00:00:00"),
        ("20191001", "2019-10-01T00:00:00"),
        ("1569925815", "2019-10-01T10:30:15"),
        ("1569925815.25", "2019-10-01T10:30:15.250"),
        ("1569925815123", "2019-10-01T10:30:15.123"),
        ("1569925815123456", "2019-10-01T10:30:15.123456"),
        ("1569925815123456789", "2019-10-01T10:30:15.123457"),
        ("10/13/2019 8:26", "2019-10-13T08:26:00"),
        ("13/10/2019 8:26", "2019-10-13T08:26:00"),
        ("13.10.2019 08:26:30", "2019-10-13T08:26:30"),
        ("13-10-19", "2019-10-13T00:00:00"),
        ("10/13/2019 8:26 PM", "2019-10-13T20:26:00"),
    ],
)
def test_a_time_is_understood(desk, text, utc):
    found = read(desk, [text])["1"]
    assert abs(found - datetime.fromisoformat(utc)) <= timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2019-13-01",
        "2019-02-30",
        "infinity",
        "-infinity",
        "2019-10-01 25:00",
        "1e400",
        "nan s",
        "13/13/2019",
        "99/99/99",
    ],
)
def test_what_is_no_time_is_quarantined(desk, text):
    read(desk, [text])
    assert desk.quarantined() == [(2, "at", "not a time")]


@pytest.mark.parametrize("text", ["epoch", "0", "-62135596800", "1989-12-31T23:59:59Z", "19", "-1e15"])
def test_a_time_before_1990_is_impossible(desk, text):
    read(desk, [text])
    assert desk.quarantined() == [(2, "at", "impossible time")]


def test_the_whole_file_tells_whether_the_day_stands_first(desk):
    assert read(desk, ["03/04/2019", "25/04/2019"])["1"] == datetime(2019, 4, 3)  # noqa: DTZ001
    assert read(desk, ["03/04/2019", "04/25/2019"])["1"] == datetime(2019, 3, 4)  # noqa: DTZ001


def test_a_guessed_order_of_day_and_month_is_a_warning(desk):
    path = desk.file("a.csv", "user_id,type,at\nu1,view,03/04/2019\n")
    assert any("month/day" in warning for warning in desk.events(path).warnings)


def test_naive_times_are_of_the_stated_zone_and_others_keep_their_offset(desk):
    found = read(desk, ["2019-07-01 12:00", "2019-07-01T12:00:00Z", "2019-01-01 12:00"], {"time_zone": "Europe/Berlin"})
    assert [found[user].hour for user in "123"] == [10, 12, 11]


def test_naive_timestamps_of_parquet_are_of_the_stated_zone(desk):
    path = desk.folder / "a.parquet"
    desk.connection.execute(
        f"""COPY (SELECT 'u' AS user_id, 'view' AS type, TIMESTAMP '2019-07-01 12:00' AS "at") TO '{path}'"""
    )
    desk.events(path, mapping={"time_zone": "Asia/Shanghai"})
    assert desk.rows("at") == [(datetime(2019, 7, 1, 4),)]  # noqa: DTZ001


def test_zoned_timestamps_of_parquet_keep_their_instant_in_any_session(desk):
    path = desk.folder / "a.parquet"
    desk.connection.execute("SET TimeZone = 'Asia/Shanghai'")
    desk.connection.execute(
        f"""COPY (SELECT 'u' AS user_id, 'view' AS type, TIMESTAMPTZ '2019-07-01 12:00:00+00' AS "at")
            TO '{path}'"""
    )
    desk.events(path)
    assert desk.rows("at") == [(datetime(2019, 7, 1, 12),)]  # noqa: DTZ001


@pytest.mark.parametrize(("unit", "text"), [("s", "1569925815"), ("ms", "1569925815000"), ("us", "1569925815000000")])
def test_a_stated_unit_is_used(desk, unit, text):
    assert read(desk, [text], {"time_unit": unit})["1"] == datetime(2019, 10, 1, 10, 30, 15)  # noqa: DTZ001


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.datetimes(
            datetime(1990, 1, 2),  # noqa: DTZ001  hypothesis adds the zone
            datetime(2024, 5, 1),  # noqa: DTZ001  the same
            timezones=st.integers(-14, 14).map(lambda h: timezone(timedelta(hours=h))),
        ),
        min_size=1,
        max_size=50,
    )
)
def test_rfc_3339_is_read_as_python_reads_it(tmp_path_factory, times):

    with duckdb.connect() as connection:
        found = read(Desk(connection, tmp_path_factory.mktemp("times")), [at.isoformat() for at in times])
    assert [found[str(number)] for number in range(1, len(times) + 1)] == [
        at.astimezone(UTC).replace(tzinfo=None) for at in times
    ]
