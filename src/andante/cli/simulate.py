"""``andante simulate``: a policy lives through a simulated world, and is held against others with the same draws."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from andante.evaluation.interval import Interval
    from andante.runners.simulating.simulate import Simulated

SHOWN: dict[str, tuple[str, Callable[[float], str]]] = {
    "value_per_user": ("value per user", "{:,.3f}".format),
    "sends_per_user_week": ("pushes per user-week", "{:.2f}".format),
    "opens_per_push": ("opened, of pushes", "{:.2%}".format),
    "visits_per_user": ("visits per user", "{:,.2f}".format),
    "orders_per_user": ("orders per user", "{:,.3f}".format),
    "opt_outs_per_1000": ("left, per 1,000 pushes", "{:.2f}".format),
    "uninstalls_per_1000": ("of these, uninstalled", "{:.2f}".format),
    "complaints_per_1000": ("complaints, per 1,000 pushes", "{:.2f}".format),
    "night_share": ("at night (23:00 to 7:00), of pushes", "{:.2%}".format),
    "reachable_share": ("reachable at the end, of users", "{:.1%}".format),
    "satisfied_weeks": ("weeks that felt right, of all user-weeks", "{:.1%}".format),
    "users_accurate": ("pushed as often as felt right, of users", "{:.1%}".format),
    "rating": ("rating, 1 to 5", "{:.2f}".format),
}
"""The figures in the order of the table, with what each is called and how it is written."""


def simulate(
    world: Annotated[str, typer.Option(help="World to live through; --list names them.")] = "reference",
    policy: Annotated[str, typer.Option(help="Policy that decides what is sent; --list names them.")] = "andante",
    users: Annotated[int, typer.Option(help="Users of the world.", min=2)] = 10_000,
    weeks: Annotated[int, typer.Option(help="Weeks that it is lived through.", min=1)] = 26,
    seed: Annotated[int, typer.Option(help="Seed of all chance, the world's and the policy's.")] = 7,
    budget: Annotated[float | None, typer.Option(help="Mean pushes per user-week over all users.", min=0.01)] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration of the engine (TOML).")] = None,
    against: Annotated[
        str, typer.Option(help="Policies to be held against with the same draws, apart by commas; empty for none.")
    ] = "none",
    out: Annotated[
        Path | None, typer.Option(help="File for what came of every user and week: .parquet or .npz.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of the engine.", min=1)] = 1,
    named: Annotated[bool, typer.Option("--list", help="Name all worlds and policies, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of a table.")] = False,
) -> None:
    """Let a policy live through a world of simulated users, and say what came of it.

    Every policy meets the same users with the same draws, so what differs between two of them is their own doing.
    """
    from andante.runners.simulating import simulate as simulating
    from andante.settings import load

    if named:
        _name(Console(), as_json=as_json)
        return
    if out is not None:
        simulating.refuse_ending(out)
    settings = load(config, os.environ)
    others = [name.strip() for name in against.split(",") if name.strip()]
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks = {name: progress.add_task(name, total=1.0) for name in dict.fromkeys([policy, *others])}

        def passed(name: str, share: float) -> None:
            progress.update(tasks[name], completed=share)

        found = simulating.simulate(
            world,
            policy,
            users,
            weeks,
            seed,
            budget=budget,
            settings=settings,
            against=others,
            threads=threads,
            progress=passed,
        )
    if out is not None:
        simulating.save(found.lived, out)
    if as_json:
        sys.stdout.write(json.dumps(found.to_dict(), ensure_ascii=False) + "\n")
    else:
        _show(found, Console())


def _show(found: Simulated, console: Console) -> None:
    """Print the figures, each with its interval."""
    weeks = f"{found.weeks} week{'s' if found.weeks > 1 else ''}"
    size = f"{found.users:,} users, {weeks}, seed {found.seed}"
    budget = "" if found.budget is None else f", budget {found.budget:g} a user-week"
    table = Table(title=f"{found.policy} in the world {found.world}: {size}{budget}", title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_column("95 % interval over users", justify="right")
    for name, (words, written) in SHOWN.items():
        table.add_row(words, *_cells(found.figures[name], written))
        if name == "value_per_user":
            for other, difference in found.against.items():
                table.add_row(f"  above {other}", *_cells(difference, "{:+,.3f}".format))
    console.print(table)
    memory = found.peak_memory_bytes / 2**20
    console.print(f"Lived through in {found.seconds:.1f} s, with {memory:,.0f} MiB of memory at most.", highlight=False)


def _cells(found: Interval | None, written: Callable[[float], str]) -> tuple[str, str]:
    if found is None:
        return "–", ""
    return written(found.value), f"{written(found.low)} to {written(found.high)}"


def _name(console: Console, *, as_json: bool) -> None:
    """Print the names of all worlds and policies, with a sentence on each."""
    from andante.runners.simulating.policies import policies
    from andante.worlds.catalogue import WORLDS

    if as_json:
        sys.stdout.write(json.dumps({"worlds": dict(WORLDS), "policies": policies()}, ensure_ascii=False) + "\n")
        return
    for title, names in (("Worlds", WORLDS), ("Policies", policies())):
        table = Table(title=title, title_justify="left", show_header=False)
        for name, sentence in names.items():
            table.add_row(name, sentence)
        console.print(table)
