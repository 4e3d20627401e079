"""Promise 17 through the page: an erasure leaves no plaintext in any file, and gives a receipt."""

import base64
import json
import re

import msgspec

from andante.live.erasing import Erased

USER, TEXT, CONTACT, ADDRESS = "canary-user-71", "canary complaint 72", "canary73@mail.example", "canary-token-74"
CANARIES = [one.encode() for one in (USER, TEXT, CONTACT, ADDRESS, "canary_campaign_75", "canary answer 76")]


def found(folder):
    """Return which canaries stand in which file beside the database."""
    files = [one for one in folder.rglob("*") if one.is_file()]
    return {(one.name, canary) for one in files for canary in CANARIES if canary in one.read_bytes()}


def lives(shop):
    shop.consents(USER, categories={"news": False}, max_per_week=9)
    shop.outbox.addresses.add(USER, "push", "fcm", {"token": ADDRESS}, 1)
    for number in range(3):
        decision = shop.asks(USER, number, campaign_id="canary_campaign_75")
    shop.engine.ingest([{"user_id": USER, "type": "view", "query": "canary_campaign_75"}])
    link = shop.link(USER)
    shop.done(link, "push", decision=decision.decision_id)
    shop.done(link, "complaint", {"text": TEXT, "contact": CONTACT})
    shop.books.complaints.answer("mei", shop.books.complaints.of_user(USER)[0].id, "canary answer 76")
    shop.done(link, "pause")
    shop.asks(USER, "waits")
    return link


def test_the_page_erases_every_byte_and_the_link_opens_nothing_any_more(shop, tmp_path):
    link = lives(shop)
    assert {canary for _, canary in found(tmp_path)} == set(CANARIES), "the canaries are there to be erased"
    ask = shop.page(f"{link}/erase")
    assert "cannot be undone" in ask
    unsure = shop.act(link, "erase")
    assert unsure.status_code == 422
    assert shop.page(link), "the first step changes nothing"
    answer = shop.act(link, "erase", {"sure": "yes"})
    assert answer.status_code == 200
    assert "Your data is erased" in answer.text
    assert found(tmp_path) == set()
    assert shop.client.get(link).status_code == 404
    assert shop.act(link, "erase", {"sure": "yes"}).status_code == 404
    assert shop.engine.user("ann").known, "everybody else stays"


def test_the_receipt_can_be_saved_and_proves_whose_it_is(shop):
    link = lives(shop)
    page = shop.act(link, "erase", {"sure": "yes"}).text
    kept = json.loads(base64.b64decode(re.search(r'href="data:application/json;base64,([^"]+)" download', page)[1]))
    receipt = msgspec.convert({**kept, "swept": True}, Erased)
    assert receipt.names(USER)
    assert not receipt.names("ann")
    assert kept["swept"] is True
    assert kept["removed"]["complaints"] == 1
    assert kept["removed"]["addresses"] == 1
    assert kept["removed"]["requests"] == 4
    assert receipt.receipt_id in page
    assert USER not in page


def test_nothing_goes_out_after_an_erasure_what_waited_included(shop):
    link = lives(shop)
    shop.act(link, "erase", {"sure": "yes"})
    assert shop.engine.next_release() is None
    assert shop.asks(USER).reasons[0] == "consent_channel"


def test_the_audit_and_its_chain_hold_after_an_erasure(shop, tmp_path):
    link = lives(shop)
    shop.act(link, "erase", {"sure": "yes"})
    assert shop.books.audit.verify() is None
    assert found(tmp_path) == set()
