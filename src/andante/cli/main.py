"""The ``andante`` command: its subcommands, and how every fault ends it.

Each subcommand imports what it needs when it is called, so that help is instant and the core needs no extra.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import andante
from andante.cli import audit, bench_judge, check, evaluate, explain, replay, run, serve, simulate
from andante.vocabulary.fault import Fault, MissingExtra

EXTRA_OF = (
    dict.fromkeys(
        ("altair", "duckdb", "ibis", "jinja2", "lightgbm", "mlxtend", "pyarrow", "scipy", "sklearn", "vl_convert"),
        "plan",
    )
    | {"pandas": "plan", "playwright": "bench", "psutil": "bench", "vowpalwabbit": "vw"}
    | dict.fromkeys(
        (
            "aiosmtplib",
            "cryptography",
            "h2",
            "http_ece",
            "httpcore",
            "httptools",
            "itsdangerous",
            "jwt",
            "limits",
            "liquid",
            "prometheus_client",
            "standardwebhooks",
            "starlette",
            "tomlkit",
            "uvicorn",
            "uvloop",
            "websockets",
        ),
        "service",
    )
    | {"apprise": "apprise", "httpx": "client", "stamina": "client"}
)
"""Which extra brings a library that is missing."""

app = typer.Typer(
    name="andante",
    help="Learns how often each shopper wants to be pushed, plans a weekly pace for every one of them, and decides in "
    "real time whether a push goes out now, later or never.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(run.run)
app.command()(explain.explain)
app.command()(replay.replay)
app.command()(check.check)
app.command()(serve.serve)
app.command()(serve.key)
app.command()(audit.audit)
app.command()(simulate.simulate)
app.command()(evaluate.evaluate)
app.add_typer(bench_judge.app, name="bench")


def _version(shown: bool) -> None:
    if shown:
        typer.echo(f"andante {andante.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options of the command itself."""


def main() -> None:
    """Run the command line.

    The exit code is 0 when it worked, and 2, with one line on standard error, for what the user can mend.
    """
    try:
        app()
    except Fault as fault:
        _end(fault)
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        if name not in EXTRA_OF:
            raise
        extra = EXTRA_OF[name]
        _end(MissingExtra("library", name, "is not installed", f"pip install 'andante[{extra}]'"))


def _end(fault: Fault) -> None:
    """Say what is wrong in one line, and leave."""
    typer.echo(f"andante: {fault}", err=True)
    sys.exit(fault.exit_code)
