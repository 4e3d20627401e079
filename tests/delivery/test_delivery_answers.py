"""What follows from each answer of a provider, over real HTTP. Promises 4 and 12."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from delivery_desk import DAY, HOUR, LANE, shop

from andante.channels.contract import Answer, Status


@pytest.fixture
def desk():
    with shop() as opened:
        yield opened


def wait_and_deliver(desk, times=8, span=timedelta(minutes=5)):
    for _ in range(times):
        desk.clock.forward(span)
        desk.deliver()


def requests(desk, decision):
    return sum(count for (decision_id, _), count in desk.peer.requests.items() if decision_id == decision.decision_id)


def test_a_send_reaches_every_device_of_its_user_once(desk):
    desk.user("bob", devices=3)
    decision = desk.ask(user_id="bob")
    desk.deliver()
    wait_and_deliver(desk, 2)
    assert sorted(desk.peer.taken.values()) == [1, 1, 1]
    assert desk.state(decision) == "accepted"
    assert desk.outcomes() == {}


@pytest.mark.parametrize(
    ("word", "letter"), [("refuse", "refused"), ("gone", "gone"), ("busy", "exhausted"), ("cut", "ambiguous")]
)
def test_what_is_not_taken_ends_in_the_dead_letters(desk, word, letter):
    decision = desk.ask(word)
    desk.deliver()
    wait_and_deliver(desk)
    assert desk.letters() == [(letter, "ann")]
    assert requests(desk, decision) == (5 if word == "busy" else 1)


@pytest.mark.parametrize("word", ["refuse", "gone", "busy"])
def test_each_refusal_becomes_an_outcome(desk, word):
    decision = desk.ask(word)
    desk.deliver()
    wait_and_deliver(desk)
    assert desk.outcomes() == {decision.decision_id: "failed"}


def test_a_push_that_reached_one_device_of_two_has_not_failed(desk):
    desk.user("bob", devices=2)
    decision = desk.ask("busy-once", "bob")
    desk.deliver()
    desk.outbox.addresses.drop("bob", "push", desk.outbox.addresses.of_user("bob")[0].address_id)
    wait_and_deliver(desk, 1)
    assert (desk.state(decision), desk.letters(), desk.outcomes()) == ("accepted", [("gone", "bob")], {})


def test_an_ambiguous_marketing_push_is_attempted_at_most_once(desk):
    decision = desk.ask("cut")
    desk.deliver()
    wait_and_deliver(desk)
    assert requests(desk, decision) == 1
    assert (desk.state(decision), desk.outcomes()) == ("ambiguous", {})  # it may have arrived: it has not failed


def test_an_ambiguous_transactional_push_is_tried_again_under_the_same_decision(desk):
    decision = desk.ask("cut-once", category="order_update")
    desk.deliver()
    wait_and_deliver(desk, 1)
    assert requests(desk, decision) == 2
    assert desk.state(decision) == "accepted"


def test_an_address_that_is_gone_is_dropped_and_never_tried_again(desk):
    desk.ask("gone")
    desk.deliver()
    assert desk.outbox.addresses.of_user("ann") == []
    decision = desk.ask("accept")
    desk.deliver()
    assert requests(desk, decision) == 0
    assert desk.letters() == [("gone", "ann"), ("unreachable", "ann")]
    assert desk.outcomes()[decision.decision_id] == "failed"


@pytest.mark.parametrize(("since_s", "kept"), [(-3600, True), (0, False), (3600, False), (None, False)])
def test_an_address_that_was_seen_since_its_token_ended_is_kept(desk, since_s, kept):
    seen_s = desk.clock.now_us // 1_000_000

    class Gone:
        provider, forms = "test", ("text",)

        async def send(self, *_):
            return Answer(status=Status.GONE, gone_since_s=None if since_s is None else seen_s + since_s)

        async def close(self):
            """Nothing to do."""

    desk.clock.forward(timedelta(minutes=1))
    decision = desk.ask()
    asyncio.run(desk.dispatcher({LANE: Gone()}).until_idle())
    assert bool(desk.outbox.addresses.of_user("ann")) is kept
    assert desk.outcomes() == {decision.decision_id: "failed"}


def test_a_channel_says_itself_whether_it_needs_addresses(desk):
    class Feed:
        provider, forms = "test", ("text",)

        def __init__(self, *, of_users):
            self.of_users, self.reached = of_users, []

        async def send(self, push, _):
            self.reached.append(push.user_id)
            return Answer(status=Status.ACCEPTED)

        async def close(self):
            """Nothing to do."""

    desk.engine.set_preferences("bob", {"consent": {"push": True}, "at": datetime(2026, 11, 1, tzinfo=UTC)})
    for number, (of_users, reached) in enumerate([(False, []), (True, ["bob"])]):
        feed = Feed(of_users=of_users)
        desk.ask("accept", "bob", item=f"sku-{number}")
        asyncio.run(desk.dispatcher({LANE: feed}).until_idle())
        assert feed.reached == reached


def test_a_busy_provider_is_given_the_time_that_it_asks_for(desk):
    decision = desk.ask("limit")  # Retry-After: 90
    desk.deliver()
    desk.clock.forward(timedelta(seconds=89))
    desk.deliver()
    assert requests(desk, decision) == 1
    desk.clock.forward(timedelta(seconds=2))
    desk.deliver()
    assert requests(desk, decision) == 2


def test_a_poison_message_ends_in_the_dead_letters_and_blocks_nobody(desk):
    desk.outbox.messages.put("campaign", "poison", {"title": "{nobody_knows_this}"}, desk.clock.now_us)
    for n in range(40):  # more than there are workers
        desk.user(f"user-{n}")
        desk.ask("poison", f"user-{n}")
        desk.ask("busy", f"user-{n}")
    good = [desk.ask("accept", f"user-{n}") for n in range(5)]
    desk.deliver()
    assert [desk.state(decision) for decision in good] == ["accepted"] * 5
    wait_and_deliver(desk)
    kinds = [kind for kind, _ in desk.letters()]
    assert (kinds.count("unable"), kinds.count("exhausted"), len(kinds)) == (40, 40, 80)
    assert max(desk.peer.requests.values()) == 5


def test_a_channel_that_raises_is_ambiguous_and_blocks_nobody(desk):
    class Broken:
        provider, forms = "test", ("text",)

        async def send(self, *_):
            raise ValueError("a fault of its own")

        async def close(self):
            """Nothing to do."""

    desk.ask()
    asyncio.run(desk.dispatcher({LANE: Broken()}).until_idle())
    assert desk.letters() == [("ambiguous", "ann")]


def test_a_push_without_a_message_is_refused_loudly(desk):
    desk.ask("nobody-wrote-this")
    desk.deliver()
    (letter,) = desk.outbox.dead_letters.listed()
    assert (letter.kind, letter.code) == ("unable", "InputFault")
    assert "nobody said what this push says" in letter.detail


def test_sends_on_a_channel_without_a_provider_are_left_to_the_caller(desk):
    desk.ask(channel="email")
    desk.deliver()
    assert desk.outbox.counts() == dict.fromkeys(desk.outbox.counts(), 0)
    assert desk.outcomes() == {}


def test_a_push_whose_time_is_over_is_not_attempted(desk):
    late = desk.ask("accept")
    desk.clock.forward(HOUR)
    desk.deliver()
    assert requests(desk, late) == 0
    assert (desk.state(late), desk.outcomes()) == ("failed", {late.decision_id: "failed"})


def test_no_retry_is_made_once_the_push_has_expired(desk):
    expires = desk.clock.now_us // 1_000_000 + 1
    decision = desk.ask("busy", expires_at=datetime.fromtimestamp(expires, UTC))
    desk.deliver()
    wait_and_deliver(desk, 2)
    assert requests(desk, decision) == 1
    assert desk.letters() == [("exhausted", "ann")]


def test_an_operator_lets_a_dead_letter_be_tried_again(desk):
    decision = desk.ask("busy-once")
    desk.rules = desk.rules.model_copy(update={"tries": 1})
    desk.deliver()
    (letter,) = desk.outbox.dead_letters.listed()
    desk.clock.forward(DAY)
    desk.outbox.dead_letters.retry(letter.letter, desk.clock.now_us)
    desk.deliver()
    assert (requests(desk, decision), desk.state(decision), desk.letters()) == (2, "accepted", [])
