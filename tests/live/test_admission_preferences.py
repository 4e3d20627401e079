"""Preferences come in as entries of the ledger and as the record that sets them."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.live.admission import admit_preferences, admit_standing, admit_user_id, preference_entries
from andante.live.names import Names
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import (
    SETS_DIAL_DAY,
    SETS_DIAL_WEEK,
    SETS_MEMBER,
    SETS_PAUSE,
    SETS_PROFILING,
    SETS_QUIET,
    SETS_ZONE,
    Kind,
)
from andante.vocabulary.records import Preferences, QuietHours
from andante.vocabulary.state import MEMBER, NO_CLOCK, NO_DIAL, PROFILING_REFUSED

NOW_US = 1_800_000_000_000_000

EVERYTHING = {
    "consent": {"push": True, "email": False},
    "categories": {"promotion": False, "news.daily": True},
    "quiet_hours": {"start": "22:00", "end": "08:30"},
    "time_zone": "Asia/Shanghai",
    "max_per_day": 2,
    "max_per_week": 0,
    "member": True,
    "profiling": False,
    "paused_until": "2030-01-01T08:00:00.5+08:00",
    "at": "2026-03-01T01:00:00.5Z",
}


def admitted(given_, names=None):
    return admit_preferences("u", given_, names or Names(), now_us=NOW_US)


def test_every_preference_sets_its_field():
    names = Names()
    wanted = admitted(EVERYTHING, names)
    record = wanted.record[0]
    assert (wanted.user_id, wanted.at_us, record["kind"]) == ("u", 1_772_326_800_500_000, Kind.PREFERENCES)
    assert (record["at_s"], record["ceil"]) == (1_772_326_800, 1)
    assert (record["channels_given"], record["channels_refused"]) == (0b01, 0b10)
    assert (record["categories_given"], record["categories_refused"]) == (0b10, 0b01)
    assert names.categories == ("promotion", "news.daily")
    assert (record["quiet_start_min"], record["quiet_end_min"]) == (22 * 60, 8 * 60 + 30)
    assert names.zones[record["zone"]] == "Asia/Shanghai"
    assert (record["max_per_day"], record["max_per_week"]) == (2, 0)
    assert record["flags"] == MEMBER | PROFILING_REFUSED
    assert record["paused_until_s"] == datetime(2030, 1, 1, tzinfo=UTC).timestamp() + 1  # a pause holds to its end
    every = SETS_ZONE | SETS_QUIET | SETS_DIAL_DAY | SETS_DIAL_WEEK | SETS_MEMBER | SETS_PROFILING | SETS_PAUSE
    assert record["sets"] == every


def test_every_preference_is_an_entry_of_the_ledger():
    entries = dict(admitted(EVERYTHING).entries)
    assert entries["consent.email"] == "false"
    assert entries["categories.news.daily"] == "true"
    assert json.loads(entries["quiet_hours"]) == {"start": "22:00", "end": "08:30"}
    assert entries["max_per_week"] == "0"
    assert entries["paused_until"] == '"2030-01-01T00:00:00.500000Z"'
    assert "at" not in entries


def test_what_is_absent_stays_as_it_was():
    wanted = admitted({})
    record = wanted.record[0]
    assert (wanted.entries, wanted.body, wanted.at_us) == ((), "{}", NOW_US)
    assert record["sets"] == record["channels_given"] == record["channels_refused"] == record["flags"] == 0


def test_null_takes_a_preference_back():
    record = admitted(
        {"quiet_hours": None, "time_zone": None, "max_per_day": None, "max_per_week": None, "paused_until": None}
    ).record[0]
    assert record["sets"] == SETS_QUIET | SETS_ZONE | SETS_DIAL_DAY | SETS_DIAL_WEEK | SETS_PAUSE
    assert record["quiet_start_min"] == record["quiet_end_min"] == record["zone"] == NO_CLOCK
    assert record["max_per_day"] == record["max_per_week"] == NO_DIAL
    assert record["paused_until_s"] == 0


def test_no_member_who_allows_profiling_has_no_flag_and_both_are_set():
    record = admitted({"member": False, "profiling": True}).record[0]
    assert (record["flags"], record["sets"]) == (0, SETS_MEMBER | SETS_PROFILING)


def test_a_typed_value_is_read_like_a_dictionary():
    typed = Preferences(
        consent={"push": True},
        quiet_hours=QuietHours(start="22:00", end="22:00"),
        paused_until=datetime(2030, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")),
    )
    likewise = {
        "consent": {"push": True},
        "quiet_hours": {"start": "22:00", "end": "22:00"},
        "paused_until": "2030-01-01T00:00:00+08:00",
    }
    assert admitted(typed).entries == admitted(likewise).entries
    assert admitted(typed).record.tobytes() == admitted(likewise).record.tobytes()


def test_some_of_the_keys_make_the_record_that_sets_only_them():
    wanted = admitted(EVERYTHING)
    news = [entry for entry in wanted.entries if entry[0] in {"consent.push", "max_per_day"}]
    standing = admit_standing("u", news, Names(), at_us=NOW_US)
    record = standing.record[0]
    assert (record["channels_given"], record["channels_refused"]) == (1, 0)
    assert (record["sets"], record["max_per_day"]) == (SETS_DIAL_DAY, 2)
    assert json.loads(standing.body) == {"consent": {"push": True}, "max_per_day": 2}


def test_an_unknown_key_of_the_ledger_is_refused():
    with pytest.raises(InputFault, match=r"the standing preference \(colour\) is unknown"):
        admit_standing("u", [("colour", "1")], Names(), at_us=NOW_US)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"time_zone": "Mars/Phobos"}, "preferences.time_zone ('Mars/Phobos') is not in the time zone database"),
        ({"time_zone": "asia/shanghai"}, "did you mean Asia/Shanghai?"),
        ({"max_per_day": 33}, "preferences.max_per_day (33) is above 32: give a whole number from 0 to 32; a record"),
        ({"max_per_week": -1}, "preferences.max_per_week (-1) is below 0: "),
        ({"max_per_day": 2.5}, "preferences.max_per_day (2.5) is a number, not a whole number or null: "),
        ({"max_per_day": True}, "preferences.max_per_day (True) is true or false, not a whole number or null: "),
        ({"quiet_hours": {"start": "24:00", "end": "08:00"}}, "preferences.quiet_hours.start ('24:00') is not HH:MM: "),
        ({"quiet_hours": {"start": "22:00", "end": "8:00"}}, "preferences.quiet_hours.end ('8:00') is not HH:MM: "),
        ({"quiet_hours": {"start": "22:00\n", "end": "08:00"}}, "is not HH:MM: "),
        ({"quiet_hours": {"start": "22:00"}}, "preferences.quiet_hours.end is missing: write it as HH:MM"),
        ({"quiet_hours": {"start": "22:00", "stop": "08:00"}}, "preferences.quiet_hours.stop is an unknown field"),
        ({"consent": {"push": "yes"}}, "preferences.consent (dict) is text, not true or false: "),
        ({"consent": {"": True}}, "preferences.consent has a name that is not text of 1 to 512 characters: "),
        (
            {"consent": {f"channel {i}": True for i in range(9)}},
            "preferences.consent.channel 8 ('channel 8') has no room",
        ),
        ({"categories": True}, "preferences.categories (True) is true or false, not an object: "),
        ({"paused_until": "2030-01-01"}, "preferences.paused_until ('2030-01-01') is no RFC 3339 time: "),
        (
            {"paused_until": "2130-01-01T00:00:00Z"},
            "preferences.paused_until (2130-01-01T00:00:00+00:00) is out of range",
        ),
        ({"at": "1930-01-01T00:00:00Z"}, "preferences.at (1930-01-01T00:00:00+00:00) is out of range"),
        ({"consnt": {}}, "preferences.consnt is an unknown field: did you mean consent?"),
        (None, "preferences is null, not an object: give an object"),
        ([], "preferences (list) is a list, not an object: give an object"),
    ],
)
def test_what_cannot_be_taken_is_named(wrong, said):
    with pytest.raises(InputFault) as caught:
        admitted(wrong)
    assert said in str(caught.value)


@pytest.mark.parametrize("user_id", ["", None, 5, "\ud800", "x" * 513])
def test_a_user_needs_an_id(user_id):
    with pytest.raises(InputFault, match=r"user_id .*give text of 1 to 512 characters"):
        admit_user_id(user_id)


CLOCKS = st.times().map(lambda at: f"{at:%H:%M}")
NAMES = st.dictionaries(st.sampled_from(["push", "email", "a.b", "ä"]), st.booleans(), max_size=4)
DIALS = st.one_of(st.none(), st.integers(0, 32))
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2105, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the zone is drawn
WANTED = st.fixed_dictionaries(
    {},
    optional={
        "consent": NAMES,
        "categories": NAMES,
        "quiet_hours": st.one_of(st.none(), st.fixed_dictionaries({"start": CLOCKS, "end": CLOCKS})),
        "time_zone": st.sampled_from([None, "Europe/Berlin", "Asia/Shanghai"]),
        "max_per_day": DIALS,
        "max_per_week": DIALS,
        "member": st.booleans(),
        "profiling": st.booleans(),
        "paused_until": st.one_of(st.none(), TIMES),
    },
)


@given(WANTED)
def test_preferences_read_the_same_after_they_were_logged(wanted):
    names = Names()
    first = admitted(wanted, names)
    assert preference_entries(first.body) == first.entries
    again = admit_standing("u", preference_entries(first.body), names, at_us=first.at_us)
    assert again.record.tobytes() == first.record.tobytes()
    assert again.body == first.body


@given(WANTED, st.data())
def test_a_record_of_all_keys_is_the_sum_of_those_of_some(wanted, data):
    names = Names()
    whole = admitted(wanted, names)
    some = data.draw(st.sets(st.sampled_from([key for key, _ in whole.entries]))) if whole.entries else set()
    parts = [
        admit_standing("u", [entry for entry in whole.entries if (entry[0] in some) is chosen], names, at_us=NOW_US)
        for chosen in (True, False)
    ]
    for field in ("sets", "flags", "channels_given", "channels_refused", "categories_given", "categories_refused"):
        assert parts[0].record[0][field] | parts[1].record[0][field] == whole.record[0][field]
