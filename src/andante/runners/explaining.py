"""Explaining: the model and profiles that a run left behind, opened to explain one user."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet

from andante.evaluation.explanation import Explanation, Plan, explain
from andante.frequency.storage import load_interest
from andante.profiles.scenarios import scenarios
from andante.vocabulary.fault import UnknownUser, UnreadableInput


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation with what stands around it: segment, target, cut-off, and the mean pace of all users."""

    explanation: Explanation
    persona: str
    target: str
    horizon_days: int
    cutoff: str
    mean_pace: float


def explain_user(user_id: str, out: Path) -> Explained:
    """Explain the pace of a user by the outputs in ``out``.

    Raises :class:`UnknownUser`, or :class:`UnreadableInput` when the folder holds no finished run.
    """
    folder = out / "model"
    plan = _plan(folder)
    rows = pyarrow.parquet.read_table(folder / "profiles.parquet", filters=pc.field("user_id") == user_id).to_pylist()
    if not rows:
        raise UnknownUser("user", user_id, f"is not in the plan of {out}", f"take an id from {out / 'frequencies.csv'}")
    names = plan["features"]
    model = load_interest(folder, names)
    values = {name: _number(rows[0][name]) for name in names}
    usual = [_number(value) for value in plan["usual"]]
    typical = dict(zip(names, usual, strict=True))
    return Explained(
        explanation=explain(
            user_id,
            values,
            model,
            Plan(**plan["plan"]),
            usual=usual,
            scenarios=scenarios(values, browses=typical["views"] > 0, pushed="pushes" in names),
        ),
        persona=rows[0]["persona"],
        target=plan["target"],
        horizon_days=plan["horizon_days"],
        cutoff=plan["cutoff"],
        mean_pace=plan["mean_pace"],
    )


def _plan(folder: Path) -> dict:  # type: ignore[type-arg]
    """Read the plan's line and the features' names."""
    try:
        return dict(json.loads((folder / "plan.json").read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise UnreadableInput(
            "model", folder, "holds no finished run", "run `andante run EVENTS... --out DIR` first"
        ) from error


def _number(value: float | None) -> float:
    """Return a number, NaN for unknown."""
    return math.nan if value is None else float(value)
