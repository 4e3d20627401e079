"""Answers: what the step decided, as the records that callers read, and as the bodies that the log keeps."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, reduce
from itertools import repeat
from math import isnan
from operator import or_
from typing import Any

import numpy as np
import numpy.typing as npt

from andante.live.admission_requests import write_candidates
from andante.live.answers_bodies import (
    Fields,
    ReadDecisions,
    bodies,
    read_decisions,
    read_events,
    read_outcomes,
    read_plans,
)
from andante.live.instants import CALENDAR_END_S, Int64s, utc
from andante.vocabulary.flow import DECISION, NO_CHOICE, VERDICT
from andante.vocabulary.reason import RULES, Action, Reason
from andante.vocabulary.records import Candidate, Decision, Request, Verdict

__all__ = [
    "BY_DEFAULT",
    "ReadDecisions",
    "bodies",
    "decision_ids",
    "decisions",
    "read_decisions",
    "read_events",
    "read_outcomes",
    "read_plans",
    "reason_names",
    "verdicts",
    "write_candidates",
]

Array = npt.NDArray[np.void]

BY_DEFAULT = "consent_by_default"
"""The last reason of every decision on a user whose consent nobody recorded, where the shop's default is to allow."""

PACE_UNITS = 1e6
"""A pace that callers read is in whole millionths, so that 0.3 reads as 0.3; the log keeps every bit."""

_DECIDED = Fields(DECISION, ["chosen", "action", "reason", "send_at_s", "propensity", "plan_per_week", "by_default"])
_VERDICT = Fields(VERDICT, ["reason", "refused", "until_s", "index", "propensity"])


def decision_ids(log: str, positions: Int64s, users: Int64s) -> list[str]:
    """Return the id of each decision: its log, its position in it and its user's row number.

    >>> decision_ids("3fa2c1", np.array([27]), np.array([7]))
    ['3fa2c1-1b-7']
    """
    return list(map((log + "-%x-%x").__mod__, zip(positions.tolist(), users.tolist(), strict=True)))


def decisions(  # noqa: PLR0913  what an answer holds
    requests: Sequence[Request],
    count: npt.NDArray[Any],
    decided: Array,
    found: Array,
    *,
    log: str,
    positions: Int64s,
    users: Int64s,
    policy_version: str,
) -> list[Decision]:
    """Return the decisions on requests, in order.

    ``decided`` is DECISION, shape [n], and ``found`` VERDICT, flat, [m], ``count`` a request. ``positions`` are those
    in the log, ``users`` row numbers.
    """
    refused: list[int] = found["refused"].tolist()
    rows = zip(
        requests,
        repeat(1) if len(found) == len(requests) else count.tolist(),
        decision_ids(log, positions, users),
        _DECIDED.rows(decided),
        strict=False,
    )
    answers: list[Decision] = []
    end = 0
    for request, size, decision_id, (chosen, action, reason, send_at_s, propensity, per_week, default) in rows:
        first, end = end, end + size
        if chosen == NO_CHOICE:
            candidate_id = channel = None
            bits = refused[first] if size == 1 else reduce(or_, refused[first:end])
        else:
            candidate = request.candidates[chosen]
            candidate_id, channel = candidate.candidate_id, candidate.channel
            bits = refused[first + chosen]
        answers.append(
            Decision(
                decision_id=decision_id,
                action=_ACTIONS[action],
                candidate_id=candidate_id,
                channel=channel,
                send_at=None
                if action == _SUPPRESS or send_at_s > CALENDAR_END_S
                else datetime.fromtimestamp(send_at_s, UTC),
                reasons=_reasons(reason, bits, default),
                propensity=propensity,
                plan_per_week=(per_week * PACE_UNITS + 0.5) // 1 / PACE_UNITS,
                policy_version=policy_version,
            )
        )
    return answers


def verdicts(offered: Sequence[Sequence[Candidate]], found: Array) -> list[tuple[Verdict, ...]]:
    """Return what the step thought of each candidate of each request. ``found`` is VERDICT, flat, [m]."""
    rows = iter(_VERDICT.rows(found))
    return [tuple(_verdict(candidate.candidate_id, next(rows)) for candidate in candidates) for candidates in offered]


def reason_names(reason: int, refused: int = 0, by_default: bool = False) -> tuple[str, ...]:  # noqa: FBT001, FBT002  by place, as it is cached
    """Return the reasons of a decision: the one that binds, then every other rule that refused.

    >>> reason_names(Reason.QUIET_HOURS, 1 << Reason.QUIET_HOURS | 1 << Reason.GAP)
    ('quiet_hours', 'gap')
    """
    return _reasons(int(reason), int(refused), by_default)


def _verdict(candidate_id: str, row: tuple[Any, ...]) -> Verdict:
    reason, refused, until_s, index, propensity = row
    return Verdict(
        candidate_id=candidate_id,
        reason=_REASONS[reason],
        refused_by=_rules(refused),
        allowed_at=utc(until_s),
        index=None if isnan(index) else index,
        propensity=propensity,
    )


_ACTIONS = tuple(action.name.lower() for action in sorted(Action))
_SUPPRESS = int(Action.SUPPRESS)
_REASONS = {int(reason): reason.name.lower() for reason in Reason}


@cache
def _rules(refused: int) -> tuple[str, ...]:
    return tuple(_REASONS[rule] for rule in RULES if refused >> rule & 1)


@cache
def _reasons(reason: int, refused: int, by_default: bool) -> tuple[str, ...]:  # noqa: FBT001  by place, for the cache
    first = _REASONS[reason]
    others = tuple(name for name in _rules(refused) if name != first)
    return (first, *others, BY_DEFAULT) if by_default else (first, *others)
