from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andante.ingest.cleaning import Cleaning
from andante.vocabulary.event import EVENT_COLUMNS
from andante.vocabulary.fault import SettingsFault

HEADER = "user_id,type,at,event_id,item_id,category,value\n"


def load(desk, *rows, cleaning=None):
    """Load rows written as ``user type time [event_id item category value]`` of one day; ``-`` is nothing."""
    lines = []
    for row in rows:
        fields = [("" if word == "-" else word) for word in row.split()]
        fields[2] = f"2024-01-01T{fields[2]}Z"
        lines.append(",".join(fields + [""] * (7 - len(fields))))
    return desk.events(desk.file("a.csv", HEADER + "\n".join(lines) + "\n"), cleaning=cleaning or Cleaning())


def rule(quality, name):
    found = next(rule for rule in quality.rules if rule.rule == name)
    return found.touched, found.removed


def test_every_rule_reports_even_when_it_finds_nothing(desk):
    quality = load(desk, "u1 view 10:00:00")
    assert [(rule.rule, rule.touched, rule.removed) for rule in quality.rules] == [
        ("duplicates", 0, 0),
        ("cancellations", 0, 0),
        ("values", 0, 0),
        ("bots", 0, 0),
        ("missing categories", 0, 0),
    ]


def test_the_table_has_exactly_the_canonical_columns(desk):
    load(desk, "u1 view 10:00:00")
    described = desk.connection.execute("DESCRIBE events").fetchall()
    assert {row[0]: row[1] for row in described} == EVENT_COLUMNS


def test_rows_equal_in_every_column_are_one_event(desk):
    quality = load(desk, "u1 view 10:00:00", "u1 view 10:00:00", "u1 view 10:00:00", "u1 view 10:00:01")
    assert rule(quality, "duplicates") == (2, 2)
    assert quality.rows_clean == 2


def test_rows_with_one_event_id_are_one_event_and_the_first_stays(desk):
    quality = load(desk, "u1 view 10:00:00 e1 first", "u1 view 10:00:05 e1 second", "u1 view 10:00:05 e2 second")
    assert rule(quality, "duplicates") == (1, 1)
    assert desk.rows("event_id, item_id") == [("e1", "first"), ("e2", "second")]


def test_a_file_told_twice_is_loaded_once(desk):
    first = desk.file("a.csv", HEADER + "u1,view,2024-01-01T10:00:00Z,,,,\n")
    second = desk.file("b.csv", first.read_bytes())
    assert desk.events(first, second).rows_clean == 1


def test_equal_rows_that_know_only_their_day_are_kept(desk, fixtures):
    day = "user_id,brand_id,type,visit_datetime\nu1,b1,0,6-4\nu1,b1,0,6-4\n"
    quality = desk.events(desk.file("tmall.csv", day), mapping={"time_zone": "Asia/Shanghai"})
    assert rule(quality, "duplicates") == (0, 0)
    assert quality.rows_clean == 2


def test_duplicates_can_be_left_in(desk):
    quality = load(desk, "u1 view 10:00:00", "u1 view 10:00:00", cleaning=Cleaning(duplicates=False))
    assert quality.rows_clean == 2


def test_duplicates_are_found_across_hash_partitions(desk, monkeypatch):
    monkeypatch.setattr("andante.ingest.cleaning._PARTITION_ROWS", 7)
    rows = [f"u{number % 50} view 10:00:00" for number in range(150)]
    assert rule(load(desk, *rows), "duplicates") == (100, 100)
    assert len(set(desk.rows())) == 50


def test_a_cancellation_takes_the_latest_earlier_purchase_of_its_kind_with_it(desk):
    quality = load(
        desk,
        "u1 purchase 10:00:00 - shoe - 5",
        "u1 purchase 11:00:00 - shoe - 5",
        "u1 purchase 12:00:00 - shoe - -5",
        "u1 purchase 13:00:00 - shoe - 5",
        "u1 purchase 10:30:00 - shoe - 6",
        "u2 purchase 10:30:00 - shoe - 5",
        "u1 purchase 10:30:00 - sock - 5",
    )
    assert rule(quality, "cancellations") == (2, 2)
    assert [
        at.hour
        for user, at, item, value in desk.rows("user_id, at, item_id, value")
        if (user, item, value) == ("u1", "shoe", 5)
    ] == [10, 13]
    assert quality.rows_clean == 5


def test_two_cancellations_take_two_purchases_and_a_third_takes_none(desk):
    quality = load(
        desk,
        "u1 purchase 09:00:00 - shoe - -5",
        "u1 purchase 10:00:00 - shoe - 5",
        "u1 purchase 11:00:00 - shoe - 5",
        "u1 purchase 12:00:00 - shoe - -5",
        "u1 purchase 13:00:00 - shoe - -5",
        "u1 purchase 14:00:00 - shoe - 5",
    )
    assert rule(quality, "cancellations") == (5, 5)
    assert [at.hour for (at,) in desk.rows("at")] == [14]


def test_a_cancellation_without_its_purchase_removes_itself_only(desk):
    quality = load(desk, "u1 purchase 10:00:00 - shoe - -5", "u1 purchase 11:00:00 - shoe - 5")
    assert rule(quality, "cancellations") == (1, 1)
    assert desk.rows("value") == [(5.0,)]


def test_a_purchase_at_the_instant_of_the_cancellation_is_not_earlier(desk):
    quality = load(desk, "u1 purchase 10:00:00 - shoe - 5", "u1 purchase 10:00:00 - shoe - -5")
    assert (rule(quality, "cancellations"), quality.rows_clean) == ((1, 1), 1)


def stack(steps):
    """Return the places of purchases that no later cancellation takes away, each taking the latest that is open."""
    open_places = []
    for place, cancels in enumerate(steps):
        if not cancels:
            open_places.append(place)
        elif open_places:
            open_places.pop()
    return open_places


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.booleans(), min_size=1, max_size=25))
def test_cancellations_pair_with_purchases_like_brackets(desk, steps):
    """The table is replaced by every load, so one desk serves all examples."""
    amounts = ("-5" if cancels else "5" for cancels in steps)
    load(desk, *(f"u1 purchase 10:00:{place:02} - shoe - {amount}" for place, amount in enumerate(amounts)))
    assert [at.second for (at,) in desk.rows("at")] == stack(steps)


def test_an_invoice_that_begins_with_c_is_a_cancellation_whatever_its_sign(desk):
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    lines = "1,a,x,2,12/1/2010 8:26,1.5,u1,UK\nC2,a,x,2,12/13/2010 8:26,1.5,u1,UK\n"
    lines += "3,a,x,1,12/14/2010 8:26,1.5,u1,UK\n"
    quality = desk.events(desk.file("uci.csv", header + lines))
    assert (rule(quality, "cancellations"), desk.rows("value")) == ((2, 2), [(1.5,)])


def test_values_below_zero_or_not_finite_become_unknown_and_the_row_stays(desk):
    quality = load(desk, "u1 dwell 10:00:00 - - - -3", "u1 dwell 10:00:01 - - - inf", "u1 dwell 10:00:02 - - - 3")
    assert rule(quality, "values") == (2, 0)
    assert desk.rows("value") == [(None,), (None,), (3.0,)]


def crowd(*, bot_events, users=40):
    start = datetime(2024, 1, 1, 6)  # noqa: DTZ001
    rows = [f"u{number} view {start + timedelta(seconds=number):%H:%M:%S}" for number in range(users)]
    return rows + [f"bot view {start + timedelta(seconds=second):%H:%M:%S}" for second in range(bot_events)]


def test_an_account_that_no_person_could_be_is_removed_and_named(desk):
    quality = load(desk, *crowd(bot_events=300))
    bots = next(rule for rule in quality.rules if rule.rule == "bots")
    assert (bots.touched, bots.removed, bots.users) == (300, 300, ("bot",))
    assert quality.users == 40


def test_a_busy_account_below_the_floor_stays(desk):
    assert rule(load(desk, *crowd(bot_events=150)), "bots") == (0, 0)


def test_no_account_is_judged_in_a_small_population(desk):
    assert rule(load(desk, *crowd(bot_events=300, users=5)), "bots") == (0, 0)


def test_the_thresholds_of_bots_are_settings(desk):
    assert rule(load(desk, *crowd(bot_events=150), cleaning=Cleaning(bot_floor_per_day=100)), "bots") == (
        150,
        150,
    )
    assert rule(load(desk, *crowd(bot_events=300), cleaning=Cleaning(bots=False)), "bots") == (0, 0)
    assert rule(load(desk, *crowd(bot_events=300), cleaning=Cleaning(bot_multiple=1000)), "bots") == (0, 0)


def test_a_basket_of_many_lines_is_no_bot(desk):
    basket = [f"whole purchase 12:00:00 - i{number} - 1" for number in range(400)]
    assert rule(load(desk, *crowd(bot_events=0), *basket), "bots") == (0, 0)


def test_a_missing_category_is_that_of_the_same_item_if_it_is_always_the_same(desk):
    quality = load(
        desk,
        "u1 view 10:00:00 - shoe shoes",
        "u1 view 10:00:01 - shoe -",
        "u1 view 10:00:02 - thing a",
        "u1 view 10:00:03 - thing b",
        "u1 view 10:00:04 - thing -",
        "u1 view 10:00:05 - unknown -",
        "u1 view 10:00:06 - - -",
    )
    assert rule(quality, "missing categories") == (1, 0)
    assert [category for (category,) in desk.rows("category")] == [
        "shoes",
        "shoes",
        "a",
        "b",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    "wrong", [{"bot_floor_per_day": -1}, {"bot_quantile": 1.5}, {"bots": 3}, {"bot_users_min": True}]
)
def test_thresholds_out_of_range_are_a_fault(wrong):
    with pytest.raises(SettingsFault, match="cleaning"):
        Cleaning(**wrong)
