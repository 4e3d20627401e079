"""``andante explain``: why a user has this pace, and what would change it, in plain words."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from andante.evaluation.explanation import Explanation
    from andante.runners.explaining import Explained

DRIVERS = 5
MOVED_LEAST = 0.005  # pushes per week: less is not shown

DEEDS = {
    "visit_today": "a visit today, a few products looked at",
    "purchase_today": "an order today",
    "quiet_month": "30 quiet days",
    "answers_next_push": "answering the next push",
    "ignores_three_pushes": "ignoring the next three pushes",
}


def explain(
    user: Annotated[str, typer.Argument(help="The user's id, as in frequencies.csv.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder that `andante run` wrote.")] = Path("out"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """Say why a user gets this many pushes a week, what moved it up and down, and what would change it."""
    from andante.runners.explaining import explain_user

    found = explain_user(user, out)
    if as_json:
        sys.stdout.write(json.dumps(_known(asdict(found)), ensure_ascii=False, default=str) + "\n")
    else:
        _show(found, Console())


def _known(value: Any) -> Any:
    """Return plain values with null for unknown, since JSON has no NaN."""
    if isinstance(value, dict):
        return {name: _known(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_known(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _show(found: Explained, console: Console) -> None:
    """Print an explanation."""
    why = found.explanation
    console.print(
        f"[bold]{why.user_id}[/bold] gets [bold]{why.per_week:.2f} pushes a week[/bold] "
        f"(the average is {found.mean_pace:.2f}). Segment: {found.persona}."
    )
    what = f"being active in the next {found.horizon_days} days" if found.target == "activity" else "answering a push"
    console.print(f"The chance of {what} is put at {why.interest:.1%}, on {found.cutoff}.")
    for title, sign in (("What raises it", 1), ("What lowers it", -1)):
        table = _drivers(why, title, sign)
        if table.row_count:
            console.print(table)
    if why.per_week != why.uncapped_per_week:
        console.print(f"Without the plan's bounds it would be {why.uncapped_per_week:.2f}.")
    table = Table(title="What would change it", title_justify="left", show_header=False)
    for change in why.changes:
        moved = change.per_week - why.per_week
        table.add_row(DEEDS.get(change.deed, change.deed), f"{change.per_week:.2f} a week", f"{moved:+.2f}")
    console.print(table)


def _drivers(why: Explanation, title: str, sign: int) -> Table:
    """List the features that move a pace one way, strongest first."""
    from andante.report.words import Words

    words = Words.read("en")
    table = Table(title=title, title_justify="left", show_header=False)
    strong = [driver for driver in why.drivers if driver.per_week * sign >= MOVED_LEAST]
    for driver in strong[:DRIVERS]:
        value = "unknown" if math.isnan(driver.value) else words.amount(driver.feature, driver.value)
        table.add_row(words.feature(driver.feature), value, f"{driver.per_week:+.2f} a week")
    return table
