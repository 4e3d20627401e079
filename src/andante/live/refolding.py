"""From the log back to records: what recovery, replay and explanation step again.

Rows are taken in runs between publications of parameters, since a record is stepped under those that held when it was
logged.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from andante.live.admission import admit_standing, preference_entries
from andante.live.answers import read_decisions, read_events, read_outcomes, read_plans
from andante.live.desk import records_of
from andante.vocabulary.flow import CANDIDATE, Kind
from andante.vocabulary.parameters import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from andante.live.answers import ReadDecisions
    from andante.live.names import Names
    from andante.stores.contract import Row

_MICROSECONDS = 1_000_000
_PARAMETERS, _NOTE = int(Kind.PARAMETERS), int(Kind.NOTE)


class Run(NamedTuple):
    """Rows in their order, as the step takes them."""

    rows: list[Row]
    records: NDArray[np.void]  # (n,) of RECORD
    candidates: NDArray[np.void]  # (m,) of CANDIDATE
    asked: NDArray[np.int64]  # places of requests and releases among the records
    logged: ReadDecisions  # what was decided then; a row per place in ``asked``


class Published(NamedTuple):
    """Parameters that hold from here on."""

    row: Row
    parameters: NDArray[np.void]  # (1,) of PARAMETERS
    policy: str


class _ParametersBody(msgspec.Struct):
    parameters: str
    policy_version: str


def runs(rows: Iterable[Sequence[Row]], names: Names) -> Iterator[Run | Published]:
    """Yield the rows of a log, given in lists, as runs and publications, in their order."""
    for chunk in rows:
        begun: list[Row] = []
        for row in chunk:
            if row.kind == _PARAMETERS:
                if begun:
                    yield run(begun, names)
                    begun = []
                yield published(row)
            elif row.kind != _NOTE:
                begun.append(row)
        if begun:
            yield run(begun, names)


def published(row: Row) -> Published:
    """Return the parameters that a row published."""
    body = msgspec.json.decode(row.body, type=_ParametersBody)
    return Published(row, np.frombuffer(bytearray(b64decode(body.parameters)), PARAMETERS), body.policy_version)


def run(rows: list[Row], names: Names) -> Run:
    """Return rows, none of which publishes parameters, as the step takes them."""
    kinds = np.array([row.kind for row in rows], np.uint8)
    at_us = np.array([row.at_us for row in rows], np.int64)
    records = records_of(
        len(rows),
        kind=kinds,
        number=[row.position for row in rows],
        user=[row.user for row in rows],
        at_s=at_us // _MICROSECONDS,
        ceil=at_us % _MICROSECONDS > 0,
    )
    asked = np.flatnonzero((kinds == Kind.REQUEST) | (kinds == Kind.RELEASE))
    logged = read_decisions(_bodies(rows, asked), [rows[place].action or 0 for place in asked], names)
    records["first"][asked], records["count"][asked] = logged.first, logged.count
    places = np.flatnonzero(kinds == Kind.EVENT)
    records["type"][places], records["value"][places] = read_events(_bodies(rows, places))
    places = np.flatnonzero(kinds == Kind.OUTCOME)
    records["decision"][places], records["type"][places], records["value"][places] = read_outcomes(
        _bodies(rows, places)
    )
    places = np.flatnonzero(kinds == Kind.PLAN)
    records["per_week"][places], records["interest"][places], records["theta"][places] = read_plans(
        _bodies(rows, places)
    )
    for place in np.flatnonzero(kinds == Kind.PREFERENCES):
        row = rows[place]
        wished = admit_standing("", preference_entries(row.body), names, at_us=row.at_us).record
        wished["number"], wished["user"] = row.position, row.user
        records[place] = wished[0]
    return Run(rows, records, logged.candidates if len(asked) else np.zeros(0, CANDIDATE), asked, logged)


def _bodies(rows: list[Row], places: NDArray[np.int64]) -> list[str]:
    return [rows[place].body for place in places]
