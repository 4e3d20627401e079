from dataclasses import replace

import numpy as np
import pytest

from andante.worlds.nature import Nature, Rhythm
from andante.worlds.people import people
from andante.worlds.rhythm import DAYTIME, hours, usual_day
from andante.worlds.seasons import seasons

MANY = people(Nature(), 60_000, 4, 7)


def test_latents_correlate_as_the_table_says():
    active, opening, leaving = np.log(MANY.visits_per_day), np.log(MANY.open / (1 - MANY.open)), np.log(MANY.hazard)
    found = np.corrcoef([active, opening, leaving, np.log(MANY.buying)])
    assert found[0, 1] == pytest.approx(0.35, abs=0.015)
    assert found[0, 2] == pytest.approx(-0.25, abs=0.015)
    assert found[1, 2] == pytest.approx(-0.35, abs=0.015)
    assert found[0, 3] == pytest.approx(0.3, abs=0.015)


def test_population_figures_are_those_of_the_table():
    assert np.median(MANY.visits_per_day) == pytest.approx(0.055, rel=0.03)
    assert np.log(MANY.visits_per_day).std() == pytest.approx(1.15, rel=0.02)
    assert MANY.open.mean() == pytest.approx(0.028, rel=0.02)
    assert np.median(MANY.hazard) == pytest.approx(1.7 * 5.5e-4, rel=0.03)
    assert MANY.uninstalls.mean() == pytest.approx(0.35, abs=0.01)
    assert MANY.buying.mean() == pytest.approx(0.034, rel=0.02)
    assert np.exp(MANY.margin_log + 0.7**2 / 2).mean() == pytest.approx(8.8, rel=0.02)


def test_a_person_is_the_same_among_few_and_among_many():
    few = people(Nature(), 100, 4, 7)
    assert all((one == other[:100]).all() for one, other in zip(few, MANY, strict=True))


def test_segments_rank_users_by_how_often_they_came():
    means = [MANY.visits_per_day[MANY.segment == segment].mean() for segment in range(4)]
    assert means == sorted(means)
    assert len(np.unique(MANY.segment)) == 4


def test_the_trough_of_the_day_is_a_tenth_of_its_peak():
    day = usual_day(Rhythm())
    assert day.mean() == pytest.approx(1)
    assert day.min() / day.max() == pytest.approx(0.1, abs=0.01)
    assert int(day.argmax()) == 20
    assert int(day.argmin()) in {3, 4}
    assert day[12] > day[10]
    assert day[12] > day[16]


def test_hours_follow_each_users_own_clock_and_shift():
    table = hours(Rhythm(), np.array([0.0, 0.0, 2.0]), np.array([0, 8, 0]))
    assert table.visits[:, 0] == pytest.approx(usual_day(Rhythm()), rel=1e-5)
    assert np.roll(table.visits[:, 1], 8) == pytest.approx(table.visits[:, 0])
    assert np.roll(table.visits[:, 2], -2) == pytest.approx(table.visits[:, 0], rel=1e-5)
    assert table.opens[DAYTIME, 0].mean() == pytest.approx(1, rel=1e-5)


def test_seasons_keep_the_weekly_mean_and_lift_every_fourth_week():
    calendar = replace(
        Nature().calendar, weekdays=(1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0), promotion_every_weeks=4, promotion_visits=1.5
    )
    by_week = seasons(calendar, 8).visits.reshape(8, 168).mean(axis=1)
    assert by_week.tolist() == pytest.approx([1, 1, 1, 1.5, 1, 1, 1, 1.5])
