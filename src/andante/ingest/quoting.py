"""Quoting: names, texts and paths of the user's, written so that SQL takes them for nothing else."""

import glob
from pathlib import Path


def quoted(name: str) -> str:
    """Return a name as an SQL identifier.

    >>> print(quoted('say "x" now'))
    "say ""x"" now"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def escaped(path: Path) -> str:
    """Return a path that DuckDB does not take for a pattern or an address."""
    return glob.escape(str(path.resolve()))
