import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from importlib.resources import files
from zoneinfo import ZoneInfo
from zoneinfo._common import load_data  # the standard library's own reader, as an independent witness

import numpy as np
import pytest
from numba import njit

from andante.vocabulary.fault import SettingsFault
from andante.vocabulary.state import NEVER_S
from andante.zones import clock, table

NAMES = files("tzdata").joinpath("zones").read_text("utf-8").split()
LAST_S = int(datetime(2105, 12, 31, tzinfo=UTC).timestamp())
DAY_S = 86_400


def opened(name):
    return files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb")


@pytest.fixture(scope="module")
def zones():
    return table.build(NAMES)


@njit
def offsets(zones, zone, at_s, found):
    for place in range(len(at_s)):
        found[place] = clock.offset_s(zones, zone, at_s[place])


def offsets_of(zones, name, at_s):
    found = np.empty(len(at_s), np.int64)
    offsets(zones, NAMES.index(name), at_s, found)
    return found


def witnessed(zone, at_s):
    fromtimestamp = datetime.fromtimestamp
    return np.array([fromtimestamp(second, zone).utcoffset() // timedelta(seconds=1) for second in at_s.tolist()])


def changes_of(zones, name):
    zone = NAMES.index(name)
    return zones.at_s[zones.first[zone] : zones.first[zone + 1]]


@pytest.mark.parametrize("region", sorted({name.partition("/")[0] for name in NAMES}))
def test_every_zone_shows_the_offset_that_zoneinfo_shows(zones, region):
    rng = np.random.default_rng(17)
    grid_s = np.arange(0, LAST_S, 14 * DAY_S)
    for name in [name for name in NAMES if name.partition("/")[0] == region]:
        with opened(name) as data:
            zone = ZoneInfo.from_file(data)
        with opened(name) as data:
            written_s = np.array(load_data(data)[1], np.int64)
        written_s = written_s[(written_s > 0) & (written_s < LAST_S)]
        around_s = np.concatenate([written_s, changes_of(zones, name)[1:]])
        random_s = grid_s + rng.integers(0, 14 * DAY_S, len(grid_s))
        at_s = np.unique(np.concatenate([around_s - 1, around_s, around_s + 1, random_s, [0]]))
        assert np.array_equal(offsets_of(zones, name, at_s), witnessed(zone, at_s)), name


def test_every_change_in_the_table_changes_the_offset(zones):
    for name in NAMES:
        changes = changes_of(zones, name)
        assert changes[0] == table.BEGINNING_S
        assert np.all(np.diff(changes) > 0)
        assert changes[-1] < table.UNTIL_S
        before, after = offsets_of(zones, name, changes[1:] - 1), offsets_of(zones, name, changes[1:])
        assert np.all(before != after), name


@pytest.mark.parametrize(
    ("name", "at_utc", "shown"),
    [
        # Half an hour of summer time.
        ("Australia/Lord_Howe", "2026-04-04T14:59:59", "2026-04-05 01:59:59"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00", "2026-04-05 01:30:00"),
        # The date line moved: no 31 December 1994.
        ("Pacific/Kiritimati", "1994-12-31T09:59:59", "1994-12-30 23:59:59"),
        ("Pacific/Kiritimati", "1994-12-31T10:00:00", "1995-01-01 00:00:00"),
        ("Pacific/Apia", "2011-12-30T10:00:00", "2011-12-31 00:00:00"),
        # Summer time is the standard, and Ramadan and winter are behind it.
        ("Africa/Casablanca", "2026-02-15T01:59:59", "2026-02-15 02:59:59"),
        ("Africa/Casablanca", "2026-02-15T02:00:00", "2026-02-15 02:00:00"),
        ("Europe/Dublin", "2026-01-15T12:00:00", "2026-01-15 12:00:00"),
        ("Europe/Dublin", "2026-07-15T12:00:00", "2026-07-15 13:00:00"),
        # Two hours of summer time, by rule alone.
        ("Antarctica/Troll", "2060-01-15T12:00:00", "2060-01-15 12:00:00"),
        ("Antarctica/Troll", "2060-07-15T12:00:00", "2060-07-15 14:00:00"),
        ("America/New_York", "2105-07-01T12:00:00", "2105-07-01 08:00:00"),
        ("Asia/Kathmandu", "2026-01-01T00:00:00", "2026-01-01 05:45:00"),
    ],
)
def test_a_wall_clock_shows_what_history_and_law_say(zones, name, at_utc, shown):
    at_s = int(datetime.fromisoformat(at_utc).replace(tzinfo=UTC).timestamp())
    local_s = int(clock.local_s(zones, NAMES.index(name), at_s))
    assert datetime.fromtimestamp(local_s, UTC).strftime("%Y-%m-%d %H:%M:%S") == shown


def test_the_two_changes_that_lie_closest_are_both_kept(zones):
    closest_s, name = min((int(np.diff(changes_of(zones, name)[1:]).min(initial=2**62)), name) for name in NAMES)
    assert closest_s < 8 * DAY_S
    changes = changes_of(zones, name)[1:]
    place = int(np.argmin(np.diff(changes)))
    at_s = np.arange(changes[place] - DAY_S, changes[place + 1] + DAY_S, 60)
    with opened(name) as data:
        assert np.array_equal(offsets_of(zones, name, at_s), witnessed(ZoneInfo.from_file(data), at_s))


def test_two_changes_within_one_day_are_both_shown():
    zones = table.build(["UTC"])
    zones.at_s[1:3], zones.offset_s[1:3], zones.first[1] = (10 * DAY_S + 3600, 10 * DAY_S + 7200), (-7200, 1800), 3
    seconds_s = [10 * DAY_S + second for second in (3599, 3600, 7199, 7200)]
    assert [int(clock.offset_s(zones, 0, second)) for second in seconds_s] == [0, -7200, -7200, 1800]
    assert [int(clock.next_change_s(zones, 0, second)) - 10 * DAY_S for second in seconds_s[:3]] == [3600, 7200, 7200]
    # The day is shown from 0:00 to 0:59, gives way to the day before, and comes back.
    assert int(clock.day_began_s(zones, 0, seconds_s[3])) == 10 * DAY_S
    assert int(clock.day_began_s(zones, 0, seconds_s[1])) == 9 * DAY_S
    assert int(clock.next_day_s(zones, 0, seconds_s[0])) == seconds_s[1]
    assert int(clock.next_day_s(zones, 0, seconds_s[1])) == seconds_s[3]
    assert int(clock.next_day_s(zones, 0, seconds_s[3])) == 11 * DAY_S - 1800


def test_the_next_change_is_the_first_second_with_another_offset():
    zones = table.build(["Europe/Berlin", "Etc/UTC"])
    assert int(clock.next_change_s(zones, 0, 1_774_746_000 - 1)) == 1_774_746_000  # 2026-03-29 01:00 UTC
    assert int(clock.next_change_s(zones, 0, 1_774_746_000)) == 1_792_890_000  # 2026-10-25 01:00 UTC
    assert int(clock.next_change_s(zones, 0, table.UNTIL_S)) == NEVER_S
    assert int(clock.next_change_s(zones, 1, 0)) == NEVER_S


def test_a_zone_that_the_table_does_not_hold_keeps_utc():
    zones = table.build(["Asia/Shanghai"])
    for zone in (1, 700, 0xFFFF):
        assert int(clock.local_s(zones, zone, 1000)) == 1000
        assert int(clock.next_change_s(zones, zone, 1000)) == NEVER_S
        assert int(clock.day_began_s(zones, zone, DAY_S + 5)) == DAY_S
        assert int(clock.next_day_s(zones, zone, DAY_S + 5)) == 2 * DAY_S


def test_a_zone_has_its_place_among_the_names_as_its_code():
    zones = table.build(["Asia/Shanghai", "America/New_York", "Asia/Shanghai"])
    assert [int(clock.offset_s(zones, zone, 1_790_000_000)) for zone in range(3)] == [28_800, -14_400, 28_800]
    assert zones.count == 3


@pytest.mark.parametrize(
    "name", ["Mars/Phobos", "asia/shanghai", "ASIA/SHANGHAI", "", "Asia", "zone.tab", "../tzdata", "Asia/Shanghai "]
)
def test_only_exact_keys_are_known(name):
    assert not table.known(name)
    with pytest.raises(SettingsFault, match="is no key of the IANA data"):
        table.build([name])


def test_every_key_of_the_data_is_known():
    assert all(map(table.known, NAMES))
    assert {"Asia/Shanghai", "UTC", "Europe/Dublin"} <= set(NAMES)


def test_a_full_table_says_so():
    with pytest.raises(SettingsFault, match="is full with 1024 zones"):
        table.build(["UTC"] * (table.ZONES_MAX + 1))


def test_the_version_of_the_data_is_the_package_s():
    assert table.data_version() == version("tzdata")


def test_the_table_does_not_depend_on_the_system_s_data(tmp_path):
    expected = table.build(["Europe/Berlin"]).tobytes()
    (tmp_path / "Europe").mkdir()
    with opened("Asia/Tokyo") as data:
        (tmp_path / "Europe" / "Berlin").write_bytes(data.read())
    table._changes.cache_clear()
    zoneinfo.reset_tzpath(to=[tmp_path])
    try:
        assert ZoneInfo.no_cache("Europe/Berlin").utcoffset(datetime(2026, 1, 1)) == timedelta(hours=9)  # noqa: DTZ001  local
        assert table.build(["Europe/Berlin"]).tobytes() == expected
    finally:
        zoneinfo.reset_tzpath()
