"""The pages of users, over a real engine."""

from datetime import timedelta

from dashboard_desk import AT, asked, consents


def test_users_are_found_by_the_beginning_of_their_id(console, client):
    consents(console.engine, "ann", "anna", "bob")
    page = client.get("/dashboard/users?prefix=ann").text
    assert "/dashboard/users/ann" in page
    assert "/dashboard/users/anna" in page
    assert "/dashboard/users/bob" not in page


def test_a_user_of_any_id_has_a_page_of_their_own(console, client):
    consents(console.engine, "a/b <&?%2F")
    listed = client.get("/dashboard/users").text
    assert "/dashboard/users/a%2Fb%20%3C%26%3F%252F" in listed
    page = client.get("/dashboard/users/a%2Fb%20%3C%26%3F%252F")
    assert page.status_code == 200
    assert "a/b &lt;&amp;?%2F" in page.text


def test_a_users_wishes_are_said_in_both_languages(console, client):
    hours = {"quiet_hours": {"start": "21:00", "end": "09:00"}, "time_zone": "Asia/Shanghai", "max_per_week": 2}
    consents(console.engine, "ann", member=True, **hours)
    english = client.get("/dashboard/users/ann?language=en").text
    assert "They agreed to pushes by push." in english
    assert "21:00 to 09:00 (Asia/Shanghai)" in english
    assert "They want at most 2 a week." in english
    assert "They are a member." in english
    chinese = client.get("/dashboard/users/ann?language=zh").text
    assert "每周最多 2 次。" in chinese


def test_what_held_a_push_and_what_would_have_sent_it_are_said(console, client):
    consents(console.engine, "ann", max_per_day=0)
    (held,) = console.engine.decide([asked("ann")])
    assert held.reasons[0] == "dial"
    page = client.get("/dashboard/users/ann?language=en").text
    assert "the user&#39;s own maximum is reached" in page
    assert "if their own maximum were 1 a day instead of 0" in page
    assert f"/dashboard/decisions/{held.decision_id}" in page


def test_the_history_is_grouped_by_day_with_the_newest_first(console, client):
    consents(console.engine, "ann")
    console.engine.ingest(
        [
            {"user_id": "ann", "type": "view", "at": AT - timedelta(days=2), "item_id": "sku-old"},
            {"user_id": "ann", "type": "purchase", "at": AT - timedelta(hours=1), "item_id": "sku-new", "value": 5.0},
        ]
    )
    page = client.get("/dashboard/users/ann?language=en").text
    assert page.index("4 May 2026</h3>") < page.index("sku-new") < page.index("2 May 2026</h3>") < page.index("sku-old")


def test_an_unknown_user_is_a_page_that_says_so(console, client):
    assert console.engine.inspection.users() == []
    answer = client.get("/dashboard/users/nobody")
    assert answer.status_code == 404
    assert "nobody" in answer.text
