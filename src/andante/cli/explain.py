"""``andante explain``: why a user has this pace, or why the engine decided as it did, in plain words."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from andante.evaluation.explanation import Explanation
    from andante.live.explanation import Counterfactual, Why
    from andante.runners.explaining import Explained
    from andante.vocabulary.records import Verdict

DRIVERS = 5
MOVED_LEAST = 0.005  # pushes per week: less is not shown
WEEK_S = 604_800

DEEDS = {
    "visit_today": "a visit today, a few products looked at",
    "purchase_today": "an order today",
    "quiet_month": "30 quiet days",
    "answers_next_push": "answering the next push",
    "ignores_three_pushes": "ignoring the next three pushes",
}

ACTIONS = {"send": "sent", "defer": "deferred", "suppress": "not sent"}

REASONS = {
    "kill_switch": "the kill switch is on",
    "holdout": "the user is held out, to measure against",
    "consent_channel": "there is no consent to the channel",
    "consent_category": "the user refused the category",
    "paused": "the user asked for silence for a while",
    "expiry": "it has expired",
    "duplicate": "the same campaign and item went out lately",
    "quiet_hours": "it is quiet hours where the user is",
    "dial": "the user's own maximum is reached",
    "cap_global": "a cap over everything is full",
    "cap_category": "a cap on the category is full",
    "cap_channel": "a cap on the channel is full",
    "gap": "it is too soon after the push before",
    "vendor_quota": "the vendor lets no more through for now",
    "pace": "the plan has no credit for a push yet",
    "reserved": "the slot is worth more later",
    "held_by_chance": "chance held it back, to learn from",
    "outranked": "another candidate is worth more",
    "worthless": "it costs more than it brings",
    "merged": "a newer one of its campaign or item took its place",
    "final_check": "the rules refused it when they were asked once more",
    "best": "it is worth more than waiting",
    "transactional": "the user waits for it",
    "sent_by_chance": "chance sent it, to learn from",
}
"""What each reason says, as the end of a sentence."""


def explain(
    user: Annotated[
        str, typer.Argument(help="The user's id, as in frequencies.csv or in requests.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder that `andante run` wrote: explain the plan.")] = Path("out"),
    db: Annotated[
        Path | None, typer.Option(help="File of an engine, which may be running: explain the last decision.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="With --db: the moment that the next time counts from (RFC 3339).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """Say why a user gets this many pushes a week and what would change it; with --db, what held the last decision."""
    if db is None:
        if at is not None:
            raise typer.BadParameter("goes with --db", param_hint="--at")
        from andante.runners.explaining import explain_user

        found = explain_user(user, out)
        _print(_known(asdict(found))) if as_json else _show(found, Console())
    else:
        from andante.live.reading import explain_from

        why = explain_from(db, user, datetime.now(UTC) if at is None else _instant(at))
        _print(why.to_dict()) if as_json else _show_decision(why, Console())


def _print(figures: Any) -> None:
    """Print figures as JSON."""
    sys.stdout.write(json.dumps(figures, ensure_ascii=False, default=str) + "\n")


def _instant(text: str) -> datetime:
    """Read a moment."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.min  # noqa: DTZ901  without a zone, like one that was given so
    if at.tzinfo is None:
        raise typer.BadParameter(f"{text!r} is no time with a zone, such as 2026-06-01T12:00:00Z", param_hint="--at")
    return at


def _known(value: Any) -> Any:
    """Return plain values with null for unknown, since JSON has no NaN."""
    if isinstance(value, dict):
        return {name: _known(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_known(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _show(found: Explained, console: Console) -> None:
    """Print an explanation of a pace."""
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


def _show_decision(why: Why, console: Console) -> None:
    """Print an explanation of a decision."""
    user, decision = why.user, why.decision
    if decision is None:
        console.print(f"No decision on {user.user_id} is in the log.", markup=False, highlight=False)
        return
    done = ACTIONS[decision.action]
    if decision.action == "defer":
        done += f" until {_when(decision.send_at)}"
    what = "" if decision.candidate_id is None else f"{decision.candidate_id} "
    lines = [
        f"{user.user_id}: {what}{done}, because {REASONS[decision.reasons[0]]}.",
        f"Decision {decision.decision_id} of {_when(why.at)}, policy {decision.policy_version}.",
    ]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    console.print(_candidates(why.verdicts))
    if decision.action == "send":
        return
    console.print("\n".join(_next(why)), markup=False, highlight=False, soft_wrap=True)
    if why.counterfactuals:
        console.print(_changes(why.counterfactuals))
    else:
        console.print("No single change of a limit, the plan or the patience would have sent it then.")


def _candidates(verdicts: tuple[Verdict, ...]) -> Table:
    """List what every candidate met."""
    table = Table(title="Candidates", title_justify="left")
    table.add_column("candidate", overflow="fold")
    table.add_column("refused by", no_wrap=True)
    table.add_column("rules allow it from")
    judged = any(verdict.index is not None for verdict in verdicts)
    if judged:
        table.add_column("worth now", justify="right", no_wrap=True)
        table.add_column("reason")
    for verdict in verdicts:
        cells = [verdict.candidate_id, "\n".join(verdict.refused_by) or "no rule", _when(verdict.allowed_at)]
        if judged:
            cells += ["", ""] if verdict.index is None else [f"{verdict.index:.4g}", REASONS[verdict.reason]]
        table.add_row(*cells)
    return table


def _next(why: Why) -> list[str]:
    """Say when the same push may go out, as things stand at the moment that was asked about."""
    user = why.user
    lines = [f"As of {_when(user.at)}, the rules allow it from: {_when(why.next_at)}."]
    if user.credit < 1.0:
        pace = user.pace_per_week
        ready = user.at + timedelta(seconds=(1.0 - user.credit) * WEEK_S / pace) if pace > 0 else None
        lines.append(f"The plan of {pace:.2f} a week has credit for a push from: {_when(ready)}.")
    return lines


def _changes(counterfactuals: tuple[Counterfactual, ...]) -> Table:
    """List what would have let the push out, each by itself."""
    table = Table(title="It would have gone out", title_justify="left", show_header=False)
    for found in counterfactuals:
        moved = "" if found.before is None or found.after is None else f"{found.before:.3g} → {found.after:.3g}"
        table.add_row(found.change, found.setting, moved)
    return table


def _when(at: datetime | None) -> str:
    """Write a moment, to the second."""
    return "never" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
