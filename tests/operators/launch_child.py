"""A process to be killed: it launches a campaign over an engine's file and its books, and dies at any moment.

It is started once and forks a child for every life. Each line on its standard input is one life as JSON; it answers
with the pid of the child, and after its end with its wait status. With ``statements`` the child kills itself as it
begins that many SQL statements, so that every boundary between two of them is met.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import traceback
from pathlib import Path

from books_desk import OPEN, books, engine_of

from andante.operators.launch import Launch

CONFIG = OPEN | {"caps": [{"scope": "global", "limit": 1, "window": "P1D"}]}
CHUNK = 5


def main() -> None:
    """Serve lives until the input ends."""
    with engine_of(["ann"]) as engine:  # load what is compiled, once for all children
        table = {"user_id": ["ann"], "candidate_id": ["c"], "category": "promotion", "channel": "push"}
        engine.decide_columns(table)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                live(**json.loads(line))
            except BaseException:  # noqa: BLE001  whatever it is, it is said, and the life was no good
                traceback.print_exc()
                os._exit(3)
            os._exit(0)
        say(child)
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def live(*, folder: str, campaigns: list[str], statements: int = 0) -> None:
    """Launch until killed, or until there is nothing left to launch."""
    if statements:
        die_at(statements)
    with (
        engine_of(path=Path(folder) / "shop.db", config=CONFIG) as engine,
        books(Path(folder), engine, launch_chunk=CHUNK) as opened,
    ):
        launch = Launch(engine, opened)
        for campaign_id in campaigns:
            launch.run(campaign_id)


def die_at(statements: int) -> None:
    """Have every connection that is opened from now on count its statements, and the process die at one of them."""
    left = [statements]
    connect = sqlite3.connect

    def count(_statement: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counting(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = counting  # type: ignore[assignment]


if __name__ == "__main__":
    main()
