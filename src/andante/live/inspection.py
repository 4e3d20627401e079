"""Inspection: what people look at while the engine works. It reads, from any thread, and holds nobody up for long."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from andante.live.admission import admit_user_id
from andante.live.dry_run import DryRun, dry_run
from andante.live.exporting import history
from andante.live.instants import MICROSECONDS, is_taken, micros
from andante.live.reading import OneUser
from andante.live.recent import Recent, recent
from andante.live.recovery import recover
from andante.live.survey import AT_ONCE, Survey, survey
from andante.live.trace import trace
from andante.stores.erasure import is_tombstone
from andante.stores.sqlite import SqliteStore
from andante.vocabulary.fault import InputFault, UnknownUser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from andante.live.clock import SteadyClock
    from andante.live.survey import Seat
    from andante.live.trace_shapes import Trace

_HEX = 16
_ID_PARTS = 3
_KINDS = {  # of one moment, what can only have come after the others comes last
    "preference_changes": "preferences",
    "plans": "plan",
    "events": "event",
    "decisions": "decision",
    "outcomes": "outcome",
}


class Inspection:
    """Surveys, dry runs and traces of one engine. It writes nothing."""

    def __init__(self, seat: Seat, clock: SteadyClock) -> None:
        """Store how to sit at the desk for a moment, and the clock."""
        self._seat, self._clock = seat, clock

    def survey(self, at: datetime | None = None) -> Survey:
        """Count all users by group, as of a moment: whom pushes can reach, and how often by plan and by pace."""
        return survey(self._seat, instant_us(at, self._clock) // MICROSECONDS)

    def dry_run(
        self, candidate: Mapping[str, Any], at: datetime | None = None, *, days: int = 7, most: int = 20_000
    ) -> DryRun:
        """Say whom a candidate would reach if everybody were asked at a moment, whom not, and why.

        ``candidate`` has the fields of a request's; ``days`` is how long those who are deferred are followed, and
        ``most`` how many users are asked: of more, an even sample. Raises InputFault.
        """
        return dry_run(self._seat, candidate, instant_us(at, self._clock), days=days, most=most)

    def trace(self, decision_id: str) -> Trace:
        """Return the whole path of a decision in numbers, computed again on the user's record as it was before it.

        It reads the log while the engine works. Raises InputFault where no decision of this log has the id, or
        retention has dropped it; UnknownUser where its user was erased.
        """
        log, position, user = _parts(decision_id)
        with self._seat() as desk:
            if log != desk.log_name or user >= len(desk.population):
                raise _no_decision(decision_id)
            user_id = desk.population.ids[user]
        if is_tombstone(user_id):
            raise UnknownUser("user", None, f"of the decision {decision_id} was erased", "nothing is known of it")
        if isinstance(desk.store, SqliteStore):
            with OneUser(desk.store.path, user_id) as store:
                found = trace(recover(store, None, {}), 0, position)
        else:
            found = trace(desk, user, position)
        if found is None:
            raise _no_decision(decision_id)
        return _renumbered(found, user)

    def recent(self, user_id: str) -> Recent:
        """Return what went out to a user lately, and the names that the log knows. Raises UnknownUser."""
        return recent(self._seat, user_id)

    def decisions_of(self, user_id: str, limit: int = 200) -> list[dict[str, Any]]:
        """Return what the log has of a user as one line of time, newest first.

        Each entry has ``at`` (RFC 3339) and ``kind``: event, decision (with ``action`` and ``asked``: request or
        release), outcome, preferences or plan, and the fields of an export. Raises UnknownUser.
        """
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise InputFault("limit", limit, "is no number of entries", "give a whole number from 1")
        with self._seat() as desk:
            row = desk.population.row(admit_user_id(user_id))
        if row is None:
            raise UnknownUser("user", user_id, "is in no record of this log", "check the id")
        told = history(desk, row)  # nobody waits for it
        line = [_entry(kind, one) for word, kind in _KINDS.items() for one in told[word]]
        order = sorted(range(len(line)), key=lambda place: (line[place][0], place), reverse=True)
        return [line[place][1] for place in order[:limit]]

    def users(self, prefix: str = "", limit: int = 50) -> list[str]:
        """Return ids of users that begin with a prefix, in the order in which the log first heard of them."""
        if not isinstance(prefix, str):
            raise InputFault("prefix", prefix, "is no text", "give the beginning of a user's id, or nothing")
        found = (one for one in self._ids() if one.startswith(prefix) and not is_tombstone(one))
        return list(islice(found, max(limit, 0)))

    def _ids(self) -> Iterator[str]:
        start = 0
        while True:
            with self._seat() as desk:
                some = desk.population.ids[start : start + AT_ONCE]
            if not some:
                return
            yield from some
            start += AT_ONCE


def instant_us(at: datetime | None, clock: SteadyClock) -> int:
    """Return a moment that a caller gave, or now, in microseconds since 1970. Raises InputFault for what is none."""
    if at is None:
        return clock.now_us()
    if not isinstance(at, datetime) or at.tzinfo is None or not is_taken(at):
        raise InputFault(
            "at", at, "is no time between 1970 and 2105 with a zone", "give an aware datetime, or nothing for now"
        )
    return micros(at)


def _parts(decision_id: str) -> tuple[str, int, int]:
    """Return the log, the position and the user's row that an id names."""
    parts = decision_id.split("-") if isinstance(decision_id, str) else []
    if len(parts) != _ID_PARTS:
        raise _no_decision(decision_id)
    try:
        position, user = int(parts[1], _HEX), int(parts[2], _HEX)
    except ValueError:
        raise _no_decision(decision_id) from None
    if f"{parts[0]}-{position:x}-{user:x}" != decision_id or user < 0:
        raise _no_decision(decision_id)
    return parts[0], position, user


def _no_decision(decision_id: object) -> InputFault:
    return InputFault(
        "decision_id",
        decision_id,
        "names no decision that this log has",
        "take one that decide or release has returned, no older than log.retention",
    )


def _renumbered(found: Trace, user: int) -> Trace:
    """Return a trace of a reader that knows one user alone, with the ids that the engine gave."""

    def own(decision_id: str) -> str:
        return f"{decision_id.rpartition('-')[0]}-{user:x}"

    replace = msgspec.structs.replace
    last = tuple(
        one if one.decision_id is None else replace(one, decision_id=own(one.decision_id))
        for one in found.behaviour.last
    )
    return replace(
        found,
        decision=replace(found.decision, decision_id=own(found.decision.decision_id)),
        origins=tuple(map(own, found.origins)),
        behaviour=replace(found.behaviour, last=last),
    )


def _entry(kind: str, one: dict[str, Any]) -> tuple[datetime, dict[str, Any]]:
    """Return an entry of the line of time, and when it was."""
    asked = {"asked": one["kind"]} if kind == "decision" else {}
    return datetime.fromisoformat(one["at"]), {**one, **asked, "kind": kind}
