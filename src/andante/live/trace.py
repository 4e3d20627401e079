"""Trace: the whole path of one decision in numbers, events → profile → interest → plan → candidates → rules → index.

Nothing of it is guessed or kept for the purpose: the user's record is folded again up to the moment before the
decision, and the numbers are computed on it by the functions that decided (:mod:`andante.live.retracing`). Formulas
and letters are those of the methods, section D, and of the documentation's page "Pacing".
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from andante.live.deciding import read_decision
from andante.live.explanation import again, moments
from andante.live.instants import EPOCH, LAST, utc
from andante.live.retracing import retrace
from andante.live.trace_parts import Found, at_or_none, candidates, choice, interest, pace, profile
from andante.live.trace_shapes import Behaviour, Heard, Trace
from andante.vocabulary.flow import EVENT_CODES, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from andante.live.desk import Desk
    from andante.stores.contract import Row

LAST_HEARD = 20
"""How many events and outcomes before a decision a trace shows."""


def trace(desk: Desk, row: int, position: int) -> Trace | None:
    """Return the path of the decision that a position of the log holds on a user; None where it holds none, or no more.

    It reads the log in order up to there, and holds nothing of it: nobody need wait.
    """
    found = _found(desk, row, position)
    if found is None:
        return None
    logged, numbers = found.moment.run.logged, found.numbers
    decided = found.row._replace(user=row)
    offered = logged.offered[0]
    return Trace(
        decision=read_decision(desk, decided),
        user_id=desk.population.ids[row],
        at=at_or_none(numbers.known["at_s"]) or LAST,
        asked=Kind(decided.kind).name.lower(),
        origins=tuple(f"{desk.log_name}-{origin:x}-{row:x}" for origin in logged.origins[0]),
        exact=_is_exact(desk, found),
        behaviour=_behaviour(desk, found, row),
        profile=profile(found),
        interest=interest(found),
        pace=pace(found),
        candidates=tuple(candidates(found, offered)),
        choice=choice(found, offered),
    )


def _found(desk: Desk, row: int, position: int) -> Found | None:
    heard: deque[Row] = deque(maxlen=LAST_HEARD)
    for moment in moments(desk, row):
        (one,) = moment.run.rows
        if one.position == position and len(moment.run.asked):
            candidates = moment.run.candidates
            numbers = retrace(moment.before, moment.run.records, candidates, moment.parameters, desk.zones)
            return Found(one, list(heard), moment, numbers)
        if one.position >= position:
            break
        if one.kind in {Kind.EVENT, Kind.OUTCOME}:
            heard.append(one)
    return None


def _is_exact(desk: Desk, found: Found) -> bool:
    """Tell whether the step says today what the log says, and the numbers beside it are the step's."""
    logged, stepped = found.moment.run.logged, again(desk, found.moment)
    verdicts = stepped.verdicts
    numbers = found.numbers.verdicts
    return (
        _same(logged.decisions, stepped.decisions, logged.decisions.dtype.names or ())
        and _same(logged.verdicts, verdicts, verdicts.dtype.names or ())
        and _same(logged.verdicts, numbers, ("until_s", "index", "propensity", "open", "refused"))
    )


def _same(one: NDArray[np.void], other: NDArray[np.void], fields: Iterable[str]) -> bool:
    """Tell whether these fields are the same to the bit; an unknown number is the same as an unknown number."""
    return all(np.array_equal(one[field], other[field], equal_nan=one[field].dtype.kind == "f") for field in fields)


def _behaviour(desk: Desk, found: Found, row: int) -> Behaviour:
    user, left = found.numbers.user[0], found.numbers.known["counts_left"]
    counts = {name.value: float(user["counts"][code]) * left for name, code in EVENT_CODES.items()}
    return Behaviour(
        counts={name: round(count, 6) for name, count in counts.items()},
        last_purchase=utc(int(user["last_purchase_s"])) if user["last_purchase_s"] else None,
        last=tuple(_heard(desk, one, row) for one in reversed(found.heard)),
    )


def _heard(desk: Desk, one: Row, row: int) -> Heard:
    body: dict[str, Any] = msgspec.json.decode(one.body)
    decision = body.get("decision")
    return Heard(
        at=_instant(one.at_us),
        kind=Kind(one.kind).name.lower(),
        type=body["type"],
        item_id=body.get("item_id"),
        category=body.get("category"),
        value=body.get("rating", body.get("value")),
        decision_id=None if decision is None else f"{desk.log_name}-{decision:x}-{row:x}",
    )


def _instant(at_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=at_us)
