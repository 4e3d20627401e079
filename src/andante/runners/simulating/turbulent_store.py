"""A store that dies: before a commit is made, or after it is durable and before anybody hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from andante.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from andante.stores.contract import Commit


class Crashed(BaseException):
    """The process is gone. Nobody handles this but who starts another one."""


class MortalStore(SqliteStore):
    """A database of a process that may die at any commit.

    It dies as a process does: the file is let go of as it is, without a checkpoint, and every later call meets a dead
    process too.
    """

    fate: Callable[[], str]
    _dead = False

    @classmethod
    def born(cls, path: str | Path, fate: Callable[[], str]) -> Self:
        """Open a database; ``fate`` says at each commit "before", "after" or "" whether the process dies there."""
        store = cls.open(path)
        store.fate = fate
        return store

    def append(self, commit: Commit) -> None:
        """Make a commit durable, unless the process dies before; or die after it."""
        with self._guard:
            if self._dead:
                raise Crashed
            fate = self.fate()
            if fate == "before":
                self._die()
            super().append(commit)
            if fate == "after":
                self._die()

    def _die(self) -> None:
        self._dead = True
        self.close()
        raise Crashed
