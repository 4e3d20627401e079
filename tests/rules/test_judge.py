"""The judgement against a plain model: each rule as one sentence about a whole minute, and a walk over the minutes."""

import os
import subprocess
import sys
from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numba import njit
from rule_bench import DAY_S, HOUR_S, NOON_S, ZONE_NAMES, Bench, single, utc_s

from andante import draw
from andante.rules import judge as room
from andante.vocabulary.flow import CANDIDATE, VERDICT
from andante.vocabulary.parameters import CAP_CATEGORY, CAP_CHANNEL, CAP_GLOBAL, PARAMETERS
from andante.vocabulary.reason import RULES, Reason
from andante.vocabulary.state import NEVER_S, NO_CLOCK, NO_DIAL, SENT_TRANSACTIONAL, SLOTS, new_users
from andante.zones import table

MINUTE_S = 60
MINUTES = 20 * 24 * 60  # no wait of the tests below is longer
BASE_S = utc_s("2026-10-24T00:00:00")  # Berlin's clocks go back on the 25th, New York's on 1 November
BEFORE_MINUTES = 5 * 24 * 60


@cache
def wall(name):
    """Return the local minute of the day, and the local date, of every minute from five days before the base."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        zone = ZoneInfo.from_file(data)
    shown = [
        datetime.fromtimestamp(BASE_S + minute * MINUTE_S, zone)
        for minute in range(-BEFORE_MINUTES, MINUTES + BEFORE_MINUTES)
    ]
    return np.array([t.hour * 60 + t.minute for t in shown]), np.array([t.toordinal() for t in shown])


@cache
def midnights(name):
    """Return for every minute the first minute of its date."""
    _, dates = wall(name)
    known, first, inverse = np.unique(dates, return_index=True, return_inverse=True)
    assert len(known) > MINUTES // 1440
    return BASE_S + (first[inverse] - BEFORE_MINUTES) * MINUTE_S


class Model:
    """What each rule allows, minute by minute from the asked one."""

    def __init__(self, bench, at_min):
        self.b, self.at_min = bench, at_min
        self.t = BASE_S + MINUTE_S * np.arange(at_min, at_min + MINUTES)
        self.slots = [
            (int(sent_s), int(scope) & 63, int(scope) >> 6 & 7, int(content))
            for sent_s, scope, content in zip(
                bench.user["sent_s"], bench.user["sent_scope"], bench.user["sent_content"], strict=True
            )
            if sent_s and not int(scope) & SENT_TRANSACTIONAL
        ]

    def shown(self, zone):
        minutes, dates = wall(ZONE_NAMES[zone] if zone < len(ZONE_NAMES) else "Etc/UTC")
        begin = self.at_min + BEFORE_MINUTES
        return minutes[begin : begin + MINUTES], dates[begin : begin + MINUTES]

    def window(self, limit, window_s, counts=lambda _slot: True):
        since_s = self.t - window_s
        sent = sum((slot[0] > since_s).astype(int) for slot in self.slots if counts(slot)) + np.zeros(MINUTES, int)
        forgotten_s = int(self.b.user.forgotten_s)
        return (sent < limit) & ((forgotten_s == 0) | (forgotten_s <= since_s))

    def caps(self, kind, code, counts):
        p, allowed = self.b.parameters, np.ones(MINUTES, bool)
        for cap in range(int(p.caps)):
            if p["cap_kind"][cap] == kind and (kind == CAP_GLOBAL or p["cap_code"][cap] == code):
                allowed &= self.window(int(p["cap_limit"][cap]), int(p["cap_window_s"][cap]), counts)
        return allowed

    def awake(self, zone, start, end):
        minute, _ = self.shown(zone)
        if start == end or NO_CLOCK in (start, end):
            return np.ones(MINUTES, bool)
        quiet = (start <= minute) & (minute < end) if start < end else (minute >= start) | (minute < end)
        return ~quiet

    def quota(self):
        p, channel = self.b.parameters, int(self.b.candidate.channel)
        news = int(p.news) >> int(self.b.candidate.category) & 1
        limit, zone = int((p["quota_news"] if news else p["quota"])[channel]), int(p["quota_zone"][channel])
        allowed = self.awake(zone, int(p["quota_quiet_start_min"][channel]), int(p["quota_quiet_end_min"][channel]))
        if limit == 255:
            return allowed
        begin = self.at_min + BEFORE_MINUTES
        midnight_s = midnights(ZONE_NAMES[zone])[begin : begin + MINUTES]
        sent = sum((slot[0] >= midnight_s).astype(int) for slot in self.slots if slot[2] == channel)
        return allowed & (sent + np.zeros(MINUTES, int) < limit) & (int(self.b.user.forgotten_s) < midnight_s)

    def allowed(self):
        """Return, by the rules' codes, in which minutes each allows."""
        u, c, p = self.b.user, self.b.candidate, self.b.parameters
        category, channel = int(c.category), int(c.channel)
        yes = np.ones(MINUTES, bool)
        quiet = (int(u.quiet_start_min), int(u.quiet_end_min))
        if NO_CLOCK in quiet:
            quiet = (int(p.quiet_start_min), int(p.quiet_end_min))
        dial_day, dial_week = int(u.max_per_day), int(u.max_per_week)
        stopped = (
            p.stopped
            or int(p.stopped_channels) >> channel & 1
            or int(p.stopped_categories) >> category & 1
            or (c.campaign and c.campaign in p["stopped_campaigns"])
        )
        agreed = not int(u.channels_refused) >> channel & 1 and (
            int(u.channels_given) >> channel & 1 or p.allows_by_default
        )
        model = {
            Reason.KILL_SWITCH: yes & (not stopped),
            Reason.HOLDOUT: yes & (draw.uniform(p.seed, u.key, draw.HOLDOUT) >= p.holdout),
            Reason.CONSENT_CHANNEL: yes & bool(agreed),
            Reason.CONSENT_CATEGORY: yes & (not int(u.categories_refused) >> category & 1),
            Reason.PAUSED: self.t >= int(u.paused_until_s),
            Reason.EXPIRY: self.t < int(c.expires_s),
            Reason.DUPLICATE: self.window(1, int(p.duplicate_window_s), lambda slot: slot[3] == int(c.content))
            if c.content and p.duplicate_window_s
            else yes,
            Reason.QUIET_HOURS: self.awake(int(u.zone if u.zone != NO_CLOCK else p.zone), *quiet),
            Reason.DIAL: (yes if dial_day == NO_DIAL else self.window(dial_day, DAY_S))
            & (yes if dial_week == NO_DIAL else self.window(dial_week, 7 * DAY_S)),
            Reason.CAP_GLOBAL: self.caps(CAP_GLOBAL, 0, lambda _slot: True),
            Reason.CAP_CATEGORY: self.caps(CAP_CATEGORY, category, lambda slot: slot[1] == category),
            Reason.CAP_CHANNEL: self.caps(CAP_CHANNEL, channel, lambda slot: slot[2] == channel),
            Reason.GAP: self.window(1, int(p.gap_s)) if p.gap_s else yes,
            Reason.VENDOR_QUOTA: self.quota(),
        }
        if int(p.transactional) >> category & 1:
            asked = (Reason.KILL_SWITCH, Reason.CONSENT_CHANNEL, Reason.CONSENT_CATEGORY)
            asked += (Reason.EXPIRY, Reason.QUIET_HOURS)
            model = {rule: allowed if rule in asked else yes for rule, allowed in model.items()}
        return model

    def verdict(self):
        allowed = self.allowed()
        waits = {rule: self.first_s(minutes) for rule, minutes in allowed.items()}
        refused = [rule for rule in RULES if not allowed[rule][0]]
        reason = max(refused, key=lambda rule: (waits[rule], -rule), default=None)
        return refused, self.first_s(np.logical_and.reduce(list(allowed.values()))), reason, waits

    def first_s(self, minutes):
        return int(self.t[np.argmax(minutes)]) if minutes.any() else NEVER_S


def rarely(strategy, usual):
    return st.one_of(*[st.just(usual)] * 5, strategy)


minute_of_day = st.integers(0, 1439)
hours = st.one_of(st.just((NO_CLOCK, NO_CLOCK)), st.tuples(minute_of_day, minute_of_day))
sends = st.lists(
    st.tuples(st.integers(-4 * 1440, 600), st.integers(0, 2), st.integers(0, 1), st.integers(0, 2), st.booleans()),
    max_size=SLOTS,
)
caps = st.lists(
    st.tuples(
        st.sampled_from([CAP_GLOBAL, CAP_CATEGORY, CAP_CHANNEL]),
        st.integers(0, 2),
        rarely(st.integers(0, 12), 8),
        st.integers(1, 3 * 1440).map(lambda minutes: minutes * MINUTE_S),
    ),
    max_size=5,
)


@st.composite
def benches(draw_from):
    take = draw_from
    b = Bench()
    u, c, p = b.user, b.candidate, b.parameters
    for minute, category, channel, content, transactional in take(sends):
        b.sent(
            BASE_S + minute * MINUTE_S, category=category, channel=channel, content=content, transactional=transactional
        )
    b.caps(*take(caps))
    u.key, p.seed, p.holdout = np.uint64(take(st.integers(0, 2**64 - 1))), 3, take(rarely(st.just(0.5), 0.0))
    u.forgotten_s = take(rarely(st.integers(-4000, 0).map(lambda minute: BASE_S + minute * MINUTE_S), 0))
    u.paused_until_s = take(rarely(st.integers(-1000, 3000).map(lambda minute: BASE_S + minute * MINUTE_S), 0))
    u.channels_given, u.channels_refused = take(rarely(st.integers(0, 3), 3)), take(rarely(st.integers(0, 3), 0))
    u.categories_refused = np.uint64(take(rarely(st.integers(0, 7), 0)))
    u.max_per_day, u.max_per_week = take(rarely(st.integers(0, 9), NO_DIAL)), take(rarely(st.integers(0, 20), NO_DIAL))
    u.zone = take(st.sampled_from([*range(len(ZONE_NAMES)), NO_CLOCK]))
    u.quiet_start_min, u.quiet_end_min = take(hours)
    c.category, c.channel, c.content = take(st.integers(0, 2)), take(st.integers(0, 1)), take(st.integers(0, 2))
    c.campaign = take(st.integers(0, 2))
    c.expires_s = take(rarely(st.integers(-100, 6000).map(lambda minute: BASE_S + minute * MINUTE_S), NEVER_S))
    p.stopped, p.stopped_channels = take(rarely(st.just(1), 0)), take(rarely(st.integers(0, 3), 0))
    p.stopped_categories = np.uint64(take(rarely(st.integers(0, 7), 0)))
    p["stopped_campaigns"][4] = take(rarely(st.integers(0, 2), 0))
    p.transactional = np.uint64(take(rarely(st.integers(0, 7), 0)))
    p.news, p.allows_by_default = np.uint64(take(st.integers(0, 7))), take(rarely(st.just(1), 0))
    p.gap_s = take(rarely(st.integers(0, 3000), 60)) * MINUTE_S
    p.duplicate_window_s = take(rarely(st.integers(0, 4000), 0)) * MINUTE_S
    p.quiet_start_min, p.quiet_end_min = take(hours)
    p.zone = take(st.integers(0, len(ZONE_NAMES) - 1))
    for channel in range(2):
        p["quota"][channel], p["quota_news"][channel] = take(st.tuples(*[rarely(st.integers(0, 5), 255)] * 2))
        p["quota_zone"][channel] = take(st.integers(0, len(ZONE_NAMES) - 1))
        start, end = take(rarely(hours, (NO_CLOCK, NO_CLOCK)))
        p["quota_quiet_start_min"][channel], p["quota_quiet_end_min"][channel] = start, end
    return b


@njit
def asked(user, candidate, parameters, zones, at_s, verdict):  # noqa: PLR0913, PLR0917  as the rules take them
    room.judge(user, candidate, parameters, zones, at_s, verdict)
    return (
        room.allows(user, candidate, parameters, zones, at_s),
        room.earliest_by_rule(user, candidate, parameters, zones, at_s),
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(benches(), st.integers(-300, 3000))
def test_the_judgement_is_what_a_walk_over_the_minutes_finds(bench, at_min):
    at_s = BASE_S + at_min * MINUTE_S
    refused, until_s, reason, waits = Model(bench, at_min).verdict()
    allowed, earliest_s = asked(bench.user, bench.candidate, bench.parameters, bench.zones, at_s, bench.verdict)
    assert [rule for rule in RULES if int(bench.verdict.refused) >> rule & 1] == refused
    assert dict(zip(RULES, earliest_s, strict=True)) == waits
    assert int(bench.verdict.until_s) == until_s
    assert allowed == (not refused)
    if refused:
        assert bench.verdict.reason == reason


@pytest.fixture
def bench():
    return Bench()


def test_an_allowed_candidate_may_go_out_at_once(bench):
    assert bench.judged(room.judge)[:2] == ([], NOON_S)


def test_the_reason_is_the_rule_that_binds_longest(bench):
    bench.caps((CAP_GLOBAL, 0, 1, DAY_S)).sent(NOON_S - HOUR_S).parameters.gap_s = 2 * HOUR_S
    assert bench.judged(room.judge) == ([Reason.CAP_GLOBAL, Reason.GAP], NOON_S + 23 * HOUR_S, Reason.CAP_GLOBAL)


def test_of_rules_that_bind_equally_long_the_first_is_the_reason(bench):
    bench.user.channels_given, bench.parameters.stopped = 0, 1
    assert bench.judged(room.judge) == ([Reason.KILL_SWITCH, Reason.CONSENT_CHANNEL], NEVER_S, Reason.KILL_SWITCH)


def test_a_wait_that_ends_in_the_night_goes_on_to_the_morning(bench):
    bench.quiet("22:00", "08:00").sent(NOON_S - HOUR_S).parameters.gap_s = 12 * HOUR_S
    assert bench.judged(room.judge) == ([Reason.GAP], utc_s("2026-06-18T08:00:00"), Reason.GAP)


def test_a_wait_beyond_the_expiry_is_never(bench):
    bench.sent(NOON_S).parameters.gap_s = HOUR_S
    bench.candidate.expires_s = NOON_S + HOUR_S
    assert bench.judged(room.judge) == ([Reason.GAP], NEVER_S, Reason.GAP)
    bench.candidate.expires_s += 1
    assert bench.judged(room.judge) == ([Reason.GAP], NOON_S + HOUR_S, Reason.GAP)


def test_nights_that_leave_no_hour_between_them_are_never(bench):
    bench.quiet("12:00", "00:00")
    bench.parameters["quota_quiet_start_min"], bench.parameters["quota_quiet_end_min"] = 0, 720
    assert bench.judged(room.judge) == ([Reason.QUIET_HOURS], NEVER_S, Reason.QUIET_HOURS)


def test_transactional_candidates_pass_all_but_the_five_rules_they_are_asked(bench):
    b = bench.caps((CAP_GLOBAL, 0, 0, DAY_S), (CAP_CATEGORY, 3, 0, DAY_S), (CAP_CHANNEL, 1, 0, DAY_S)).quiet(
        "11:00", "13:00"
    )
    b.sent(NOON_S, content=9)
    b.candidate.content, b.candidate.expires_s = 9, NOON_S
    b.user.channels_given, b.user.categories_refused, b.user.max_per_day = 0, np.uint64(1 << 3), 0
    b.user.paused_until_s, b.parameters.holdout, b.parameters.stopped = NOON_S + 9, 1.0, 1
    b.parameters.gap_s = b.parameters.duplicate_window_s = DAY_S
    b.parameters["quota"] = 0
    assert b.judged(room.judge)[0] == list(RULES)
    b.parameters.transactional = np.uint64(1 << 3)
    assert b.judged(room.judge)[0] == [
        Reason.KILL_SWITCH,
        Reason.CONSENT_CHANNEL,
        Reason.CONSENT_CATEGORY,
        Reason.EXPIRY,
        Reason.QUIET_HOURS,
    ]


def workload():
    rng = np.random.default_rng(29)
    zones = table.build(ZONE_NAMES)
    verdicts = np.zeros(300, VERDICT)
    for verdict in verdicts.view(np.recarray):
        users, candidates, parameters = new_users(1), np.zeros(1, CANDIDATE), np.zeros(1, PARAMETERS)
        users["key"], users["channels_given"], users["zone"] = rng.integers(2**40), 255, rng.integers(0, 8)
        users["sent_s"] = NOON_S - rng.integers(-HOUR_S, 5 * DAY_S, SLOTS)
        users["sent_scope"] = rng.integers(0, 256, SLOTS) | rng.choice([0, SENT_TRANSACTIONAL], SLOTS)
        users["sent_content"] = rng.integers(0, 3, SLOTS)
        users["forgotten_s"] = rng.choice([0, NOON_S - 2 * DAY_S])
        users["max_per_day"], users["max_per_week"] = rng.choice([4, 255]), rng.choice([20, 255])
        candidates["category"], candidates["channel"] = rng.integers(0, 3), rng.integers(0, 2)
        candidates["content"], candidates["expires_s"] = rng.integers(0, 9), rng.choice([NEVER_S, NOON_S + 2 * DAY_S])
        parameters["seed"], parameters["holdout"], parameters["caps"] = 5, 0.05, 6
        parameters["cap_kind"][0, :6], parameters["cap_code"][0, :6] = rng.integers(0, 3, 6), rng.integers(0, 3, 6)
        parameters["cap_limit"][0, :6] = rng.integers(1, 20, 6)
        parameters["cap_window_s"][0, :6] = rng.integers(HOUR_S, 7 * DAY_S, 6)
        parameters["gap_s"], parameters["duplicate_window_s"] = rng.choice([0, HOUR_S]), rng.choice([0, DAY_S])
        parameters["quiet_start_min"], parameters["quiet_end_min"] = rng.integers(0, 1440, 2)
        parameters["quota"], parameters["quota_news"] = rng.choice([3, 255]), rng.choice([8, 255])
        parameters["quota_zone"] = rng.integers(0, 7)
        parameters["quota_quiet_start_min"], parameters["quota_quiet_end_min"] = rng.choice([NO_CLOCK, 0]), 360
        at_s = NOON_S + int(rng.integers(0, 2 * DAY_S))
        room.judge(single(users), single(candidates), single(parameters), zones, at_s, verdict)
    return verdicts.tobytes()


def test_compiled_and_uncompiled_judgements_have_the_same_bits():
    plain = subprocess.run(
        [sys.executable, __file__], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, check=True
    )
    assert plain.stdout == workload()
    untils = np.frombuffer(plain.stdout, VERDICT)["until_s"]
    assert len(np.unique(untils)) > 100


if __name__ == "__main__":
    sys.stdout.buffer.write(workload())
