"""The past of a demonstration: whether a database is one's, who lives in it, and when it goes on.

A small file beside the database, ``NAME.demo``, says that the log is a demonstration's, and how far its time has come.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from andante.demonstration.names import SHOPPER
from andante.live.instants import MICROSECONDS
from andante.live.recovery import LOG_NAME
from andante.stores.connection import connect, faults
from andante.vocabulary.fault import InputFault, StoreFault, StoreUnreadable
from andante.worlds.contract import DAY_S, HOUR_S

if TYPE_CHECKING:
    import sqlite3

BEGINS_H = 8
"""The hour, UTC, at which a new demonstration begins: some shoppers are in their morning, others in their afternoon."""

VERSION = 1

_ROOM = "see whether its disk has room, and is ours to write to"

_LOG = "SELECT value FROM meta WHERE key = ?"
_ANYBODY = "SELECT EXISTS (SELECT 1 FROM users)"
_SHOPPERS = "SELECT user_id FROM users WHERE substr(user_id, 1, ?) = ?"
_GONE = """SELECT user_id FROM preferences JOIN users ON users.number = preferences.user
WHERE key = 'consent.push' AND value = 'false' AND substr(user_id, 1, ?) = ?"""
# Who else was told of here may have been at any time; shoppers never are ahead of the clock.
_LAST = """SELECT coalesce(max(at_us), 0) FROM log JOIN users ON users.number = log.user
WHERE position > (SELECT coalesce(max(position), 0) FROM log) - 5000 AND substr(user_id, 1, ?) = ?"""


class Kept(Struct, frozen=True):
    """What the file says."""

    version: int
    log_name: str
    life: int  # how often the shoppers have begun to live
    now_us: int  # the clock has not passed this moment


class Past(Struct, frozen=True):
    """What a demonstration begins with."""

    start_us: int
    life: int = 0
    known: tuple[str, ...] = ()  # shoppers of earlier lives
    gone: tuple[str, ...] = ()  # those of them who want no pushes


def past_of(database: Path, wall_us: int) -> Past:
    """Return what a demonstration in this database begins with.

    Raises InputFault where the log has users and is no demonstration's: nothing of it was touched then.
    """
    new = Past(_first_us(wall_us))
    if not database.exists() or not database.stat().st_size:
        return new
    with faults(database), closing(connect(database, write=False)) as connection:
        name = connection.execute(_LOG, (LOG_NAME,)).fetchone()
        kept = _kept(file_of(database))
        if name is not None and kept is not None and kept.log_name == name[0]:
            return _going_on(connection, kept, wall_us)
        if connection.execute(_ANYBODY).fetchone()[0]:
            raise InputFault(
                "database",
                database,
                "has users, and no demonstration made it",
                "give --demo a file of its own, such as --db demo.db, or serve this one without --demo",
            )
    return new


def keep(database: Path, log_name: str, life: int, now_us: int) -> None:
    """Write down how far it has come, in one step. Raises StoreFault where the disk does not take it."""
    file = file_of(database)
    draft = file.with_name(f".{file.name}.draft")
    try:
        draft.write_bytes(msgspec.json.encode(Kept(VERSION, log_name, life, now_us)))
        draft.replace(file)
    except OSError as error:
        raise StoreFault(
            "the file of the demonstration", file, f"cannot be written ({error.strerror})", _ROOM
        ) from None


def file_of(database: Path) -> Path:
    """Return where it is written down."""
    return Path(f"{database}.demo")


def _going_on(connection: sqlite3.Connection, kept: Kept, wall_us: int) -> Past:
    given = (len(SHOPPER), SHOPPER)
    last_us = int(connection.execute(_LAST, given).fetchone()[0])
    return Past(
        max(kept.now_us, last_us + 1, wall_us),
        kept.life,
        tuple(user_id for (user_id,) in connection.execute(_SHOPPERS, given)),
        tuple(user_id for (user_id,) in connection.execute(_GONE, given)),
    )


def _first_us(wall_us: int) -> int:
    """Return the next morning from now: never before the machine's own time, by which providers judge."""
    day_us, begins_us = DAY_S * MICROSECONDS, BEGINS_H * HOUR_S * MICROSECONDS
    return -(-(wall_us - begins_us) // day_us) * day_us + begins_us


def _kept(file: Path) -> Kept | None:
    """Return what the file says; None where there is none."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Kept)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise _unreadable(file, str(error)) from None
    if found.version != VERSION:
        raise _unreadable(file, f"is of version {found.version}")
    return found


def _unreadable(file: Path, problem: str) -> StoreUnreadable:
    return StoreUnreadable("the file of the demonstration", file, problem, "begin anew with another --db")
