"""Promises 7 and 8 at the moment a push goes out: what changed between its decision and then is followed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from delivery_desk import CONFIG, DAY, HOUR, NOON, shop
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.live.rechecking import Refusal
from andante.vocabulary.reason import Reason
from andante.vocabulary.state import NEVER_S


@pytest.fixture
def desk():
    with shop() as opened:
        yield opened


def now(desk):
    return NOON + timedelta(microseconds=desk.clock.now_us) - timedelta(seconds=NOON.timestamp())


def wish(**wishes):
    return lambda desk, _: desk.engine.set_preferences("ann", wishes)


def stop(scope):
    return lambda desk, campaign: desk.engine.switch(scope.format(campaign=campaign), on=True)


CHANGES = {
    "consent to the channel is withdrawn": wish(consent={"push": False}),
    "the category is refused": wish(categories={"promotion": False}),
    "everything is stopped": stop("global"),
    "the channel is stopped": stop("channel:push"),
    "the category is stopped": stop("category:promotion"),
    "the campaign is stopped": stop("campaign:{campaign}"),
    "a pause has begun": wish(paused_until=NOON + 2 * HOUR),
    "quiet hours are set": wish(quiet_hours={"start": "11:00", "end": "18:00"}),
    "the user moves into the night": wish(time_zone="Pacific/Auckland"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_goes_out_after(change, desk):
    decision = desk.ask("accept")
    CHANGES[change](desk, "accept")
    desk.deliver()
    desk.clock.forward(DAY)
    desk.deliver()
    assert desk.peer.requests == {}
    assert (desk.state(decision), desk.outcomes()) == ("failed", {decision.decision_id: "failed"})


@pytest.mark.parametrize("change", CHANGES)
def test_no_retry_is_made_after(change, desk):
    decision = desk.ask("busy-once")
    desk.deliver()
    CHANGES[change](desk, "busy-once")
    desk.clock.forward(timedelta(minutes=5))
    desk.deliver()
    assert (sum(desk.peer.requests.values()), sum(desk.peer.taken.values())) == (1, 0)
    desk.clock.forward(DAY)
    desk.deliver()
    assert desk.state(decision) == "failed"


def test_nothing_goes_out_once_the_night_has_begun(desk):
    desk.clock.forward(10 * HOUR - timedelta(seconds=1))  # a second before 22:00
    marketing, urgent = desk.ask("accept"), desk.ask("accept", category="order_update", n=1)
    desk.clock.forward(timedelta(seconds=1))
    desk.deliver()
    assert desk.peer.requests == {}
    assert (desk.state(marketing), desk.state(urgent)) == ("failed", "open")
    desk.clock.forward(10 * HOUR)  # 08:00, and a spread of ten minutes
    desk.deliver()
    desk.clock.forward(timedelta(minutes=10))
    desk.deliver()
    assert desk.state(urgent) == "accepted"
    assert sum(desk.peer.requests.values()) == 1


def test_a_stop_that_is_lifted_in_time_lets_pushes_out_that_it_did_not_meet(desk):
    desk.engine.switch("global", on=True)
    desk.engine.switch("global", on=False)
    decision = desk.ask("accept")
    desk.deliver()
    assert desk.state(decision) == "accepted"


def asked_again(desk, decision, **fields):
    (send,) = [send for send in desk.engine.sends().sends if send.decision_id == decision.decision_id]
    return desk.engine.recheck([send], now(desk))[0]


def test_a_push_does_not_find_itself_in_caps_dials_gaps_and_duplicates():
    limits = {"caps": [{"scope": "global", "limit": 1, "window": "P1D"}], "gap": {"minimum": "PT1H"}}
    with shop(config=CONFIG | limits) as desk:
        desk.engine.set_preferences("ann", {"max_per_day": 1})
        decision = desk.ask("accept", item="shoe")
        desk.clock.forward(timedelta(seconds=1))
        assert asked_again(desk, decision) is None


def test_a_transactional_push_is_asked_what_the_judge_asks_of_it(desk):
    decision = desk.ask("accept", category="order_update")
    desk.engine.set_preferences("ann", {"paused_until": now(desk) + 2 * HOUR})
    assert asked_again(desk, decision) is None
    desk.engine.set_preferences("ann", {"consent": {"push": False}})
    assert asked_again(desk, decision) == Refusal(Reason.CONSENT_CHANNEL, NEVER_S)


def test_who_is_held_out_since_gets_nothing(tmp_path):
    path, users = tmp_path / "shop.db", [f"user-{n}" for n in range(20)]
    with shop(path) as desk:
        for user in users:
            desk.user(user)
            desk.ask("accept", user)
    with shop(path, CONFIG | {"experiment": {"holdout": 0.5, "explore": 0.0}}) as desk:
        sends = desk.engine.sends().sends
        out = {send.user_id for send, no in zip(sends, desk.engine.recheck(sends, NOON), strict=True) if no is not None}
        offer = {"candidate_id": "new", "category": "promotion", "channel": "push"}
        decisions = desk.engine.decide([{"user_id": user, "candidates": [offer], "at": NOON} for user in users])
    assert out == {user for user, new in zip(users, decisions, strict=True) if new.reasons[0] == "holdout"}
    assert 0 < len(out) < len(users)


def test_a_vendors_night_and_day_hold_when_the_push_goes_out():
    with shop() as desk:
        desk.engine.set_preferences("ann", {"consent": {"huawei": True, "honor": True}, "at": NOON - DAY})
        desk.engine.set_preferences("ann", {"quiet_hours": {"start": "01:00", "end": "01:00"}})
        desk.clock.forward(4 * HOUR - timedelta(seconds=1))  # 23:59:59 in Shanghai
        huawei, honor = desk.ask(channel="huawei"), desk.ask(channel="honor", n=1, item="hat")
        assert (asked_again(desk, huawei), asked_again(desk, honor)) == (None, None)
        desk.clock.forward(timedelta(seconds=1))
        never = Refusal(Reason.VENDOR_QUOTA, NEVER_S)  # it was counted on yesterday
        assert (asked_again(desk, huawei), asked_again(desk, honor)) == (never, never)


def test_a_user_nobody_knows_any_more_gets_nothing(desk):
    decision = desk.ask("accept")
    (send,) = desk.engine.sends().sends[-1:]
    stranger = type(send)(**{name: getattr(send, name) for name in send.__struct_fields__} | {"user_id": "erased"})
    assert decision.decision_id == send.decision_id
    assert desk.engine.recheck([stranger], NOON) == [Refusal(Reason.CONSENT_CHANNEL, NEVER_S)]


WORLDS = st.fixed_dictionaries(
    {
        "consent": st.fixed_dictionaries({"push": st.booleans()}),
        "categories": st.fixed_dictionaries({"promotion": st.booleans()}),
        "time_zone": st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York"]),
    },
    optional={"quiet_hours": st.sampled_from([{"start": "22:00", "end": "08:00"}, {"start": "12:30", "end": "13:30"}])},
)
STOPS = st.sampled_from([None, "global", "channel:push", "category:promotion", "campaign:accept"])


@settings(max_examples=60, deadline=None)
@given(wishes=WORLDS, stopped=STOPS, later_s=st.integers(0, 2 * 86_400))
def test_what_is_asked_again_is_what_a_fresh_decision_would_be_asked(wishes, stopped, later_s):
    """The rules that do not count say the same of a logged candidate as of one that is asked for anew."""
    with shop() as desk:
        decision = desk.ask("accept")
        desk.engine.set_preferences("ann", wishes)
        if stopped is not None:
            desk.engine.switch(stopped, on=True)
        desk.clock.forward(timedelta(seconds=later_s))
        again = asked_again(desk, decision)
        offer = {"candidate_id": "new", "campaign_id": "accept", "category": "promotion", "channel": "push"}
        desk.engine.decide([{"user_id": "ann", "candidates": [offer], "at": now(desk)}])
        verdict = desk.engine.explain("ann", now(desk)).verdicts[0]
        counting = {"duplicate", "dial", "cap_global", "cap_category", "cap_channel", "gap", "vendor_quota"}
        refused = [name for name in verdict.refused_by if name not in counting]
        assert (again is None) == (refused == [])
        if again is not None:
            assert again.reason.name.lower() in refused
