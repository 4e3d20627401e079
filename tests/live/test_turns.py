"""Turns: callers that arrive together share one commit."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from andante.live.turns import Turns


def test_callers_that_arrive_during_a_commit_share_the_next_one() -> None:
    commits: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def work(tickets: list) -> None:
        commits.append(len(tickets))
        begun.set()
        go_on.wait(10)
        for ticket in tickets:
            ticket.answer = ticket.task * 2

    turns = Turns(work)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(turns.take, 1)
        begun.wait(10)
        others = [pool.submit(turns.take, number) for number in range(2, 10)]
        while len(turns._table) < 8:
            pass
        go_on.set()
        assert first.result() == 2
        assert [other.result() for other in others] == [2 * number for number in range(2, 10)]
    assert commits == [1, 8]


def test_a_task_that_fails_fails_its_caller_alone() -> None:
    def work(tickets: list) -> None:
        for ticket in tickets:
            if ticket.task < 0:
                ticket.error = ValueError(ticket.task)
            ticket.answer = ticket.task

    turns = Turns(work)
    assert turns.take(3) == 3
    with pytest.raises(ValueError, match="-1"):
        turns.take(-1)
    assert turns.take(4) == 4


def test_a_commit_that_fails_fails_everybody_and_the_next_one_works() -> None:
    broken = [True]

    def work(tickets: list) -> None:
        if broken.pop():
            raise OSError("the disk is full")
        for ticket in tickets:
            ticket.answer = ticket.task

    turns = Turns(work)
    with pytest.raises(OSError, match="disk"):
        turns.take(1)
    broken.append(False)
    assert turns.take(2) == 2
