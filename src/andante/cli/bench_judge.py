"""The benchmarks of the judge: worlds, policies, estimators and experiments, each held against what is known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from andante.cli import bench
from andante.cli.bench import AsJson, Write, kept
from andante.vocabulary.fault import InputFault

app = bench.app


@app.command()
def worlds_sanity(
    users: Annotated[int, typer.Option(help="Users of each run.")] = 40_000,
    weeks: Annotated[int, typer.Option(help="Weeks of each run.")] = 52,
    seeds: Annotated[int, typer.Option(help="Runs of each pace.")] = 3,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Ask whether the reference world is as its sources say, at every pace, with a picture of value against pace."""
    from andante.benchmarks import worlds_sanity as benchmark

    found = benchmark.sanity(users, weeks, seeds)
    kept("worlds-sanity", found.rows, write=write, as_json=as_json)
    if write:
        typer.echo(f"Kept: {benchmark.picture(found.points, Path('docs/results/worlds-sanity.svg'))}")


@app.command()
def worlds_growth(
    sizes: Annotated[str, typer.Option(help="Users, apart by commas, from few to many.")] = "10000,30000,100000",
    weeks: Annotated[int, typer.Option(help="Weeks that each world is lived through.")] = 26,
    threads: Annotated[int, typer.Option(help="Threads of the engine.")] = 2,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Simulate half a year with the engine deciding every push: time, memory, and how both grow with users."""
    from andante.benchmarks import worlds_growth as benchmark

    figures = benchmark.worlds_growth(_numbers("sizes", sizes, int), weeks, threads=threads)
    kept("worlds-growth", figures, write=write, as_json=as_json)


@app.command()
def policies(
    worlds: Annotated[str, typer.Option(help="Worlds, apart by commas; empty for all.")] = "",
    users: Annotated[int, typer.Option(help="Users of each world.")] = 2000,
    weeks: Annotated[int, typer.Option(help="Weeks that each world is lived through.")] = 26,
    seeds: Annotated[int, typer.Option(help="Worlds of each kind, each with a seed of its own.")] = 20,
    budgets: Annotated[str, typer.Option(help="Pushes per user-week, apart by commas; none for no budget.")] = "2,none",
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Compare the engine with every baseline and the oracle in the same worlds: what each brings beyond no push."""
    from andante.benchmarks import policies as benchmark

    given = [None if one == "none" else _numbers("budgets", one, float)[0] for one in _parts(budgets)]
    figures = benchmark.policies(users, weeks, seeds, given, _parts(worlds) or None)
    kept("policies", figures, write=write, as_json=as_json)


@app.command()
def experiments(
    runs: Annotated[int, typer.Option(help="Simulated experiments of each kind.")] = 2000,
    users: Annotated[int, typer.Option(help="Users of each simulated experiment.")] = 20_000,
    archive: Annotated[
        Path | None, typer.Option(help="Archive of Hillstrom's trial. Default: where make puts it.")
    ] = None,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Error rates under continuous looking, sample-ratio checks, CUPED, Qini, and the known lifts of a real trial."""
    from andante.benchmarks import experiments as benchmark
    from andante.evaluation.experiments.hillstrom import ARCHIVE

    usual = Path(sys.prefix) / "data" / ARCHIVE
    figures = benchmark.experiments(runs, users, archive or (usual if usual.exists() else None))
    kept("experiments", figures, write=write, as_json=as_json)


@app.command()
def estimators(
    replications: Annotated[int, typer.Option(help="Logs of each kind.")] = 300,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Off-policy estimators where the truth is known: error and coverage by effective sample size."""
    from andante.benchmarks import estimators as benchmark

    kept("estimators", benchmark.estimators_measured(replications), write=write, as_json=as_json)


@app.command()
def estimators_worlds(
    replications: Annotated[int, typer.Option(help="Logs of each kind.")] = 200,
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Hold the same estimators against the truth in worlds of simulated users, over one week and four."""
    from andante.benchmarks import estimators_worlds as benchmark

    kept("estimators-worlds", benchmark.estimators_in_worlds(replications), write=write, as_json=as_json)


@app.command()
def open_bandit(
    peer_python: Annotated[Path, typer.Option(help="Python of an environment with obp.")] = Path(
        ".venv-obp/bin/python"
    ),
    write: Write = False,
    as_json: AsJson = False,
) -> None:
    """Off-policy estimates on the Open Bandit sample, beside those of the package that brings it."""
    from andante.benchmarks import open_bandit as benchmark

    if not peer_python.exists():
        make = 'scripts/make-peer-environment .venv-obp "" peer-obp.txt'
        raise InputFault("the peer's Python", peer_python, "is not there", f"make its environment: {make}")
    kept("open-bandit", benchmark.open_bandit(benchmark.agreement(peer_python)), write=write, as_json=as_json)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(name: str, text: str, kind: Any) -> list[Any]:
    """Read numbers apart by commas."""
    try:
        numbers = [kind(part) for part in _parts(text)]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) <= 0:
        raise InputFault(f"--{name}", text, "are no numbers above 0, apart by commas", "write them as in 1000,3000")
    return numbers
