"""The waiting room as columns lets the same candidates out in the same order as the live one."""

from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.live.instants import EPOCH
from andante.live.waiting import Waiter, WaitingRoom
from andante.runners.simulating.waiting import WAITING, WaitingColumns
from andante.vocabulary.records import Candidate
from andante.vocabulary.state import NEVER_S

USERS = 3
offers = st.tuples(st.integers(0, 2), st.integers(0, 2), st.none() | st.integers(1, 60))  # campaign, item, expiry
waiters = st.tuples(st.integers(0, USERS - 1), st.integers(0, 40), st.lists(offers, min_size=1, max_size=9))
histories = st.lists(st.tuples(waiters, st.booleans()), min_size=1, max_size=25)


def live_one(number, offer):
    campaign, item, expires_s = offer
    return Candidate(
        candidate_id=str(number),
        category="promotion",
        channel="push",
        campaign_id=str(campaign) if campaign else None,
        item_id=str(item) if item else None,
        expires_at=None if expires_s is None else EPOCH + timedelta(seconds=expires_s),
    )


def column_of(origin, user, last_s, numbers, given):
    rows = np.zeros(len(given), WAITING)
    rows["origin"], rows["user"], rows["last_s"] = origin, user, last_s
    rows["place"], rows["number"] = np.arange(len(given)), numbers
    for row, (campaign, item, expires_s) in zip(rows, given, strict=True):
        row["candidate"]["campaign"] = campaign
        row["candidate"]["content"] = 10 * campaign + item
        row["candidate"]["expires_s"] = NEVER_S if expires_s is None else expires_s
    return rows


@given(history=histories)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_what_is_due_comes_out_as_it_does_live(history):
    live, columns, now_s, number = WaitingRoom(), WaitingColumns(USERS), 0, 0
    for origin, ((user, wait_s, given_), asks) in enumerate(history, 1):
        numbers = range(number, number + len(given_))
        number += len(given_)
        candidates = tuple(live_one(one, offer) for one, offer in zip(numbers, given_, strict=True))
        live.add(Waiter(origin, user, now_s + wait_s, now_s + 50, candidates))
        rows = column_of(origin, user, now_s + 50, numbers, given_)
        columns.add(rows, np.full(len(rows), now_s + wait_s))
        if asks:
            now_s += 15
            assert columns_due(columns, now_s) == live_due(live, now_s)
    assert columns_due(columns, 10**6) == live_due(live, 10**6)
    assert len(columns) == len(live) == 0


def live_due(room, now_s):
    return [
        (
            due.user,
            [(int(one.candidate_id), round((one.expires_at - EPOCH).total_seconds())) for one in due.candidates],
            list(due.origins),
        )
        for due in room.take_due(now_s, 1000)
    ]


def columns_due(columns, now_s):
    due = columns.take_due(now_s)
    if due is None:
        return []
    return [
        (
            int(user),
            list(zip(rows["number"].tolist(), rows["candidate"]["expires_s"].tolist(), strict=True)),
            rows["origin"].tolist(),
        )
        for user, first, many in zip(due.users, due.first, due.many, strict=True)
        for rows in [due.rows[first : first + many]]
    ]


def test_the_room_grows_and_its_places_are_used_again():
    columns = WaitingColumns(1)
    for turn in range(5):
        rows = np.zeros(900, WAITING)
        rows["number"] = np.arange(900)
        rows["origin"], rows["place"] = np.arange(900) // 3, np.arange(900) % 3
        columns.add(rows, np.full(900, turn))
        assert len(columns) == 900
        assert columns.take_due(turn).rows["number"].tolist() == list(range(884, 900))
        assert len(columns) == 0
    assert len(columns._rows) == 1024
