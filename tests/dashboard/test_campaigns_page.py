"""The pages of campaigns, over a real engine and real books."""

import re
import threading

from dashboard_desk import act, asked, consents, look, sign_in

from andante.dashboard.campaigns_form import form_of, given_of
from andante.operators.campaign import checked
from andante.operators.launch import Launch

FORM = {
    "name": "Spring",
    "category": "promotion",
    "channel": "push",
    "value": "20",
    "relevance": "1",
    "message_title": "Spring is here",
}


def written(console, client, **fields):
    """Write a campaign by its form, and return its id."""
    page = act(client, "/dashboard/campaigns/new", "/dashboard/campaigns/new", **(FORM | fields))
    assert page.status_code == 200, page.text
    assert "within 7 days" in page.text
    return console.books.campaigns.listed()[0].campaign_id


def doing(client, campaign_id, deed, **fields):
    here = f"/dashboard/campaigns/{campaign_id}"
    return act(client, here, f"{here}/{deed}", **fields)


def test_a_dry_run_says_whom_it_reaches_and_why_others_not(console, client):
    consents(console.engine, "ann", "bob", member=True)
    console.engine.set_preferences("zoe", {"consent": {"email": True}})
    sign_in(client)
    campaign_id = written(console, client)
    page = client.get(f"/dashboard/campaigns/{campaign_id}?dry=1&language=en").text
    assert "2 of 3 users (67%) would be reached within 7 days" in page
    assert re.search(
        r"There is no consent to the channel</th><td>1 \(33%\)</td><td><a href=\"/dashboard/users/zoe\"", page
    )
    assert console.engine.inspection.decisions_of("ann")[0]["kind"] == "preferences", "nothing was decided"


def test_a_small_campaign_goes_from_its_form_to_its_users(console, client):
    consents(console.engine, "ann", "bob")
    sign_in(client)
    campaign_id = written(console, client)
    assert "Approved" in doing(client, campaign_id, "submit", language="en").text
    doing(client, campaign_id, "start")
    assert console.books.campaigns.of(campaign_id).state == "running"
    Launch(console.engine, console.books).run(campaign_id, threading.Event())
    told = client.get(f"/dashboard/campaigns/{campaign_id}/progress.json").json()
    assert (told["texts"]["asked"], told["texts"]["sent"]) == ("2", "2")
    (message,) = console.outbox.messages.listed()
    assert (message.name, message.body["title"]) == (campaign_id, "Spring is here")


def test_a_large_campaign_waits_for_a_second_person_and_says_so(console, client):
    console.books.campaigns.approval_above = 1
    consents(console.engine, "ann", "bob")
    sign_in(client, "Mia")
    campaign_id = written(console, client)
    page = doing(client, campaign_id, "submit").text
    assert "You submitted this campaign, Mia, so you may not approve it" in page
    assert f"/{campaign_id}/approve" not in page
    refused = doing(client, campaign_id, "approve")
    assert refused.status_code == 422
    client.cookies.clear()
    sign_in(client, "Noa")
    doing(client, campaign_id, "approve")
    filed = console.books.campaigns.of(campaign_id)
    assert (filed.state, filed.approved_by) == ("approved", "Noa")


def test_what_cannot_be_asked_is_refused_beside_what_was_written(console, client):
    consents(console.engine, "ann")
    sign_in(client)
    page = act(client, "/dashboard/campaigns/new", "/dashboard/campaigns/new", **(FORM | {"value": "many"}))
    assert page.status_code == 422
    assert "is no number" in page.text
    assert 'value="Spring"' in page.text, "what was written is kept"
    assert console.books.campaigns.listed() == []


def test_campaigns_of_the_api_are_listed_with_their_results(console, client):
    consents(console.engine, "ann")
    (sent,) = console.engine.decide([asked(campaign_id="api-sale")])
    console.engine.observe([{"decision_id": sent.decision_id, "type": "opened"}])
    look(console)
    assert re.search(r"api-sale</th><td>1</td><td>1 \(100%\)</td>", client.get("/dashboard/campaigns").text)


def test_nobody_acts_who_is_not_signed_in(console, client):
    answer = client.post("/dashboard/campaigns/new", data=FORM)
    assert answer.url.path == "/dashboard/sign-in"
    assert console.books.campaigns.listed() == []


def test_a_form_gives_back_the_campaign_that_it_was_made_of():
    audience = {"member": False, "persona": "buyer", "user_ids": ["ann", "bob"]}
    fields = {"name": "Sale", "category": "promotion", "channel": "push", "item_id": "sku", "value": 2.5}
    given = fields | {"relevance": 1.0, "expires_at": "2026-06-01T10:00:00+00:00", "audience": audience}
    campaign = checked(given | {"message": {"title": "Hello", "body": "World"}})
    assert checked(given_of(form_of(campaign))) == campaign
