import numpy as np
import pytest

from andante.baselines.constant import NoPush, Pace
from andante.benchmarks.worlds_sanity import PACES, assertions, lived_through, picture, sanity
from andante.worlds.catalogue import nature, world
from andante.worlds.loop import live
from andante.worlds.truth import expected

GRID = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0])
TRUE = expected(nature("reference"), 3000, 52, 7, GRID, by_week=True)


def gain(horizon):
    value = TRUE.value.mean(axis=0)[:, :horizon].sum(axis=1)
    return value / value[0] - 1


def at(pace):
    return int(np.flatnonzero(pace == GRID)[0])


def test_value_is_an_inverted_u_of_sends_whose_top_moves_down_as_the_horizon_grows():
    best = {horizon: GRID[gain(horizon).argmax()] for horizon in (4, 13, 26, 52)}
    assert best[26] in {5, 6}
    assert best[52] in {3, 4, 5}
    assert best[4] > best[13] > best[26] > best[52]
    for horizon in (26, 52):
        rise = np.diff(gain(horizon))
        top = gain(horizon).argmax()
        assert (rise[:top] > 0).all()
        assert (rise[top:] < 0).all()


def test_halving_six_pushes_loses_about_four_percent_of_the_visits_of_month_one():
    visits = TRUE.visits.mean(axis=0)[:, :4].sum(axis=1)
    assert visits[at(3)] / visits[at(6)] - 1 == pytest.approx(-0.04, abs=0.01)
    three, six = (live(world("reference", 20_000, 4, 7), Pace(pace, 1)).visits.sum() for pace in (3.0, 6.0))
    assert three / six - 1 == pytest.approx(-0.04, abs=0.015)


def test_eight_against_four_pushes_win_month_one_and_lose_month_thirteen():
    value = TRUE.value.mean(axis=0)
    assert value[at(8), :4].sum() > 1.02 * value[at(4), :4].sum()
    assert value[at(8), 48:].sum() < 0.95 * value[at(4), 48:].sum()
    four, eight = (live(world("reference", 20_000, 4, 7), Pace(pace, 1)) for pace in (4.0, 8.0))
    assert eight.visits.sum() > four.visits.sum()


def test_an_extra_weekly_push_costs_two_and_a_half_points_of_opt_outs_in_seven_weeks():
    left = 1 - TRUE.subscribed.mean(axis=0)[:, 6]
    assert left[at(6)] - left[at(5)] == pytest.approx(0.025, abs=0.004)
    gone = 1 - TRUE.installed.mean(axis=0)[:, 6]
    assert gone[at(6)] - gone[at(5)] == pytest.approx(0.35 * (left[at(6)] - left[at(5)]), rel=0.1)


def test_orders_and_opens_are_as_often_as_published():
    quiet = live(world("reference", 20_000, 8, 7), NoPush())
    assert quiet.orders.sum() / quiet.visits.sum() == pytest.approx(0.034, rel=0.06)
    assert quiet.value.sum() / quiet.orders.sum() == pytest.approx(8.8, rel=0.08)
    rare = live(world("reference", 20_000, 4, 7), Pace(1.0, 1))
    assert rare.opens.sum() / rare.sends.sum() == pytest.approx(0.026, rel=0.1)


def test_the_benchmark_says_of_each_assertion_what_was_found(tmp_path):
    told = sanity(300, 7, 2)
    names = [row["assertion"] for row in told.rows]
    assert len(set(names)) == len(names)
    assert "month 1: visits at 3 against 6 a week" in names
    assert all({"found", "standard_error", "holds"} <= set(row) for row in told.rows)
    assert {point["weeks"] for point in told.points} == {4}
    drawn = picture(told.points, tmp_path / "value.svg").read_text()
    assert drawn.startswith("<svg")


def test_the_benchmark_can_say_no():
    runs = lived_through(300, 4, 1, PACES)
    runs.visits[:, PACES.index(3.0)] *= 2
    rows = {row["assertion"]: row for row in assertions(runs, PACES)}
    assert rows["month 1: visits at 3 against 6 a week"]["holds"] is False
