"""``andante replay``: the decisions of a log taken again, by the policy that took them, or by another one."""

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
    from collections.abc import Callable

    from andante.runners.counterfactual.answer import Judgement, Line
    from andante.runners.replaying import Replayed

SHOWN = 5
"""How many differences are shown; ``--json`` gives more."""

OPENS, WITHIN = "opens", "P7D"


def replay(
    log: Annotated[Path, typer.Argument(help="File of an engine, which may be running.", show_default=False)],
    policy: Annotated[
        str | None,
        typer.Option(
            help="Ask what another policy would have brought: logged, none, pace=3, cap=5/P7D, "
            "cap=category:promotion:2/P1D, or a configuration (TOML)."
        ),
    ] = None,
    reward: Annotated[
        str, typer.Option(help="What counts: opens, clicks, conversions, value, visits or spend.")
    ] = OPENS,
    within: Annotated[str, typer.Option(help="How long after a push its outcomes count.")] = WITHIN,
    opt_out_cost: Annotated[float, typer.Option(help="What an opt-out takes away, in the unit of the reward.")] = 0.0,
    clip: Annotated[float | None, typer.Option(help="Cut weights above this: steadier, and nearer to the log.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of a table.")] = False,
) -> None:
    """Take every decision of a log again, to the bit; with --policy, say what another one would have brought.

    Without --policy the exit code is 0 only when every decision came out as it was logged, and 1 when one did not.
    """
    if policy is not None:
        _judge(log, policy, (reward, within, opt_out_cost), clip, as_json=as_json)
        return
    if (reward, within, opt_out_cost, clip) != (OPENS, WITHIN, 0.0, None):
        raise typer.BadParameter("go with --policy", param_hint="--reward, --within, --opt-out-cost, --clip")
    from andante.runners.replaying import replay as run

    found: Replayed = _while_running(log, "replaying", lambda: run(log))
    if as_json:
        _print(_figures(found))
    else:
        _show(found, Console())
    if not found.exact:
        raise typer.Exit(1)


def _judge(log: Path, policy: str, wanted: tuple[str, str, float], clip: float | None, *, as_json: bool) -> None:
    """Answer what another policy would have brought. "Cannot answer" is an answer: the exit code is 0."""
    from andante.runners.counterfactual.judge import counterfactual
    from andante.runners.counterfactual.reward import read_reward

    reward = read_reward(*wanted)
    found: Judgement = _while_running(log, "judging", lambda: counterfactual(log, policy, reward, clip=clip))
    if as_json:
        _print(_known(asdict(found)))
    else:
        _show_judged(found, Console())


def _while_running(log: Path, doing: str, work: Callable[[], Any]) -> Any:
    """Show that something is going on, where somebody looks."""
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn(f"{doing} {{task.description}}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(str(log), total=None)
        return work()


def _print(figures: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


def _known(value: Any) -> Any:
    """Return plain values with null for what is no number, since JSON has neither NaN nor infinity."""
    if isinstance(value, dict):
        return {name: _known(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_known(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _show_judged(found: Judgement, console: Console) -> None:
    """Print what another policy would have brought, on what that stands, and the verdict."""
    console.print(f"{found.policy}: {found.answer}", markup=False, highlight=False, style="bold")
    for per in dict.fromkeys(line.per for line in found.lines):
        table = Table(title=f"{_counted(found)} per {per}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("", no_wrap=True)
        for heading in ("brings", "95 %", "ESS", "max w", "clipped"):
            table.add_column(heading, justify="right", no_wrap=True)
        for line in found.lines:
            if line.per == per:
                name = {"logged": "logged", "judged": line.method, "difference": "less the log"}[line.policy]
                table.add_row(name, *_cells(line))
        console.print(table)
    _say(console, "", (found.sentence, found.over_weeks))
    sends = [f"{value:.2f} {_SENDS[name]}" for name, value in found.sends_per_user_week.items() if value is not None]
    _say(console, "Pushes per user-week: ", ("; ".join(sends),) if sends else ())
    young = f"; {found.too_young:,} left out, as outcomes may still come" if found.too_young else ""
    stands = f"{found.used:,} {found.used_are} of {found.decisions:,} decisions, {found.users:,} users"
    _say(console, "Stands on: ", (f"{stands}, {found.user_weeks:,} user-weeks{young}",))
    _say(console, "Held fixed: ", found.held_fixed)
    _say(console, "To have an answer: ", found.to_answer)


_SENDS = {"logged": "logged", "judged": "by the policy", "let_through": "let through by the cap"}


def _counted(found: Judgement) -> str:
    """Say what was counted, and for how long."""
    counted = found.reward
    if counted not in {"visits", "spend"}:
        counted += f" within {found.within_days:g} days"
    return f"{counted}, less {found.opt_out_cost:g} for an opt-out" if found.opt_out_cost else counted


def _cells(line: Line) -> list[str]:
    value, low, high = line.value, line.low, line.high
    if value is None or low is None or high is None:
        brings = ["withheld", ""]
    else:
        sign = "+" if line.policy == "difference" else ""
        brings = [f"{value:{sign}.3g}", f"{low:{sign}.3g} to {high:{sign}.3g}"]
    if line.effective is None or line.weight_max is None or line.clipped is None:
        return [*brings, "", "", ""]
    return [*brings, f"{line.effective:,.0f}", f"{line.weight_max:.3g}", f"{line.clipped:.1%}"]


def _say(console: Console, head: str, parts: tuple[str, ...]) -> None:
    for part in filter(None, parts):
        console.print(head + part, markup=False, highlight=False, soft_wrap=True)


def _figures(found: Replayed) -> dict[str, Any]:
    """Return what was found as plain values, with null for a number that is not known."""
    figures: dict[str, Any] = _known({"exact": found.exact} | asdict(found))
    return figures


def _show(found: Replayed, console: Console) -> None:
    """Print the table, and the first differences where there are any."""
    title = "exact: every decision came out as it was logged" if found.exact else "not exact"
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right", overflow="fold")
    table.add_row("users", f"{found.users:,}")
    if found.erased:
        table.add_row("of these, erased", f"{found.erased:,}")
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
