"""``andante run``: logs in, a pace for every user out, with a table and a report."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from andante.settings import load, warnings

if TYPE_CHECKING:
    from andante.evaluation.ranking import Interval, Ranking
    from andante.report.summary import RunSummary
    from andante.runners.learning import Learned

SCORE_WORDS = {
    "recency_days": "recency alone",
    "gap_days": "frequency alone",
    "active_days": "active days alone",
    "active_days_90d": "active days of 90 alone",
    "response_rate": "past answers alone",
}


def run(
    events: Annotated[
        list[str], typer.Argument(help="Behaviour logs: files, folders or patterns.", show_default=False)
    ],
    messages: Annotated[list[str] | None, typer.Option(help="Message log: pushes sent and what came of them.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the outputs; it is made.")] = Path("out"),
    model: Annotated[
        str | None, typer.Option(help="Family of the interest model: forest, linear or thresholds.")
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Mean pushes per user-week over all users.")] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="TOML that says what the columns of a log mean.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration (TOML); see `andante check`.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Days that interest looks ahead.")] = None,
    response_days: Annotated[int, typer.Option(help="Days in which a push can be answered.")] = 7,
    seed: Annotated[int | None, typer.Option(help="Seed of all chance.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the shop, for the report.")] = None,
    language: Annotated[str, typer.Option(help="Language of the report: en, zh, or both as en,zh.")] = "en",
    profiles: Annotated[
        Path | None, typer.Option(help="File that keeps profiles between runs; give it new logs only.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of tables.")] = False,
) -> None:
    """Learn every user's interest from a shop's logs and plan how many pushes a week each one gets.

    Writes frequencies.parquet, frequencies.csv, metrics.json, quality.json, report.html and model/ into the
    folder of --out.
    """
    said = {
        "ANDANTE_PLAN__MODEL": model,
        "ANDANTE_BUDGET__PER_USER_WEEK": budget,
        "ANDANTE_PLAN__HORIZON_DAYS": horizon,
        "ANDANTE_PLAN__SEED": seed,
    }
    settings = load(config, _environ(said))
    from andante.ingest.mapping import Mapping
    from andante.runners.outputs import metrics, write_outputs
    from andante.runners.planning import Job, plan_pushes
    from andante.runners.summarising import summarise

    out.mkdir(parents=True, exist_ok=True)
    job = Job(
        events=tuple(events),
        messages=tuple(messages or ()),
        settings=settings,
        mapping=None if mapping is None else Mapping.read(mapping),
        quarantine=out / "quarantine",
        now=datetime.now(UTC),
        response_days=response_days,
        profiles=profiles,
    )
    console = Console(stderr=True)
    with console.status("starting") as status:
        done = plan_pushes(job, progress=lambda step: status.update(step + " …"))
        status.update("writing the outputs …")
        facts = {"name": name or out.resolve().name, "command": _command()}
        summaries = {spoken: summarise(job, done, **facts, language=spoken) for spoken in _languages(language)}
        paths = write_outputs(done, summaries, out)
    summary = next(iter(summaries.values()))
    if as_json:
        sys.stdout.write(json.dumps(metrics(done, summary), ensure_ascii=False, default=str) + "\n")
    else:
        show(summary, done.learned, paths, Console())
        for doubt in warnings(config, _environ(said)):
            typer.echo(f"• configuration: {doubt}")


def _command() -> str:
    """Return the command line as one would type it."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _languages(wanted: str) -> tuple[Any, ...]:
    """Read the languages of the report."""
    languages = tuple(part.strip() for part in wanted.split(","))
    if not set(languages) <= {"en", "zh"}:
        raise typer.BadParameter(f"{wanted!r} is not en, zh or en,zh", param_hint="--language")
    return languages


def _environ(said: Mapping[str, object]) -> dict[str, str]:
    """Return the environment with what was said on the command line over it, to be checked as all settings are."""
    return dict(os.environ) | {key: str(value) for key, value in said.items() if value is not None}


def show(summary: RunSummary, learned: tuple[Learned, ...], paths: tuple[Path, ...], console: Console) -> None:
    """Print the segments with their weekly pace, the quality beside the baselines, and where the outputs are."""
    title = f"{summary.plan.users:,} users · {summary.plan.mean_per_week:.2f} pushes a week on average"
    table = Table(title=title, title_justify="left")
    table.add_column("segment", overflow="fold")
    for column in ("users", "pushes a week", "10–90 %", "interest"):
        table.add_column(column, justify="right", no_wrap=True)
    for persona in summary.personas:
        table.add_row(
            persona.name,
            f"{persona.users:,}",
            f"{persona.pace_mean:.2f}",
            f"{persona.pace_p10:.2f}–{persona.pace_p90:.2f}",
            f"{persona.interest_mean:.3f}",
        )
    console.print(table)
    for target in learned:
        console.print(_quality(target, summary.run.horizon_days))
    for warning in summary.warnings:
        console.print(f"• {warning}", style="yellow")
    report = next(path for path in paths if path.name == "report.html")
    others = ", ".join(path.name for path in paths if path != report)
    console.print(f"Report: {report}   (beside it: {others})", soft_wrap=True)


def _quality(target: Learned, horizon_days: int) -> Table:
    """Return a table of how well each score ranks users on cut-offs that it had not seen, with 95 % intervals."""
    what = f"activity in the next {horizon_days} days" if target.target == "activity" else "responses to pushes"
    title = (
        f"Predicting {what}: {target.rankings[0].rows:,} unseen rows, calibration error {target.calibration.error:.3f}"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("score")
    for column in ("AUC", "Spearman"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column(f"the {target.model} is")
    for score in target.rankings:
        words = SCORE_WORDS.get(score.score, score.score)
        style = "bold" if score.first_ahead is None else ""
        table.add_row(words, _shown(score.auc), _shown(score.spearman), _verdict(score), style=style)
    return table


def _shown(found: Interval) -> str:
    """Write an estimate with its interval."""
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _verdict(score: Ranking) -> str:
    """Say in a few words how the model does against a baseline."""
    if score.first_ahead is None:
        return ""
    auc, spearman, untied = (score.first_ahead.verdicts[name] for name in ("auc", "spearman", "spearman_untied"))
    if auc == spearman:
        return auc
    if auc == untied:  # what ties do to Spearman: see andante.evaluation.ranking.Ranking
        return f"{auc} ({spearman} by Spearman: ties)"
    return f"{auc} by AUC, {spearman} by Spearman"
