"""Secrets of channels: each in a file of its own, named by a setting; never in the configuration itself."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from andante.vocabulary.fault import SettingsFault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BYTES_MAX: Final = 65_536

MODE: Final = 0o600


def read_secret(setting: str, file: Path) -> str:
    """Return the text of a file, without white space around it. Raises SettingsFault, which never shows the text."""
    try:
        with file.open("rb") as opened:
            held = opened.read(BYTES_MAX + 1)
    except OSError as error:
        raise SettingsFault(setting, file, f"cannot be read ({error.strerror})", "give a file we may read") from None
    try:
        text = held.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or len(held) > BYTES_MAX:
        raise SettingsFault(setting, file, "holds no secret", "put the secret in it, as text and nothing else")
    return text


def made_once(setting: str, file: Path, make: Callable[[], str]) -> str:
    """Return the text of a file, which is made when it is not there: for its owner alone, by one process alone.

    Raises SettingsFault where it can neither be read nor made.
    """
    if not file.exists():
        draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        try:
            _write(draft, make())
            with suppress(FileExistsError):  # of two who make it, the first wins
                os.link(draft, file)
            draft.unlink()
        except OSError as error:
            problem = f"cannot be made ({error.strerror})"
            raise SettingsFault(setting, file, problem, "give a file in a folder we may write to") from None
    return read_secret(setting, file)


def _write(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(descriptor)
