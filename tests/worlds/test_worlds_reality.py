import json
import os
import subprocess
import sys

import numpy as np
import pytest
from worlds_desk import seen, together

from andante.baselines.constant import NoPush, Pace
from andante.vocabulary.event import EventType
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.worlds.catalogue import WORLDS, nature, world
from andante.worlds.contract import HOUR_S, SEND
from andante.worlds.people import people

DAILY = seen("reference", 3000, 6, 7, Pace(7.0, 1))
SILENT = seen("reference", 3000, 6, 7, NoPush())


def of(rows, codes, kind):
    return rows[rows["type"] == codes[kind]]


def test_ticks_follow_each_other_and_hold_only_what_belongs_to_them():
    number, until_s = 0, DAILY.crowd.start_s
    for tick in DAILY.ticks:
        assert tick.from_s == until_s
        assert tick.until_s == until_s + HOUR_S
        assert tick.number_first == number
        for rows in (tick.events, tick.requests):
            assert ((rows["at_s"] >= tick.from_s) & (rows["at_s"] < tick.until_s)).all()
        assert (tick.outcomes["at_s"] < tick.until_s).all()
        for rows in (tick.events, tick.outcomes, tick.requests):
            assert (np.diff(rows["at_s"]) >= 0).all()
        until_s, number = tick.until_s, number + len(tick.candidates)
    assert len(DAILY.ticks) == 6 * 168


def test_every_candidate_belongs_to_one_request_and_outlives_it():
    for tick in DAILY.ticks[:200]:
        asked = np.zeros(len(tick.candidates), int)
        for request in tick.requests:
            inside = slice(request["first"], request["first"] + request["count"])
            asked[inside] += 1
            assert (tick.candidates["expires_s"][inside] > request["at_s"]).all()
        assert (asked == 1).all()


def test_what_was_counted_is_what_was_shown():
    lived, outcomes = DAILY.lived, together(DAILY.ticks, "outcomes")
    events = together(DAILY.ticks, "events")
    purchases = of(events, EVENT_CODES, EventType.PURCHASE)
    assert lived.orders.sum() == len(purchases)
    assert lived.value.sum() == pytest.approx(purchases["value"].sum(), rel=1e-5)
    assert lived.visits.sum() == len(of(events, EVENT_CODES, EventType.VISIT))
    assert lived.opens.sum() == len(of(outcomes, OUTCOME_CODES, OutcomeType.OPENED))
    assert lived.complaints.sum() == len(of(outcomes, OUTCOME_CODES, OutcomeType.COMPLAINED))
    delivered = len(of(outcomes, OUTCOME_CODES, OutcomeType.DELIVERED))
    assert lived.sends.sum() - 1000 < delivered <= lived.sends.sum()  # those of the last hour are not heard of
    assert lived.sends.sum() + lived.undelivered.sum() == len(DAILY.sends)
    assert lived.night_sends.sum() == 0
    assert (lived.visits.sum(axis=1) >= lived.opens.sum(axis=1)).all()


def test_each_outcome_is_of_a_candidate_that_its_user_was_sent():
    pairs = {tuple(pair) for pair in np.unique(together(DAILY.ticks, "outcomes")[["candidate", "user"]]).tolist()}
    shown = np.concatenate(
        [
            np.repeat(t.requests["user"][np.argsort(t.requests["first"])], np.sort(t.requests, order="first")["count"])
            for t in DAILY.ticks
        ]
    )
    assert all(shown[candidate] == user for candidate, user in pairs)


def test_a_world_is_the_same_each_time_it_is_lived_through():
    again = seen("reference", 3000, 6, 7, Pace(7.0, 1)).lived
    for name in DAILY.lived.__slots__:
        assert (getattr(again, name) == getattr(DAILY.lived, name)).all()


def test_whom_a_policy_leaves_alone_lives_as_if_nobody_were_pushed():
    per_week = np.where(np.arange(3000) % 2 == 0, 0.0, 7.0)
    half = seen("reference", 3000, 6, 7, Pace(per_week, 1)).lived
    for name in ("visits", "orders", "value", "sends"):
        assert (getattr(half, name)[::2] == getattr(SILENT.lived, name)[::2]).all()
        assert (getattr(half, name)[1::2] == getattr(DAILY.lived, name)[1::2]).all()


def test_more_pushes_never_keep_a_user_longer():
    fewer = seen("reference", 3000, 6, 7, Pace(2.0, 1)).lived
    assert (fewer.subscribed[:, -1] >= DAILY.lived.subscribed[:, -1]).mean() > 0.999
    assert fewer.subscribed[:, -1].mean() > DAILY.lived.subscribed[:, -1].mean() + 0.05


def test_who_uninstalls_neither_comes_nor_receives_and_who_unsubscribes_still_comes():
    lived = DAILY.lived
    gone, quiet = ~lived.installed[:, 2], ~lived.subscribed[:, 2] & lived.installed[:, 2]
    assert gone.sum() > 20
    assert quiet.sum() > 40
    assert lived.visits[gone, 3:].sum() == 0
    assert lived.sends[gone | quiet, 3:].sum() == 0
    still = quiet & lived.installed[:, -1]
    expected = int(SILENT.lived.visits[still, 3:].sum())
    assert int(lived.visits[still, 3:].sum()) == pytest.approx(expected, rel=0.25)
    assert (lived.subscribed <= lived.installed).all()


def test_a_shop_learns_that_an_app_is_gone_by_one_bounce():
    stubborn = seen("reference", 800, 4, 7, Stubborn(Pace(7.0, 1)))
    refused = of(together(stubborn.ticks, "outcomes"), OUTCOME_CODES, OutcomeType.UNSUBSCRIBED)
    users, often = np.unique(refused["user"], return_counts=True)
    assert (often == 1).all()
    gone = ~stubborn.lived.installed[:, 2]
    assert gone.any()
    assert np.isin(np.flatnonzero(gone), users).all()
    assert (stubborn.lived.undelivered[gone] >= 1).all()


class Stubborn:
    """Sends on, whatever it hears."""

    def __init__(self, policy):
        self.policy = policy

    def begin(self, crowd):
        self.policy.begin(crowd)

    def decide(self, tick):
        return self.policy.decide(tick._replace(outcomes=tick.outcomes[:0]))


def test_median_delays_are_those_published():
    outcomes = together(DAILY.ticks, "outcomes")
    sent_s = {int(row["candidate"]): int(row["at_s"]) for row in of(outcomes, OUTCOME_CODES, OutcomeType.DELIVERED)}
    opened = of(outcomes, OUTCOME_CODES, OutcomeType.OPENED)
    delays_h = np.array([row["at_s"] - sent_s[int(row["candidate"])] for row in opened]) / HOUR_S
    assert np.median(delays_h) == pytest.approx(1, abs=0.25)


def test_the_survey_asks_few_and_rates_the_band_best():
    lived = DAILY.lived
    asked = lived.ratings.sum() / (lived.sends > 0).sum()
    assert asked == pytest.approx(0.03, abs=0.005)
    inside = (lived.sends >= lived.band_low[:, None]) & (lived.sends <= lived.band_high[:, None])
    told = lived.ratings > 0
    assert lived.rating_sum[told & inside].mean() > lived.rating_sum[told & ~inside].mean() + 0.5
    assert set(np.unique(lived.rating_sum[told])) <= {1, 2, 3, 4, 5}
    rated = of(together(DAILY.ticks, "outcomes"), OUTCOME_CODES, OutcomeType.RATED)
    assert len(rated) == lived.ratings[:, :-1].sum()  # the last week's answers come after the end


def test_triggered_candidates_are_opened_nine_times_as_often_and_follow_a_visit():
    candidates = together(DAILY.ticks, "candidates")
    means = [candidates["relevance"][candidates["category"] == kind].mean() for kind in range(3)]
    assert means[1] / means[0] == pytest.approx(2, rel=0.03)
    assert means[2] / means[0] == pytest.approx(9, rel=0.1)
    first_visit_s = {}
    for row in of(together(DAILY.ticks, "events"), EVENT_CODES, EventType.VISIT):
        first_visit_s.setdefault(int(row["user"]), int(row["at_s"]))
    for tick in DAILY.ticks:
        for request in tick.requests:
            if tick.candidates["category"][request["first"]] == 2:
                assert first_visit_s[int(request["user"])] + HOUR_S <= request["at_s"]


def sends(*rows):
    return np.array(list(rows), SEND)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (lambda t: sends((t.number_first + len(t.candidates), t.from_s)), "was never shown"),
        (lambda t: sends((-1, t.from_s)), "was never shown"),
        (lambda t: sends((t.number_first, t.until_s)), "is outside the tick"),
        (lambda t: sends((t.number_first, t.from_s - 1)), "is outside the tick"),
        (lambda t: sends((t.number_first, t.from_s), (t.number_first, t.from_s + 1)), "is sent twice"),
        (lambda t: sends((t.number_first, t.from_s + 9), (t.number_first + 1, t.from_s)), "are not sorted"),
    ],
)
def test_a_send_that_cannot_be_is_refused(rows, words):
    place = world("reference", 200, 1, 7)
    tick = next(one for one in place.ticks() if len(one.candidates) > 3)
    with pytest.raises(InputFault, match=words):
        place.take(rows(tick))


def test_a_candidate_can_be_sent_later_but_not_again_and_not_when_it_has_expired():
    place = world("reference", 200, 1, 7)
    hours = place.ticks()
    tick = next(one for one in hours if len(one.candidates) > 3)
    first, expiry_s = tick.number_first, int(tick.candidates["expires_s"].max())
    next(hours)
    later = next(hours)
    place.take(sends((first, later.from_s)))
    with pytest.raises(InputFault, match="was sent before"):
        place.take(sends((first, later.from_s + 1)))
    too_late = next(one for one in hours if one.from_s > expiry_s)
    with pytest.raises(InputFault, match="has expired"):
        place.take(sends((first + 1, too_late.from_s)))


@pytest.mark.parametrize("arguments", [("moon", 1, 1, 7), ("reference", 0, 1, 7), ("reference", 1, 0, 7)])
def test_a_world_that_cannot_be_is_refused(arguments):
    with pytest.raises(InputFault):
        world(*arguments)


UNCOMPILED = """
import json, sys
from andante.baselines.constant import Pace
from andante.worlds.catalogue import world
from andante.worlds.loop import live
lived = live(world(sys.argv[1], 12, 1, 7), Pace(7.0, 1))
print(json.dumps({name: getattr(lived, name).tolist() for name in lived.__slots__}))
"""


@pytest.mark.parametrize("name", ["reference", "other-senders"])
def test_compiled_and_uncompiled_worlds_are_the_same(name):
    told = []
    for disabled in ("0", "1"):
        environment = {**os.environ, "NUMBA_DISABLE_JIT": disabled}
        ran = subprocess.run(
            [sys.executable, "-c", UNCOMPILED, name], env=environment, capture_output=True, text=True, check=True
        )
        told.append(json.loads(ran.stdout))
    assert told[0] == told[1]
    assert np.sum(told[0]["sends"]) > 50


@pytest.mark.parametrize("name", WORLDS)
def test_every_world_can_be_lived_through(name):
    lived = seen(name, 300, 3, 7, Pace(4.0, 1)).lived
    assert lived.sends.sum() > 300
    assert lived.visits.sum() > 100


def test_lost_pushes_have_no_effect_and_are_counted():
    lived = seen("delivery-loss", 2000, 2, 7, Pace(7.0, 1)).lived
    assert lived.undelivered.sum() / (lived.undelivered.sum() + lived.sends.sum()) == pytest.approx(0.1, abs=0.01)


def test_bots_open_everything_buy_nothing_and_stay():
    lived = seen("bots", 2000, 3, 7, Pace(4.0, 1)).lived
    bots = people(nature("bots"), 2000, 3, 7).bot
    assert 30 < bots.sum() < 90
    assert lived.opens[bots].sum() == pytest.approx(lived.sends[bots].sum(), rel=0.02)
    assert lived.orders[bots].sum() == 0
    assert lived.subscribed[bots].all()


def test_newcomers_do_nothing_before_they_join():
    told = seen("newcomers", 500, 4, 7, Pace(4.0, 1))
    absent = ~told.lived.present
    assert absent[:, 0].any()
    for name in ("visits", "sends", "orders"):
        assert getattr(told.lived, name)[absent].sum() == 0
    assert told.lived.present[:, -1].all()
    assert (told.crowd.segment == 0).all()


def test_bait_is_opened_more_and_never_bought_from():
    told = seen("clicks-without-value", 3000, 4, 7, Pace(5.0, 1)).lived
    plain = seen("reference", 3000, 4, 7, Pace(5.0, 1)).lived
    assert told.opens.sum() > 1.25 * plain.opens.sum()
    assert told.value.sum() < plain.value.sum()
    assert told.subscribed[:, -1].mean() < plain.subscribed[:, -1].mean()
