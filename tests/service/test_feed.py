"""The in-app feed: what a page that comes back gets."""

import asyncio
import threading
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_desk import ids, push

from andante.delivery.database import Database
from andante.delivery.feed import Feed
from andante.live import SteadyClock
from andante.settings.sections.stream import Stream
from andante.vocabulary.fault import StoreFault, StoreUnreadable

DAY_US = 86_400_000_000


class Turned(SteadyClock):
    """A clock that a test turns."""

    def __init__(self):
        super().__init__(lambda: 0, lambda: 0)
        self.us = 1_779_000_000_000_000

    def now_us(self):
        return self.us


def opened(path=":memory:", clock=None, **stream):
    return Feed.open(Database.open(path), Stream(**stream), clock=clock)


def decisions(entries):
    return [entry.decision_id for entry in entries]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["put", "read", "away"]), st.sampled_from(["ann", "bob"]), st.integers(1, 5)))
)
def test_every_cursor_gets_every_push_once_and_in_order(steps):
    feed = opened()
    cursors, got, put = {"ann": 0, "bob": 0}, {"ann": [], "bob": []}, {"ann": [], "bob": []}
    for step, user, count in [*steps, ("read", "ann", 999), ("read", "bob", 999)]:
        if step == "put":
            made = [push(len(put[user]) + place, user) for place in range(count)]
            feed.put_all(made)
            put[user] += [one.decision_id for one in made]
        elif step == "read":
            for entry in feed.after(user, cursors[user], count):
                got[user].append(entry.decision_id)
                cursors[user] = entry.id
    assert got == put


def test_same_decision_twice_is_one_push_and_wakes_once():
    feed, woken = opened(), []
    feed.listen(woken.append)
    assert feed.put_all([push(1)]) == feed.put_all([push(1)])
    assert decisions(feed.after("ann", 0)) == ["ann-1"]
    assert woken == ["ann"]


def test_oldest_push_goes_where_a_user_has_too_many_and_others_keep_theirs():
    feed = opened(keep_per_user=3)
    feed.put_all([push(0, "bob"), *(push(number) for number in range(5))])
    assert decisions(feed.after("ann", 0)) == ["ann-2", "ann-3", "ann-4"]
    assert decisions(feed.after("bob", 0)) == ["bob-0"]


def test_expired_push_is_not_shown_and_goes_in_time():
    clock = Turned()
    feed = opened(clock=clock, keep="P2D")
    feed.put_all([push(1, expires_s=clock.us // 1_000_000 + 60), push(2)])
    clock.us += 61_000_000
    assert decisions(feed.after("ann", 0)) == ["ann-2"]
    clock.us += 3 * DAY_US
    feed.put_all([push(3)])
    assert [one["decision_id"] for one in feed.of_user("ann")] == ["ann-3"]


def test_id_of_a_push_that_went_is_never_given_out_again():
    feed = opened()
    (first,) = feed.put_all([push(1)])
    feed.forget("ann")
    (second,) = feed.put_all([push(2)])
    assert second > first
    assert feed.known(first) == first


def test_cursor_of_a_newer_copy_of_the_file_begins_anew():
    feed = opened()
    feed.put_all([push(1)])
    assert feed.known(1) == 1
    assert feed.known(17) == 0


def test_seen_pushes_stay_seen():
    feed = opened()
    feed.put_all([push(number) for number in range(4)])
    assert feed.see("ann", 2) == 2
    assert feed.see_one("ann", "ann-3") is True
    assert feed.see_one("ann", "ann-3") is False
    assert feed.see("bob", 9) == 0
    assert [entry.seen for entry in feed.after("ann", 0)] == [True, True, False, True]


def test_pushes_survive_a_restart_and_their_ids_go_on(tmp_path):
    path = tmp_path / "shop.db.delivery"
    first = Database.open(path)
    (known,) = Feed.open(first, Stream()).put_all([push(1)])
    first.close()
    feed = opened(path)
    (next_one,) = feed.put_all([push(2)])
    assert next_one > known
    assert decisions(feed.after("ann", 0)) == ["ann-1", "ann-2"]


def test_feed_of_a_newer_version_is_refused(tmp_path):
    database = Database.open(tmp_path / "shop.db.delivery")
    Feed.open(database, Stream())
    with database.transaction() as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'feed_version'")
    with pytest.raises(StoreUnreadable, match="upgrade"):
        Feed.open(database, Stream())


def test_pushes_that_are_put_at_once_share_a_commit():
    feed = opened()
    commits = []
    put_all = feed.put_all
    feed.put_all = lambda pushes: commits.append(len(pushes)) or put_all(pushes)

    async def put():
        return await asyncio.gather(*(feed.put(push(number)) for number in range(50)))

    assert asyncio.run(put()) == [str(number) for number in range(1, 51)]
    assert sum(commits) == 50
    assert len(commits) < 5


def test_fault_of_the_file_is_told_to_everybody_who_waits_and_nothing_is_put():
    feed = opened()
    feed._database.close()

    async def put():
        return await asyncio.gather(*(feed.put(push(number)) for number in range(3)), return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(put())] == [StoreFault] * 3


def test_reader_that_resumes_while_others_write_misses_nothing(tmp_path):
    feed = opened(tmp_path / "shop.db.delivery")
    writers = [
        threading.Thread(target=lambda first=first: [feed.put_all([push(first + n)]) for n in range(40)])
        for first in (0, 100, 200)
    ]
    for writer in writers:
        writer.start()
    got, cursor = [], 0
    while any(writer.is_alive() for writer in writers) or feed.after("ann", cursor):
        for entry in feed.after("ann", cursor, 7):
            got.append(entry.decision_id)
            cursor = entry.id
    assert sorted(got) == sorted(f"ann-{first + n}" for first in (0, 100, 200) for n in range(40))
    assert len(set(got)) == len(got)


def test_all_that_is_kept_of_a_user_is_handed_over_and_erased():
    feed = opened()
    feed.put_all([push(1), push(2, "bob")])
    (one,) = feed.of_user("ann")
    assert one["push"]["content"]["title"] == "Push 1"
    assert feed.forget("ann") == 1
    assert feed.of_user("ann") == []
    assert ids([{"push": one["push"]} for one in feed.of_user("bob")]) == ["bob-2"]


def test_life_of_a_push_is_that_of_the_settings():
    clock = Turned()
    feed = opened(clock=clock, keep=timedelta(hours=1))
    feed.put_all([push(1)])
    clock.us += 3_600_000_000
    assert feed.after("ann", 0) == []
