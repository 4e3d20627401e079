"""The play page: what it shows is what the product's own functions say."""

import numpy as np
import pytest
from dashboard_desk import consents
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.dashboard.play_figures import (
    LIMITS,
    Knobs,
    asked_knobs,
    knobs_of,
    planned,
    played,
    population_of,
    satisfied,
    tired,
)
from andante.dashboard.play_kernel import course
from andante.frequency.satisfaction import Curves
from andante.live.names import Names
from andante.live.parameters import compile_parameters
from andante.settings import load
from andante.vocabulary.fault import InputFault

DEFAULTS = load(None, {})


def test_the_page_and_what_replaces_its_charts_say_the_same(console, client):
    consents(console.engine, "ann")
    page = client.get("/dashboard/play?pace=5&language=en").text
    told = client.get("/dashboard/play.json?pace=5&language=en").json()
    assert len(told["charts"]) == 6
    for chart in told["charts"].values():
        assert chart["says"] in page
        assert chart["values"]
    assert told["texts"]["pace"] == "5"


def test_the_form_works_without_a_script(console, client):
    assert console.engine.inspection.users() == []
    page = client.get("/dashboard/play?turn=6&rise=0.1&language=en").text
    assert 'name="turn" min="0.5" max="10" step="0.5" value="6.0"' in page
    assert "Satisfaction is highest at 6.0 pushes a week" in page
    assert "1,000 users" in page, "an example stands for users there are not"


@pytest.mark.parametrize("value", ["15", "-1", "nan", "many", "inf"])
def test_a_parameter_out_of_its_range_is_refused(value):
    with pytest.raises(InputFault, match="pace"):
        asked_knobs({"pace": value}, Knobs())


def test_the_sliders_begin_where_the_server_stands():
    held = knobs_of(load({"learning": {"fatigue_half_life": "P4D"}, "budget": {"per_user_week": 3}}, {}))
    assert (held.fatigue_days, held.budget) == (4.0, 3.0)


def test_fatigue_halves_in_its_half_life_between_two_pushes():
    parameters = compile_parameters(DEFAULTS, Names(), version=1)
    parameters["fatigue_half_life_s"] = 7 * 86_400 / 2
    found = course(parameters, 1.0, 1)
    at = dict(zip(found.days.tolist(), found.fatigue.tolist(), strict=True))
    assert at[0.0] == 1.0
    assert at[3.5] == pytest.approx(0.5)


def test_more_pushes_wear_opens_out_and_drive_users_away():
    seldom, often = (tired(Knobs(pace=pace), DEFAULTS) for pace in (1.0, 10.0))
    assert often.opened_settled < seldom.opened_settled <= seldom.opened_first == often.opened_first
    assert often.refused_settled > seldom.refused_settled
    found = played(Knobs(refusal_rate=0.01), DEFAULTS)
    assert np.all(np.diff(found.staying) < 0)
    assert 0 < found.best < 14


def test_the_best_pace_is_the_curves_own():
    knobs = Knobs(rise=0.2, turn=4.0, fall=-0.05)
    curve = Curves.continuous([0.2], [-0.05], [4.0])
    assert satisfied(knobs).best == curve.optimum()[0][0] == 4.0


def test_a_value_between_two_steps_begins_at_the_nearer_one():
    held = knobs_of(load({"learning": {"open_rate": 0.02844, "refusal_rate": 0.9}}, {}))
    assert held.open_rate == pytest.approx(0.028)
    assert held.refusal_rate == LIMITS["refusal_rate"].most


@settings(max_examples=25, deadline=None)
@given(budget=st.floats(LIMITS["budget"].least, LIMITS["budget"].most))
def test_a_plan_keeps_its_budget_and_a_smaller_one_costs_more(budget):
    people = population_of(None).best_paces
    found = planned(Knobs(budget=budget), people)
    assert found.mean <= budget * (1 + 1e-6)
    assert found.satisfaction <= found.free_satisfaction + 1e-12
    assert np.all(np.diff(found.prices) <= 1e-9)


def test_the_population_is_the_servers_own_where_it_has_users(console):
    consents(console.engine, "ann", "bob")
    people = population_of(console.engine.inspection.survey())
    assert people.users == 2
    assert people.best_paces.tolist() == [3.5, 3.5], "the middle of the bin of three pushes a week"
