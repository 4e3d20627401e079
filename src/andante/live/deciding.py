"""Requests and releases at the desk: candidates in, decisions logged, what is deferred kept waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from andante.live import answers
from andante.live.admission import AdmittedRequests, admit_requests
from andante.live.answers_bodies import FEW
from andante.live.answers_columns import decision_columns
from andante.live.decided import AdmittedT, Decided, finish
from andante.live.digests import digested, riders
from andante.live.instants import MICROSECONDS
from andante.live.keys import body_digest, digest, recall
from andante.live.policies import meet_channels, take_parameters
from andante.live.waiting import Waiter
from andante.stores.contract import Row
from andante.vocabulary.fault import Conflict, Fault
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import Action, Reason
from andante.vocabulary.records import Decision, Released, Request
from andante.vocabulary.state import NEVER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from andante.live.admission_columns import AdmittedColumns
    from andante.live.answers_columns import DecisionColumns
    from andante.live.desk import Desk, Draft
    from andante.vocabulary.records import Candidate

_REQUEST_KEY = "request"
_REQUEST, _RELEASE = int(Kind.REQUEST), int(Kind.RELEASE)
_DEFER, _SEND = int(Action.DEFER), int(Action.SEND)
RELEASED_TOGETHER = 1000
"""The most users whose due pushes are asked again in one commit."""

Finish = Callable[[], list[Decision]]
"""Makes the answer of what was decided; it may be called when the desk is another's."""


def take_columns(draft: Draft, admitted: AdmittedColumns) -> Callable[[], DecisionColumns]:
    """Decide a table of requests, and log them."""
    decided = decide(draft, admitted)
    return lambda: decision_columns(
        admitted.first,
        decided.stepped.decisions,
        decided.stepped.verdicts,
        positions=decided.positions,
        users=decided.users,
        log=decided.log,
        policy_version=decided.policy,
    )


@dataclass(frozen=True, slots=True)
class Question:
    """A call of ``decide``, before anything of it was looked at. It is a task: called with a draft, it is decided."""

    requests: Sequence[Any]
    now_us: int

    def __call__(self, draft: Draft) -> Finish:
        """Decide it by itself. Raises what ``admit_requests`` and ``take_requests`` raise."""
        return take_requests(draft, admit_requests(self.requests, draft.desk.names, now_us=self.now_us))


def ask_together(draft: Draft, questions: Sequence[Question]) -> Callable[[], list[list[Decision]]] | None:
    """Decide several calls as if they were one, which costs little more than one; None where one of them is at fault.

    Then nothing was done, and each is to be decided by itself.
    """
    if not all(isinstance(question.requests, list | tuple) for question in questions):
        return None
    every = [request for question in questions for request in question.requests]
    try:
        answer = take_requests(draft, admit_requests(every, draft.desk.names, now_us=questions[0].now_us))
    except Fault:
        return None
    ends = list(accumulate(len(question.requests) for question in questions))

    def split() -> list[list[Decision]]:
        decisions = answer()
        return [decisions[first:end] for first, end in zip([0, *ends], ends, strict=False)]

    return split


def take_requests(draft: Draft, admitted: AdmittedRequests) -> Finish:
    """Decide requests, and log them; one whose key was given before gets its first answer again.

    Raises Conflict where a key was given before with another body; nothing is decided then.
    """
    if any(admitted.keys):
        return _take_keyed(draft, admitted)
    return partial(finish, decide(draft, admitted))


def take_due(draft: Draft, now_us: int) -> Callable[[], list[Released]]:
    """Ask again what is due, all of one user at once, and log what is decided now."""
    desk = draft.desk
    due = desk.waiting.take_due(now_us // MICROSECONDS, RELEASED_TOGETHER)
    asked = [one for one in due if one.candidates]
    draft.settled += [position for one in due for position in one.settled]
    if not asked:
        return list
    ids = desk.population.ids
    requests = [Request(user_id=ids[one.user], candidates=one.candidates) for one in asked]
    admitted = admit_requests(requests, desk.names, now_us=now_us)
    decided = decide(draft, admitted, [one.origins for one in asked])

    def released() -> list[Released]:
        return [
            Released(
                user_id=request.user_id,
                decision=decision,
                origins=tuple(f"{desk.log_name}-{origin:x}-{one.user:x}" for origin in one.settled),
            )
            for request, decision, one in zip(requests, finish(decided), asked, strict=True)
        ]

    return released


def decide(draft: Draft, admitted: AdmittedT, origins: Sequence[tuple[int, ...]] | None = None) -> Decided[AdmittedT]:
    """Step requests, log what was decided, and let wait what is to be asked again.

    With ``origins``, the requests are releases: for each candidate, the decision that had deferred it.
    """
    desk, count = draft.desk, len(admitted.records)
    if count:
        meet_channels(draft, int(admitted.at_us[0]))
    users = draft.users(admitted.user_ids)
    first = draft.numbers(count)
    positions = np.arange(first, first + count)
    version = int(desk.deciding()["version"][0])
    records = admitted.records
    records["number"], records["user"] = positions, users
    if origins is not None:
        records["kind"] = _RELEASE
    stepped = draft.fold(records, admitted.candidates)
    decided = Decided(
        admitted, stepped, first, positions, users, version, desk.policies[version], desk.log_name, origins
    )
    if count > FEW:
        draft.rows.defer(range(first, first + count), decided.lines)
    else:
        draft.rows += decided.lines()
    _keep_waiting(draft, decided)
    if desk.budget.on:
        _hold_budget(draft, decided)
    return decided


def left_over(
    desk: Desk,
    candidates: tuple[Candidate, ...],
    decision: np.void,
    verdicts: NDArray[np.void],
    origins: Sequence[int],
) -> tuple[int, tuple[Candidate, ...]]:
    """Return until when what is left of a request that sent something waits, and which of its candidates.

    Two kinds wait on: a transactional push that may go out later, and what was deferred by another request than the
    one that won when both were asked again. Where there is none, there are no candidates.
    """
    chosen = int(decision["chosen"])
    transactional = {name for name, category in desk.settings.categories.items() if category.transactional}
    digests = digested(desk.settings.categories)
    riding = riders(candidates, chosen, verdicts["index"].tolist(), origins, digests) if digests else ()
    gone = {origins[place] for place in (chosen, *riding)} if len(origins) else set()
    left = [
        place
        for place, candidate in enumerate(candidates)
        if place != chosen
        and verdicts["until_s"][place] < NEVER_S
        and (candidate.category in transactional or (len(origins) > 0 and origins[place] not in gone))
    ]
    if not left:
        return 0, ()
    # Not before the next second: what could go out now has lost this moment to the one that did.
    due_s = max(int(verdicts["until_s"][left].min()), int(decision["at_s"]) + 1)
    return due_s, tuple(candidates[place] for place in left)


def _keep_waiting(draft: Draft, decided: Decided[Any]) -> None:
    """Let wait what is to be asked again: a deferred request as a whole, of one that sent what is left over."""
    decisions, admitted = decided.stepped.decisions, decided.admitted
    asked_again = decisions["action"] == _DEFER
    if len(decided.stepped.verdicts) > len(decisions):
        asked_again |= (decisions["action"] == _SEND) & (admitted.count > 1)
    if not asked_again.any():
        return
    places = np.flatnonzero(asked_again)
    desk = draft.desk
    stale_after_s = int(desk.deciding()["stale_after_s"][0])
    times = (decisions["send_at_s"], decisions["at_s"] + stale_after_s)
    columns = (decided.users, decisions["action"], admitted.count, *times)
    rows = zip(places.tolist(), *(column[places].tolist() for column in columns), strict=True)
    for place, user, action, pushes, send_at_s, last_s in rows:
        waiter = Waiter(decided.first + place, user, send_at_s, last_s, admitted.kept(place), place, pushes)
        if action == _SEND:
            due_s, left = _left_of(desk, decided, place)
            if not left:
                continue
            waiter = waiter._replace(due_s=due_s, offered=left)
        desk.waiting.add(waiter)
        draft.waiting.append((waiter.position, user, waiter.due_s))


def _left_of(desk: Desk, decided: Decided[Any], place: int) -> tuple[int, tuple[Candidate, ...]]:
    offered, first = decided.admitted.offered(place), int(decided.admitted.first[place])
    verdicts = decided.stepped.verdicts[first : first + len(offered)]
    origins = decided.origins[place] if decided.origins else ()
    return left_over(desk, offered, decided.stepped.decisions[place], verdicts, origins)


def _hold_budget(draft: Draft, decided: Decided[Any]) -> None:
    """Count what went out by the plan, and move the shadow price where that is due."""
    desk, decisions = draft.desk, decided.stepped.decisions
    sent = np.flatnonzero((decisions["action"] == _SEND) & (decisions["reason"] != Reason.TRANSACTIONAL))
    index = decided.stepped.verdicts["index"][decided.admitted.first[sent] + decisions["chosen"][sent]]
    at_s = int(decided.admitted.at_s.max())
    if desk.budget.count(len(sent), float(index.sum()), at_s):
        reachable = int(np.count_nonzero(desk.population.users["channels_given"]))
        moved = desk.budget.moved(desk.deciding(), reachable, at_s)
        if moved is not None:
            take_parameters(draft, moved, "budget", at_s * MICROSECONDS)


def _take_keyed(draft: Draft, admitted: AdmittedRequests) -> Finish:
    """Decide those requests whose keys are new, and find the decisions of the others."""
    digests = [None if key is None else digest(_REQUEST_KEY, key) for key in admitted.keys]
    bodies = [body_digest(msgspec.msgpack.encode(request)) for request in admitted.requests]
    known = recall(draft, [key for key in digests if key is not None])
    fresh: list[int] = []
    leader: dict[bytes, int] = {}  # the first request of this call with a new key
    for place, key in enumerate(digests):
        if key is None:
            fresh.append(place)
        elif key in known:
            _insist(known[key].body == bodies[place], admitted, place)
        elif key in leader:
            _insist(bodies[leader[key]] == bodies[place], admitted, place)
        else:
            leader[key] = place
            fresh.append(place)
    rows = {
        place: known[key].row or _gone(admitted, place)
        for place, key in enumerate(digests)
        if key is not None and key in known
    }
    decided = None
    if fresh:
        subset = _subset(draft, admitted, fresh)
        decided = decide(draft, subset)
        for position, place in enumerate(fresh, decided.first):
            key = digests[place]
            if key is not None:
                draft.keys[key] = bodies[place], position, int(admitted.at_us[place])

    def answer() -> list[Decision]:
        new = dict(zip(fresh, finish(decided) if decided else [], strict=True))
        again = {place: read_decision(draft.desk, Row(*row)) for place, row in rows.items()}
        twins = {
            place: new[leader[key]]
            for place, key in enumerate(digests)
            if key is not None and place not in new and place not in again
        }
        return [value for _, value in sorted((new | again | twins).items())]

    return answer


def read_decision(desk: Desk, row: Row) -> Decision:
    """Return the answer that a logged decision was given."""
    read = answers.read_decisions([row.body], [row.action or 0], desk.names)
    return answers.decisions(
        [Request(user_id=desk.population.ids[row.user], candidates=read.offered[0])],
        read.count,
        read.decisions,
        read.verdicts,
        log=desk.log_name,
        positions=np.array([row.position]),
        users=np.array([row.user]),
        policy_version=desk.policies[int(read.parameters[0])],
    )[0]


def _subset(draft: Draft, admitted: AdmittedRequests, places: list[int]) -> AdmittedRequests:
    """Return some of the requests, as if they alone had been admitted."""
    if len(places) == len(admitted.requests):
        return admitted
    alone = admit_requests(
        [admitted.requests[place] for place in places], draft.desk.names, now_us=int(admitted.at_us[0])
    )
    alone.at_us[:] = admitted.at_us[places]
    for field in ("at_s", "ceil"):
        alone.records[field] = admitted.records[field][places]
    return alone


def _gone(admitted: AdmittedRequests, place: int) -> Row:
    raise Conflict(
        f"requests[{place}].idempotency_key",
        admitted.keys[place],
        "was given before, but its decision is older than the log is kept",
        "take a new key for a new request",
    )


def _insist(same: bool, admitted: AdmittedRequests, place: int) -> None:  # noqa: FBT001  an answer, not a choice
    if not same:
        raise Conflict(
            f"requests[{place}].idempotency_key",
            admitted.keys[place],
            "was given before with another body",
            "repeat the first body to get its answer, or take a new key for a new request",
        )
