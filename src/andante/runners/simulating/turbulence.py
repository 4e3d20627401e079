"""Turbulence: everything that goes wrong between a world and the engine, as parameters of one seed.

The engine is the product's own, on a file; what is simulated are the network, the clocks and the death of processes
before and after it. Nothing here mends anything: a caller repeats what it got no answer to, as the documentation says.

*Transparent* faults must change nothing at all: the same pushes go out at the same seconds, and the users' records end
the same (but for rounding, where sums were added in another order). *Opaque* ones change what the engine knows when it
decides, so it may decide otherwise; every limit holds all the same.
"""

from __future__ import annotations

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from andante.live.clock import SteadyClock
from andante.live.engine import Engine
from andante.runners.simulating.turbulent_store import Crashed, MortalStore
from andante.vocabulary.fault import InputFault
from andante.vocabulary.records import Decision, Receipt, Released

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from andante.runners.simulating.engine_policy import Told
    from andante.settings import Settings

Answer = TypeVar("Answer")

START_US = 1_767_571_200_000_000
"""Where the machine's clock begins; all that is told of carries its own time."""

_DECISIONS = """
SELECT user_id, decision_id, action, candidate_id, channel, send_at, reason, propensity, plan_per_week, policy_version
FROM decisions WHERE position > ? AND kind = 'release' ORDER BY position
"""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, and how often. Shares are probabilities; the defaults are a calm day."""

    seed: int = 7
    # Transparent.
    duplicates: float = 0.0  # share of events and outcomes that are delivered twice in a call
    shuffles: bool = False  # what is delivered in one call comes in any order
    retries: int = 0  # a storm: so many callers more, at once, repeat every call though it was answered
    crashes: float = 0.0  # share of commits at which the process dies: half of them just before, half just after
    clock_step_s: int = 0  # the machine's clock is off by up to so much whenever a process starts
    # Opaque.
    late_s: int = 0  # events and outcomes arrive up to so much later, past decisions that would have known them
    lost_outcomes: float = 0.0  # share of outcomes that never arrive
    skew_s: int = 0  # clocks of those who ask are off by up to so much, another way each time

    @property
    def transparent(self) -> bool:
        """Tell whether nothing of this may change a decision."""
        return not (self.late_s or self.lost_outcomes or self.skew_s)


class TurbulentEngine:
    """An engine behind bad weather, with the calls of an engine. ``TurbulentEngine.of(faults)`` opens one for a policy.

    It keeps count of what it did: ``crashes``, ``repeats`` (calls), ``doubles``, ``late`` and ``lost`` (records).
    """

    def __init__(self, path: str | Path, settings: Settings, faults: Faults) -> None:
        """Open the engine on a file."""
        self._path, self._settings, self._faults = Path(path), settings, faults
        self._draw, self._fates = random.Random(faults.seed), random.Random(faults.seed + 1)  # noqa: S311  weather
        self._held: list[tuple[datetime, str, Told]] = []  # late ones: when they arrive, by which call, what
        self._expires: dict[str, datetime] = {}  # by candidate: no sender sends what is over by its own clock
        self._now = datetime.min.replace(tzinfo=UTC)
        self.crashes = self.repeats = self.doubles = self.late = self.lost = 0
        self._start()

    @classmethod
    def of(cls, faults: Faults) -> Callable[[str | Path, Settings], TurbulentEngine]:
        """Return what opens an engine behind these faults, for ``EnginePolicy(opens=...)``."""
        return lambda path, settings: cls(path, settings, faults)

    def set_preferences(self, user_id: str, preferences: Told) -> dict[str, bool]:
        """Take down what a user wants."""
        return self._once(lambda: self.engine.set_preferences(user_id, preferences), {})

    def publish(self, plan: list[Told]) -> Receipt:
        """Take over a plan."""
        return self._once(lambda: self.engine.publish(plan), Receipt(accepted=len(plan), duplicates=0, rejected=()))

    def release(self, at: datetime) -> list[Released]:
        """Ask again what is due. What was decided before a process died is read from the log: a send is its row."""
        self._now = at
        self._arrive(at)
        asked_at, last, released = self._skewed(at), self._position(), []
        while True:
            try:
                released += self.engine.release(asked_at)
                break
            except Crashed:
                self._start()
                released = self._decided_since(last)
        for _ in range(self._faults.retries):  # nothing is due any more
            self.repeats += 1
            released += self.engine.release(asked_at)
        return [replace(one, decision=self._in_time(one.decision, at)) for one in released]

    def decide(self, requests: Sequence[Told]) -> list[Decision]:
        """Decide. Every repetition must be given the first answer."""
        for request in requests:
            for candidate in request["candidates"]:
                self._expires[candidate["candidate_id"]] = candidate.get("expires_at", datetime.max.replace(tzinfo=UTC))
        asked = [{**request, "at": self._skewed(request["at"])} for request in requests]
        answers = self._stormed(lambda: self.engine.decide(asked))
        if any(answer != answers[0] for answer in answers):
            raise InputFault("an answer to a repeated request", None, "is not the first one", "mend the engine")
        times = [request["at"] for request in requests]
        return [self._in_time(decision, at) for decision, at in zip(answers[0], times, strict=True)]

    def ingest(self, events: Sequence[Told]) -> Receipt:
        """Learn what users did."""
        return self._deliver("ingest", list(events))

    def observe(self, outcomes: Sequence[Told]) -> Receipt:
        """Learn what came of decisions, as far as it arrives."""
        kept = [outcome for outcome in outcomes if self._draw.random() >= self._faults.lost_outcomes]
        self.lost += len(outcomes) - len(kept)
        return self._deliver("observe", kept)

    def close(self) -> None:
        """Let everything arrive that is still on its way, and close the engine."""
        self._arrive(datetime.max.replace(tzinfo=UTC))
        while True:
            try:
                self.engine.close()
            except Crashed:  # in its last checkpoint
                self._start()
                continue
            return

    def _deliver(self, call: str, records: list[Told]) -> Receipt:
        """Hold back what is late, and deliver the others."""
        if self._faults.late_s:
            for record in records:
                delay = timedelta(seconds=self._draw.uniform(0, self._faults.late_s))
                self._held.append((self._now + delay, call, record))
            self.late += len(records)
        else:
            self._tell(call, records)
        return Receipt(accepted=len(records), duplicates=0, rejected=())

    def _arrive(self, now: datetime) -> None:
        """Deliver what was held back until now, in the order in which it arrives."""
        due = sorted((one for one in self._held if one[0] <= now), key=lambda one: one[0])
        self._held = [one for one in self._held if one[0] > now]
        for call in ("ingest", "observe"):
            if records := [record for _, by, record in due if by == call]:
                self._tell(call, records)

    def _tell(self, call: str, records: list[Told]) -> None:
        twice = [record for record in records if self._draw.random() < self._faults.duplicates]
        self.doubles += len(twice)
        told = records + twice
        if self._faults.shuffles:
            self._draw.shuffle(told)
        if not told:
            return
        for receipt in self._stormed(lambda: getattr(self.engine, call)(told)):
            for one in receipt.rejected:
                raise InputFault(f"{one.field} of what was told", None, one.problem, "mend the engine")

    def _stormed(self, call: Callable[[], Answer]) -> list[Answer]:
        """Make a call that may be repeated, together with others that repeat it, until all are answered."""
        self.repeats += self._faults.retries
        while True:
            try:
                if not self._faults.retries:
                    return [call()]
                with ThreadPoolExecutor(1 + self._faults.retries) as callers:
                    return [one.result() for one in [callers.submit(call) for _ in range(1 + self._faults.retries)]]
            except Crashed:
                self._start()

    def _once(self, call: Callable[[], Answer], answer: Answer) -> Answer:
        """Make a call that has no key of its own: after a crash, the end of the log says whether it was done."""
        before = self._position()
        while True:
            try:
                return call()
            except Crashed:
                self._start()
                if self._position() > before:
                    return answer

    def _start(self) -> None:
        """Start a process on the file; one that dies as it starts is started again."""
        while True:
            store = MortalStore.born(self._path, self._fate)
            off_us = round(self._draw.uniform(-1, 1) * self._faults.clock_step_s * 1e6)
            try:
                clock = SteadyClock(wall_us=lambda: START_US + off_us, monotonic_us=lambda: 0)  # noqa: B023  read at once
                self.engine = Engine.over(store, self._settings, clock=clock)
            except Crashed:
                continue
            return

    def _fate(self) -> str:
        """Say whether the process dies at this commit: before it, after it, or not."""
        if self._fates.random() >= self._faults.crashes:
            return ""
        self.crashes += 1
        return self._fates.choice(["before", "after"])

    def _skewed(self, at: datetime) -> datetime:
        return at + timedelta(seconds=round(self._draw.uniform(-1, 1) * self._faults.skew_s))

    def _in_time(self, decision: Decision, at: datetime) -> Decision:
        """Keep a push back that is over by the sender's own clock, whatever the engine's clock was told."""
        if decision.action != "send" or at < self._expires[str(decision.candidate_id)]:
            return decision
        return replace(decision, action="suppress")

    def _position(self) -> int:
        """Return where the log ends, as any reader of the file sees it."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as log:
            (last,) = log.execute("SELECT coalesce(max(position), 0) FROM log").fetchone()
        return int(last)

    def _decided_since(self, position: int) -> list[Released]:
        """Read from the log what was released after a position."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as log:
            rows: list[tuple[Any, ...]] = log.execute(_DECISIONS, (position,)).fetchall()
        return [Released(user_id=user, decision=_read(*decided), origins=()) for user, *decided in rows]


def _read(  # noqa: PLR0913, PLR0917  a row of the view, column by column
    decision_id: str,
    action: str,
    candidate_id: str | None,
    channel: str | None,
    send_at: str | None,
    reason: str,
    propensity: float,
    plan_per_week: float,
    policy_version: str,
) -> Decision:
    return Decision(
        decision_id=decision_id,
        action=action,
        candidate_id=candidate_id,
        channel=channel,
        send_at=None if send_at is None else datetime.fromisoformat(send_at),
        reasons=(reason,),
        propensity=propensity,
        plan_per_week=plan_per_week,
        policy_version=policy_version,
    )
