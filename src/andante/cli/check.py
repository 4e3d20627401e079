"""``andante check``: every fault of a configuration, with its fix."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from andante.settings import faults, warnings


def check(
    config: Annotated[
        Path, typer.Argument(help="Configuration (TOML), of `run` and of the engine.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check a configuration: name each fault and its fix, and what is allowed but cannot do what it says.

    Environment variables that override it (ANDANTE_SECTION__KEY) are checked with it.
    """
    wrong = faults(config, os.environ)
    doubts = [] if wrong else warnings(config, os.environ)
    if as_json:
        found = {"faults": [str(fault) for fault in wrong], "warnings": [str(doubt) for doubt in doubts]}
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    else:
        for fault in wrong:
            typer.echo(f"fault: {fault}", err=True)
        for doubt in doubts:
            typer.echo(f"warning: {doubt}")
        typer.echo(f"{config}: {_verdict(len(wrong), len(doubts))}", err=bool(wrong))
    if wrong:
        raise typer.Exit(2)


def _verdict(faults: int, warnings: int) -> str:
    """Say what was found in all."""
    if faults:
        return _many(faults, "fault")
    return f"no fault, {_many(warnings, 'warning')}" if warnings else "nothing is wrong"


def _many(count: int, noun: str) -> str:
    """Count a noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
