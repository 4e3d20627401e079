"""The page of one decision, over a real engine."""

from math import fsum

import pytest
from dashboard_desk import asked, consents

from andante.dashboard.decisions import STATIONS, ladder
from andante.site.words import words_of
from andante.vocabulary.reason import RULES, Reason


def test_every_station_of_the_path_stands_on_the_page_in_order(console, client):
    consents(console.engine, "ann")
    (decision,) = console.engine.decide([asked()])
    page = client.get(f"/dashboard/decisions/{decision.decision_id}?language=en").text
    places = [page.index(f'<section aria-labelledby="{name}">') for name in STATIONS]
    assert places == sorted(places)
    assert "is the one that decided, to the last bit" in page


def test_the_page_says_what_was_done_and_why(console, client):
    consents(console.engine, "ann", max_per_day=0)
    (decision,) = console.engine.decide([asked()])
    page = client.get(f"/dashboard/decisions/{decision.decision_id}?language=en").text
    assert "because the user&#39;s own maximum is reached" in page
    assert "refuses until:" in page


def test_the_bars_of_an_index_add_up_to_what_decided(console, client):
    consents(console.engine, "ann")
    (decision,) = console.engine.decide([asked()])
    assert client.get(f"/dashboard/decisions/{decision.decision_id}").text.count('class="bar ') >= 2
    (offered,) = console.engine.inspection.trace(decision.decision_id).candidates
    *terms, total = ladder(offered.terms).rungs
    assert total.amount == offered.verdict.index
    assert fsum(rung.amount for rung in terms) == pytest.approx(total.amount, abs=1e-12)
    assert all(rung.left >= -1e-9 and rung.left + rung.width <= 100 + 1e-9 for rung in (*terms, total))


def test_both_languages_name_every_reason_and_rule():
    for language in ("en", "zh"):
        said = words_of(language, "andante.dashboard").sentences
        assert all(f"decision_reason.{reason.name.lower()}" in said for reason in Reason)
        assert all(f"decision_rule.{rule.name.lower()}" in said for rule in RULES)


def test_a_decision_of_another_log_is_refused_as_a_page(console, client):
    consents(console.engine, "ann")
    answer = client.get("/dashboard/decisions/other-1-0")
    assert answer.status_code == 422
    assert "names no decision" in answer.text
