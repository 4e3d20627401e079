"""Promise 8 through the page: what a shopper says binds the very next decision, and every push that waits."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from shopper_desk import opened


def quiet_now(hours=6):
    """Return the form of quiet hours in UTC that hold now and for a while."""
    now = datetime.now(UTC)
    hours = {"start": f"{now - timedelta(hours=1):%H:%M}", "end": f"{now + timedelta(hours=hours):%H:%M}"}
    return {"quiet": "own", "time_zone": "UTC", **hours}


WORDS = {
    "opt-out": ("choices", lambda: {"consent_shown": "push"}, {"consent_channel"}),
    "no category": ("choices", lambda: {"categories_shown": "promotion"}, {"consent_category"}),
    "one a week": ("frequency", lambda: {"dial": "limit", "max_per_week": "1"}, {"dial"}),
    "none": ("frequency", lambda: {"dial": "none"}, {"dial"}),
    "quiet hours now": ("hours", quiet_now, {"quiet_hours"}),
    "pause": ("pause", dict, {"paused"}),
}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_on_the_page_binds_the_next_decision_while_threads_decide_all_the_time(tmp_path, word):
    action, form, reasons = WORDS[word]
    with opened(tmp_path / "shop.db", page_calls_per_minute=100_000) as shop:
        shop.consents()
        assert shop.asks().action == "send"
        link, stop, said = shop.link(), threading.Event(), threading.Event()
        after, began = [], threading.Barrier(4)

        def decides(thread):
            began.wait()
            for number in range(10_000):
                if stop.is_set():
                    return
                knows = said.is_set()
                decided = shop.asks(number=f"{thread}-{number}")
                if knows:
                    after.append(decided)

        threads = [threading.Thread(target=decides, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        began.wait()
        shop.done(link, action, form())
        said.set()
        verdict = shop.asks(number="last")
        stop.set()
        for thread in threads:
            thread.join()
        assert verdict.action != "send"
        assert reasons & set(verdict.reasons), verdict
        assert all(one.action != "send" for one in after)


@pytest.mark.parametrize("word", WORDS)
def test_a_word_on_the_page_binds_every_push_that_waits(tmp_path, word):
    action, form, _ = WORDS[word]
    with opened(tmp_path / "shop.db") as shop:
        shop.consents()
        assert shop.asks().action == "send"
        link = shop.link()
        shop.done(link, "hours", quiet_now(hours=1))
        waits = [shop.asks(number=f"w{number}") for number in range(3)]
        assert {one.action for one in waits} == {"defer"}
        due = shop.engine.next_release()
        shop.done(link, "hours", {"quiet": "none"})
        shop.done(link, action, form())
        released = shop.engine.release(due)
        assert released
        assert all(one.decision.action != "send" for one in released)
        assert len(shop.engine.user("ann").last_sends) == 1


def test_what_waits_goes_out_where_nothing_else_was_said(tmp_path):
    with opened(tmp_path / "shop.db") as shop:
        shop.consents()
        link = shop.link()
        shop.done(link, "hours", quiet_now(hours=1))
        assert shop.asks().action == "defer"
        due = shop.engine.next_release()
        shop.done(link, "hours", {"quiet": "none"})
        assert [one.decision.action for one in shop.engine.release(due)] == ["send"]
