"""``andante serve``: the engine behind HTTP; ``andante key``: a key for those who call it."""

from __future__ import annotations

import json
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from andante.service.opening import Face, Opened
    from andante.service.running import Running

_DOCUMENT = "openapi.json"


def serve(
    db: Annotated[Path, typer.Option(help="File of the engine's log; it is made if it is not there.")],
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 unless configured.", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 8484 unless configured. 0: a free one.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration (TOML); without one, the log's own.", show_default=False)
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Let simulated shoppers live here, in a file of the demonstration's own.")
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(
            help="With --demo: seconds of it in one of the wall, up to 14400; 3600 unless given. 0: paused.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve decisions over HTTP, until told to end; what was accepted is finished first.

    Without any API key only this machine may call, and another address is refused. With --demo, a few hundred simulated
    shoppers live against the service, on a clock that runs as fast as you like.
    """
    from andante.service import journal
    from andante.service.opening import open_service

    if speed is not None and not demo:
        raise InputFault("--speed", f"{speed:g}", "is for --demo alone", "add --demo, or leave it out")
    if demo:
        from andante.demonstration.clock import SPEED
        from andante.demonstration.opening import open_demo

        chosen = SPEED if speed is None else speed
        running = open_demo(db, config, host=host, port=port, speed=chosen, faces=_faces(demo=True))
    else:
        running = open_service(db, config, host=host, port=port, faces=_faces(demo=False))
    for line in _told(db, running, demo=demo):
        typer.echo(line)
    sys.stdout.flush()
    journal.begin()
    running.run()


def key(as_json: Annotated[bool, typer.Option("--json", help="Print both as JSON.")] = False) -> None:
    """Make an API key. It is shown once: give the key to the caller, and its SHA-256 to the configuration."""
    from andante.service.keys import new_key
    from andante.settings.sections.service import SCOPES

    made = new_key()
    if as_json:
        sys.stdout.write(json.dumps(made._asdict()) + "\n")
        return
    typer.echo(f"key     {made.key}")
    typer.echo(f"sha256  {made.sha256}")
    typer.echo(f'\n[[service.keys]]\nname = "shop"\nsha256 = "{made.sha256}"\nscopes = {json.dumps(SCOPES)}')


def _faces(*, demo: bool) -> list[Callable[[Opened], Face]]:
    """Return what makes the pages: those of operators, and those of shoppers."""
    from andante.dashboard import opening as dashboard
    from andante.shopper import opening as shopper

    return [partial(dashboard.face, demo=demo), shopper.face]


def _told(db: Path, running: Running, *, demo: bool) -> Iterator[str]:
    """Say where it listens, who may call, and what is missing."""
    yield f"andante serves {db} at {running.url} (OpenAPI: {running.url}/{_DOCUMENT})"
    yield f"  the operators' pages: {running.url}/dashboard/"
    if demo:
        yield "  a demonstration: its shoppers are simulated, and its time is its own (PUT /demo/speed)."
    if not running.is_locked:
        yield "  no API key is configured: only this machine may call. `andante key` makes one."
    if find_spec("pyarrow") is None:
        yield "  tables of Arrow are not read: pip install 'andante[plan]'. JSON and MessagePack are."
