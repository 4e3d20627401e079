import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numba import njit

from andante.zones import clock, table

DAY_S = 86_400
MINUTE_S = 60
MIDNIGHTS = {
    "2018-11-04": "America/Sao_Paulo",  # midnight is skipped
    "2018-02-18": "America/Sao_Paulo",  # 23:00 to 24:00 is shown twice
    "2006-10-29": "America/St_Johns",  # back at 00:01: yesterday again
    "2006-04-02": "America/St_Johns",
    "2026-11-01": "America/Havana",  # 00:00 to 01:00 is shown twice
    "2026-03-08": "America/Havana",
    "2011-12-30": "Pacific/Apia",  # a day is skipped
    "1994-12-31": "Pacific/Kiritimati",
    "2026-04-05": "Australia/Lord_Howe",
    "2026-03-29": "Europe/Berlin",
    "2024-03-31": "America/Scoresbysund",  # zone and summer time change at once
    "2018-05-05": "Asia/Pyongyang",
    "2026-04-24": "Africa/Cairo",
    "2000-01-01": "Etc/GMT+12",
}


@njit
def days(zones, zone, at_s, began_s, next_s):
    for place in range(len(at_s)):
        began_s[place] = clock.day_began_s(zones, zone, at_s[place])
        next_s[place] = clock.next_day_s(zones, zone, at_s[place])


@pytest.mark.parametrize(("day", "name"), list(MIDNIGHTS.items()))
def test_days_begin_and_end_where_a_walk_minute_by_minute_finds_it(day, name):
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        zone = ZoneInfo.from_file(data)
    middle_s = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    minutes_s = np.arange(middle_s - 6 * DAY_S, middle_s + 6 * DAY_S, MINUTE_S)
    dates = np.array([datetime.fromtimestamp(second, zone).toordinal() for second in minutes_s.tolist()])
    first_minute = {date: minutes_s[np.argmax(dates == date)] for date in np.unique(dates)}
    inner = np.flatnonzero((minutes_s > middle_s - 3 * DAY_S) & (minutes_s < middle_s + 3 * DAY_S))
    began_s, next_s = np.empty(len(inner), np.int64), np.empty(len(inner), np.int64)
    zones = table.build(["UTC", name])
    for beyond_s in (0, 59):
        days(zones, 1, minutes_s[inner] + beyond_s, began_s, next_s)
        for place, minute in enumerate(inner):
            assert began_s[place] == first_minute[dates[minute]]
            assert next_s[place] == minutes_s[minute + np.argmax(dates[minute:] != dates[minute])]


def test_the_second_of_the_day_is_right_before_and_after_1970():
    for shown_s in (0, 1, 86_399, 86_400, -1, -86_400, -86_401, 2**40):
        assert int(clock.second_of_day(shown_s)) == shown_s % DAY_S


def workload():
    names = ["Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "Asia/Shanghai"]
    zones = table.build(names)
    rng = np.random.default_rng(13)
    found = [
        (
            clock.offset_s(zones, zone, at_s),
            clock.local_s(zones, zone, at_s),
            clock.next_change_s(zones, zone, at_s),
            clock.day_began_s(zones, zone, at_s),
            clock.next_day_s(zones, zone, at_s),
            clock.second_of_day(at_s),
        )
        for zone in range(len(names) + 1)
        for at_s in rng.integers(3 * DAY_S, table.UNTIL_S, 200)
    ]
    return np.array(found, np.int64).tobytes()


def test_compiled_and_uncompiled_clocks_agree():
    plain = subprocess.run(
        [sys.executable, __file__], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, check=True
    )
    assert plain.stdout == workload()


if __name__ == "__main__":
    sys.stdout.buffer.write(workload())
