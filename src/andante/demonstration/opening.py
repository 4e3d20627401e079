"""Opening: a service whose time is the demonstration's, and its shoppers, who come when it listens."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from andante.demonstration import scenario
from andante.demonstration.clock import SPEED, DemoClock
from andante.demonstration.past import keep, past_of
from andante.demonstration.process import Process
from andante.demonstration.routes import Steering
from andante.demonstration.shoppers import Address, Life
from andante.live.clock import SteadyClock
from andante.live.engine import MEMORY
from andante.live.instants import MICROSECONDS
from andante.service.journal import note
from andante.service.keys import new_key
from andante.service.opening import Face, open_service, settings_of
from andante.service.releasing import keep_releasing
from andante.settings import load
from andante.settings.sections.service import SCOPES, ServiceKey
from andante.vocabulary.fault import InputFault, StoreFault
from andante.worlds.contract import HOUR_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from andante.demonstration.past import Past
    from andante.service.opening import Opened
    from andante.service.running import Running
    from andante.settings import Settings

LOOK_S = 0.2
"""How often what is due is looked for, in seconds of the wall: an hour passes in one."""

AGAIN_S = 3.0
"""How long shoppers who ended are missed before others come, in seconds of the wall."""

KEY = "shoppers"
"""What the key of the shoppers' process is called, where callers need one. It is made anew each time."""


def open_demo(  # noqa: PLR0913  what it takes, each by its name
    database: str | Path,
    config: Path | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    speed: float = SPEED,
    faces: Sequence[Callable[[Opened], Face]] = (),
) -> Running:
    """Open the service of a demonstration, which listens already; ``run`` lets it answer, and its shoppers live.

    ``speed`` is how many seconds of the demonstration pass in one of the wall; 0 is a pause. A new one hurries through
    its first two days, unless it is to be slow. ``faces`` make pages, as for any service; one at ``/demo/`` shows a
    shopper's pushes, as their phone would. Raises InputFault for a speed that is out of range and for a database that
    has users and was not made by a demonstration, and what :func:`andante.service.opening.open_service` raises.
    """
    if str(database) == MEMORY:
        raise InputFault("database", database, "cannot hold a demonstration", "give it a file, such as --db demo.db")
    path = Path(database)
    past = past_of(path, SteadyClock().now_us())
    demonstration = Demonstration(path, past, speed)
    try:
        running = open_service(
            path,
            config,
            host=host,
            port=port,
            settings=demonstration.admitted(_settings(path, config)),
            clock=demonstration.clock,
            faces=[*faces, demonstration.face],
        )
    except BaseException:
        demonstration.end()
        raise
    demonstration.address = Address(running.url, demonstration.key)
    return running


class Demonstration:
    """What a demonstration adds to a service: a clock, routes, and loops that run beside it."""

    def __init__(self, database: Path, past: Past, speed: float) -> None:
        """Start the shoppers' process, which has much to get ready while the service opens."""
        self.clock = DemoClock(past.start_us, speed)
        if not past.life and speed >= scenario.HURRY_FROM:
            self.clock.hurry(past.start_us + scenario.HURRY_H * HOUR_S * MICROSECONDS)
        self.address: Address | None = None
        self.key: str | None = None
        self._database, self._number = database, past.life + 1
        self._process = Process(self._life(past))

    def admitted(self, settings: Settings) -> Settings:
        """Return settings by which the shoppers may call: where there are keys, with one of their own."""
        if not settings.service.keys:
            return settings
        made = new_key()
        self.key = made.key
        own = ServiceKey(name=f"{KEY}-{secrets.token_hex(4)}", sha256=made.sha256, scopes=SCOPES)
        service = settings.service.model_copy(update={"keys": (*settings.service.keys, own)})
        return settings.model_copy(update={"service": service})

    def face(self, opened: Opened) -> Face:
        """Return what a demonstration adds to a service that is open."""
        keeps = partial(self._keep, opened.engine.log_name)
        keeps(self.clock.now_us())

        def keep_at_last() -> None:
            with suppress(StoreFault):  # then it goes on a little later than it might
                keeps(self.clock.now_us())

        return Face(
            calls=Steering(self.clock, opened.engine, keeps, opened.books.complaints).routes(),
            beside=(partial(keep_releasing, opened.serving, look_s=LOOK_S), self._live),
            at_last=(keep_at_last,),
        )

    def end(self) -> None:
        """Let the shoppers go."""
        self._process.end()

    async def _live(self, stop: asyncio.Event) -> None:
        """Let shoppers live until the service ends; where their process ends before, let others come."""
        try:
            while not stop.is_set():
                if self.address is not None:
                    self._process.begin(self.address)
                if await self._process.ended(stop):
                    note("the shoppers' process has ended; another one is started", doing="demonstration")
                    await asyncio.to_thread(self._process.end)
                    await _pause(stop, AGAIN_S)
                    self._process = await asyncio.to_thread(self._another)
        finally:
            await asyncio.to_thread(self._process.end)

    def _another(self) -> Process:
        """Start another process, whose shoppers go on from now."""
        self._number += 1
        now_us = self.clock.now_us()
        return Process(self._life(replace(past_of(self._database, now_us), start_us=now_us)))

    def _keep(self, log_name: str, until_us: int) -> None:
        keep(self._database, log_name, self._number, until_us)

    def _life(self, past: Past) -> Life:
        return Life(past.start_us, self._number, known=past.known, gone=past.gone)


def _settings(database: Path, config: Path | None) -> Settings:
    """Return the settings of a configuration, else those of the log, else the demonstration's own.

    How operators work is in no log, so that is the demonstration's own each time.
    """
    if config is not None:
        return settings_of(database, config)
    own = load(scenario.SETTINGS, os.environ)
    if not database.exists() or not database.stat().st_size:
        return own
    return settings_of(database, None).model_copy(update={"operators": own.operators})


async def _pause(stop: asyncio.Event, pause_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(pause_s):
            await stop.wait()
