"""A process to be killed: it appends commits to a database, and says which ones were acknowledged.

It is started once, and forks a child for every life, so that a life costs no start of an interpreter. Each line on its
standard input is one life as JSON, the arguments of ``live``; it answers with how the child ended. With ``statements``
the child kills itself as it begins that many SQL statements, with ``instructions`` when SQLite has taken that many
steps of ten instructions.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from andante.stores import sqlite as module
from andante.stores.contract import Commit, Row
from andante.stores.sqlite import SqliteStore
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import Action

if TYPE_CHECKING:
    import sqlite3

ROWS = 3
"""Rows of each commit."""


def commit(number: int) -> Commit:
    """Return the commit of this number, counted from 0: always the same, with something of everything."""
    first = number * ROWS + 1
    at_us = 1_780_000_000_000_000 + number
    rows = [
        Row(
            first,
            Kind.EVENT,
            number,
            at_us,
            None,
            json.dumps({"type": "view", "item_id": "x" * (number * 997 % 9_000)}),
        ),
        Row(first + 1, Kind.REQUEST, number, at_us, Action.DEFER, "{}"),
        Row(first + 2, Kind.RELEASE, number, at_us, Action.SEND, "{}"),
    ]
    return Commit(
        rows=rows,
        users=[(number, f"user-{number}")],
        names=[("channel", number, f"channel-{number}")],
        keys=[(number.to_bytes(16, "big"), (number + 100).to_bytes(16, "big"), first, at_us)],
        preferences=[(number, "max_per_day", str(number), at_us), (0, "max_per_day", str(number), at_us)],
        waiting=[(first + 1, number, number)],
        settled=[first - ROWS + 1],
        states=[(number, first, bytes([number % 256]) * 100), (number // 2, first, b"\xff" * 100)],
        replay_from=first if number % 4 == 0 else None,
        meta={"latest": str(number)},
    )


def live(*, path: str, acknowledged: str, commits: int, statements: int = 0, instructions: int = 0) -> None:
    """Append so many commits after those that are there, and note each one that was acknowledged."""
    connect = module.connect

    def watched(*args: object, **options: object) -> sqlite3.Connection:
        connection = connect(*args, **options)
        if statements:
            connection.set_trace_callback(doom(statements))
        if instructions:
            connection.set_progress_handler(doom(instructions), 10)
        return connection

    module.connect = watched
    store = SqliteStore.open(path)
    done = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    first = store.load().last_position // ROWS
    for number in range(first, first + commits):
        store.append(commit(number))
        os.write(done, f"{number}\n".encode())
    store.close()


def doom(steps: int):
    """Return a callback that kills the process when it is called for the last time of so many, over all connections."""

    def step(*_: object) -> None:
        global taken  # noqa: PLW0603  one count for all connections of a life
        taken += 1
        if taken == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


taken = 0


def main() -> None:
    """Serve lives until the input ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                live(**json.loads(line))
                code = 0
            finally:
                os._exit(code)
        sys.stdout.write(f"{child}\n{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent)]
    main()
