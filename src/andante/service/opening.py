"""Opening: a database and a configuration in, a service ready to run out."""

from __future__ import annotations

import json
import logging
import os
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import andante
from andante.live.clock import SteadyClock
from andante.live.engine import MEMORY, Engine
from andante.live.policies import SETTINGS
from andante.operators import Books
from andante.operators.books import books_of
from andante.operators.launch import Launch
from andante.operators.launcher import Launcher
from andante.service.delivering import Delivering
from andante.service.journal import note
from andante.service.keys import refuse_unguarded
from andante.service.numbers import Numbers
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
    from collections.abc import Callable, Sequence

    from starlette.routing import BaseRoute

    from andante.service.routes import Route
    from andante.service.running import Beside
    from andante.settings import Settings
    from andante.settings.sections.service import Service
    from andante.vocabulary.fault import Fault

TOKENS, PERSONS = "tokens", "persons"
"""The names of the secrets that tokens are signed with, and pseudonyms of users made with."""

OWN = "service"
"""The section of the settings that is the server's own."""

_KEPT = "SELECT value FROM meta WHERE key = ?"


@dataclass(frozen=True)
class Opened:
    """What is open: what pages are made of."""

    serving: Serving
    engine: Engine
    settings: Settings
    database: Path
    config: Path | None
    delivering: Delivering
    books: Books
    clock: SteadyClock


class Face(NamedTuple):
    """Pages that a service answers with, loops that they need, and what is called when all has ended."""

    routes: Sequence[BaseRoute] = ()  # which guard themselves
    calls: Sequence[Route] = ()  # guarded and described as the service's own
    beside: Sequence[Beside] = ()
    at_last: Sequence[Callable[[], None]] = ()


def open_service(  # noqa: PLR0913  what it takes, each by its name
    database: str | Path,
    config: Path | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    settings: Settings | None = None,
    clock: SteadyClock | None = None,
    faces: Sequence[Callable[[Opened], Face]] = (),
) -> Running:
    """Open the engine of a database and return its service, which listens already; ``run`` lets it answer.

    Without a configuration, the engine keeps the settings that its log was last opened with. ``host`` and ``port``
    override the configuration, as ``settings`` do where they are given; ``faces`` make pages of what is open. A log in
    memory has neither pages nor pushes.
    Raises SettingsFault where anybody could call without a key, and what ``Engine.open`` raises.
    """
    settings = settings or settings_of(database, config)
    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    service = settings.service.model_copy(update=chosen)
    settings = settings.model_copy(update={OWN: service})
    refuse_unguarded(service)
    clock = clock or SteadyClock()
    with ExitStack() as opening:
        engine = Engine.open(database, settings, clock=clock)
        opening.callback(engine.close)
        tokens = Tokens(
            kept_secret(secret_file(database), TOKENS),
            service.outcome_token_life,
            service.public_url,
            preference_link_life=service.preference_link_life,
        )
        if str(database) == MEMORY:
            running = Running(Serving(engine, service, tokens), andante.__version__)
        else:
            delivering = Delivering(engine, database, settings, tokens, clock)
            opening.callback(delivering.close)
            books = Books.open(
                books_of(database),
                clock,
                settings=settings.operators,
                secret=kept_secret(secret_file(database), PERSONS),
                engine=engine,
            )
            opening.callback(books.close)
            serving = _serving(engine, Path(database), tokens, delivering, books, service)
            opened = Opened(serving, engine, settings, Path(database), config, delivering, books, clock)
            running = _running(opened, [face(opened) for face in faces])
        opening.pop_all()
        return running


def _serving(  # noqa: PLR0913, PLR0917  what a service is made of
    engine: Engine, database: Path, tokens: Tokens, delivering: Delivering, books: Books, service: Service
) -> Serving:
    """Return what answers calls."""
    privacy = Persons(
        engine,
        delivering.outbox.database,
        Numbers(database),
        held={"complaints": books.complaints.of_user},
        forgetting=[books.forget],
        covers=["operators' books"],
    )
    serving = Serving(
        engine, service, tokens, database=database, delivery=delivering.port, privacy=privacy, audit=books.audit
    )
    serving.on_news.append(delivering.dispatcher.wake)
    return serving


def _running(opened: Opened, faces: Sequence[Face]) -> Running:
    """Return the service with everything that travels beside it: pushes, feeds of pages, the operators' view."""
    delivering = opened.delivering
    launcher = Launcher(Launch(opened.engine, opened.books), _tell)
    streams = Streams(opened.serving, delivering.feed, opened.settings.stream)
    phone = [] if opened.serving.keyring.locks else demo(opened.settings.service, delivering.vapid_public_key)
    return Running(
        opened.serving,
        andante.__version__,
        more=[*streams.routes(), *phone, *(route for face in faces for route in face.routes)],
        described=[streams.ticket, *(call for face in faces for call in face.calls)],
        beside=(delivering.run, streams.run, launcher.run, *(loop for face in faces for loop in face.beside)),
        at_last=(*(end for face in faces for end in face.at_last), opened.books.close, delivering.close),
    )


def _tell(fault: Fault) -> None:
    """Write down why a launch does not go on."""
    note(str(fault), level=logging.ERROR, doing="launch")


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
