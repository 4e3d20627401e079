"""Watching: whether the server lives, whether it should be sent calls, and what it has done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from andante.service.metrics import MEDIA_TYPE
from andante.service.serving import Reply, reply
from andante.service.shapes import Alive, Ready
from andante.stores.connection import connect
from andante.vocabulary.fault import StoreFault

if TYPE_CHECKING:
    from pathlib import Path

    from andante.service.serving import Call, Serving

_STANDING = "SELECT (SELECT coalesce(max(position), 0) FROM log), (SELECT count(*) FROM waiting)"


async def healthz(serving: Serving, call: Call) -> Reply:  # noqa: ARG001  every handler is given both
    """Say that the server answers."""
    return reply(Alive())


async def readyz(serving: Serving, call: Call) -> Reply:  # noqa: ARG001  every handler is given both
    """Say whether calls should be sent here: not while it is ending, nor while the log cannot be written to."""
    problem = serving.health.problem()
    return reply(Ready(problem is None, problem), 200 if problem is None else 503)


async def metrics(serving: Serving, call: Call) -> Reply:  # noqa: ARG001  every handler is given both
    """Return what Prometheus reads."""
    standing = None if serving.database is None else await serving.workers.run(_standing, serving.database)
    page = serving.metrics.page(serving.gathering.depths(), serving.bodies.held, standing)
    return Reply(page, media_type=MEDIA_TYPE)


def _standing(database: Path) -> tuple[int, int] | None:
    """Return where the log ends and how many requests wait; None where it cannot be read now."""
    try:
        with closing(connect(database, write=False)) as connection:
            position, waiting = connection.execute(_STANDING).fetchone()
    except (StoreFault, sqlite3.Error):
        return None
    return int(position), int(waiting)
