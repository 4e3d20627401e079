"""Where settings come from: a TOML file or a mapping, overridden by an environment passed in.

The library for settings from the environment (pydantic-settings) does not fit: it reads the process's own
environment when constructed, passes over variables that name no setting, and stops at the first value that it
cannot decode.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from andante.vocabulary.fault import SettingsFault

PREFIX = "ANDANTE_"
SEPARATOR = "__"

Source = Path | Mapping[str, Any] | None
Origins = dict[tuple[str, ...], str]
"""The settings that the environment gave: their path, and the name of the variable."""

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read(source: Source, environ: Mapping[str, str]) -> tuple[dict[str, Any], Origins]:
    """Read the source, lay the environment over it, and return the tree of settings and what the latter gave.

    Raises SettingsFault where the file cannot be read or is no TOML; the values are checked elsewhere.
    """
    tree = parse(_text(source), f"configuration {source}") if isinstance(source, Path) else _copied(source or {})
    return tree, _lay_over(tree, environ)


def parse(text: str, name: str) -> dict[str, Any]:
    """Parse TOML; a syntax error becomes a fault with its line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        line, column = (place[1], place[2]) if place else (None, None)
        if line is None:
            line, column = str(text.count("\n") + 1), str(len(text) - text.rfind("\n"))
        problem = _PLACE.sub("", message)
        raise SettingsFault(
            name,
            f"line {line}, column {column}",
            f"is not valid TOML, {problem[:1].lower()}{problem[1:]}",
            "mend that line",
        ) from error


def _text(path: Path) -> str:
    name = f"configuration {path}"
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsFault(name, f"byte {error.start}", "is not UTF-8", "save the file as UTF-8") from error
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise SettingsFault(
            name, None, f"cannot be read ({reason})", "give the path of a readable TOML file"
        ) from error


def _copied(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the tables of a mapping, so that laying the environment over it leaves the caller's untouched."""
    return {key: _copied(value) if isinstance(value, Mapping) else value for key, value in tree.items()}


def _lay_over(tree: dict[str, Any], environ: Mapping[str, str]) -> Origins:
    """Set what the environment names; an empty variable counts as not set."""
    origins: Origins = {}
    for name in sorted(environ):  # a whole section comes before its keys
        if not name.startswith(PREFIX) or not environ[name]:
            continue
        *tables, last = name.removeprefix(PREFIX).lower().split(SEPARATOR)
        node, path = tree, []
        for part in tables:
            key = _spelt(node, part)
            if not isinstance(node.get(key), dict):
                node[key] = {}
            node = node[key]
            path.append(key)
        key = _spelt(node, last)
        node[key] = _value(environ[name])
        origins[*path, key] = name
    return origins


def _spelt(node: Mapping[str, Any], part: str) -> str:
    """Return the key as the source spells it: variables are all capitals, a category's name need not be."""
    return next((key for key in node if isinstance(key, str) and key.lower() == part), part)


def _value(text: str) -> Any:
    """Read a variable as a TOML value; what is none is text, so that ``deny`` and ``P1D`` need no quotes."""
    try:
        read = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return read["value"] if len(read) == 1 else text
