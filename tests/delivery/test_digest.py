"""A digest: what waited and comes out together is one push that lists it, where its category asks for it."""

from __future__ import annotations

from datetime import UTC, datetime

from delivery_desk import CONFIG, HOUR, shop
from hypothesis import given
from hypothesis import strategies as st

from andante.channels.contract import Content
from andante.delivery.digest import digest
from andante.live.digests import riders
from andante.settings import load
from andante.settings.sections import Category
from andante.vocabulary.records import Candidate

TITLES = st.text(min_size=1, max_size=20).filter(str.strip)


@given(titles=st.lists(TITLES, min_size=2, max_size=16), forms=st.sampled_from([("text",), ("text", "list")]))
def test_a_digest_leaves_nothing_out_and_is_of_a_form_that_the_channel_has(titles, forms):
    shown = digest([Content(title=title) for title in titles], forms)
    assert shown.form in forms
    assert shown.title == titles[0]
    listed = [entry["title"] for entry in shown.entries] if shown.form == "list" else None
    assert listed == titles or shown.body == "\n".join(f"• {title}" for title in titles)


def test_a_layout_that_was_made_for_one_push_does_not_hide_the_others():
    shown = digest([Content(title="a", html="<p>a", data={"sku": "1"}), Content(title="b")], ["text", "list"])
    assert (shown.html, shown.data, len(shown.entries)) == (None, {"sku": "1"}, 2)


def offers(*places):
    return [Candidate(candidate_id=str(n), category=category, channel="push") for n, category in enumerate(places)]


def test_of_each_other_request_that_waited_the_best_candidate_rides_along():
    candidates = offers("news", "news", "news", "promotion", "news", "news")
    worth = [3.0, 9.0, 1.0, 9.0, 2.0, float("nan")]
    origins = [1, 1, 2, 3, 2, 4]
    assert riders(candidates, 0, worth, origins, {"news"}) == (4,)  # 1 waited with the chosen one, 5 is refused
    assert riders(candidates, 0, worth, origins, {"promotion"}) == ()
    assert riders(candidates, 0, worth, (), {"news"}) == ()


def test_what_waited_through_the_night_comes_as_one_list():
    config = load(CONFIG, {}).model_copy(update={"categories": {"promotion": Category(digest=True)}})
    with shop(config=config) as desk:
        desk.clock.forward(11 * HOUR)  # 23:00
        for campaign in ("accept", "busy-once", "slow"):
            offer = {"candidate_id": campaign, "campaign_id": campaign, "category": "promotion", "channel": "push"}
            (decision,) = desk.engine.decide([{"user_id": "ann", "candidates": [offer], "at": now(desk)}])
            assert decision.action == "defer"
        desk.clock.forward(10 * HOUR)  # 09:00
        (released,) = desk.engine.release(now(desk))
        assert (released.decision.action, len(released.origins)) == ("send", 3)
        assert desk.engine.next_release() is None  # what rode along waits no more
        desk.peer.hold.set()
        desk.deliver()
        push = desk.peer.shown[released.decision.decision_id]
        assert push["content"]["form"] == "list"
        assert {entry["title"] for entry in push["content"]["entries"]} == {"accept ann", "busy-once ann", "slow ann"}


def now(desk):
    return datetime.fromtimestamp(desk.clock.now_us // 1_000_000, UTC)
