"""Opening: a database and a configuration in, a service ready to run out."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import andante
from andante.live.clock import SteadyClock
from andante.live.engine import MEMORY, Engine
from andante.live.policies import SETTINGS
from andante.service.delivering import Delivering
from andante.service.keys import refuse_unguarded
from andante.service.pages_demo import demo
from andante.service.persons import Persons
from andante.service.running import Running
from andante.service.secret import kept_secret, secret_file
from andante.service.serving import Serving
from andante.service.stream_assembly import Streams
from andante.service.tokens import Tokens
from andante.settings import load
from andante.stores.connection import connect, faults

if TYPE_CHECKING:
    from andante.settings import Settings

TOKENS = "tokens"
"""The name of the secret that tokens are signed with."""

OWN = "service"
"""The section of the settings that is the server's own."""

_KEPT = "SELECT value FROM meta WHERE key = ?"


def open_service(
    database: str | Path,
    config: Path | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    with_demo: bool = False,
) -> Running:
    """Open the engine of a database and return its service, which listens already; ``run`` lets it answer.

    Without a configuration, the engine keeps the settings that its log was last opened with. ``host`` and ``port``
    override the configuration; ``with_demo`` adds a page that shows pushes. Raises SettingsFault where anybody could
    call without a key, and what ``Engine.open`` raises.
    """
    settings = settings_of(database, config)
    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    service = settings.service.model_copy(update=chosen)
    refuse_unguarded(service)
    clock = SteadyClock()
    with ExitStack() as opened:
        engine = Engine.open(database, settings, clock=clock)
        opened.callback(engine.close)
        tokens = Tokens(kept_secret(secret_file(database), TOKENS), service.outcome_token_life, service.public_url)
        if str(database) == MEMORY:
            running = Running(Serving(engine, service, tokens), andante.__version__)
        else:
            delivering = Delivering(engine, database, settings, tokens, clock)
            opened.callback(delivering.close)
            running = _running(
                engine, Path(database), settings.model_copy(update={OWN: service}), tokens, delivering, with_demo
            )
        opened.pop_all()
        return running


def _running(  # noqa: PLR0913, PLR0917  what a service is made of
    engine: Engine,
    database: Path,
    settings: Settings,
    tokens: Tokens,
    delivering: Delivering,
    with_demo: bool,  # noqa: FBT001  by place, as its caller's
) -> Running:
    """Return the service with everything that travels beside it: pushes, feeds of pages, the operators' view."""
    serving = Serving(
        engine,
        settings.service,
        tokens,
        database=database,
        delivery=delivering.port,
        privacy=Persons(engine, delivering.outbox.database),
    )
    serving.on_news.append(delivering.dispatcher.wake)
    streams = Streams(serving, delivering.feed, settings.stream)
    pages = demo(settings.service, delivering.vapid_public_key) if with_demo else []
    return Running(
        serving,
        andante.__version__,
        more=[*streams.routes(), *pages],
        described=[streams.ticket],
        beside=(delivering.run, streams.run),
        at_last=(delivering.close,),
    )


def settings_of(database: str | Path, config: Path | None) -> Settings:
    """Return the settings of a configuration, else those that a log was last opened with, else the defaults.

    Who may call, and where, is this server's business and not the log's: without a configuration nobody has a key,
    and so only this machine may call.
    """
    if config is not None:
        return load(config, os.environ)
    path = Path(database)
    if str(database) == MEMORY or not path.exists() or not path.stat().st_size:
        return load(None, os.environ)
    with faults(path), closing(connect(path, write=False)) as connection:
        kept = connection.execute(_KEPT, (SETTINGS,)).fetchone()
    if kept is None:
        return load(None, os.environ)
    return load({name: section for name, section in json.loads(kept[0]).items() if name != OWN}, os.environ)
