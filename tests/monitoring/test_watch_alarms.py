"""Alarms fire for what is wrong in a log, and for nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from watched import DAY, HOUR, us

from andante.monitoring.alarms import Alarm, alarms
from andante.monitoring.tail import Candidate, Chunk, Decided, Event, Outcome
from andante.monitoring.tally import Tally
from andante.vocabulary.reason import Action, Reason

THURSDAY = datetime(2026, 6, 4, tzinfo=UTC)  # weeks turn on Thursdays
HISTORY_US = 35 * 86_400_000_000


def counted(days, optouts_of, *, channel="push", failed=0.0):
    """Return the counts of a shop that sends so many pushes an hour up to day 0, and opt-outs by campaign and day."""
    rng, tally, position = np.random.default_rng(3), Tally(HISTORY_US, 1_000), 0
    for day in range(-days, 0):
        tally.turn(us(THURSDAY + (day + 1) * DAY))
        chunk, sent = Chunk(), {}
        for hour in range(24):
            at_us = us(THURSDAY + day * DAY + hour * HOUR)
            for number in range(30):
                position += 1
                campaign = ("calm", "wild")[number % 2]
                push = Candidate("promotion", channel, campaign)
                one = Decided(position, number, at_us + number, Action.SEND, Reason.BEST, push=push)
                chunk.decisions.append(one)
                sent[position] = (at_us + number, push)
                for kind, rate in (("unsubscribed", optouts_of(campaign, day)), ("failed", failed if day == -1 else 0)):
                    if rng.random() < rate:
                        chunk.outcomes.append(Outcome(at_us + 3_600_000_000, position, kind))
        tally.take(chunk, np.zeros(len(chunk.decisions)), sent)
    return tally


def kinds(found):
    return {(alarm.kind, alarm.scope, alarm.name) for alarm in found}


def test_a_campaign_that_drives_users_away_is_named_and_a_calm_one_is_not():
    tally = counted(28, lambda campaign, day: 0.06 if campaign == "wild" and day >= -2 else 0.003)
    found = alarms(tally, us(THURSDAY), users=1_000, budget=None)
    assert ("optouts", "campaign", "wild") in kinds(found)
    assert ("optouts", "campaign", "calm") not in kinds(found)
    wild = next(alarm for alarm in found if alarm.name == "wild")
    assert wild.words == "alarm.optouts.campaign"
    assert THURSDAY - 2 * DAY < wild.since <= THURSDAY
    assert wild.evidence["per_1000"] > 1.5 * wild.evidence["baseline_per_1000"]
    assert wild.evidence["p_value"] < wild.evidence["level"]
    assert msgspec.json.decode(msgspec.json.encode(found), type=tuple[Alarm, ...]) == found


def test_a_calm_month_has_no_alarm():
    assert alarms(counted(28, lambda *_: 0.003), us(THURSDAY), users=1_000, budget=None) == ()


def test_without_a_past_to_compare_with_there_is_no_alarm_on_opt_outs():
    assert alarms(counted(1, lambda *_: 0.2), us(THURSDAY), users=1_000, budget=None) == ()


def test_an_alarm_stands_for_a_day_after_its_week_is_over_and_then_goes():
    tally = counted(28, lambda campaign, day: 0.06 if campaign == "wild" and day >= -1 else 0.003)
    assert ("optouts", "campaign", "wild") in kinds(alarms(tally, us(THURSDAY + HOUR), users=1, budget=None))
    later = THURSDAY + timedelta(days=2)
    tally.turn(us(later))
    assert not [alarm for alarm in alarms(tally, us(later), users=1, budget=None) if alarm.kind == "optouts"]


def test_a_channel_that_reaches_nobody_is_named():
    found = alarms(counted(3, lambda *_: 0.0, channel="email", failed=0.3), us(THURSDAY), users=1_000, budget=None)
    assert kinds(found) == {("failed", "channel", "email")}
    assert alarms(counted(3, lambda *_: 0.0, failed=0.04), us(THURSDAY), users=1_000, budget=None) == ()


def test_more_pushes_than_the_budget_allows_are_told_with_the_hour_in_which_it_was_spent():
    tally = counted(8, lambda *_: 0.0)  # 720 a day
    assert kinds(alarms(tally, us(THURSDAY), users=1_000, budget=5.0)) == set()
    (over,) = alarms(tally, us(THURSDAY), users=1_000, budget=3.0)
    assert (over.kind, over.scope) == ("budget", "all")
    assert over.evidence["allowed"] == pytest.approx(3_000)
    assert over.since.date() == (THURSDAY - timedelta(days=3)).date()


def test_a_flow_that_was_never_silent_for_long_and_now_is_has_stopped():
    tally = counted(3, lambda *_: 0.0)
    assert kinds(alarms(tally, us(THURSDAY + HOUR), users=1, budget=None)) == set()
    tally.turn(us(THURSDAY + 3 * HOUR))
    (stopped,) = alarms(tally, us(THURSDAY + 3 * HOUR), users=1, budget=None)
    assert (stopped.kind, stopped.name) == ("stopped", "decisions")
    tally.turn(us(THURSDAY + 2 * DAY))
    assert kinds(alarms(tally, us(THURSDAY + 2 * DAY), users=1, budget=None)) == {("stopped", "flow", "decisions")}


def test_a_flow_that_sleeps_every_night_has_not_stopped_at_night():
    tally = Tally(HISTORY_US, 1_000)
    evening = THURSDAY + 22 * HOUR
    tally.turn(us(evening + 8 * HOUR))
    events = [
        Event(us(THURSDAY - day * DAY + hour * HOUR + minute * HOUR / 60), 1, "view")
        for day in range(3)
        for hour in range(8, 22)
        for minute in range(0, 60, 5)
    ]
    tally.take(Chunk(events=events), np.zeros(0), {})
    assert alarms(tally, us(evening + 8 * HOUR), users=1, budget=None) == ()
