"""Providers' reports become outcomes, with the raw report kept beside."""

from __future__ import annotations

import pytest
from delivery_desk import HOUR, LANE, shop

from andante.channels.contract import Receipt
from andante.delivery.persons import of_user
from andante.vocabulary.fault import StoreFull


@pytest.fixture
def desk():
    with shop() as opened:
        yield opened


def accepted(desk, user="ann", **fields):
    decision = desk.ask("accept", user, **fields)
    desk.deliver()
    return decision, [f"{decision.decision_id}/{one.address_id}" for one in desk.outbox.addresses.of_user(user)]


def test_a_report_by_the_providers_own_id_becomes_an_outcome_of_the_decision(desk):
    decision, (provider_id,) = accepted(desk)
    report = Receipt(outcome="delivered", provider_id=provider_id, at_us=desk.clock.now_us, raw='{"s": 200}')
    assert desk.receipts.take("test", [report], desk.clock.now_us) == (1, 0)
    assert desk.outcomes() == {decision.decision_id: "delivered"}
    (event,) = of_user(desk.outbox.database, "ann")["provider_events"]
    assert (event["outcome"], event["raw"], event["decision_id"]) == ("delivered", '{"s": 200}', decision.decision_id)


def test_a_report_of_no_push_of_ours_or_of_no_known_outcome_is_kept_and_not_learned_from(desk):
    decision, _ = accepted(desk)
    reports = [
        Receipt(outcome="opened", provider_id="unknown"),
        Receipt(outcome="opened", decision_id="other-1-0"),
        Receipt(outcome="teleported", decision_id=decision.decision_id),
    ]
    assert desk.receipts.take("test", reports, desk.clock.now_us) == (0, 3)
    assert desk.outcomes() == {}
    assert desk.outbox.database.rows("SELECT count(*) FROM provider_events") == [(3,)]


def test_an_opt_out_that_a_provider_reports_stops_the_next_push(desk):
    decision, _ = accepted(desk)
    waiting = desk.ask("accept", item="hat")
    report = Receipt(outcome="complained", decision_id=decision.decision_id, at_us=desk.clock.now_us)
    desk.receipts.take("test", [report], desk.clock.now_us)
    desk.deliver()
    assert desk.state(waiting) == "failed"


def test_a_push_that_bounces_later_has_failed_once_no_device_has_it(desk):
    desk.user("bob", devices=2)
    decision, provider_ids = accepted(desk, "bob")
    for provider_id, outcomes in zip(provider_ids, [{}, {decision.decision_id: "failed"}], strict=True):
        bounce = Receipt(outcome="failed", provider_id=provider_id)
        desk.receipts.take("test", [bounce, bounce], desk.clock.now_us)
        assert desk.outcomes() == outcomes
    assert [kind for kind, _ in desk.letters()] == ["bounced", "bounced"]


@pytest.mark.parametrize("named", ["provider_id", "decision_id"])
def test_an_address_that_bounces_for_good_is_dropped(desk, named):
    decision, (provider_id,) = accepted(desk)
    name = {"provider_id": provider_id, "decision_id": decision.decision_id}[named]
    desk.receipts.take("test", [Receipt(outcome="failed", gone=True, **{named: name})], desk.clock.now_us)
    assert desk.outbox.addresses.of_user("ann") == []
    assert desk.outcomes() == {decision.decision_id: "failed"}


@pytest.mark.parametrize("gone", [False, True])
def test_an_address_is_kept_that_was_seen_after_the_bounce_or_only_failed(desk, gone):
    decision, _ = accepted(desk)
    bounced_us = desk.clock.now_us
    desk.clock.forward(HOUR)
    if gone:
        desk.outbox.addresses.add("ann", *LANE, {"token": "ann-0"}, desk.clock.now_us)
    report = Receipt(outcome="failed", decision_id=decision.decision_id, at_us=bounced_us, gone=gone)
    desk.receipts.take("test", [report], desk.clock.now_us)
    assert len(desk.outbox.addresses.of_user("ann")) == 1
    assert desk.letters() == [("bounced", "ann")]


def test_where_it_is_not_told_which_address_is_gone_none_is_dropped(desk):
    desk.user("bob", devices=2)
    decision, _ = accepted(desk, "bob")
    report = Receipt(outcome="failed", decision_id=decision.decision_id, gone=True)
    for provider in ("test", "other"):
        desk.receipts.take(provider, [report], desk.clock.now_us)
    assert len(desk.outbox.addresses.of_user("bob")) == 2
    assert desk.letters() == []


def test_a_provider_with_a_wrong_clock_is_not_believed(desk):
    decision, (provider_id,) = accepted(desk)
    report = Receipt(outcome="opened", provider_id=provider_id, at_us=-5)
    desk.receipts.take("test", [report], desk.clock.now_us)
    assert desk.outcomes() == {decision.decision_id: "opened"}


def test_what_the_engine_could_not_be_told_is_told_later(desk):
    class Full:
        def observe(self, _):
            raise StoreFull("database", "log", "has no room left to grow", "free space")

    decision, (provider_id,) = accepted(desk)
    engine, desk.receipts._engine = desk.receipts._engine, Full()
    with pytest.raises(StoreFull):
        desk.receipts.take("test", [Receipt(outcome="opened", provider_id=provider_id)], desk.clock.now_us)
    assert desk.outcomes() == {}
    desk.receipts._engine = engine
    assert (desk.receipts.tell(), desk.receipts.tell()) == (1, 0)
    assert desk.outcomes() == {decision.decision_id: "opened"}
