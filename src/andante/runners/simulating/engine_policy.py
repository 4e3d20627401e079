"""A policy that decides with the live engine: lists of records, ids, a log in memory or in a file.

It is the engine as a shop runs it, and so the proof that the fast simulation decides as the product does; and where
turbulence is injected (:mod:`andante.runners.simulating.turbulence`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from andante.live.engine import MEMORY, Engine
from andante.runners.simulating.shop import (
    TELLS_EVERY_S,
    Greeter,
    Part,
    Plan,
    category_name,
    channel_name,
    parts,
    user_id,
    zone_names,
)
from andante.settings import Settings
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.vocabulary.state import NEVER_S
from andante.worlds.contract import SEND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from andante.vocabulary.records import Decision, Receipt, Released
    from andante.worlds.contract import Crowd, Tick

Told = dict[str, Any]
"""What is told of one thing: a dictionary, as HTTP would carry it."""

_EVENTS = {code: name.value for name, code in EVENT_CODES.items()}
_OUTCOMES = {code: name.value for name, code in OUTCOME_CODES.items()}
_SAYS = {OUTCOME_CODES[OutcomeType.RATED]: "rating", OUTCOME_CODES[OutcomeType.CONVERTED]: "value"}


class Door(Protocol):
    """The calls of an engine that a shop makes."""

    def set_preferences(self, user_id: str, preferences: Told) -> dict[str, bool]:
        """Take down what a user wants."""

    def publish(self, plan: list[Told]) -> Receipt:
        """Take over a plan."""

    def release(self, at: datetime) -> list[Released]:
        """Ask again what is due."""

    def decide(self, requests: list[Told]) -> list[Decision]:
        """Decide."""

    def ingest(self, events: list[Told]) -> Receipt:
        """Learn what users did."""

    def observe(self, outcomes: list[Told]) -> Receipt:
        """Learn what came of decisions."""


def open_engine(path: str | Path, settings: Settings) -> Engine:
    """Open the engine itself."""
    return Engine.open(path, settings)


class EnginePolicy:
    """Decides with an engine at ``path`` (a new file, or ``":memory:"``); a context manager that closes it.

    ``opens`` makes the engine, so that something may stand between it and the shop. All requests carry idempotency
    keys, and all events ids. It decides as :class:`~andante.runners.simulating.step_policy.StepPolicy` does, send for
    send.
    """

    def __init__(
        self,
        path: str | Path = MEMORY,
        settings: Settings | None = None,
        *,
        plan: Plan | None = None,
        every_s: int = TELLS_EVERY_S,
        opens: Callable[[str | Path, Settings], Any] = open_engine,
    ) -> None:
        """Store what to decide by; ``every_s`` is how often the shop hands over what happened."""
        self._path, self._settings, self._opens, self._every_s = path, settings or Settings(), opens, every_s
        self._plan = plan
        self.engine: Any = None

    def __enter__(self) -> Self:
        """Return the policy."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the engine."""
        self.close()

    def close(self) -> None:
        """Close the engine, if a world has begun."""
        if self.engine is not None:
            self.engine.close()

    def begin(self, crowd: Crowd) -> None:
        """Open the engine."""
        self._crowd, self._zones = crowd, zone_names(crowd)
        self._greeter = Greeter(crowd, self._plan)
        self._decision_of: dict[int, str] = {}  # ids by candidate
        self._events = 0
        self.engine = self._opens(self._path, self._settings)

    def decide(self, tick: Tick) -> NDArray[np.void]:
        """Return what goes out in this tick."""
        sends = [send for part in parts(tick, self._every_s) for send in self._part(tick, part)]
        sends.sort(key=lambda send: send[1])
        return np.array(sends, SEND)

    def _part(self, tick: Tick, part: Part) -> list[tuple[int, int]]:
        """Tell a part of a tick to the engine, in its order; return what goes out."""
        self._meet(part)
        due = [(one.decision, part.from_s) for one in self.engine.release(_at(part.from_s))]
        if len(part.requests):
            requests = [self._request(tick, request) for request in part.requests]
            due += zip(self.engine.decide(requests), part.requests["at_s"].tolist(), strict=True)
        if len(part.events):
            _taken(self.engine.ingest([self._event(event) for event in part.events]))
        known = [outcome for outcome in part.outcomes if int(outcome["candidate"]) in self._decision_of]
        # What is decided now can have come to nothing yet.
        if known:
            _taken(self.engine.observe([self._outcome(outcome) for outcome in known]))
        return [self._sent(decision, at_s) for decision, at_s in due if decision.action == "send"]

    def _sent(self, decision: Decision, at_s: int) -> tuple[int, int]:
        candidate = int(str(decision.candidate_id))
        self._decision_of[candidate] = decision.decision_id
        return candidate, at_s

    def _meet(self, part: Part) -> None:
        """Give consent for users who are seen for the first time, and publish plans where some are due."""
        new, planned, plan = self._greeter.greet(part)
        for user in new.tolist():
            zone = self._zones[int(self._crowd.offset_s[user])]
            wishes = {"consent": {channel_name(0): True}, "time_zone": zone, "member": bool(self._crowd.member[user])}
            self.engine.set_preferences(user_id(user), {**wishes, "at": _at(part.from_s)})
        if len(planned):
            self.engine.publish(
                [{"user_id": user_id(user), "plan_per_week": float(plan[user])} for user in planned.tolist()]
            )

    def _request(self, tick: Tick, request: np.void) -> Told:
        first, count = int(request["first"]), int(request["count"])
        numbers: Sequence[int] = range(tick.number_first + first, tick.number_first + first + count)
        candidates = [_candidate(number, tick.candidates[number - tick.number_first]) for number in numbers]
        return {
            "user_id": user_id(int(request["user"])),
            "candidates": candidates,
            "at": _at(int(request["at_s"])),
            "idempotency_key": f"r{numbers[0]}",
        }

    def _event(self, event: np.void) -> Told:
        self._events += 1
        return {
            "user_id": user_id(int(event["user"])),
            "type": _EVENTS[int(event["type"])],
            "at": _at(int(event["at_s"])),
            "value": _number(float(event["value"])),
            "event_id": f"e{self._events}",
        }

    def _outcome(self, outcome: np.void) -> Told:
        code = int(outcome["type"])
        told = {
            "decision_id": self._decision_of[int(outcome["candidate"])],
            "type": _OUTCOMES[code],
            "at": _at(int(outcome["at_s"])),
        }
        return told | {_SAYS[code]: float(outcome["value"])} if code in _SAYS else told


def _candidate(number: int, candidate: np.void) -> Told:
    """Return a candidate by names: its campaign and item are one where their hashes in the world are."""
    campaign, content, expires_s = (int(candidate[name]) for name in ("campaign", "content", "expires_s"))
    told: Told = {
        "candidate_id": str(number),
        "category": category_name(int(candidate["category"])),
        "channel": channel_name(int(candidate["channel"])),
        "value": float(candidate["value"]),
        "relevance": float(candidate["relevance"]),
    }
    if campaign:
        told["campaign_id"] = f"c{campaign}"
    if content:
        told["item_id"] = f"i{content}"
    if expires_s < NEVER_S:
        told["expires_at"] = _at(expires_s)
    return told


def _taken(receipt: Receipt) -> None:
    """Insist that all was taken: what a world says, an engine must understand."""
    for one in receipt.rejected:
        raise InputFault(f"{one.field} of what a world told", None, one.problem, "report this as a fault of the world")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _at(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
