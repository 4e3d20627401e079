"""One writer a database: a lock of the operating system on a file beside it, which says who holds it.

The kernel drops the lock when its process ends, however it ends, so no lock is ever stale.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakMethod

from andante.vocabulary.fault import StoreBusy, StoreUnreadable


class Lock:
    """The right to write to one database."""

    def __init__(self, database: Path) -> None:
        """Take the lock, or raise ``StoreBusy``, which names the holder."""
        self.path = Path(f"{database}.lock")
        self._descriptor: int | None = _taken(self.path, database)
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since_s": int(time.time())}
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(holder).encode(), 0)
        # A forked child would keep the lock beyond its parent's death: closing its copy frees nothing of the parent's.
        close = WeakMethod(self._close)
        os.register_at_fork(after_in_child=lambda: (alive := close()) and alive())

    def release(self, *, remove: bool = False) -> None:
        """Give the lock back; ``remove`` leaves no file behind."""
        if self._descriptor is not None:
            if remove:
                self.path.unlink(missing_ok=True)
            self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _taken(path: Path, database: Path) -> int:
    """Return an open descriptor of the file that now holds the lock."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreUnreadable(
                "database", database, f"cannot be locked ({error.strerror})", "choose a folder that you may write to"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 1024, 0)
            os.close(descriptor)
            raise _busy(database, holder) from None
        if _is_still(descriptor, path):
            return descriptor
        os.close(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    """Tell whether the path still names the file that was locked: somebody may have removed it in between."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _busy(database: Path, holder: bytes) -> StoreBusy:
    """Say who holds the lock."""
    try:
        told = json.loads(holder)
        since = datetime.fromtimestamp(told["since_s"], UTC).isoformat()
        who = f"process {told['pid']} on {told['host']} since {since}"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return StoreBusy(
        "database",
        database,
        f"is written to by {who}",
        "close it there first, or let that process decide for both",
    )
