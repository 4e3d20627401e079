"""The page "Plan and fairness": each statement in words, with what it rests on, and "too early" where it is."""

import json
from datetime import timedelta

import pytest
from dashboard_desk import AT, answering, asked, consents, look, opened

from andante.dashboard.console import ROOM
from andante.dashboard.plan_figures import signed
from andante.live.survey import GROUPS
from andante.monitoring.gauges import Drift
from andante.monitoring.lift import FairnessWords, LiftWords
from andante.site.words import LANGUAGES, words_of

DAY = timedelta(days=1)
LASTING = {
    "budget": {"per_user_week": 2.0},
    "consent": {"default": "allow"},
    "experiment": {"holdout": 0.4, "explore": 0.0},
    "gap": {"minimum": "PT0S"},
    "pacing": {"default_per_week": 3.0, "patience": 0.0, "message_cost": 0.0},
}


def test_an_empty_shop_is_told_that_it_is_too_early(client):
    page = client.get("/dashboard/plan").text
    assert "There are no shoppers yet." in page
    assert page.count("Too early to say") >= 2
    assert "No holdout" not in page


def test_shoppers_are_counted_by_plan_persona_and_membership(console, client):
    consents(console.engine, "ann", "ben", member=True)
    consents(console.engine, "cat")
    console.engine.publish([{"user_id": "ann", "plan_per_week": 4.0, "interest": 0.6, "theta": 0.5}])
    look(console)
    page = client.get("/dashboard/plan").text
    assert "3 shoppers, 100% of them within reach. The plan gives 4 pushes a week on average (1 have one)" in page
    assert "100% of shoppers are planned 4-5 pushes a week" in page
    assert "Members (2 shoppers)" in page
    assert "Others (1 shoppers)" in page


def test_the_price_of_one_more_push_is_said_in_a_sentence(console, client):
    look(console)
    assert "The budget allows 3 pushes per shopper and week" in client.get("/dashboard/plan").text


def test_no_holdout_is_said_once_there_is_a_log(console, client):
    consents(console.engine, "ann")
    look(console)
    page = client.get("/dashboard/plan").text
    assert "Nobody is held out, so nobody can say what pushes bring." in page


def test_lift_and_fairness_come_with_their_intervals(tmp_path):
    with opened(tmp_path, LASTING) as console, answering(console) as client:
        names = [f"user-{number}" for number in range(400)]
        for number, name in enumerate(names):
            console.engine.set_preferences(name, {"member": number % 2 == 0, "at": AT - 20 * DAY})
        for day in range(15, 0, -1):
            at = AT - day * DAY
            some = names[day % 3 :: 3]
            console.engine.decide([asked(name, campaign_id=f"sale-{day}", at=at) for name in some])
            console.engine.ingest([{"user_id": name, "type": "visit", "at": at} for name in some])
        look(console)
        told = json.loads(client.get("/dashboard/plan.json").content)
        assert "95% interval" in told["texts"]["lift_said"]
        assert "95% interval" in told["texts"]["fairness_said"]
        (visits,) = told["charts"]["plan_lift_visits"]["values"]
        assert visits["low"] <= visits["value"] <= visits["high"]
        assert len(told["charts"]["plan_fairness"]["values"]) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_page_polls_replaces_what_the_page_shows_and_is_small(console, client, language):
    consents(console.engine, "ann")
    look(console)
    answer = client.get(f"/dashboard/plan.json?language={language}")
    page = client.get(f"/dashboard/plan?language={language}").text
    told = json.loads(answer.content)
    assert len(answer.content) < 30_000
    for name in told["texts"]:
        assert f'data-text="{name}"' in page
    for name in told["charts"]:
        assert f'data-chart="{name}"' in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verdict_and_group_has_words(language):
    words = words_of(language, ROOM).sentences
    verdicts = (*LiftWords.__args__, *FairnessWords.__args__, *("drift.stable", "drift.watch", "drift.shifted"))
    assert Drift.__annotations__["words"]
    assert not [one for one in (*verdicts, "drift.too_early") if one not in words or f"{one}_tag" not in words]
    assert not [name for names in GROUPS.values() for name in names if f"group.{name}" not in words]


def test_a_difference_that_is_none_has_no_sign():
    words = words_of("en")
    assert [signed(value, words) for value in (0.0, -0.0001, 0.5, -2.0)] == ["0", "0", "+0.5", "−2"]
