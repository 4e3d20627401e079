"""Outputs: the six things that a run leaves behind, each of which reopens without Andante.

``frequencies.parquet`` and ``frequencies.csv`` (a pace for every user), ``metrics.json`` (quality, with
intervals and baselines), ``quality.json`` (the data), ``report.html`` (for people) and ``model/`` (for
``andante explain`` and the next run).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from andante.frequency.storage import save_interest
from andante.report.page import render
from andante.report.summary import RunSummary
from andante.report.words import Language
from andante.runners.learning import Learned
from andante.runners.planning import Planned

METRICS_VERSION = 1
PACE_DIGITS, INTEREST_DIGITS = 3, 5
FORMULA = r"^[=+\-@\t\r]"
"""Text that a spreadsheet would take for a formula; it gets an apostrophe in front in CSV, never in Parquet."""


def write_outputs(done: Planned, summaries: Mapping[Language, RunSummary], out: Path) -> tuple[Path, ...]:
    """Write all outputs into ``out``, which is made, and return their paths.

    There is one page a language; the first one's is report.html, and the others are named by their language.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = frequencies(done)
    paths = {
        name: out / name
        for name in (
            "frequencies.parquet",
            "frequencies.csv",
            "metrics.json",
            "quality.json",
            "report.html",
            "model",
        )
    }
    first = next(iter(summaries))
    pyarrow.parquet.write_table(table, paths["frequencies.parquet"])
    pyarrow.csv.write_csv(_escaped(table), paths["frequencies.csv"])
    _write_json(paths["metrics.json"], metrics(done, summaries[first]))
    _write_json(paths["quality.json"], {quality.table: quality.to_dict() for quality in done.qualities})
    for language, summary in summaries.items():
        name = "report.html" if language == first else f"report.{language}.html"
        paths[name] = out / name
        paths[name].write_text(render(summary, language=language), "utf-8")
    write_model(done, paths["model"])
    return tuple(paths.values())


def frequencies(done: Planned) -> pa.Table:
    """Return one row per user, sorted: pace, interest, persona, and the best pace by ratings if there are any."""
    labels = np.array([persona.name for persona in done.personas.personas], dtype=object)
    columns: dict[str, Any] = {
        "user_id": pa.array(done.frame.users, pa.string()),
        "pushes_per_week": np.round(done.pace, PACE_DIGITS),
        "interest": np.round(done.interest[done.learned[0].target], INTEREST_DIGITS),
        "persona": pa.array(labels[done.personas.labels], pa.string()),
    }
    for learned in done.learned:
        columns[f"interest_{learned.target}"] = np.round(done.interest[learned.target], INTEREST_DIGITS)
    if done.satisfied is not None:
        columns["most_satisfied_per_week"] = np.round(done.satisfied.best, PACE_DIGITS)
    return pa.table(columns)


def _escaped(table: pa.Table) -> pa.Table:
    """Defuse the text cells of a table for spreadsheets."""
    for i, name in enumerate(table.column_names):
        column = table.column(i)
        if pa.types.is_string(column.type):
            risky = pc.match_substring_regex(column, FORMULA)
            safe = pc.binary_join_element_wise(pa.scalar("'"), column, "")
            table = table.set_column(i, name, pc.if_else(risky, safe, column))
    return table


def metrics(done: Planned, summary: RunSummary) -> dict[str, Any]:
    """Return the figures of ``metrics.json``: what the page shows of the model and the plan, and more exactly."""
    return {
        "version": METRICS_VERSION,
        "run": asdict(summary.run),
        "plan": asdict(summary.plan),
        "targets": {learned.target: _quality(learned) for learned in done.learned},
        "drives_the_plan": done.learned[0].target,
        "segments": [asdict(persona) for persona in summary.personas],
        "budgets": [asdict(option) for option in summary.budgets],
        "associations": [asdict(rule) for rule in summary.associations],
        "satisfaction": None if summary.satisfaction is None else asdict(summary.satisfaction),
        "warnings": summary.warnings,
    }


def _quality(learned: Learned) -> dict[str, Any]:
    """Return how well one target is predicted on the held-out cut-offs, beside every baseline."""
    return {
        "model": learned.model,
        "features": len(learned.features),
        "trained_rows": learned.trained_rows,
        "held_out_cutoffs": learned.holdout,
        "rankings": [asdict(ranking) for ranking in learned.rankings],
        "calibration": asdict(learned.calibration),
        "cross_validation": [asdict(fold) for fold in learned.folds],
        "bands": asdict(learned.bands),
        "permutation_importance": [asdict(importance) for importance in learned.importances],
    }


def write_model(done: Planned, folder: Path) -> None:
    """Write what ``andante explain`` needs: interest model, plan, personas and every user's profile."""
    save_interest(done.learned[0].interest, done.learned[0].model, folder)
    _write_json(
        folder / "plan.json",
        {
            "version": METRICS_VERSION,
            "target": done.learned[0].target,
            "model": done.learned[0].model,
            "plan": asdict(done.plan),
            "features": done.frame.names,
            "usual": [None if np.isnan(v) else float(v) for v in np.nanmedian(done.frame.X, axis=0)],
            "mean_pace": float(done.pace.mean()),
            "cutoff": str(done.days.today),
            "horizon_days": done.days.horizon_days,
        },
    )
    _write_json(folder / "personas.json", done.personas.to_dict())
    names = np.array([persona.name for persona in done.personas.personas], dtype=object)[done.personas.labels]
    columns = {"user_id": done.frame.users, "persona": names}
    columns |= {name: done.frame.X[:, i] for i, name in enumerate(done.frame.names)}
    pyarrow.parquet.write_table(pa.table(columns), folder / "profiles.parquet")


def _write_json(path: Path, values: Any) -> None:
    """Write values as JSON that reads well and differs little between runs."""
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False, default=str) + "\n", "utf-8")
