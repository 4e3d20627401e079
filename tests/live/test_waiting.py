"""The waiting room: deferred requests until they are due."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from andante.live.waiting import Waiter, WaitingRoom
from andante.vocabulary.records import Candidate

LATE_S = 4_000_000_000


def push(candidate_id: str, campaign: str | None = None) -> Candidate:
    return Candidate(
        candidate_id=candidate_id, category="promotion", channel="push", campaign_id=campaign or candidate_id
    )


def room(*waiters: Waiter) -> WaitingRoom:
    made = WaitingRoom()
    for waiter in waiters:
        made.add(waiter)
    made.keep()
    return made


def test_only_what_is_due_is_taken_in_order_of_time() -> None:
    waiting = room(
        Waiter(1, 7, 300, LATE_S, (push("a"),)),
        Waiter(2, 8, 100, LATE_S, (push("b"),)),
        Waiter(3, 9, 200, LATE_S, (push("c"),)),
    )
    assert waiting.next_due_s() == 100
    assert [due.user for due in waiting.take_due(200, 10)] == [8, 9]
    assert (len(waiting), waiting.next_due_s()) == (1, 300)


def test_all_that_is_due_for_one_user_is_asked_at_once() -> None:
    (due,) = room(Waiter(1, 7, 100, LATE_S, (push("a"),)), Waiter(2, 7, 150, LATE_S, (push("b"),))).take_due(200, 10)
    assert [candidate.candidate_id for candidate in due.candidates] == ["a", "b"]
    assert (due.origins, due.settled) == ((1, 2), (1, 2))


def test_a_newer_push_of_the_same_campaign_takes_the_place_of_the_older() -> None:
    (due,) = room(
        Waiter(1, 7, 100, LATE_S, (push("old", "sale"),)), Waiter(2, 7, 150, LATE_S, (push("new", "sale"),))
    ).take_due(200, 1)
    assert [candidate.candidate_id for candidate in due.candidates] == ["new"]
    assert [candidate.candidate_id for candidate in due.merged] == ["old"]
    assert due.settled == (1, 2)


def test_two_pushes_of_one_id_are_one() -> None:
    (due,) = room(Waiter(1, 7, 100, LATE_S, (push("a", "x"),)), Waiter(2, 7, 150, LATE_S, (push("a", "y"),))).take_due(
        200, 1
    )
    assert [candidate.campaign_id for candidate in due.candidates] == ["y"]


def test_more_than_one_question_can_hold_gives_way_oldest_first() -> None:
    waiting = room(*(Waiter(place, 7, 1000 * place, LATE_S, (push(f"p{place}"),)) for place in range(1, 20)))
    (due,) = waiting.take_due(1000, 1)
    assert [candidate.candidate_id for candidate in due.candidates] == [f"p{place}" for place in range(4, 20)]
    assert len(due.settled) == 19
    assert waiting.next_due_s() is None


def test_no_more_users_than_asked_for_are_taken() -> None:
    waiting = room(*(Waiter(place, place, 10, LATE_S, (push("a"),)) for place in range(1, 6)))
    assert len(waiting.take_due(10, 2)) == 2
    assert len(waiting.take_due(10, 9)) == 3


def test_changes_can_be_taken_back_in_a_piece() -> None:
    waiting = room(Waiter(1, 7, 100, LATE_S, (push("a"),)))
    mark = waiting.mark()
    waiting.take_due(100, 1)
    waiting.add(Waiter(2, 7, 50, LATE_S, (push("b"),)))
    waiting.undo(mark)
    assert [waiter.position for waiter in waiting.of_user(7)] == [1]
    assert waiting.next_due_s() == 100


def test_a_request_that_waits_expires_when_it_is_stale() -> None:
    (due,) = room(Waiter(1, 7, 100, 3_600, (push("a"),))).take_due(200, 1)
    assert due.candidates[0].expires_at == datetime(1970, 1, 1, 1, tzinfo=UTC)


def test_what_waits_as_json_comes_out_as_it_went_in() -> None:
    given = (push("a", "spring"), replace(push("b"), value=7.5, relevance=0.25))
    (due,) = room(Waiter(1, 7, 100, LATE_S, msgspec.json.encode(given), 0, 2)).take_due(200, 10)
    last = datetime.fromtimestamp(LATE_S, UTC)
    assert [msgspec.structs.asdict(one) for one in due.candidates] == [
        {**msgspec.structs.asdict(one), "expires_at": last} for one in given
    ]
