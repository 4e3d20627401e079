"""Quiet hours in every zone of the data, minute by minute around every change of the clocks from 2020 to 2030."""

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numba import njit

from andante.rules.quiet_hours import awake_s
from andante.zones import table

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
FROM_S, UNTIL_S = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2020, 2031))
NAMES = files("tzdata").joinpath("zones").read_text("utf-8").split()
INTERVALS = 4
AROUND_S = 14 * HOUR_S


def data_of(name):
    return files("tzdata").joinpath("zoneinfo", *name.split("/"))


@pytest.fixture(scope="module")
def zones():
    return table.build(NAMES)


@cache
def days(data):
    """Return stretches of minutes with the local minutes they show: around each change, and two other days."""
    name = next(name for name in NAMES if data_of(name).read_bytes() == data)
    with data_of(name).open("rb") as opened:
        zone = ZoneInfo.from_file(opened)
    # The witness finds the changes by itself: it looks every six hours, and a stretch reaches further than that.
    looks_s = np.arange(FROM_S, UNTIL_S, 6 * HOUR_S)
    offsets = np.array([datetime.fromtimestamp(look, zone).utcoffset() for look in looks_s.tolist()], "m8[s]")
    middles_s = [*looks_s[1:][offsets[1:] != offsets[:-1]].tolist(), FROM_S + 200 * DAY_S, FROM_S + 2900 * DAY_S]
    stretches = []
    for middle_s in middles_s:
        minutes_s = np.arange(middle_s - AROUND_S, middle_s + AROUND_S, MINUTE_S)
        shown = [datetime.fromtimestamp(minute, zone) for minute in minutes_s.tolist()]
        stretches.append((minutes_s, np.array([t.hour * 60 + t.minute for t in shown])))
    return stretches


@njit
def awake(zones, zone, start_min, end_min, at_s, found_s):  # noqa: PLR0913, PLR0917  as the rule takes them
    for place in range(len(at_s)):
        found_s[place] = awake_s(zones, zone, start_min, end_min, at_s[place])


def intervals(rng, shown):
    """Return random quiet hours: half of them begin or end within minutes of where the stretch has a change."""
    jump = int(np.argmax(np.abs(np.diff(shown) - 1) % 1440))
    for turn in range(INTERVALS):
        start, end = rng.integers(0, 1440, 2)
        if turn % 2:
            edge = (shown[jump + turn // 2 % 2] + rng.integers(-45, 46)) % 1440
            start, end = (edge, end) if rng.random() < 0.5 else (start, edge)
        yield int(start), int(end)


@pytest.mark.parametrize("region", sorted({name.partition("/")[0] for name in NAMES}))
def test_quiet_hours_are_kept_to_the_second_in_every_zone(zones, region):
    checked = 0
    for name in [name for name in NAMES if name.partition("/")[0] == region]:
        rng = np.random.default_rng(NAMES.index(name))
        for minutes_s, shown in days(data_of(name).read_bytes()):
            for start, end in intervals(rng, shown):
                quiet = (start <= shown) & (shown < end) if start <= end else (shown >= start) | (shown < end)
                # For each minute, the first one from it on that is not quiet; len(quiet) where the stretch has none.
                awake_at = np.where(quiet, len(quiet), np.arange(len(quiet)))
                first_awake = np.minimum.accumulate(awake_at[::-1])[::-1]
                found = first_awake < len(quiet)
                for second in (0, int(rng.integers(1, 59)), 59):
                    at_s = minutes_s[found] + second
                    answers_s = np.empty(len(at_s), np.int64)
                    awake(zones, NAMES.index(name), start, end, at_s, answers_s)
                    expected_s = np.where(quiet[found], minutes_s[first_awake[found]], at_s)
                    assert np.array_equal(answers_s, expected_s), (name, start, end)
                    checked += len(at_s)
    assert checked > 1000
