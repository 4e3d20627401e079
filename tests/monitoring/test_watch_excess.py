"""The alarm on opt-outs keeps its rate of false alarms however often one looks, and finds a tripled rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from andante.monitoring.alarms import FALSE_ALARMS, RATIO_MIN
from andante.monitoring.excess import FIRST_LOOK, LOOKS, above, excess, looks

BASELINE, RATE = 20_000, 0.003


def epoch(rng, rate, buckets=168, pushes=120):
    """Return pushes and opt-outs of each hour of a week, and the opt-outs of a baseline of the plain rate."""
    sent = rng.poisson(pushes, buckets)
    return sent, rng.binomial(sent, rate), rng.binomial(BASELINE, RATE)


def alarmed(rng, rate, level, **more):
    sent, out, before = epoch(rng, rate, **more)
    return excess(sent, out, baseline_pushes=BASELINE, baseline_events=before, false_alarms=level, ratio_min=1.0)


def test_without_change_no_more_weeks_have_an_alarm_at_any_look_than_is_stated():
    rng, weeks, level = np.random.default_rng(7), 4_000, 0.05
    false = sum(alarmed(rng, RATE, level) is not None for _ in range(weeks))
    assert binomtest(false, weeks, level, alternative="greater").pvalue > 0.01
    assert false > 0  # the test is not empty: it could fire


def test_looking_at_every_bucket_as_if_it_were_the_last_raises_false_alarms_five_fold():
    rng, weeks, level = np.random.default_rng(8), 400, 0.05
    naive = 0
    for _ in range(weeks):
        sent, out, before = epoch(rng, RATE)
        n, x = sent.cumsum(), out.cumsum()
        naive += any(
            binomtest(int(x[k]), int(x[k] + before), n[k] / (n[k] + BASELINE), alternative="greater").pvalue < level
            for k in range(0, len(n), 8)
        )
    assert naive / weeks > 2.5 * level


def test_a_tripled_rate_is_found_within_6000_pushes_in_most_weeks():
    rng, weeks = np.random.default_rng(9), 300
    found = [alarmed(rng, 3 * RATE, FALSE_ALARMS / 2) for _ in range(weeks)]
    within = sum(one is not None and one.pushes <= 6_000 for one in found)
    assert within / weeks >= 0.85


def test_an_alarm_that_was_raised_stays_when_more_buckets_follow():
    rng = np.random.default_rng(10)
    sent, out, before = epoch(rng, 4 * RATE)
    first = None
    for hour in range(1, len(sent) + 1):
        found = excess(
            sent[:hour],
            out[:hour],
            baseline_pushes=BASELINE,
            baseline_events=before,
            false_alarms=0.001,
            ratio_min=RATIO_MIN,
        )
        assert first is None or found == first
        first = found
    assert first is not None


def test_the_p_value_is_that_of_the_exact_binomial_test():
    found = excess([1_000], [30], baseline_pushes=10_000, baseline_events=50, false_alarms=0.01, ratio_min=1.5)
    assert found.p_value == pytest.approx(binomtest(30, 80, 1_000 / 11_000, alternative="greater").pvalue)
    assert found.level == 0.01 / LOOKS
    found = above([200], [40], tolerable=0.05, false_alarms=0.01)
    assert found.p_value == pytest.approx(binomtest(40, 200, 0.05, alternative="greater").pvalue)


def test_without_a_baseline_or_enough_pushes_nothing_is_shown():
    assert excess([500], [400], baseline_pushes=0, baseline_events=0, false_alarms=0.01, ratio_min=1.5) is None
    few = FIRST_LOOK - 1
    assert excess([few], [few], baseline_pushes=9_999, baseline_events=0, false_alarms=0.01, ratio_min=1.5) is None
    assert excess([], [], baseline_pushes=10, baseline_events=0, false_alarms=0.01, ratio_min=1.5) is None


def test_an_excess_that_nobody_would_act_on_is_none():
    many = {"baseline_pushes": 10_000_000, "baseline_events": 30_000, "false_alarms": 0.01}
    assert excess([1_000_000], [3_500], ratio_min=1.5, **many) is None
    assert excess([1_000_000], [3_500], ratio_min=1.0, **many) is not None


def test_looks_come_with_half_as_many_pushes_more_and_never_more_often_than_is_paid_for():
    sent = np.cumsum(np.full(1_000_000, 10.0))
    assert len(looks(sent)) == LOOKS
    assert sent[looks(sent)][:5].tolist() == [20.0, 30.0, 50.0, 70.0, 110.0]


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_opt_outs_that_are_still_to_come_in_can_only_raise_an_alarm_never_take_one_back(buckets):
    sent = np.array([pushes for pushes, _, _ in buckets])
    final = np.floor(sent * [share for _, share, _ in buckets])
    known = np.floor(final * [share for _, _, share in buckets])
    rest = {"baseline_pushes": 1_000, "baseline_events": 20, "false_alarms": 0.05, "ratio_min": RATIO_MIN}
    early, late = excess(sent, known, **rest), excess(sent, final, **rest)
    assert early is None or (late is not None and late.bucket <= early.bucket)
