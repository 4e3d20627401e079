"""The kill switch: in two steps, written down, and nothing is sent once it has answered."""

import threading
from urllib.parse import urlencode

import pytest
from dashboard_desk import AT, act, answering, asked, consents, look, opened, sign_in

SENDING = {
    "consent": {"default": "allow"},
    "gap": {"minimum": "PT0S"},
    "experiment": {"holdout": 0.0, "explore": 0.0},
    "categories": {"receipt": {"transactional": True}},
}


@pytest.fixture
def shop(tmp_path):
    with opened(tmp_path, SENDING) as console, answering(console) as client:
        yield console, client


def _entries(console):
    return [(one.who, one.subject, one.detail) for one in console.books.audit.entries(action="switch")]


def test_one_click_stops_nothing_and_says_what_a_second_one_will_do(shop):
    console, client = shop
    sign_in(client)
    page = client.get("/dashboard/switch?scope=global&state=on").text
    assert "no push goes out to anybody, on any channel" in page
    assert "written down that you, Mia, did this" in page
    assert console.engine.decide([asked(category="receipt", at=AT)])[0].action == "send"
    assert _entries(console) == []


def test_nobody_who_is_not_signed_in_throws_it(shop):
    console, client = shop
    assert "sign-in" in str(client.get("/dashboard/switch?scope=global&state=on").url)
    answer = client.post("/dashboard/switch", data={"scope": "global", "state": "on"})
    assert "sign-in" in str(answer.url)
    assert console.engine.decide([asked(category="receipt", at=AT)])[0].action == "send"


def test_a_form_of_another_page_throws_nothing(shop):
    console, client = shop
    sign_in(client)
    answer = client.post("/dashboard/switch", data={"scope": "global", "state": "on", "form_token": "forged"})
    assert answer.status_code == 403
    assert console.engine.decide([asked(category="receipt", at=AT)])[0].action == "send"


def test_the_page_says_what_is_stopped_by_whom_and_lifts_it(shop):
    console, client = shop
    sign_in(client)
    console.engine.decide([asked(category="receipt", at=AT)])
    act(client, "/dashboard/switch?scope=channel:push&state=on", "/dashboard/switch", scope="channel:push", state="on")
    assert console.engine.decide([asked(category="receipt", at=AT)])[0].action == "suppress"
    page = client.get("/dashboard/").text
    assert "The channel push has been stopped since 4 May 2026, 12:00 UTC, by Mia." in page
    lift = "/dashboard/switch?scope=channel%3Apush&state=off"
    assert lift.replace("&", "&amp;") in page
    act(client, lift, "/dashboard/switch", scope="channel:push", state="off")
    assert console.engine.decide([asked(category="receipt", at=AT)])[0].action == "send"
    assert _entries(console) == [("Mia", "channel:push", {"on": False}), ("Mia", "channel:push", {"on": True})]


@pytest.mark.parametrize("scope", ["category:receipt", "campaign:sale", "channel:push"])
def test_each_kind_of_switch_stops_its_own_and_nothing_else(shop, scope):
    console, client = shop
    sign_in(client)
    mine = asked(category="receipt", channel="push", campaign_id="sale", at=AT)
    other = asked("ben", category="news", channel="email", campaign_id="hello", at=AT)
    before = [one.action for one in console.engine.decide([mine, other])]
    assert before[0] == "send"
    act(client, f"/dashboard/switch?scope={scope}&state=on", "/dashboard/switch", scope=scope, state="on")
    stopped, free = console.engine.decide([mine, asked("cat", category="news", channel="email", at=AT)])
    assert "kill_switch" in stopped.reasons
    assert "kill_switch" not in free.reasons


@pytest.mark.parametrize("scope", ["everything", "channel:", "user:ann", "channel:never-seen"])
def test_a_scope_that_is_none_is_refused_and_stops_nothing(shop, scope):
    console, client = shop
    sign_in(client)
    answer = act(client, "/dashboard/switch", "/dashboard/switch", scope=scope, state="on")
    assert answer.status_code == 422
    assert console.engine.decide([asked(category="receipt", at=AT)])[0].action == "send"


def test_what_is_stopped_is_told_to_pages_that_are_open(shop):
    console, client = shop
    sign_in(client)
    act(client, "/dashboard/switch", "/dashboard/switch", scope="global", state="on")
    look(console)
    assert "Everything has been stopped since" in client.get("/dashboard/now.json").json()["html"]["thrown"]


@pytest.mark.parametrize("scope", ["global", "channel:push", "category:receipt", "campaign:sale"])
def test_what_was_stopped_without_the_books_is_shown_too_and_can_be_lifted(shop, scope):
    console, client = shop
    console.engine.decide([asked(category="receipt", campaign_id="sale", at=AT)])
    console.engine.switch(scope, on=True)
    look(console)
    sign_in(client)
    thrown = client.get("/dashboard/now.json").json()["html"]["thrown"]
    assert "the audit does not say when or by whom" in thrown
    lift = f"/dashboard/switch?{urlencode({'scope': scope, 'state': 'off'})}"
    assert lift.replace("&", "&amp;") in thrown
    act(client, lift, "/dashboard/switch", scope=scope, state="off")
    assert console.engine.stopped(["sale"]) == ()


def test_what_the_engine_does_not_stop_any_more_is_not_shown_whatever_the_audit_says(shop):
    console, client = shop
    sign_in(client)
    act(client, "/dashboard/switch", "/dashboard/switch", scope="global", state="on")
    console.engine.switch("global", on=False)
    assert "Everything has been stopped" not in client.get("/dashboard/").text


def test_nothing_is_sent_after_the_answer_while_many_threads_decide(shop):
    console, client = shop
    users = [f"user-{number}" for number in range(8)]
    consents(console.engine, *users)
    sign_in(client)
    client.get("/dashboard/")
    answered, stop, late, sends = threading.Event(), threading.Event(), [], []

    def decide(user):
        while not stop.is_set():
            began_after = answered.is_set()
            decision = console.engine.decide([asked(user, category="receipt", at=AT)])[0]
            if decision.action == "send":
                (late if began_after else sends).append(decision)

    threads = [threading.Thread(target=decide, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    act(client, "/dashboard/switch", "/dashboard/switch", scope="global", state="on")
    answered.set()
    position = console.engine.position
    decided = console.engine.decide([asked(user, category="receipt", at=AT) for user in users])
    stop.set()
    for thread in threads:
        thread.join(60)
    assert sends
    assert not late
    assert {one.action for one in decided} == {"suppress"}
    assert not console.engine.sends(position).sends
