"""``andante audit``: what operators did, and whether anybody changed what is written of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from andante.operators.audit import Audit, Entry
    from andante.operators.chain import Broken

BROKEN = 1
"""The exit code of a chain that does not hold."""


def audit(
    db: Annotated[
        Path, typer.Argument(help="File of the engine's log, whose books lie beside it.", show_default=False)
    ],
    verify: Annotated[
        bool, typer.Option("--verify", help="Say whether the chain of entries holds, and its head.")
    ] = False,
    expect: Annotated[
        str | None, typer.Option(help="A head that was kept elsewhere, COUNT:HASH: it must be in the chain.")
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="Only entries of this action, such as rules.apply.", show_default=False)
    ] = None,
    before: Annotated[int | None, typer.Option(help="Only entries before this number.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="The most entries that are listed.", min=1, max=1000)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """List what operators did, latest first; with --verify or --expect, say whether the list is as it was written.

    The server may be running. The exit code is 1 where the chain does not hold. A chain alone cannot show that it was
    put back to an older state together with its head: keep the head that --verify prints elsewhere, and --expect it.
    """
    from andante.operators.audit import Audit
    from andante.operators.books import books_of
    from andante.operators.chain import read_head

    expected = None if expect is None else read_head(expect)
    opened = Audit.reading(Path(books_of(db)))
    try:
        if verify or expected is not None:
            _say_whether(opened, opened.verify(expected), as_json=as_json)
        elif as_json:
            _print({"entries": [one.to_dict() for one in opened.entries(before, limit, action)]})
        else:
            Console().print(_table(opened.entries(before, limit, action)))
    finally:
        opened.close()


def _say_whether(opened: Audit, broken: Broken | None, *, as_json: bool) -> None:
    """Say whether the chain holds; leave with an exit code where it does not."""
    if as_json:
        _print({"holds": broken is None, "head": str(opened.head), "broken": broken and broken._asdict()})
    elif broken is None:
        typer.echo(f"the chain holds: {opened.head.entries} entries\nhead {opened.head}")
    else:
        typer.echo(f"the chain is broken at entry {broken.number} ({broken.kind}): {broken.said}", err=True)
    if broken is not None:
        raise typer.Exit(BROKEN)


def _table(entries: list[Entry]) -> Table:
    table = Table(title="What operators did", title_justify="left")
    for name in ("no.", "when (UTC)", "who", "action", "subject"):
        table.add_column(name, no_wrap=name in {"no.", "when (UTC)"})
    table.add_column("outcome", overflow="fold")
    for one in entries:
        outcome = "done" if one.refused is None else f"refused: {one.refused}"
        cells = (str(one.number), f"{one.at:%Y-%m-%d %H:%M:%S}", one.who, one.action, one.subject, outcome)
        table.add_row(*map(_plain, cells))
    return table


def _plain(text: str) -> str:
    """Return text that a table shows as it is."""
    from rich.markup import escape

    return escape("".join(letter if letter.isprintable() else "?" for letter in text))


def _print(figures: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(figures, ensure_ascii=False, default=str) + "\n")
