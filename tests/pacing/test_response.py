import math

import numpy as np
import pytest
from pacing_desk import DAY_S, MONDAY_S, NEW_YORK, SHANGHAI, ZONES, made_parameters, made_user

from andante.pacing.response import exposure_days, moment, satisfaction, wear
from andante.vocabulary.state import PROFILING_REFUSED

PARAMETERS = made_parameters()


def at(second=MONDAY_S, per_week=3.0, parameters=PARAMETERS, **user):
    return moment(made_user(**user)[0], parameters[0], ZONES, second, per_week)


def test_a_user_of_whom_nothing_is_known_is_the_prior():
    now = at()
    assert now.open == 1 / 20
    assert now.conversion == 2 / 40
    assert now.refusal == 0.5 / 500
    assert now.organic == pytest.approx(1 - math.exp(-0.5 / 5))
    assert now.offers == 2.0
    assert now.worth == 10.0
    assert (now.hour, now.pressure, now.annoyance) == (1.0, 1.0, 1.0)


def test_evidence_fades_with_its_half_life_and_the_prior_does_not():
    user = {"opens": 4.0, "open_exposure": 40.0, "evidence_anchor_s": MONDAY_S}
    assert at(**user).open == pytest.approx((1 + 4) / (20 + 40))
    assert at(MONDAY_S + 90 * DAY_S, **user).open == pytest.approx((1 + 2) / (20 + 20))


def test_silence_lowers_the_rate_of_visits_without_any_record():
    early = at(MONDAY_S, born_s=MONDAY_S - DAY_S)
    late = at(MONDAY_S + 30 * DAY_S, born_s=MONDAY_S - DAY_S)
    assert late.organic < early.organic < at().organic


def test_silence_means_nothing_of_a_user_who_objects_to_profiling():
    assert at(born_s=MONDAY_S - 90 * DAY_S, flags=PROFILING_REFUSED).organic == at().organic


def test_exposure_is_the_faded_time_since_the_user_was_met():
    second = MONDAY_S + 200 * DAY_S
    ages = (np.arange(200_000) + 0.5) / 1000
    direct = np.sum(0.5 ** (ages / 90)) / 1000
    assert exposure_days(MONDAY_S, PARAMETERS[0], second) == pytest.approx(direct, rel=1e-6)


def test_the_mean_over_a_week_of_hours_is_one():
    random = np.random.default_rng(5)
    user = {"hours": random.gamma(0.5, 4, 24), "weekdays": random.gamma(0.5, 9, 7), "rhythm_anchor_s": MONDAY_S}
    factors = [at(MONDAY_S + hour * 3600, **user).hour for hour in range(7 * 24)]
    assert np.mean(factors) == pytest.approx(1.0, rel=1e-3)  # the counts fade a little in the week
    assert max(factors) > 2 * min(factors)


def test_the_hour_is_that_of_the_users_own_wall_clock():
    hours = np.zeros(24)
    hours[20] = 60.0
    user = {"hours": hours, "rhythm_anchor_s": MONDAY_S}
    evening_in_shanghai_s = MONDAY_S + 12 * 3600
    assert at(evening_in_shanghai_s, zone=SHANGHAI, **user).hour > 10 * at(evening_in_shanghai_s, **user).hour
    assert at(MONDAY_S + 3600, zone=NEW_YORK, weekdays=[0, 0, 0, 0, 0, 0, 50.0], rhythm_anchor_s=MONDAY_S).hour > 2


def test_the_prior_of_the_rhythm_is_worth_its_number_of_events():
    parameters = made_parameters(rhythm_prior_weight=24.0)
    hours = np.zeros(24)
    hours[0] = 24.0
    assert at(parameters=parameters, hours=hours, rhythm_anchor_s=MONDAY_S).hour == pytest.approx((24 + 1) / 2)


def test_pressure_lowers_opens_and_raises_refusals():
    now = at(fatigue=2.0, habituation=5.0, pressure_anchor_s=MONDAY_S)
    assert now.pressure == pytest.approx(math.exp(-0.2 * 2 - 0.03 * 5))
    assert now.annoyance == pytest.approx(math.exp(0.2 * 2))


def test_what_a_push_costs_is_refusals_wear_message_and_budget():
    now = at(per_week=0.0, fatigue=2.0, pressure_anchor_s=MONDAY_S)
    assert now.cost == pytest.approx(0.001 * math.exp(0.4) * 1.0 + 0.001 + 0.0005)
    assert at(per_week=3.0).cost - at(per_week=0.0).cost == pytest.approx(
        wear(PARAMETERS[0], 3.0, 10 * 0.05 * 0.05 * now.gain, 0.001, 1.0)
    )


@pytest.mark.parametrize("every_days", [1, 2, 4])
def test_wear_is_what_one_more_push_takes_from_the_pushes_that_follow(every_days):
    def brought(extra_days):
        """Add up what pushes at a steady pace bring in 200 days, refusals taken off, after a long time at that pace."""
        before = np.arange(-300.0, 0.0, every_days)
        total, sent = 0.0, [*before, *extra_days]
        for day in np.arange(every_days / 2, 200.0, every_days):
            ages = day - np.array(sent)
            fatigue, habituation = np.sum(0.5 ** (ages / 2.5)), np.sum(0.5 ** (ages / 15))
            total += 0.7 * math.exp(-0.2 * fatigue - 0.03 * habituation) - 0.01 * math.exp(0.2 * fatigue)
            sent.append(day)
        return total

    taken = brought([]) - brought([0.0])
    assert wear(PARAMETERS[0], 7 / every_days, 0.7, 0.001, 10.0) == pytest.approx(taken, rel=0.12)


def test_satisfaction_is_the_mean_of_ratings_shrunk_to_the_prior():
    user = made_user(satisfaction_sum=2.0, satisfaction_weight=5.0, evidence_anchor_s=MONDAY_S)
    assert satisfaction(user[0], PARAMETERS[0], MONDAY_S) == pytest.approx((3 + 2) / (5 + 5))
