"""Secrets that we make ourselves: kept in one file beside the database, readable by its owner alone, written once."""

from __future__ import annotations

import json
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from andante.vocabulary.fault import StoreUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

MODE = 0o600

BYTES = 32


def kept_secret(file: Path | None, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(BYTES)) -> str:
    """Return the secret of a name, which is made when it is first asked for. Without a file it is of this process.

    Raises StoreUnreadable where the file is not ours, or others may read it.
    """
    if file is None:
        return make()
    held = _read(file)
    if name not in held:
        held[name] = make()
        _write(file, held)
    return held[name]


def secret_file(database: str | Path) -> Path | None:
    """Return where the secrets of a database are kept: None for one in memory."""
    return None if str(database) == ":memory:" else Path(f"{database}.secret")


def _read(file: Path) -> dict[str, str]:
    try:
        found = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unusable(file, f"cannot be read ({error.strerror})") from None
    with os.fdopen(found, encoding="utf-8") as opened:
        if stat.S_IMODE(os.fstat(found).st_mode) & 0o077:
            raise StoreUnreadable("the file of secrets", file, "can be read by others", f"chmod 600 {file}")
        try:
            held = json.load(opened)
        except ValueError:
            raise _unusable(file, "is no JSON") from None
    if not isinstance(held, dict) or not all(isinstance(value, str) for value in held.values()):
        raise _unusable(file, "holds no secrets by name")
    return held


def _write(file: Path, held: dict[str, str]) -> None:
    """Replace the file in one step, so that a crash leaves the old one or the new one."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # 0600 from the first
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            json.dump(held, opened)
            opened.flush()
            os.fsync(opened.fileno())
        Path(draft).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise


def _unusable(file: Path, problem: str) -> StoreUnreadable:
    return StoreUnreadable("the file of secrets", file, problem, "restore it, or remove it: tokens given out then end")
