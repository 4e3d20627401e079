"""Events and outcomes at the desk: what users did, and what came of decisions.

Duplicates are known before they are stepped, events by their id, outcomes by the bits of the slot of their send; so
neither the log nor the state holds anything twice. A user without a consent record leaves no trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from andante.live.consent import objection
from andante.live.desk import records_of
from andante.live.keys import Known, body_digest, digest, recall
from andante.live.wishes import withdraw
from andante.stores.erasure import is_tombstone
from andante.vocabulary.flow import OUTCOME_CODES, Kind
from andante.vocabulary.message import OutcomeType
from andante.vocabulary.reason import Action
from andante.vocabulary.records import Receipt, Rejection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from andante.live.admission import AdmittedEvents, AdmittedOutcomes
    from andante.live.desk import Draft

_WITHDRAWALS = {OUTCOME_CODES[OutcomeType.UNSUBSCRIBED], OUTCOME_CODES[OutcomeType.COMPLAINED]}
_COMPLAINED = OUTCOME_CODES[OutcomeType.COMPLAINED]
_EVENT_KEY = "event"

OTHER_BODY = "was given before with another body: the same id names the same event"


def take_events(draft: Draft, admitted: AdmittedEvents) -> Receipt:
    """Step what users did, and log it."""
    rejected = list(admitted.rejected)
    repeats = _repeats(draft, admitted)
    duplicates, kept = 0, []
    seen: dict[str, str] = {}
    for place, (index, event_id) in enumerate(zip(admitted.index, admitted.event_ids, strict=True)):
        problem = objection(draft, admitted.user_ids[place])
        same = _sameness(admitted, place, seen, repeats)
        if problem is not None:
            rejected.append(Rejection(index=index, field="user_id", problem=problem))
        elif same is None:
            kept.append(place)
            if event_id is not None:
                seen[event_id] = _text(admitted, place)
        elif same:
            duplicates += 1
        else:
            rejected.append(Rejection(index=index, field="event_id", problem=OTHER_BODY))
    if kept:
        _step_events(draft, admitted, kept)
    rejected.sort(key=lambda one: one.index)
    return Receipt(accepted=len(kept), duplicates=duplicates, rejected=tuple(rejected))


def take_outcomes(draft: Draft, admitted: AdmittedOutcomes) -> Receipt:
    """Step what came of decisions, and log it. Who unsubscribes or complains withdraws consent with it."""
    rejected = list(admitted.rejected)
    joined = _already_joined(draft, admitted)
    duplicates, kept = 0, []
    for place, index in enumerate(admitted.index):
        problem = _stranger(draft, admitted, place)
        known = (int(admitted.decisions[place]), int(admitted.types[place]))
        if problem is not None:
            rejected.append(Rejection(index=index, field="decision_id", problem=problem))
        elif known in joined:
            duplicates += 1
        else:
            joined.add(known)
            kept.append(place)
    if kept:
        _step_outcomes(draft, admitted, kept)
    rejected.sort(key=lambda one: one.index)
    return Receipt(accepted=len(kept), duplicates=duplicates, rejected=tuple(rejected))


def _step(
    draft: Draft,
    kind: Kind,
    users: NDArray[np.int64],
    admitted: AdmittedEvents | AdmittedOutcomes,
    kept: list[int],
    **more: NDArray[np.int64],
) -> int:
    """Step some of what was admitted, and log it; return the log position of the first."""
    first = draft.numbers(len(kept))
    records = records_of(
        len(kept),
        kind=kind,
        number=np.arange(first, first + len(kept)),
        user=users,
        at_s=admitted.at_s[kept],
        ceil=admitted.ceil[kept],
        type=admitted.types[kept],
        value=admitted.values[kept],
        **more,
    )
    draft.fold(records)
    rows = zip(kept, users.tolist(), admitted.at_us[kept].tolist(), strict=True)
    draft.rows += [
        (position, int(kind), user, at_us, None, admitted.bodies[place])
        for position, (place, user, at_us) in enumerate(rows, first)
    ]
    return first


def _step_events(draft: Draft, admitted: AdmittedEvents, kept: list[int]) -> None:
    users = draft.users([admitted.user_ids[place] for place in kept])
    first = _step(draft, Kind.EVENT, users, admitted, kept)
    for position, place in enumerate(kept, first):
        event_id = admitted.event_ids[place]
        if event_id is not None:
            body = body_digest(_text(admitted, place))
            draft.keys[digest(_EVENT_KEY, event_id)] = (body, position, int(admitted.at_us[place]))


def _step_outcomes(draft: Draft, admitted: AdmittedOutcomes, kept: list[int]) -> None:
    _step(draft, Kind.OUTCOME, admitted.users[kept], admitted, kept, decision=admitted.decisions[kept])
    for place in kept:
        if int(admitted.types[place]) in _WITHDRAWALS:
            complained = int(admitted.types[place]) == _COMPLAINED
            withdraw(
                draft,
                int(admitted.users[place]),
                int(admitted.decisions[place]),
                int(admitted.at_us[place]),
                category=complained,
            )


def _repeats(draft: Draft, admitted: AdmittedEvents) -> Mapping[bytes, Known]:
    asked = [digest(_EVENT_KEY, event_id) for event_id in admitted.event_ids if event_id is not None]
    return recall(draft, asked) if asked else {}


def _sameness(
    admitted: AdmittedEvents, place: int, seen: Mapping[str, str], repeats: Mapping[bytes, Known]
) -> bool | None:
    """Return whether an event is the same as the one that came with its id before; None where none did."""
    event_id = admitted.event_ids[place]
    if event_id is None:
        return None
    if event_id in seen:
        return seen[event_id] == _text(admitted, place)
    known = repeats.get(digest(_EVENT_KEY, event_id))
    return None if known is None else known.body == body_digest(_text(admitted, place))


def _text(admitted: AdmittedEvents, place: int) -> str:
    """Return what makes an event the same as another: all but its time, which a repetition may leave to us."""
    return f"{admitted.user_ids[place]}\0{admitted.bodies[place]}"


def _stranger(draft: Draft, admitted: AdmittedOutcomes, place: int) -> str | None:
    """Return why an outcome is of no decision of this log."""
    if admitted.logs[place] != draft.desk.log_name:
        return f"is of another log ({admitted.logs[place]}): this one is {draft.desk.log_name}"
    user, decision = int(admitted.users[place]), int(admitted.decisions[place])
    unknown = "is no decision of this log: give the decision_id that a decision came with"
    if decision > draft.desk.position or user >= len(draft.desk.population):
        return unknown
    if is_tombstone(draft.desk.population.ids[user]):
        return "is of a user who was erased: nothing more is to be told of them"
    remembered = draft.desk.population.users["sent_number"][user] == decision & 0xFFFFFFFF
    if not remembered.any():  # forgotten, or never sent: the log knows
        row = next(iter(draft.rows_at(decision)), None)
        if row is not None and (row.user != user or row.action is None):
            return unknown
        if row is not None and row.action != Action.SEND:
            return "was not sent, so nothing can come of it"
    return None


def _already_joined(draft: Draft, admitted: AdmittedOutcomes) -> set[tuple[int, int]]:
    """Return which (decision, type) are marked on their slots already."""
    here = np.flatnonzero(admitted.users < len(draft.desk.population))
    if not len(here):
        return set()
    users = draft.desk.population.users[admitted.users[here]]
    decisions, types = admitted.decisions[here], admitted.types[here]
    of_decision = users["sent_number"] == (decisions & 0xFFFFFFFF).astype(np.uint32)[:, None]
    marked = (users["sent_outcomes"] >> types[:, None].astype(np.uint16)) & 1
    repeated = (of_decision & (users["sent_s"] > 0) & (marked > 0)).any(axis=1)
    return set(zip(decisions[repeated].tolist(), types[repeated].tolist(), strict=True))
