"""``andante replay``: every decision of a log taken again, and compared with what was logged, bit for bit."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from andante.runners.replaying import Replayed

SHOWN = 5
"""How many differences are shown; ``--json`` gives more."""


def replay(
    log: Annotated[Path, typer.Argument(help="File of an engine, which may be running.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of a table.")] = False,
) -> None:
    """Take every decision of a log again, from the log alone, and compare it bit for bit.

    The exit code is 0 only when every decision came out as it was logged, and 1 when one did not.
    """
    from andante.runners.replaying import replay as run

    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("replaying {task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(str(log), total=None)
        found = run(log)
    if as_json:
        sys.stdout.write(json.dumps(_figures(found), ensure_ascii=False) + "\n")
    else:
        _show(found, Console())
    if not found.exact:
        raise typer.Exit(1)


def _figures(found: Replayed) -> dict[str, Any]:
    """Return what was found as plain values, with null for a number that is not known."""
    figures = {"exact": found.exact} | asdict(found)
    for difference in figures["differences"]:
        for side in ("logged", "replayed"):
            if isinstance(difference[side], float) and math.isnan(difference[side]):
                difference[side] = None
    return figures


def _show(found: Replayed, console: Console) -> None:
    """Print the table, and the first differences where there are any."""
    title = "exact: every decision came out as it was logged" if found.exact else "not exact"
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right", overflow="fold")
    table.add_row("users", f"{found.users:,}")
    table.add_row("records", f"{found.records:,}")
    table.add_row("decisions", f"{found.decisions:,}")
    table.add_row("of these, sends", f"{found.sends:,}")
    if found.passed_over:
        table.add_row("passed over, since the first states include them", f"{found.passed_over:,}")
    table.add_row("different", f"{found.different:,}")
    table.add_row("policies, as step.version.hash", _span(found.policies))
    table.add_row("digest of all users' records at the end", found.state_digest)
    table.add_row("time zone database", found.time_zones)
    table.add_row("seconds", f"{found.seconds:.2f}")
    console.print(table)
    if found.exact:
        return
    for one in found.differences[:SHOWN]:
        text = f"decision {one.decision_id}: {one.field} was {one.logged!r}, and is {one.replayed!r}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    for reason in _suspects(found):
        console.print(reason, markup=False, highlight=False, soft_wrap=True)


def _span(policies: list[str]) -> str:
    """Name the policies of a log: all there are, or the first and the last of many."""
    if len(policies) <= SHOWN:
        return ", ".join(policies)
    return f"{policies[0]} … {policies[-1]} ({len(policies):,})"


def _suspects(found: Replayed) -> list[str]:
    """Say what is known to make a replay differ, where it is so."""
    steps = {policy.partition(".")[0] for policy in found.policies} - {str(found.step_version)}
    if not steps:
        return []
    return [f"Some were taken by step {', '.join(sorted(steps))}; this is step {found.step_version}: take its release."]
