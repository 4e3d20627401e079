"""Taking turns: callers that arrive together share one commit.

A caller lays a task on the table. If nobody leads, it leads: it takes all that lies there, has it done and committed at
once, wakes those whose tasks these were, and hands the lead to whoever has laid something down meanwhile. There is no
thread of our own, no timer and no queue to tune: the slower the disk, the more callers share a commit.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Task = TypeVar("Task")
Answer = TypeVar("Answer")

TOGETHER_MAX = 1024
"""The most callers that share a commit, so that nobody waits for an endless one."""


class Ticket(Generic[Task, Answer]):
    """One caller's task and, when it is done, its answer or what went wrong."""

    __slots__ = ("_asleep", "answer", "done", "error", "leads", "task")

    def __init__(self, task: Task) -> None:
        """Store the task."""
        self.task = task
        self.done = False
        self.leads = False
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self._asleep: threading.Lock | None = None

    def fall_asleep(self) -> None:
        """Make ready to sleep; whoever wakes this ticket before it sleeps is not missed."""
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def sleep(self) -> None:
        """Wait until somebody wakes this ticket."""
        if self._asleep is not None:
            self._asleep.acquire()

    def wake(self) -> None:
        """Let the caller go on: its task is done, or it is to lead."""
        if self._asleep is not None:
            self._asleep.release()


class Turns(Generic[Task, Answer]):
    """The table and the chair. ``work`` is given many tickets at once, and answers or fails every one of them."""

    def __init__(self, work: Callable[[Sequence[Ticket[Task, Answer]]], None]) -> None:
        """Store what does the work."""
        self._work = work
        self._table: list[Ticket[Task, Answer]] = []
        self._led = False
        self._at_table = threading.Lock()  # held for a moment, to look at the two above
        self._chair = threading.RLock()

    @contextmanager
    def chair(self) -> Iterator[None]:
        """Sit where the work is done, alone, to look at what only one may touch at a time."""
        with self._chair:
            yield

    def take(self, task: Task) -> Answer:
        """Have a task done, and return its answer or raise what it raised."""
        ticket: Ticket[Task, Answer] = Ticket(task)
        with self._at_table:
            self._table.append(ticket)
            if self._led:
                ticket.fall_asleep()
            else:
                self._led = ticket.leads = True
        if not ticket.leads:
            self._sleep(ticket)
        if not ticket.done:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.answer  # type: ignore[return-value]  # None is an answer where the task's type says so

    def _lead(self, mine: Ticket[Task, Answer]) -> None:
        """Do what lies on the table, this ticket among it, and hand on the lead."""
        with self._chair:
            with self._at_table:
                tickets, self._table = self._table[:TOGETHER_MAX], self._table[TOGETHER_MAX:]
            try:
                self._do(tickets)
            except BaseException as error:
                for ticket in tickets:
                    ticket.error = error
                raise
            finally:
                self._rise(tickets, mine)

    def _do(self, tickets: Sequence[Ticket[Task, Answer]]) -> None:
        """Have tasks done together; where that fails, each by itself, so that only who is at fault bears it."""
        try:
            self._work(tickets)
        except Exception as error:  # noqa: BLE001  whatever it is, it is the caller's whose task raises it
            if len(tickets) == 1:
                tickets[0].error = error
                return
            for ticket in tickets:
                ticket.answer = ticket.error = None
                self._do([ticket])

    def _sleep(self, ticket: Ticket[Task, Answer]) -> None:
        """Wait until the task is done or is to be led; who is interrupted takes the task back, or hands on the lead."""
        try:
            ticket.sleep()
        except BaseException:
            with self._at_table:
                if ticket in self._table:
                    self._table.remove(ticket)
                if ticket.leads:
                    self._hand_on()
            raise

    def _hand_on(self) -> None:
        """Let the next at the table lead, if there is one. The table is held."""
        self._led = bool(self._table)
        if self._led:
            self._table[0].leads = True
            self._table[0].wake()

    def _rise(self, tickets: Sequence[Ticket[Task, Answer]], mine: Ticket[Task, Answer]) -> None:
        """Wake those whose tasks are done, and the next to lead."""
        for ticket in tickets:
            ticket.done = True
        with self._at_table:
            self._hand_on()
        for ticket in tickets:
            if ticket is not mine:
                ticket.wake()
