"""``andante evaluate``: what a log shows, with intervals, and whether it can be relied on."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from andante.runners.evaluating.figures import Evaluation, Figure

STYLES = {"good": "green", "look": "yellow", "bad": "red", "unknown": "dim"}


def evaluate(
    log: Annotated[
        Path,
        typer.Argument(
            help="File of an engine, which may be running; the Open Bandit sample; or Hillstrom's trial.",
            show_default=False,
        ),
    ],
    reward: Annotated[
        str | None, typer.Option(help="Of Hillstrom's trial: visit, conversion or spend; all, if absent.")
    ] = None,
    within: Annotated[str, typer.Option(help="Of an engine: how long after a push its outcomes count.")] = "P7D",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of tables.")] = False,
) -> None:
    """Say what a log shows, with 95 % intervals, and whether it can be relied on."""
    from andante.runners.evaluating.evaluate import evaluate as run

    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("evaluating {task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(str(log), total=None)
        found = run(log, reward=reward, within=within)
    if as_json:
        sys.stdout.write(json.dumps(_known(asdict(found)), ensure_ascii=False) + "\n")
    else:
        _show(found, Console())


def _show(found: Evaluation, console: Console) -> None:
    """Print every section as a table, then the checks, then the verdict."""
    console.print(found.title, markup=False, highlight=False, style="bold", soft_wrap=True)
    for section in found.sections:
        if not section.figures:
            continue
        expects = any(figure.expected is not None for figure in section.figures)
        table = Table(title=section.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("")
        for heading in ("", "95 %", *(["expected"] if expects else [])):
            table.add_column(heading, justify="right", no_wrap=True)
        for figure in section.figures:
            table.add_row(figure.name, *_cells(figure), *([_written(figure.expected, figure)] if expects else []))
        console.print(table)
    for check in found.checks:
        console.print(f"{check.answer:>7}  ", style=STYLES[check.answer], end="", markup=False, highlight=False)
        console.print(f"{check.name}: {check.sentence}", markup=False, highlight=False, soft_wrap=True)
    console.print(found.verdict, markup=False, highlight=False, style="bold", soft_wrap=True)


def _cells(figure: Figure) -> list[str]:
    if figure.value is None:
        return ["unknown", ""]
    if figure.low is None or figure.high is None:
        return [_written(figure.value, figure), ""]
    return [_written(figure.value, figure), f"{_written(figure.low, figure)} to {_written(figure.high, figure)}"]


def _written(value: float | None, figure: Figure) -> str:
    if value is None:
        return ""
    if figure.unit == "count":
        return f"{value:,.0f}"
    return f"{value:.2%}" if figure.unit == "share" else f"{value:.3g}"


def _known(value: Any) -> Any:
    """Return plain values with null for what is no number, since JSON has neither NaN nor infinity."""
    if isinstance(value, dict):
        return {name: _known(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_known(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
