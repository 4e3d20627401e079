"""Exporting: everything that the engine holds of one user, in words, to take along.

Codes become names and times RFC 3339, so that another controller's machine can read it, and the user too. What
retention has dropped is in ``user`` alone: the record outlives the rows that made it. Sources: GDPR Art. 15 and 20,
PIPL Art. 45.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from andante.live import answers
from andante.live.instants import EPOCH, MICROSECONDS, utc
from andante.live.views import view
from andante.stores.contract import Erasing
from andante.vocabulary.fault import StoreFault
from andante.vocabulary.flow import Kind
from andante.vocabulary.records import Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from andante.live.desk import Desk
    from andante.stores.contract import Row

FORMAT, VERSION = "andante.export", 1

_WORDS = {
    Kind.EVENT: "events",
    Kind.REQUEST: "decisions",
    Kind.RELEASE: "decisions",
    Kind.OUTCOME: "outcomes",
    Kind.PREFERENCES: "preference_changes",
    Kind.PLAN: "plans",
}


def standing(desk: Desk, row: int, at_s: int) -> dict[str, Any]:
    """Return what holds for a user now. Whoever sits at the desk must hold the chair."""
    wishes = desk.store.preferences(row)
    return {
        "format": FORMAT,
        "version": VERSION,
        "log": desk.log_name,
        "user_id": desk.population.ids[row],
        "exported_at": _stamp(at_s * MICROSECONDS),
        "user": view(desk, row, at_s).to_dict(),
        "preferences": {
            key: {"value": json.loads(one.value), "at": _stamp(one.at_us)} for key, one in sorted(wishes.items())
        },
        "waiting": [
            {
                "decision_id": _decision_id(desk, waiter.position, row),
                "due_at": _plain(utc(waiter.due_s)),
                "candidates": _plain(waiter.candidates),
            }
            for waiter in desk.waiting.of_user(row)
        ],
    }


def history(desk: Desk, row: int) -> dict[str, list[dict[str, Any]]]:
    """Return what the log has of a user: lists of events, decisions, outcomes, preference changes and plans.

    It reads the log to its end while the engine works, so nobody waits for it.
    """
    if not isinstance(desk.store, Erasing):
        raise StoreFault(
            "store", type(desk.store).__name__, "cannot find one user's rows", "open the log with a store that can"
        )
    told: dict[str, list[dict[str, Any]]] = {word: [] for word in dict.fromkeys(_WORDS.values())}
    for rows in desk.store.rows_of(row):
        kinds: dict[str, list[Row]] = defaultdict(list)
        for one in rows:
            if one.kind in _WORDS:
                kinds[_WORDS[Kind(one.kind)]].append(one)
        decided = kinds.pop("decisions", [])
        if decided:
            told["decisions"] += _decisions(desk, decided)
        for word, several in kinds.items():
            told[word] += [{"at": _stamp(one.at_us), **_body(desk, one)} for one in several]
    return told


def _body(desk: Desk, row: Row) -> dict[str, Any]:
    """Return the body of a row with the names of the surface."""
    body: dict[str, Any] = json.loads(row.body)
    if row.kind == Kind.OUTCOME:
        body["decision_id"] = _decision_id(desk, body.pop("decision"), row.user)
    if row.kind == Kind.PLAN:
        body["plan_per_week"] = body.pop("per_week", None)
    return body


def _decisions(desk: Desk, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return decisions with all that they were taken from."""
    read = answers.read_decisions([row.body for row in rows], [row.action or 0 for row in rows], desk.names)
    offered = read.offered
    decided = answers.decisions(
        [Request(user_id="", candidates=candidates) for candidates in offered],
        read.count,
        read.decisions,
        read.verdicts,
        log=desk.log_name,
        positions=np.array([row.position for row in rows]),
        users=np.array([row.user for row in rows]),
        policy_version="",
    )
    verdicts = answers.verdicts(offered, read.verdicts)
    return [
        {
            **decision.to_dict(),
            "policy_version": desk.policies.get(version, ""),
            "at": _stamp(row.at_us),
            "kind": Kind(row.kind).name.lower(),
            **_moment(taken),
            "candidates": _plain(candidates),
            "verdicts": _plain(judged),
            **({} if key is None else {"idempotency_key": key}),
            **({"origins": [_decision_id(desk, origin, row.user) for origin in origins]} if origins else {}),
        }
        for row, decision, version, taken, candidates, judged, key, origins in zip(
            rows,
            decided,
            read.parameters.tolist(),
            read.decisions,
            offered,
            verdicts,
            read.keys,
            read.origins,
            strict=True,
        )
    ]


def _moment(taken: np.void) -> Mapping[str, float | None]:
    """Return what the plan and the user's pressure were when a decision was taken."""
    fields = ("credit", "fatigue", "habituation", "reservation")
    return {name: None if np.isnan(taken[name]) else float(taken[name]) for name in fields}


def _decision_id(desk: Desk, position: int, user: int) -> str:
    return f"{desk.log_name}-{position:x}-{user:x}"


def _stamp(at_us: int) -> str:
    """Return microseconds since 1970 as RFC 3339."""
    written: str = msgspec.to_builtins(EPOCH + timedelta(microseconds=at_us))
    return written


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
