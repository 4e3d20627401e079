import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from rule_bench import DAY_S, HOUR_S, NOON_S, Bench, utc_s

from andante import draw
from andante.rules import cap, consent, window
from andante.rules.dial import dial
from andante.rules.duplicate import duplicate
from andante.rules.expiry import expiry
from andante.rules.gap import gap
from andante.rules.holdout import holdout
from andante.rules.kill_switch import kill_switch
from andante.rules.pause import pause
from andante.rules.quiet_hours import quiet_hours
from andante.rules.vendor_quota import vendor_quota
from andante.vocabulary.parameters import CAP_CATEGORY, CAP_CHANNEL, CAP_GLOBAL
from andante.vocabulary.state import CHANNEL_SHIFT, NEVER_S, NO_CLOCK, SENT_TRANSACTIONAL, SLOTS

BERLIN, NEW_YORK = 2, 3
ALL_RULES = (
    *(kill_switch, holdout, consent.channel, consent.category, pause, expiry, duplicate, quiet_hours, dial),
    *(cap.global_, cap.category, cap.channel, gap, vendor_quota),
)


@pytest.fixture
def bench():
    return Bench()


def test_no_rule_refuses_where_nothing_is_set(bench):
    assert [bench.ask(rule) for rule in ALL_RULES] == [NOON_S] * len(ALL_RULES)


class TestKillSwitch:
    def test_stops_everything(self, bench):
        bench.parameters.stopped = 1
        assert bench.ask(kill_switch) == NEVER_S

    @pytest.mark.parametrize(("channel", "expected"), [(1, NEVER_S), (0, NOON_S), (7, NOON_S)])
    def test_stops_a_channel_and_no_other(self, bench, channel, expected):
        bench.parameters.stopped_channels, bench.candidate.channel = 0b10, channel
        assert bench.ask(kill_switch) == expected

    @pytest.mark.parametrize(("category", "expected"), [(63, NEVER_S), (31, NOON_S), (62, NOON_S)])
    def test_stops_a_category_and_no_other(self, bench, category, expected):
        bench.parameters.stopped_categories, bench.candidate.category = np.uint64(1 << 63), category
        assert bench.ask(kill_switch) == expected

    @pytest.mark.parametrize(("campaign", "expected"), [(77, NEVER_S), (78, NOON_S), (0, NOON_S)])
    def test_stops_a_campaign_and_no_other(self, bench, campaign, expected):
        bench.parameters["stopped_campaigns"][31], bench.candidate.campaign = 77, campaign
        assert bench.ask(kill_switch) == expected


class TestHoldout:
    def test_holds_out_the_share_it_is_given_and_the_same_users_every_time(self, bench):
        bench.parameters.holdout, bench.parameters.seed = 0.25, 7
        held = []
        for key in range(4000):
            bench.user.key = key
            held.append(bench.ask(holdout) == NEVER_S)
            assert held[-1] == (draw.uniform(np.uint64(7), np.uint64(key), draw.HOLDOUT) < 0.25)
        assert abs(np.mean(held) - 0.25) < 0.03

    def test_a_larger_share_keeps_those_already_held_out(self, bench):
        for key in range(500):
            bench.user.key = key
            answers = []
            for share in (0.1, 0.4, 1.0):
                bench.parameters.holdout = share
                answers.append(bench.ask(holdout))
            assert answers == sorted(answers)
            assert answers[-1] == NEVER_S


class TestConsent:
    @pytest.mark.parametrize(
        ("given_bits", "refused_bits", "by_default", "expected"),
        [
            (0b10, 0, 0, NOON_S),
            (0b01, 0, 0, NEVER_S),  # another channel's consent is no consent
            (0, 0, 0, NEVER_S),
            (0, 0, 1, NOON_S),
            (0, 0b10, 1, NEVER_S),
            (0b10, 0b10, 1, NEVER_S),  # a refusal always wins
            (0, 0b01, 1, NOON_S),
        ],
    )
    def test_a_channel_needs_agreement_unless_the_default_allows(
        self, bench, given_bits, refused_bits, by_default, expected
    ):
        bench.user.channels_given, bench.user.channels_refused = given_bits, refused_bits
        bench.parameters.allows_by_default = by_default
        assert bench.ask(consent.channel) == expected

    @pytest.mark.parametrize(("refused_bits", "expected"), [(1 << 63, NEVER_S), (1 << 62, NOON_S), (0, NOON_S)])
    def test_a_category_is_open_until_it_is_refused(self, bench, refused_bits, expected):
        bench.user.categories_refused, bench.candidate.category = np.uint64(refused_bits), 63
        assert bench.ask(consent.category) == expected


def test_a_pause_ends_in_the_second_it_names(bench):
    bench.user.paused_until_s = NOON_S
    assert bench.ask(pause, NOON_S) == NOON_S
    assert bench.ask(pause, NOON_S - 1) == NOON_S
    assert bench.ask(pause, NOON_S - DAY_S) == NOON_S


def test_a_candidate_is_gone_in_the_second_of_its_expiry(bench):
    bench.candidate.expires_s = NOON_S
    assert bench.ask(expiry, NOON_S - 1) == NOON_S - 1
    assert bench.ask(expiry, NOON_S) == NEVER_S


class TestDuplicate:
    def test_the_same_content_waits_until_its_latest_send_leaves_the_window(self, bench):
        bench.parameters.duplicate_window_s, bench.candidate.content = DAY_S, 5
        bench.sent(NOON_S - HOUR_S, NOON_S - 2 * HOUR_S, content=5).sent(NOON_S, content=6)
        assert bench.ask(duplicate) == NOON_S - HOUR_S + DAY_S
        assert bench.ask(duplicate, NOON_S - HOUR_S + DAY_S) == NOON_S - HOUR_S + DAY_S

    def test_candidates_without_content_and_transactional_sends_are_no_duplicates(self, bench):
        bench.parameters.duplicate_window_s = DAY_S
        bench.sent(NOON_S - HOUR_S, content=0).sent(NOON_S - HOUR_S, content=5, transactional=True)
        assert bench.ask(duplicate) == NOON_S
        bench.candidate.content = 5
        assert bench.ask(duplicate) == NOON_S

    def test_what_was_forgotten_may_have_been_a_duplicate(self, bench):
        bench.parameters.duplicate_window_s, bench.candidate.content = DAY_S, 5
        bench.user.forgotten_s = NOON_S - HOUR_S
        assert bench.ask(duplicate) == NOON_S - HOUR_S + DAY_S

    def test_without_a_window_nothing_is_a_duplicate(self, bench):
        bench.candidate.content = 5
        bench.sent(NOON_S, content=5)
        assert bench.ask(duplicate) == NOON_S


class TestQuietHours:
    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            ("2026-06-17T19:59:59", "2026-06-17T19:59:59"),
            ("2026-06-17T20:00:00", "2026-06-18T06:00:00"),
            ("2026-06-18T05:59:59", "2026-06-18T06:00:00"),
            ("2026-06-18T06:00:00", "2026-06-18T06:00:00"),
        ],
    )
    def test_the_night_passes_midnight_in_the_user_s_zone(self, bench, at, expected):
        bench.quiet("22:00", "08:00").user.zone = BERLIN
        assert bench.ask(quiet_hours, utc_s(at)) == utc_s(expected)

    def test_the_user_s_own_hours_win_and_equal_ones_are_none(self, bench):
        bench.quiet("11:00", "14:00")
        assert bench.ask(quiet_hours) == NOON_S + 2 * HOUR_S
        bench.user.quiet_start_min, bench.user.quiet_end_min = 720, 725
        assert bench.ask(quiet_hours) == NOON_S + 300
        bench.user.quiet_start_min = bench.user.quiet_end_min = 720
        assert bench.ask(quiet_hours) == NOON_S

    def test_the_configured_zone_holds_for_users_without_one(self, bench):
        bench.quiet("08:00", "09:00").parameters.zone = NEW_YORK
        assert bench.ask(quiet_hours) == NOON_S + HOUR_S
        bench.user.zone = BERLIN
        assert bench.ask(quiet_hours) == NOON_S

    def test_without_any_zone_the_clock_is_utc(self, bench):
        bench.quiet("12:00", "13:00").parameters.zone = NO_CLOCK
        assert bench.ask(quiet_hours) == NOON_S + HOUR_S


class TestDial:
    @pytest.mark.parametrize(("per_day", "per_week"), [(0, 5), (5, 0), (0, 0)])
    def test_zero_means_none_at_all(self, bench, per_day, per_week):
        bench.user.max_per_day, bench.user.max_per_week = per_day, per_week
        assert bench.ask(dial) == NEVER_S

    def test_the_day_slides_over_24_hours(self, bench):
        bench.user.max_per_day = 2
        bench.sent(NOON_S - DAY_S, NOON_S - HOUR_S)
        assert bench.ask(dial, NOON_S - 1) == NOON_S
        assert bench.ask(dial) == NOON_S

    def test_the_longer_wait_of_day_and_week_holds(self, bench):
        bench.user.max_per_day, bench.user.max_per_week = 1, 2
        bench.sent(NOON_S - 3 * DAY_S, NOON_S - HOUR_S)
        assert bench.ask(dial) == NOON_S + 4 * DAY_S
        bench.user.max_per_week = 3
        assert bench.ask(dial) == NOON_S + 23 * HOUR_S

    def test_every_channel_and_category_counts_but_no_transactional_one(self, bench):
        bench.user.max_per_day = 2
        bench.sent(NOON_S - 5, channel=7, category=60).sent(NOON_S - 4, transactional=True)
        assert bench.ask(dial) == NOON_S
        bench.sent(NOON_S - 9, channel=0, category=0)
        assert bench.ask(dial) == NOON_S - 9 + DAY_S


class TestCaps:
    def test_a_global_cap_counts_all_but_transactional_sends(self, bench):
        bench.caps((CAP_GLOBAL, 0, 2, HOUR_S)).sent(NOON_S - 10, category=9, channel=2).sent(NOON_S - 30)
        bench.sent(NOON_S, transactional=True)
        assert bench.ask(cap.global_) == NOON_S - 30 + HOUR_S
        assert bench.ask(cap.category) == bench.ask(cap.channel) == NOON_S

    def test_a_cap_of_a_category_counts_that_category_alone(self, bench):
        bench.caps((CAP_CATEGORY, 3, 1, HOUR_S), (CAP_CATEGORY, 4, 1, DAY_S)).sent(NOON_S - 10, category=4)
        assert bench.ask(cap.category) == NOON_S
        bench.sent(NOON_S - 20, category=3, channel=6)
        assert bench.ask(cap.category) == NOON_S - 20 + HOUR_S
        assert bench.ask(cap.global_) == bench.ask(cap.channel) == NOON_S

    def test_a_cap_of_a_channel_counts_that_channel_alone(self, bench):
        bench.caps((CAP_CHANNEL, 1, 1, HOUR_S), (CAP_CHANNEL, 2, 1, DAY_S)).sent(NOON_S - 10, channel=2)
        assert bench.ask(cap.channel) == NOON_S
        bench.sent(NOON_S - 20, channel=1, category=50)
        assert bench.ask(cap.channel) == NOON_S - 20 + HOUR_S
        assert bench.ask(cap.global_) == bench.ask(cap.category) == NOON_S

    def test_all_caps_must_have_room(self, bench):
        bench.caps((CAP_GLOBAL, 0, 1, HOUR_S), (CAP_GLOBAL, 0, 2, DAY_S)).sent(NOON_S - 10, NOON_S - 20)
        assert bench.ask(cap.global_) == NOON_S - 20 + DAY_S

    def test_caps_beyond_the_count_do_not_hold(self, bench):
        bench.caps((CAP_GLOBAL, 0, 9, HOUR_S), (CAP_GLOBAL, 0, 1, HOUR_S)).sent(NOON_S).parameters.caps = 1
        assert bench.ask(cap.global_) == NOON_S

    def test_a_cap_of_zero_is_never(self, bench):
        assert bench.caps((CAP_GLOBAL, 0, 0, HOUR_S)).ask(cap.global_) == NEVER_S


def test_the_gap_runs_from_the_latest_capped_send(bench):
    bench.parameters.gap_s = HOUR_S
    bench.sent(NOON_S - 50, NOON_S - 10, NOON_S - 90, channel=5).sent(NOON_S, transactional=True)
    assert bench.ask(gap) == NOON_S - 10 + HOUR_S
    bench.parameters.gap_s = 0
    assert bench.ask(gap) == NOON_S


class TestVendorQuota:
    def test_counts_sends_on_the_channel_since_the_vendor_s_midnight(self, bench):
        bench.parameters["quota"][1], bench.parameters["quota_zone"][1] = 2, 1  # midnight in Shanghai: 16:00 UTC
        midnight_s = utc_s("2026-06-16T16:00:00")
        bench.sent(midnight_s - 1, midnight_s).sent(NOON_S, channel=2).sent(NOON_S, transactional=True)
        assert bench.ask(vendor_quota) == NOON_S
        bench.sent(NOON_S - 1, category=9)
        assert bench.ask(vendor_quota) == midnight_s + DAY_S

    def test_news_have_a_quota_of_their_own(self, bench):
        bench.parameters["quota"][1], bench.parameters["quota_news"][1] = 1, 2
        bench.sent(NOON_S - 1)
        assert bench.ask(vendor_quota) == utc_s("2026-06-18T00:00:00")
        bench.parameters.news = np.uint64(1 << 3)
        assert bench.ask(vendor_quota) == NOON_S

    def test_a_quota_of_zero_is_never_and_no_quota_is_no_limit(self, bench):
        bench.parameters["quota"][1] = 0
        assert bench.ask(vendor_quota) == NEVER_S
        bench.parameters["quota"][1] = 255
        assert bench.sent(*[NOON_S - 1] * SLOTS).ask(vendor_quota) == NOON_S

    def test_the_vendor_s_own_quiet_hours_hold_on_its_clock(self, bench):
        bench.parameters["quota_zone"][1] = 1
        bench.parameters["quota_quiet_start_min"][1], bench.parameters["quota_quiet_end_min"][1] = 0, 360
        assert bench.ask(vendor_quota, utc_s("2026-06-17T15:59:59")) == utc_s("2026-06-17T15:59:59")
        assert bench.ask(vendor_quota, utc_s("2026-06-17T16:00:00")) == utc_s("2026-06-17T22:00:00")

    def test_a_full_day_and_a_quiet_morning_add_up(self, bench):
        bench.parameters["quota"][1] = 1
        bench.parameters["quota_quiet_start_min"][1], bench.parameters["quota_quiet_end_min"][1] = 0, 360
        assert bench.sent(NOON_S).ask(vendor_quota) == utc_s("2026-06-18T06:00:00")

    def test_a_send_after_the_asked_instant_counts(self, bench):
        bench.parameters["quota"][1] = 1
        assert bench.sent(NOON_S + 2 * DAY_S).ask(vendor_quota) == utc_s("2026-06-20T00:00:00")

    def test_a_forgotten_send_of_the_day_closes_the_day(self, bench):
        bench.parameters["quota"][1] = 5
        bench.user.forgotten_s = utc_s("2026-06-17T00:00:00")
        assert bench.ask(vendor_quota) == utc_s("2026-06-18T00:00:00")
        bench.user.forgotten_s -= 1
        assert bench.ask(vendor_quota) == NOON_S


class TestWindow:
    def test_a_send_leaves_the_window_exactly_its_length_later(self, bench):
        bench.sent(NOON_S)
        for at_s, expected_s in ((NOON_S + 59, NOON_S + 60), (NOON_S + 60, NOON_S + 60), (NOON_S - 500, NOON_S + 60)):
            assert int(window.room_s(bench.user, window.ANY_MASK, 0, 1, 60, at_s)) == expected_s

    def test_where_the_record_has_forgotten_there_is_no_room(self, bench):
        bench.user.forgotten_s = NOON_S
        assert int(window.room_s(bench.user, window.ANY_MASK, 0, 9, 60, NOON_S + 59)) == NOON_S + 60
        assert int(window.room_s(bench.user, window.ANY_MASK, 0, 9, 60, NOON_S + 60)) == NOON_S + 60

    def test_free_slots_never_count(self, bench):
        for at_s in (0, 5, 100):
            assert int(window.room_s(bench.user, window.ANY_MASK, 0, 1, 60, at_s)) == at_s
        assert int(window.sends_since(bench.user, window.ANY_MASK, 0, -1)) == 0

    def test_times_beyond_the_width_of_a_slot_see_an_empty_window(self, bench):
        bench.sent(2**32 - 1)
        assert int(window.room_s(bench.user, window.ANY_MASK, 0, 1, 60, 2**33)) == 2**33

    @settings(deadline=None)  # the first example compiles
    @given(
        st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=SLOTS),
        st.integers(0, 6),
        st.integers(1, 30),
        st.integers(0, 70),
        st.integers(0, 60),
    )
    def test_room_is_the_first_second_with_fewer_sends_than_the_limit(self, sends, limit, window_s, at_s, forgotten_s):
        bench = Bench()
        bench.user.forgotten_s = forgotten_s
        for sent_s, category, channel, transactional in sends:
            bench.sent(sent_s, category=category, channel=channel, transactional=transactional)
        scopes = {
            (window.ANY_MASK, 0): lambda _category, _channel: True,
            (window.OF_CATEGORY_MASK, 2): lambda category, _channel: category == 2,
            (window.OF_CHANNEL_MASK, 2 << CHANNEL_SHIFT): lambda _category, channel: channel == 2,
        }
        for (mask, code), counts in scopes.items():
            times_s = [
                sent_s
                for sent_s, category, channel, transactional in sends
                if counts(category, channel) and not transactional
            ]
            expected_s = next(
                (
                    second
                    for second in range(at_s, 200)
                    if sum(sent_s > second - window_s for sent_s in times_s) < limit
                    and not (forgotten_s and forgotten_s > second - window_s)
                ),
                NEVER_S,
            )
            assert room(bench.user, mask, code, limit, window_s, at_s) == expected_s


@njit
def room(user, mask, code, limit, window_s, at_s):  # noqa: PLR0913, PLR0917  as the rule takes them
    return window.room_s(user, mask, code, limit, window_s, at_s)


def test_the_mark_of_a_transactional_send_is_in_every_mask():
    for mask in (window.ANY_MASK, window.OF_CATEGORY_MASK, window.OF_CHANNEL_MASK):
        assert mask & SENT_TRANSACTIONAL
