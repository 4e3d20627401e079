"""Plans as columns: what the slow clock planned for each user.

A plan comes as a list, as a mapping, as a table (pyarrow, pandas, polars), or as the path of the
``frequencies.parquet`` that ``andante run`` writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from andante.live import admission_shapes as shapes
from andante.live.admission_reading import DEPTH_MAX, ENCODER, listed, plain, written
from andante.live.admission_refusals import REFUSED, Refusal, explained, shown
from andante.vocabulary.fault import InputFault, MissingColumn, MissingExtra, UnreadableInput

Float32s = npt.NDArray[np.float32]

PACE_NAMES = ("plan_per_week", "pushes_per_week", "per_week", "frequency")
"""What the column of pushes per week may be called; the second is that of ``frequencies.parquet``."""


class PlanBody(Struct, gc=False):
    """What the log says of one user's plan; null is unknown."""

    per_week: float
    interest: float | None
    theta: float | None


@dataclass(frozen=True, slots=True)
class AdmittedPlan:
    """A plan as columns, one place a user, in the order given. Shape [n]; NaN is unknown."""

    user_ids: list[str]
    per_week: Float32s
    interest: Float32s
    theta: Float32s
    bodies: list[str]  # JSON


def admit_plan(plan: object, *, theta: float | None = None) -> AdmittedPlan:
    """Return a plan as columns. ``theta`` is the threshold of interest of those who bring none.

    Raises InputFault, naming the place (``plan[17].plan_per_week``), the value, the problem and the fix; a user who
    stands in it twice is one too. Raises MissingExtra where a file is given and the library that reads it is not
    installed.
    """
    columns = _columns(plan)
    _refuse_twins(columns.user_id)
    thetas = [theta if own is None else own for own in columns.theta or [None] * len(columns.user_id)]
    per_week = np.array(columns.plan_per_week, np.float32)
    interest = np.array(columns.interest or [None] * len(columns.user_id), np.float32)
    rows = (column.astype(np.float64).tolist() for column in (per_week, interest, np.array(thetas, np.float32)))
    return AdmittedPlan(
        columns.user_id, per_week, interest, np.array(thetas, np.float32), written(map(PlanBody, *rows))
    )


class _Entries(Struct):
    """A plan as a list of entries."""

    plan: list[shapes.PlanEntry]


class _Columns(Struct):
    """A plan as columns of equal length; None where no user has any."""

    user_id: list[shapes.Id]
    plan_per_week: list[shapes.PerWeek]
    interest: list[shapes.Share | None] | None = None
    theta: list[shapes.Share | None] | None = None


def _columns(plan: object) -> _Columns:
    if isinstance(plan, str | Path):
        return _from_table(_parquet(Path(plan)))
    if isinstance(plan, Mapping):
        return _checked({"user_id": list(plan.keys()), "plan_per_week": list(plan.values())})
    if hasattr(plan, "columns") or hasattr(plan, "column_names"):
        return _from_table(plan)
    return _from_entries(listed(plan, "plan", "give a list of entries, a mapping, a table, or the path of one"))


def _from_entries(items: list[Any]) -> _Columns:
    try:
        entries = _entries(items)
    except REFUSED:
        given = plain(items, DEPTH_MAX)
        try:
            entries = _entries(given)
        except REFUSED as error:
            raise explained(error, {"plan": given}, _Entries).fault() from None
    return _Columns(
        [entry.user_id for entry in entries],
        [entry.plan_per_week for entry in entries],
        [entry.interest for entry in entries],
        [entry.theta for entry in entries],
    )


def _entries(items: list[Any]) -> list[shapes.PlanEntry]:
    entries = msgspec.convert({"plan": items}, _Entries, from_attributes=True).plan
    ENCODER.encode(entries)
    return entries


def _from_table(table: Any) -> _Columns:
    """Return the columns of a table: whatever has named columns that turn into NumPy arrays."""
    names = [str(name) for name in (table.column_names if hasattr(table, "column_names") else table.columns)]
    pace = next((name for name in PACE_NAMES if name in names), None)
    if "user_id" not in names or pace is None:
        missing = "user_id" if "user_id" not in names else "plan_per_week"
        raise MissingColumn("the plan's column", missing, "is not there", f"the table has {', '.join(names[:12])}")
    found = {"user_id": "user_id", "plan_per_week": pace, "interest": "interest", "theta": "theta"}
    return _checked({field: table[name].to_numpy().tolist() for field, name in found.items() if name in names})


def _checked(columns: dict[str, list[Any]]) -> _Columns:
    """Return columns whose every value is in its bounds; NaN is no value where none is needed."""
    for field in {"interest", "theta"} & columns.keys():
        columns[field] = [None if value != value else value for value in columns[field]]  # noqa: PLR0124  NaN
    try:
        return _bounded(columns)
    except REFUSED:
        given = plain(columns, 2)
    try:
        return _bounded(given)
    except REFUSED as error:
        refusal = explained(error, given, _Columns)
        place = ("plan", *reversed(refusal.place))
        raise Refusal(place, refusal.value, refusal.problem, refusal.action).fault() from None


def _bounded(columns: dict[str, list[Any]]) -> _Columns:
    checked = msgspec.convert(columns, _Columns)
    ENCODER.encode(checked.user_id)  # refuses what UTF-8 cannot carry
    return checked


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415  deciding needs no pyarrow, reading a file of a plan does
    except ImportError:
        raise MissingExtra("a plan in a file", path, "needs pyarrow", "pip install 'andante[plan]'") from None
    try:
        return parquet.read_table(path)
    except (OSError, ValueError, ArrowException) as error:  # a path that the system cannot spell is a ValueError
        problem = f"cannot be read as Parquet ({error!r})"
        raise UnreadableInput("the plan", path, problem, "give the frequencies.parquet of andante run") from None


def _refuse_twins(user_ids: list[str]) -> None:
    if len(set(user_ids)) == len(user_ids):
        return
    seen: set[str] = set()
    for i, user_id in enumerate(user_ids):
        if user_id in seen:
            problem = "has a plan already"
            raise InputFault(f"plan[{i}].user_id", shown(user_id), problem, "give one entry a user")
        seen.add(user_id)
