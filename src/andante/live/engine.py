"""The engine: one open log, and every call that can be made on it.

``Engine.open(path)`` gives one; it may be used from any number of threads. Callers that arrive together share a commit,
and a call returns when what it answered is durable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

from andante.live.admission import admit_events, admit_outcomes, admit_plan, admit_preferences, admit_user_id
from andante.live.admission_columns import admit_columns
from andante.live.clock import SteadyClock
from andante.live.deciding import Question, ask_together, take_columns, take_due
from andante.live.desk import Desk, Draft, LiveStore
from andante.live.erasing import Erased, erase, sweep, traces
from andante.live.explanation import Why, explain
from andante.live.exporting import history, standing
from andante.live.inspection import Inspection, instant_us
from andante.live.instants import LAST, micros, utc
from andante.live.observing import take_events, take_outcomes
from andante.live.parameters import stopped
from andante.live.policies import Config, publish_settings, reconfigure, settings_checked, settings_given, throw
from andante.live.publishing import take_plan
from andante.live.reading import explain_from
from andante.live.rechecking import Refusal, recheck
from andante.live.recovery import LOG_NAME, recover
from andante.live.retention import Retained, retain
from andante.live.sends import Send, Sends, sends_after
from andante.live.turns import Ticket, Turns
from andante.live.views import UserView, view
from andante.live.wishes import take_preferences
from andante.settings import load
from andante.stores.memory import MemoryStore
from andante.stores.sqlite import SqliteStore
from andante.vocabulary.fault import Fault, UnknownUser
from andante.vocabulary.state import NEVER_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from andante.live.answers_columns import DecisionColumns
    from andante.settings import Settings
    from andante.stores.contract import Row
    from andante.vocabulary.records import Decision, Event, Outcome, Preferences, Receipt, Released, Request

MEMORY = ":memory:"

Answer = TypeVar("Answer")

Task = Callable[[Draft], Callable[[], Any]]
"""What a call does at the desk; it returns what makes the call's answer, once all is durable."""


class Engine:
    """Decides pushes, learns from what comes of them, and remembers all of it.

    >>> with Engine.open(":memory:") as engine:
    ...     engine.set_preferences("ann", {"consent": {"push": True}})
    ...     asked = {"candidate_id": "c1", "category": "promotion", "channel": "push"}
    ...     decision = engine.decide([{"user_id": "ann", "candidates": [asked]}])[0]
    {'consent.push': True}
    >>> decision.action in {"send", "defer", "suppress"}
    True
    """

    def __init__(self, desk: Desk, clock: SteadyClock) -> None:
        """Store the desk; :meth:`open` is what makes one."""
        self._desk = desk
        self._clock = clock
        self._turns: Turns[Task, Callable[[], Any]] = Turns(self._work)
        self._closed = False

    @classmethod
    def open(cls, path: str | Path, config: Config = None, *, clock: SteadyClock | None = None) -> Self:
        """Open a log, or make one: a file of SQLite, or ``":memory:"``.

        ``config`` is the path of a TOML file, a mapping or settings; without one, a log keeps the settings that it
        was last opened with, and a new one takes the defaults. The environment (``ANDANTE_SECTION__KEY``) overrides
        all but settings. Raises SettingsFault for a configuration that does not hold, StoreBusy where another process
        has the file open, StoreUnreadable where it is not ours or damaged.
        """
        settings = settings_given(config)
        if str(path) != MEMORY:
            return cls.over(SqliteStore.open(path), settings, clock=clock)
        engine = cls.over(MemoryStore(), settings or load(None, os.environ), clock=clock)
        engine._desk.checkpoints.every = NEVER_S  # noqa: SLF001  its own; nothing recovers from memory
        return engine

    @classmethod
    def over(cls, store: LiveStore, settings: Settings | None = None, *, clock: SteadyClock | None = None) -> Self:
        """Open an engine over a store, which it then owns; without settings, with those of its log."""
        try:
            engine = cls(recover(store, settings, os.environ), clock or SteadyClock())
            engine._publish_settings()
        except BaseException:
            store.close()
            raise
        return engine

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine."""
        self.close()

    def close(self) -> None:
        """Write down what is newer than its checkpoint, and let go of the log. Closing twice is no fault."""
        with self._turns.chair():
            if self._closed:
                return
            self._closed = True
            try:
                self._desk.checkpoint()
            finally:
                self._desk.store.close()

    def decide(self, requests: Sequence[Mapping[str, Any] | Request]) -> list[Decision]:
        """Decide for each request whether one of its candidates goes out now, later or never; in order.

        A send has its place in every cap before this returns, so it may go out at once. All requests are decided or
        none: raises InputFault for the first that cannot be taken, Conflict for an idempotency key that came with
        another body.
        """
        self._refuse_closed()
        return self._do(Question(requests, self._clock.now_us()))

    def decide_columns(self, columns: Any) -> DecisionColumns:
        """Decide a table of requests: a campaign for a million users in one call.

        ``columns`` is a mapping from column to values (a list, an array, or one value for all rows), or a table of
        pandas, polars or pyarrow. A row is a candidate, with the fields of a request's and ``user_id`` and ``at``;
        rows side by side with the same ``request`` are candidates of one request. What is decided is what
        :meth:`decide` would decide, only faster; there are no idempotency keys, so who does not know whether a table
        was decided asks the log. All of it is decided or nothing: raises InputFault for the first row that cannot be
        taken.
        """
        self._refuse_closed()
        admitted = admit_columns(columns, self._desk.names, now_us=self._clock.now_us())
        return self._do(lambda draft: take_columns(draft, admitted))

    def release(self, at: datetime | None = None) -> list[Released]:
        """Ask again what was deferred and is due; all that is due for one user is merged into one decision.

        ``at`` (now, unless given) is an aware datetime. What is returned as ``send`` is to be sent now.
        """
        self._refuse_closed()
        now_us = instant_us(at, self._clock)
        released: list[Released] = []
        while (due := self.next_release()) is not None and micros(due) <= now_us:
            released += self._do(lambda draft: take_due(draft, now_us))
        return released

    def next_release(self) -> datetime | None:
        """Return when the next deferred push is due, or None where nothing waits."""
        with self._turns.chair():
            due_s = self._desk.waiting.next_due_s()
        return None if due_s is None else utc(due_s)

    def ingest(self, events: Sequence[Mapping[str, Any] | Event]) -> Receipt:
        """Learn what users did.

        An event that cannot be taken is rejected by itself; a repeated ``event_id`` is a duplicate.
        """
        self._refuse_closed()
        admitted = admit_events(events, now_us=self._clock.now_us())
        return self._do(lambda draft: _done(take_events(draft, admitted)))

    def observe(self, outcomes: Sequence[Mapping[str, Any] | Outcome]) -> Receipt:
        """Learn what came of decisions. They may be late and in any order; each type counts once a decision."""
        self._refuse_closed()
        admitted = admit_outcomes(outcomes, now_us=self._clock.now_us())
        return self._do(lambda draft: _done(take_outcomes(draft, admitted)))

    def set_preferences(self, user_id: str, preferences: Mapping[str, Any] | Preferences) -> dict[str, bool]:
        """Take down what a user wants; what is absent stays as it was.

        Returns for each key given whether it holds from here on: a later word, by ``at``, is not overridden by an
        earlier one.
        """
        self._refuse_closed()
        admitted = admit_preferences(user_id, preferences, self._desk.names, now_us=self._clock.now_us())
        return self._do(lambda draft: _done(take_preferences(draft, admitted)))

    def publish(self, plan: Any, *, theta: float | None = None) -> Receipt:
        """Take over what the slow clock planned.

        A plan is a list of entries, a mapping from user to pushes per week, a table, or the path of a file of one.
        ``theta`` is the threshold of interest of those who bring none.
        """
        self._refuse_closed()
        admitted = admit_plan(plan, theta=theta)
        now_us = self._clock.now_us()
        return self._do(lambda draft: _done(take_plan(draft, admitted, now_us)))

    def switch(self, scope: str, *, on: bool) -> str:
        """Throw the kill switch for ``global``, ``channel:NAME``, ``category:NAME`` or ``campaign:NAME``, or lift it.

        The very next decision follows it. Returns the name of the policy that holds from here on.
        """
        self._refuse_closed()
        now_us = self._clock.now_us()
        return self._do(lambda draft: _done(throw(draft, scope, now_us, on=on)))

    def reconfigure(self, settings: Settings, why: str) -> str:
        """Let other settings hold from the very next decision on; return the name of the policy that then holds.

        They are logged with the reason, so that a replay stays exact and an engine that is opened without a config
        has them again. All of them hold or none: raises SettingsFault for what cannot hold, InputFault for a section
        that is fixed while the engine is open (``policies.FIXED``) and for no reason.
        """
        self._refuse_closed()
        checked, now_us = settings_checked(settings), self._clock.now_us()
        return self._do(lambda draft: _done(reconfigure(draft, checked, why, now_us)))

    def retain(self, now: datetime | None = None) -> Retained:
        """Drop what is older than ``log.retention`` and ``log.keys`` keep it, counted back from ``now``.

        Everything is checkpointed first; callers wait meanwhile. A replay then begins with the users' records.
        """
        self._refuse_closed()
        now_us = instant_us(now, self._clock)
        with self._turns.chair():
            self._desk.checkpoint()
            return retain(self._desk, now_us)

    def user(self, user_id: str) -> UserView:
        """Return what is known of a user. Raises UnknownUser for one never heard of."""
        self._refuse_closed()
        with self._turns.chair():
            row = self._row(user_id)
            return view(self._desk, row, self._clock.now_us() // 1_000_000)

    def explain(self, user_id: str, at: datetime | None = None) -> Why:
        """Explain the last decision on a user: what held it, when a push may go out next, what would have changed it.

        ``at`` (now, unless given) is the moment that "next" counts from. Raises UnknownUser for one never heard of.
        """
        self._refuse_closed()
        now_us = instant_us(at, self._clock)
        with self._turns.chair():
            row = self._row(user_id)
            if not isinstance(self._desk.store, SqliteStore):
                return explain(self._desk, row, now_us // 1_000_000)
        return explain_from(self._desk.store.path, user_id, utc(now_us // 1_000_000) or LAST)  # nobody waits for it

    def erase(self, user_id: str, at: datetime | None = None) -> Erased:
        """Erase a user from the log, bytes included, and return the receipt; everybody else's part stays as it was.

        A user of the same id starts anew, and must consent anew. Raises UnknownUser for one never heard of.
        """
        self._refuse_closed()
        now_us = instant_us(at, self._clock)
        with self._turns.chair():
            row, upto = self._row(user_id), self._desk.position
        found = traces(self._desk.store, row, upto)  # may take long, and nobody waits for it
        with self._turns.chair():
            return erase(self._desk, user_id, found, now_us)

    def sweep(self) -> bool:
        """Clear what erased users may have left in a large file; return whether nothing can be left. Callers wait."""
        self._refuse_closed()
        with self._turns.chair():
            return sweep(self._desk)

    def export(self, user_id: str) -> dict[str, Any]:
        """Return everything that is held of a user, to take along. Raises UnknownUser for one never heard of."""
        self._refuse_closed()
        now_us = self._clock.now_us()
        with self._turns.chair():
            row = self._row(user_id)
            now = standing(self._desk, row, now_us // 1_000_000)
        return now | history(self._desk, row)  # nobody waits for it

    def sends(self, after: int = 0) -> Sends:
        """Return what goes out after a position of the log, in order, and how far the log was read for it."""
        self._refuse_closed()
        return sends_after(self._desk, after)

    def recheck(self, sends: Sequence[Send], at: datetime | None = None) -> list[Refusal | None]:
        """Return for each send why it may not go out now, or None where it may: asked the moment before it does."""
        self._refuse_closed()
        now_us = instant_us(at, self._clock)
        with self._turns.chair():
            return recheck(self._desk, sends, now_us // 1_000_000)

    def log_rows(self) -> Iterator[list[Row]]:
        """Yield the rows of the log in order, in lists."""
        self._refuse_closed()
        return self._desk.store.read()

    @property
    def inspection(self) -> Inspection:
        """What people look at: surveys, dry runs and traces. It writes nothing."""
        return Inspection(self._seat, self._clock)

    def stopped(self, campaigns: Collection[str] = ()) -> tuple[str, ...]:
        """Return the scopes that the kill switch holds now; of campaigns those given, as only hashes are kept."""
        with self._seat() as desk:
            return stopped(desk.deciding(), desk.names, campaigns)

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        return self._desk.settings

    @property
    def policy_version(self) -> str:
        """The name of the step and the parameters that decide now."""
        return self._desk.policies[int(self._desk.deciding()["version"][0])]

    def now_us(self) -> int:
        """Return the engine's time, in microseconds since 1970 UTC."""
        return self._clock.now_us()

    @property
    def log_name(self) -> str:
        """The name of the log, which every id of a decision begins with."""
        return self._desk.log_name

    @property
    def position(self) -> int:
        """The last position of the log."""
        with self._turns.chair():
            return self._desk.position

    @contextmanager
    def _seat(self) -> Iterator[Desk]:
        """Sit at the desk alone, for a moment."""
        with self._turns.chair():
            self._refuse_closed()
            yield self._desk

    def _row(self, user_id: str) -> int:
        row = self._desk.population.row(admit_user_id(user_id))
        if row is None:
            raise UnknownUser(
                "user", user_id, "is in no record of this log", "check the id, or send their consent first"
            )
        return row

    def _do(self, task: Callable[[Draft], Callable[[], Answer]]) -> Answer:
        finish: Callable[[], Answer] = self._turns.take(task)
        return finish()

    def _work(self, tickets: Sequence[Ticket[Task, Callable[[], Any]]]) -> None:
        """Do several callers' work, and make all of it durable in one commit."""
        self._refuse_closed()
        draft = Draft(self._desk)
        try:
            asking = [ticket for ticket in tickets if isinstance(ticket.task, Question)]
            questions = [ticket.task for ticket in asking if isinstance(ticket.task, Question)]
            together = ask_together(draft, questions) if len(questions) > 1 else None
            for ticket in tickets:
                if together is None or not isinstance(ticket.task, Question):
                    self._work_on(draft, ticket)
        except BaseException:
            draft.undo()
            raise
        draft.commit()
        if together is not None:
            for ticket, decisions in zip(asking, together(), strict=True):
                ticket.answer = _done(decisions)

    def _work_on(self, draft: Draft, ticket: Ticket[Task, Callable[[], Any]]) -> None:
        try:
            ticket.answer = ticket.task(draft)
        except Fault as fault:  # a task refuses before it changes anything
            ticket.error = fault

    def _publish_settings(self) -> None:
        def task(draft: Draft) -> Callable[[], None]:
            if self._desk.position == 0:
                draft.meta[LOG_NAME] = self._desk.log_name
            publish_settings(draft, "settings", self._clock.now_us())
            return _done(None)

        self._do(task)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Fault("engine", None, "is closed", "open it again")


def _done(answer: Answer) -> Callable[[], Answer]:
    return lambda: answer
