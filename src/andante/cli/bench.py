"""``andante bench``: the benchmarks, as ratios measured side by side in one run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Measure Andante beside what its field uses, in one run, as ratios.", no_args_is_help=True)

Write = Annotated[bool, typer.Option("--write", help="Keep the figures under docs/results.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON too.")]


@app.command()
def features(
    events: Annotated[int, typer.Option(help="Events to generate.")] = 20_000_000,
    users: Annotated[int, typer.Option(help="Users to generate.")] = 1_000_000,
    scale: Annotated[int, typer.Option(help="How many times as many, for the run within the same memory.")] = 3,
    memory_mib: Annotated[int, typer.Option(help="Memory limit of the engine of features, in MiB.")] = 2048,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Features of every user from Parquet and CSV, beside pandas computing the same ones."""
    from andante.benchmarks import features as benchmark

    kept(
        "features",
        benchmark.features(events, users, scale=scale, memory_max_mib=memory_mib),
        write=write,
        as_json=as_json,
    )


@app.command()
def scoring(
    rows: Annotated[int, typer.Option(help="Users to score at once.")] = 1_000_000,
    repeats: Annotated[int, typer.Option(help="Repeats of each measurement.")] = 5,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Scoring by the forest: one user and many, beside scikit-learn with the same trees."""
    from andante.benchmarks import forest

    kept("scoring", forest.scoring(rows, repeats), write=write, as_json=as_json)


@app.command()
def training(
    rows: Annotated[int, typer.Option(help="Users to learn from.")] = 1_000_000,
    full: Annotated[
        bool, typer.Option("--full", help="Let scikit-learn learn from all of them too (about 17 minutes).")
    ] = False,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Training the forest, and its accuracy in cross-validation, beside scikit-learn's."""
    from andante.benchmarks import forest

    kept("training", forest.training(rows, peer_on_all_rows=full), write=write, as_json=as_json)


@app.command()
def engine(
    users: Annotated[int, typer.Option(help="Users in memory and in the database that is opened.")] = 1_000_000,
    repeats: Annotated[int, typer.Option(help="Repeats of each measurement.")] = 5,
    history: Annotated[int, typer.Option(help="The longest past of one user, in decisions.")] = 1_000_000,
    peer_python: Annotated[
        Path | None,
        typer.Option(help="Python 3.12 or newer, of the peer's environment or to make it with. Default: found."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder on a real disk for databases. Default: that of temporary files.")
    ] = None,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Decisions of the engine in memory and on disk, opening and starting, beside bare loops, SQLite and a peer."""
    from andante.benchmarks import engine as benchmark

    figures = benchmark.engine(users, repeats, history=history, peer_python=peer_python, folder=folder)
    kept("engine", figures, write=write, as_json=as_json)


@app.command()
def arbitration(
    users: Annotated[int, typer.Option(help="Users of each world.")] = 200,
    days: Annotated[int, typer.Option(help="Days that each world is lived through.")] = 21,
    seeds: Annotated[int, typer.Option(help="Worlds, each with a seed of its own.")] = 20,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Value per send where the least valuable pushes come first, beside first come, first served at equal sends."""
    from andante.benchmarks import arbitration as benchmark

    kept("arbitration", benchmark.arbitration(users, days, seeds), write=write, as_json=as_json)


@app.command()
def service(
    seconds: Annotated[float, typer.Option(help="How long each load lasts.")] = 8.0,
    repeats: Annotated[int, typer.Option(help="Repeats of each measurement.")] = 5,
    peer_python: Annotated[
        Path | None,
        typer.Option(help="Python 3.12 or newer, of the peer's environment or to make it with. Default: found."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder on a real disk for databases. Default: that of temporary files.")
    ] = None,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Durable decisions over HTTP, beside a constant answer, the codec alone and a peer; and overload."""
    from andante.benchmarks import service as benchmark

    figures = benchmark.service(seconds, repeats, peer_python=peer_python, folder=folder)
    kept("service", figures, write=write, as_json=as_json)


@app.command()
def pages(
    minutes: Annotated[float, typer.Option(help="How long the page is watched under load.")] = 10.0,
    seconds: Annotated[float, typer.Option(help="How long each load lasts that is compared with others.")] = 8.0,
    repeats: Annotated[int, typer.Option(help="Repeats of each comparison; of the demonstration at most 3.")] = 5,
    folder: Annotated[
        Path | None, typer.Option(help="Folder on a real disk for databases. Default: that of temporary files.")
    ] = None,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Cost of the dashboard to the engine, how its page feels at 500 decisions a second, and how soon a demo moves."""
    from andante.benchmarks import pages as benchmark

    kept("pages", benchmark.pages(minutes, seconds, repeats, folder=folder), write=write, as_json=as_json)


def kept(name: str, figures: Mapping[str, Any] | Sequence[Mapping[str, Any]], *, write: bool, as_json: bool) -> None:
    """Print and keep the figures as asked."""
    if as_json:
        sys.stdout.write(json.dumps(figures) + "\n")
    if write:
        from andante.benchmarks.measure import write_results

        rows = [figures] if isinstance(figures, Mapping) else figures
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip()
        command = " ".join(["andante", *sys.argv[1:]])
        for path in write_results(name, rows, command=command, seed=7, commit=commit, folder=Path("docs/results")):
            typer.echo(f"Kept: {path}")
