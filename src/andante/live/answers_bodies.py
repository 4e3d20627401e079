"""Bodies of the log: what is kept of a decision as JSON, and the same arrays again out of it.

Reading gives back every bit: floats are written as the shortest text that reads the same, and NaN as null. So a replay
compares what it recomputes with what was logged, field by field. Infinite numbers are in no body.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat, starmap
from math import nan
from operator import itemgetter
from struct import Struct as Layout
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from andante.live.admission_plan import PlanBody
from andante.live.admission_reading import written as written_json
from andante.live.admission_requests import candidate_array
from andante.live.admission_stream import EVENT_TYPES, OUTCOME_TYPES, EventBody, Float64s, OutcomeBody
from andante.live.instants import Int64s, UInt8s
from andante.live.names import Names
from andante.vocabulary.flow import DECISION, VERDICT
from andante.vocabulary.records import Candidate

Array = npt.NDArray[np.void]

FEW = 8
"""Up to so many rows, an array gives its rows faster than its fields."""

RUN = 512
"""So many bodies are read at a time, which stay in the processor's cache until they are columns."""


class DecisionBody(Struct, gc=False):
    """A DECISION as the log says it; its action stands in the row."""

    chosen: int
    reason: int
    send_at_s: int
    at_s: int
    propensity: float | None
    plan_per_week: float | None
    reservation: float | None
    credit: float | None
    fatigue: float | None
    habituation: float | None
    explored: int
    by_default: int


class VerdictBody(Struct, gc=False):
    """A VERDICT as the log says it."""

    reason: int
    refused: int
    until_s: int
    index: float | None
    propensity: float | None
    open: float | None


class WrittenBody(Struct, omit_defaults=True, gc=False):
    """The body of a request or a release as it is written: its candidates are JSON already."""

    candidates: msgspec.Raw
    decision: DecisionBody
    verdicts: Sequence[VerdictBody]
    parameters: int  # version
    key: str | None = None
    origins: Sequence[int] = ()  # numbers of the decisions whose deferred candidates are asked for again


class ReadBody(Struct, gc=False):
    """The same body as it is read."""

    candidates: tuple[Candidate, ...]
    decision: DecisionBody
    verdicts: tuple[VerdictBody, ...]
    parameters: int
    key: str | None = None
    origins: tuple[int, ...] = ()


class OfferedBody(Struct, gc=False):
    """Of the same body, the candidates alone."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class ReadDecisions:
    """Logged requests or releases as columns, in the order given. Shape [n]; candidates and verdicts are flat, [m]."""

    bodies: Sequence[str]
    first: Int64s  # where the candidates of a request begin
    count: UInt8s
    candidates: Array  # CANDIDATE
    decisions: Array  # DECISION
    verdicts: Array  # VERDICT
    parameters: Int64s  # version
    keys: list[str | None]
    origins: list[tuple[int, ...]]

    @property
    def offered(self) -> list[tuple[Candidate, ...]]:
        """The candidates of each request as records. They are read when asked for: a replay of millions never asks."""
        return [row.candidates for row in map(_OFFERED.decode, self.bodies)]


class Fields:
    """Some fields of a dtype, to be taken out of its arrays as lists."""

    def __init__(self, dtype: np.dtype[np.void], names: Sequence[str]) -> None:
        """Find the fields of these names."""
        self._names = tuple(names)
        self._places = itemgetter(*map((dtype.names or ()).index, names))

    def rows(self, array: Array) -> Iterable[tuple[Any, ...]]:
        """Return these fields of each row. A few rows are taken as they are, which is cheapest there."""
        if len(array) <= FEW:
            return map(self._places, array.tolist())
        return zip(*(array[name].tolist() for name in self._names), strict=True)


_DECISION = Fields(DECISION, DecisionBody.__struct_fields__)
_VERDICT = Fields(VERDICT, VerdictBody.__struct_fields__)


def bodies(  # noqa: PLR0913  what a body holds
    written: Sequence[msgspec.Raw],
    count: npt.NDArray[Any],
    decisions: Array,
    verdicts: Array,
    *,
    parameters: int,
    keys: Sequence[str | None] | None = None,
    origins: Sequence[Sequence[int]] | None = None,
) -> list[str]:
    """Return the JSON body of each request's row, in order.

    ``written`` and ``count`` are those of the admitted requests; ``decisions`` has shape [n], ``verdicts`` is flat,
    [m].
    """
    said = list(starmap(VerdictBody, _VERDICT.rows(verdicts)))
    grouped: Iterable[Sequence[VerdictBody]] = zip(said)  # one a request
    if len(said) > len(written):
        ends = list(accumulate(count.tolist()))
        grouped = (said[first:end] for first, end in zip([0, *ends], ends, strict=False))
    rows = zip(
        written,
        starmap(DecisionBody, _DECISION.rows(decisions)),
        grouped,
        repeat(parameters),
        keys or repeat(None),
        origins or repeat(()),
        strict=False,
    )
    return written_json(starmap(WrittenBody, rows))


def read_decisions(bodies: Sequence[str], actions: Sequence[int], names: Names) -> ReadDecisions:
    """Return logged requests or releases as columns. ``actions`` are those of their rows.

    Raises ``msgspec.DecodeError`` for a damaged body, and InputFault for a name that has no code.
    """
    runs = [_read(bodies[start : start + RUN], names) for start in range(0, len(bodies), RUN)] or [_read([], names)]
    columns: Iterable[Any] = runs[0].columns
    if len(runs) > 1:
        columns = (np.concatenate(parts) for parts in zip(*(run.columns for run in runs), strict=True))
    count, candidates, decisions, verdicts, parameters = columns
    decisions["action"] = actions
    return ReadDecisions(
        bodies,
        np.cumsum(count, dtype=np.int64) - count,
        count,
        candidates,
        decisions,
        verdicts,
        parameters,
        list(chain.from_iterable(run.keys for run in runs)),
        list(chain.from_iterable(run.origins for run in runs)),
    )


class _Run(NamedTuple):
    columns: tuple[UInt8s, Array, Array, Array, Int64s]
    keys: list[str | None]
    origins: list[tuple[int, ...]]


def _read(bodies: Sequence[str], names: Names) -> _Run:
    rows = list(map(_REQUEST.decode, bodies))
    columns = (
        np.array([len(row.candidates) for row in rows], np.uint8),
        candidate_array(list(chain.from_iterable([row.candidates for row in rows])), names),
        _decisions([row.decision for row in rows]),
        _verdicts(chain.from_iterable([row.verdicts for row in rows])),
        np.array([row.parameters for row in rows], np.int64),
    )
    return _Run(columns, [row.key for row in rows], [row.origins for row in rows])


def read_events(bodies: Sequence[str]) -> tuple[UInt8s, Float64s]:
    """Return types and values of logged events, as they were admitted. Shape [n] each."""
    rows = list(map(_EVENT.decode, bodies))
    values = np.array([row.value or 0.0 for row in rows], np.float64)
    return np.array([EVENT_TYPES[row.type] for row in rows], np.uint8), values


def read_outcomes(bodies: Sequence[str]) -> tuple[Int64s, UInt8s, Float64s]:
    """Return decisions, types and values of logged outcomes, as they were admitted. Shape [n] each."""
    rows = list(map(_OUTCOME.decode, bodies))
    return (
        np.array([row.decision for row in rows], np.int64),
        np.array([OUTCOME_TYPES[row.type] for row in rows], np.uint8),
        np.array([row.rating or row.value or 0.0 for row in rows], np.float64),
    )


def read_plans(bodies: Sequence[str]) -> tuple[Float64s, Float64s, Float64s]:
    """Return pushes per week, interest and theta of logged plans; NaN is unknown. Shape [n] each."""
    rows = list(map(_PLAN.decode, bodies))
    columns = ([row.per_week for row in rows], [row.interest for row in rows], [row.theta for row in rows])
    per_week, interest, theta = (np.array(column, np.float64) for column in columns)
    return per_week, interest, theta


_REQUEST = msgspec.json.Decoder(ReadBody)
_OFFERED = msgspec.json.Decoder(OfferedBody)
_EVENT = msgspec.json.Decoder(EventBody)
_OUTCOME = msgspec.json.Decoder(OutcomeBody)
_PLAN = msgspec.json.Decoder(PlanBody)


def _decisions(rows: Iterable[DecisionBody]) -> Array:
    packed = [
        _packed_decision(
            row.at_s,
            row.send_at_s,
            nan if row.propensity is None else row.propensity,
            nan if row.reservation is None else row.reservation,
            nan if row.plan_per_week is None else row.plan_per_week,
            nan if row.credit is None else row.credit,
            nan if row.fatigue is None else row.fatigue,
            nan if row.habituation is None else row.habituation,
            row.chosen,
            row.reason,
            row.explored,
            row.by_default,
        )
        for row in rows
    ]
    return np.ndarray(len(packed), DECISION, bytearray(b"".join(packed)))


def _verdicts(rows: Iterable[VerdictBody]) -> Array:
    packed = [
        _packed_verdict(
            row.until_s,
            nan if row.index is None else row.index,
            nan if row.propensity is None else row.propensity,
            nan if row.open is None else row.open,
            row.refused,
            row.reason,
        )
        for row in rows
    ]
    return np.ndarray(len(packed), VERDICT, bytearray(b"".join(packed)))


# The fields of DECISION, its action left out, and of VERDICT as bytes: the cheapest way from records to arrays.
_packed_decision = Layout("<qqddffffbxBBB3x").pack
_packed_verdict = Layout("<qddfIB7x").pack
